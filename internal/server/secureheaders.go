package server

import "net/http"

// secureHeaders sets what protects an answer that says nothing of its own: an
// API's, which no browser should sniff, store, frame or run. A page sets its own
// Content-Security-Policy and Cache-Control over these.
func secureHeaders(next http.Handler, hsts bool) http.Handler {
	// One slice for all requests: Set replaces it, Add copies it.
	var (
		noSniff    = []string{"nosniff"}
		noReferrer = []string{"no-referrer"}
		noStore    = []string{"no-store"}
		nothing    = []string{"default-src 'none'; frame-ancestors 'none'"}
		httpsOnly  = []string{"max-age=31536000"}
	)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["X-Content-Type-Options"] = noSniff
		h["Referrer-Policy"] = noReferrer
		h["Cache-Control"] = noStore
		h["Content-Security-Policy"] = nothing
		if hsts {
			h["Strict-Transport-Security"] = httpsOnly
		}
		next.ServeHTTP(w, r)
	})
}
