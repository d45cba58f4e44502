package server

import (
	"net/http"
	"net/netip"
	"strings"
)

// ClientNetwork is the network that limits count a caller by: one IPv4 address,
// or the /56 of IPv6 that one subscriber usually gets. It is the peer's, or
// what a trusted proxy says in X-Forwarded-For. Invalid for a peer without an
// address, such as a Unix socket's.
func ClientNetwork(r *http.Request) netip.Prefix {
	if e := exchangeOf(r.Context()); e != nil {
		return e.network
	}
	return clientNetwork(r, nil)
}

func clientNetwork(r *http.Request, proxies []netip.Prefix) netip.Prefix {
	addr := peer(r.RemoteAddr)
	if len(proxies) > 0 {
		addr = forwardedFor(addr, r.Header["X-Forwarded-For"], proxies)
	}
	bits := 32
	if addr.Is6() {
		bits = 56
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

func peer(remote string) netip.Addr {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// forwardedFor walks from the peer outwards while the hop at hand is a trusted
// proxy: only such a hop is believed about the one before it. A peer on a Unix
// socket is trusted as soon as any proxy is.
func forwardedFor(hop netip.Addr, lines []string, proxies []netip.Prefix) netip.Addr {
	for i := len(lines) - 1; i >= 0; i-- {
		for rest := lines[i]; rest != ""; {
			if hop.IsValid() && !contains(proxies, hop) {
				return hop
			}
			entry := rest
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, entry = rest[:comma], rest[comma+1:]
			} else {
				rest = ""
			}
			before, ok := forwarded(strings.Trim(entry, " \t"))
			if !ok {
				return hop
			}
			hop = before
		}
	}
	return hop
}

// forwarded reads an entry: an address, which some proxies give with a port.
func forwarded(entry string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(entry)
	if err != nil {
		a = peer(entry)
	}
	return a.Unmap().WithZone(""), a.IsValid()
}

func contains(networks []netip.Prefix, a netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// networkText is how logs name a network.
func networkText(p netip.Prefix) string {
	if !p.IsValid() {
		return "local"
	}
	return p.String()
}
