package server

import (
	"net/http"
	"net/url"
	"path"
	"strings"
)

// CleanPath says whether a path is spelled the one way that a router knows it
// by: no empty segments, no dots, a slash in front. A trailing slash is left to
// the routes.
func CleanPath(u *url.URL) bool {
	escaped := u.EscapedPath()
	return escaped == cleaned(escaped)
}

func cleaned(escaped string) string {
	clean := path.Clean("/" + strings.TrimPrefix(escaped, "/"))
	if clean != "/" && strings.HasSuffix(escaped, "/") {
		clean += "/"
	}
	return clean
}

// asWritten keeps a ServeMux from redirecting a path to what it would rather
// see: for an unclean path that is an answer which no contract knows, and which
// a proxy that reads paths otherwise may follow past its own rules. Whoever
// owns the cleaned path gets the request as it came, and answers for what it
// does not know. Handlers of other kinds are left alone.
func asWritten(h http.Handler) http.Handler {
	mux, ok := h.(*http.ServeMux)
	if !ok {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		escaped := r.URL.EscapedPath()
		clean := cleaned(escaped)
		switch {
		case escaped == clean, r.Method == http.MethodConnect, r.RequestURI == "*":
			mux.ServeHTTP(w, r)
			return
		case escaped == "": // of a target such as http://host
			mux.ServeHTTP(w, at(r, clean))
			return
		}
		owner, pattern := mux.Handler(at(r, clean))
		if strings.HasSuffix(pattern, clean+"/") { // the mux would redirect to the subtree
			owner, pattern = mux.Handler(at(r, clean+"/"))
		}
		r.Pattern = pattern
		owner.ServeHTTP(w, r)
	})
}

// at is the request as if it had been made for another escaped path.
func at(r *http.Request, escaped string) *http.Request {
	other := r.WithContext(r.Context())
	u := *r.URL
	u.RawPath = escaped
	var err error
	if u.Path, err = url.PathUnescape(escaped); err != nil {
		u.Path, u.RawPath = escaped, ""
	}
	other.URL = &u
	return other
}
