package server

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func says(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) })
}

func TestHostMux(t *testing.T) {
	h := HostMux(says("any"), map[string]http.Handler{"EDI.example": says("edi"), "portal.example": says("portal")})
	for host, want := range map[string]string{
		"edi.example": "edi", "EDI.Example:8080": "edi", "edi.example.": "edi", "portal.example:1": "portal",
		"other.example": "any", "xedi.example": "any", "": "any", "127.0.0.1:80": "any", "[::1]:80": "any", "[::1]": "any", "::": "any",
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		h.ServeHTTP(w, r)
		if w.Body.String() != want {
			t.Errorf("%q: %s, want %s", host, w.Body, want)
		}
	}
}

func TestForeignHostsAreRefusedWhereNamesAreConfigured(t *testing.T) {
	run := serve(t, Options{Public: says("ok"), Hosts: []string{"id.example"}})
	for request, want := range map[string]int{
		"GET / HTTP/1.1\r\nHost: id.example:80\r\n\r\n":                             200,
		"GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n":                                 421,
		"GET http://evil.test/ HTTP/1.1\r\nHost: id.example\r\n\r\n":                421,
		"GET / HTTP/1.1\r\nHost: evil.test\r\nX-Forwarded-Host: id.example\r\n\r\n": 421,
		"GET /health/live HTTP/1.1\r\nHost: 10.0.0.9\r\n\r\n":                       200,
	} {
		answers, _ := raw(t, run.public, request, 1)
		if len(answers) != 1 || answers[0].status != want {
			t.Errorf("%q: %s, want %d", request, fmt.Sprint(answers), want)
		}
	}
}
