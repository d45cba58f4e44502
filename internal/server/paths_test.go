package server

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// shows answers with its own name and the path as it came.
func shows(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, name+" "+r.URL.EscapedPath()) })
}

// Given routes on a ServeMux, when a path is spelled in another way than they
// are, then the owner of the cleaned path gets it as it was sent, and nobody is
// redirected.
func TestUncleanPathsGoToTheirOwner(t *testing.T) {
	mux := http.NewServeMux()
	for pattern, name := range map[string]string{
		"/": "pages", "/api/users": "partner", "/api/users/": "partner", "/api/auth/login": "partner", "/auth/": "edi", "GET /keys": "keys",
	} {
		mux.Handle(pattern, shows(name))
	}
	chains := map[string]http.Handler{
		"public":         Public(HostMux(mux, nil), Options{Log: (&logBuffer{}).logger()}, nil),
		"internal":       Internal(mux, Options{Log: (&logBuffer{}).logger()}, nil),
		"a host of ours": Public(HostMux(shows("elsewhere"), map[string]http.Handler{"example.com": mux}), Options{Log: (&logBuffer{}).logger()}, nil),
	}
	for target, want := range map[string]string{
		"/api/users":              "partner /api/users",
		"/api/users/1":            "partner /api/users/1",
		"/api//users":             "partner /api//users",
		"//api/users":             "partner //api/users",
		"/api/users//":            "partner /api/users//",
		"/api/./users":            "partner /api/./users",
		"/auth/../api/users":      "partner /auth/../api/users",
		"/api/auth//login":        "partner /api/auth//login",
		"/auth/v1/../../auth":     "edi /auth/v1/../../auth",
		"//auth":                  "edi //auth",
		"/x/..//auth/v1/ping":     "edi /x/..//auth/v1/ping",
		"/api%2fusers":            "pages /api%2fusers",
		"/api/%2e%2e/users":       "pages /api/%2e%2e/users",
		"/..":                     "pages /..",
		"//":                      "pages //",
		"//keys":                  "keys //keys",
		"http://example.com":      "pages /",
		"http://example.com//api": "pages //api",
	} {
		for name, h := range chains {
			// As net/http reads it: httptest would clean some of these.
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + target + " HTTP/1.1\r\nHost: example.com\r\n\r\n")))
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusOK || w.Body.String() != want {
				t.Errorf("%s, %s: %d %q, want %q", target, name, w.Code, w.Body, want)
			}
		}
	}
}
