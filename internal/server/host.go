package server

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// HostMux sends a request to the handler bound to its host name, and every
// other to elsewhere. Names are compared without port, case and final dot. The
// Host header decides here which door is open, and nothing else: links are made
// of the configured public URL. A handler that is a *http.ServeMux redirects no
// unclean path: whoever owns the cleaned one answers.
func HostMux(elsewhere http.Handler, byHost map[string]http.Handler) http.Handler {
	elsewhere = asWritten(elsewhere)
	if len(byHost) == 0 {
		return elsewhere
	}
	handlers := make(map[string]http.Handler, len(byHost))
	for host, h := range byHost {
		handlers[hostName(host)] = asWritten(h)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h, ok := handlers[hostName(r.Host)]; ok {
			h.ServeHTTP(w, r)
			return
		}
		elsewhere.ServeHTTP(w, r)
	})
}

// allowHosts answers 421 to names that are not ours.
func allowHosts(next http.Handler, hosts []string) http.Handler {
	if len(hosts) == 0 {
		return next
	}
	allowed := make(map[string]bool, len(hosts))
	for _, h := range hosts {
		allowed[hostName(h)] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !allowed[hostName(r.Host)] {
			Problem(w, http.StatusMisdirectedRequest, "This server does not answer for that host name.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// allowLocal answers 421 to every name with a dot but localhost's own and those
// given. Whoever asks for an address, or for a name within this network, cannot
// have been led here by a stranger's name (DNS rebinding).
func allowLocal(next http.Handler, hosts []string) http.Handler {
	allowed := map[string]bool{}
	for _, h := range hosts {
		allowed[hostName(h)] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !LocalName(r) && !allowed[hostName(r.Host)] {
			Problem(w, http.StatusMisdirectedRequest, "Without doors.partner.internal_secret this listener answers under localhost, an IP address, a name without a dot and usher's own names: another may be a web page's.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// LocalName says whether a request asks for an address, localhost or a name
// without a dot: none that a stranger can have made to lead here.
func LocalName(r *http.Request) bool {
	host := hostName(r.Host)
	_, err := netip.ParseAddr(host)
	return err == nil || !strings.Contains(host, ".") || strings.HasSuffix(host, ".localhost")
}

func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else {
		host = strings.Trim(host, "[]")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
