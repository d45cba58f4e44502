package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestSecureHeaders(t *testing.T) {
	var log logBuffer
	answerOf := func(o Options, h http.HandlerFunc) http.Header {
		o.Log = log.logger()
		w := httptest.NewRecorder()
		Public(h, o, nil).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		return w.Header()
	}
	silent := func(http.ResponseWriter, *http.Request) {}

	h := answerOf(Options{}, silent)
	for name, want := range map[string]string{
		"X-Content-Type-Options":    "nosniff",
		"Referrer-Policy":           "no-referrer",
		"Cache-Control":             "no-store",
		"Content-Security-Policy":   "default-src 'none'; frame-ancestors 'none'",
		"Strict-Transport-Security": "",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if answerOf(Options{HSTS: true}, silent).Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS where asked for")
	}

	t.Run("a page's own values hold, for that page alone", func(t *testing.T) {
		own := answerOf(Options{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Security-Policy", "default-src 'self'")
			w.Header().Add("Cache-Control", "private")
		})
		if own.Get("Content-Security-Policy") != "default-src 'self'" {
			t.Errorf("got %v", own)
		}
		next := answerOf(Options{}, silent)
		if len(next["Cache-Control"]) != 1 || next.Get("Content-Security-Policy") != h.Get("Content-Security-Policy") {
			t.Errorf("the next answer has %v", next)
		}
	})
}
