package server

import "net/http"

// Public wraps the handlers of the public listener. health answers what it
// knows before the hosts are checked; nil: nothing does.
func Public(h http.Handler, o Options, health func(http.ResponseWriter, *http.Request) bool) http.Handler {
	names := o.InternalHeaders
	if names == nil {
		names = DefaultInternalHeaders()
	}
	h = limitBody(asWritten(h))
	h = allowHosts(h, o.Hosts)
	h = first(health, h)
	h = recovering(h, o.Log)
	h = withoutInternal(h, names, o.Log)
	h = closeAfterEncodings(h)
	h = secureHeaders(h, o.HSTS)
	return observe(h, o.Log, o.TrustedProxies, PublicSide, o.Observer)
}

// Internal wraps the handlers of the internal listener: the same without the
// removal of internal headers, and at other host names.
func Internal(h http.Handler, o Options, health func(http.ResponseWriter, *http.Request) bool) http.Handler {
	h = limitBody(asWritten(h))
	if o.InternalHosts != nil {
		h = allowLocal(h, o.InternalHosts)
	}
	h = first(health, h)
	h = recovering(h, o.Log)
	h = closeAfterEncodings(h)
	h = secureHeaders(h, false)
	return observe(h, o.Log, o.TrustedProxies, InternalSide, o.Observer)
}

// first lets try answer, and passes on what it does not.
func first(try func(http.ResponseWriter, *http.Request) bool, next http.Handler) http.Handler {
	if try == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !try(w, r) {
			next.ServeHTTP(w, r)
		}
	})
}
