package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestRequestIDIsTakenOverOnlyIfHarmless(t *testing.T) {
	made := regexp.MustCompile(`^[0-9a-f]{16}$`)
	for _, tc := range []struct {
		name  string
		given []string
		keep  bool
	}{
		{"none", nil, false},
		{"harmless", []string{"Abc-1.2_3"}, true},
		{"longest", []string{strings.Repeat("a", 64)}, true},
		{"too long", []string{strings.Repeat("a", 65)}, false},
		{"empty", []string{""}, false},
		{"two", []string{"a", "b"}, false},
		{"space", []string{"a b"}, false},
		{"line end", []string{"a\nlevel=ERROR"}, false},
		{"quote", []string{`a"b`}, false},
		{"not ASCII", []string{"é"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := requestID(tc.given)
			if tc.keep && got != tc.given[0] || !tc.keep && !made.MatchString(got) {
				t.Errorf("got %q", got)
			}
		})
	}
	if first, second := requestID(nil), requestID(nil); first == second {
		t.Error("two requests share an id")
	}
}

func TestHandlerAndAnswerKnowTheRequestID(t *testing.T) {
	var log logBuffer
	h := Public(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, RequestID(r.Context()))
	}), Options{Log: log.logger()}, nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if id := w.Header().Get("X-Request-Id"); id == "" || w.Body.String() != id {
		t.Errorf("header %q, context %q", id, w.Body)
	}
	if RequestID(t.Context()) != "" {
		t.Error("an id outside of a request")
	}
}

func TestAccessLineHoldsTheRouteAndNoSecrets(t *testing.T) {
	var log logBuffer
	mux := http.NewServeMux()
	mux.HandleFunc("POST /reset/{token}", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, "secret-answer")
	})
	h := Public(mux, Options{Log: log.logger()}, nil)
	r := httptest.NewRequest(http.MethodPost, "/reset/secret-path?code=secret-query", strings.NewReader("secret-body"))
	r.Header.Set("Authorization", "Bearer secret-token")
	r.Header.Set("Cookie", "edi-token=secret-cookie")
	r.Header.Set("X-User-Ctx", "secret-context")
	r.Header.Set("Referer", "https://h/secret-referer")
	r.RemoteAddr = "192.0.2.7:1"
	h.ServeHTTP(httptest.NewRecorder(), r)
	line := log.String()
	mustContain(t, line, "method=POST", `route="POST /reset/{token}"`, "status=202", "bytes=13", "took=", "request_id=", "network=192.0.2.7/32")
	if strings.Contains(line, "secret") {
		t.Errorf("a secret is in the log: %s", line)
	}
}

func TestAccessLineOfOddRequests(t *testing.T) {
	var log logBuffer
	h := Public(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		SetRoute(r.Context(), "named")
	}), Options{Log: log.logger()}, nil)
	r := httptest.NewRequest("SECRET", "/", nil)
	r.RemoteAddr = "@"
	h.ServeHTTP(httptest.NewRecorder(), r)
	mustContain(t, log.String(), "method=other", "route=named", "status=200", "network=local")
}
