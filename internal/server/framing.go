package server

import "net/http"

// closeAfterEncodings ends the connection after a request with a
// Transfer-Encoding: if a proxy before us framed it by its Content-Length, what
// it takes for the next request is part of this one (RFC 9112 sections 6.1 and
// 11.2). net/http hides the header of an HTTP/1.0 request, so those always end
// their connection.
func closeAfterEncodings(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 && (len(r.TransferEncoding) > 0 || r.ProtoMinor == 0) {
			w.Header()["Connection"] = []string{"close"}
		}
		next.ServeHTTP(w, r)
	})
}
