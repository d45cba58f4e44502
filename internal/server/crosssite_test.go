package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestCrossSite(t *testing.T) {
	h, err := CrossSite(says("ok"), []string{"https://app.example"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		method, fetchSite, origin string
		status                    int
	}{
		{"PUT", "cross-site", "", 403},
		{"PUT", "same-site", "", 403},
		{"PUT", "", "https://evil.test", 403},
		{"PUT", "", "null", 403},
		{"POST", "cross-site", "https://app.example", 200},
		{"PUT", "same-origin", "", 200},
		{"PUT", "none", "", 200},
		{"PUT", "", "http://id.example", 200},
		{"PUT", "", "", 200},
		{"GET", "cross-site", "", 200},
	} {
		r := httptest.NewRequest(tc.method, "http://id.example/", nil)
		for name, v := range map[string]string{"Sec-Fetch-Site": tc.fetchSite, "Origin": tc.origin} {
			if v != "" {
				r.Header.Set(name, v)
			}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tc.status {
			t.Errorf("%+v: %d", tc, w.Code)
		}
	}

	t.Run("a door's own refusal", func(t *testing.T) {
		own, err := CrossSite(says("ok"), nil, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTeapot)
		}))
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPut, "/", nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		w := httptest.NewRecorder()
		own.ServeHTTP(w, r)
		if w.Code != http.StatusTeapot {
			t.Errorf("got %d", w.Code)
		}
	})

	if _, err := CrossSite(says(""), []string{"not an origin"}, nil); err == nil {
		t.Error("a broken origin is accepted")
	}
}
