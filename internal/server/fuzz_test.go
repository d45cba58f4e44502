package server

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// Only trusted hops are believed: a caller who is none is who they are,
// whatever they say, and otherwise the answer is an address that somebody
// trusted named, or the peer's own.
func FuzzForwardedFor(f *testing.F) {
	for _, seed := range []string{"203.0.113.7", "203.0.113.7, 10.0.0.1", "::1", "[2001:db8::1]:443", "unknown", ",,,", "10.0.0.1:80", "fe80::1%eth0", "::ffff:10.0.0.1"} {
		f.Add(seed, "198.51.100.9")
	}
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	f.Fuzz(func(t *testing.T, first, second string) {
		for _, lines := range [][]string{{first}, {second, first}, {first + "," + second}} {
			stranger := netip.MustParseAddr("192.0.2.1")
			if got := forwardedFor(stranger, lines, proxies); got != stranger {
				t.Errorf("a stranger's %q is believed: %v", lines, got)
			}
			got := forwardedFor(netip.MustParseAddr("10.0.0.9"), lines, proxies)
			if !got.IsValid() || got.Zone() != "" || got.Is4In6() {
				t.Errorf("%q gave %v", lines, got)
			}
		}
	})
}

// A header is the internal one in whatever spelling: if and only if its letters
// and digits stand as they do there, with one mark between.
func FuzzInternalNames(f *testing.F) {
	for _, seed := range []string{"X-User-Ctx", "x_user_ctx", "X.USER.CTX", "x-user--ctx", "xuserctx", "X-User-Ctx ", "X-Uѕer-Ctx"} {
		f.Add(seed)
	}
	internal := newInternalNames(DefaultInternalHeaders())
	f.Fuzz(func(t *testing.T, name string) {
		mark := func(r rune) rune {
			if r < 0x80 && isAlphanumeric(byte(r)) {
				return r
			}
			return '-'
		}
		want := len(name) == len("x-user-ctx") && strings.ToLower(strings.Map(mark, name)) == "x-user-ctx"
		if got := internal.has(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	})
}

// Host names compare without case, port and final dot, and reading one twice
// changes nothing more.
func FuzzHostName(f *testing.F) {
	for _, seed := range []string{"id.example.org", "ID.EXAMPLE.ORG.:8080", "[::1]:8080", "[::1]", "", ":", "a:b:c", "..", "evil.test@id.example"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		once := hostName(host)
		if once != strings.ToLower(once) {
			t.Errorf("%q gave %q", host, once)
		}
	})
}

// A path that is clean stays as it is when it is cleaned, and has neither dots
// nor empty segments that a router would walk by.
func FuzzCleanPath(f *testing.F) {
	for _, seed := range []string{"/", "/api/users", "/api//users", "/a/../b", "/a/.", "/%2e%2e/", "//", "", "/a%2Fb", "/\\"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.ParseRequestURI(path)
		if err != nil || !CleanPath(u) {
			return
		}
		p := u.EscapedPath()
		if strings.Contains(p, "//") || strings.Contains(p+"/", "/../") || strings.Contains(p+"/", "/./") || !strings.HasPrefix(p, "/") {
			t.Errorf("%q is taken for clean", p)
		}
	})
}
