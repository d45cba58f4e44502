package roundtrip

import (
	"net/url"
	"slices"
	"strings"
)

// Place is where a sign-in may end.
type Place string

const (
	Nowhere Place = ""      // an address that no sign-in may end at
	Here    Place = "here"  // a path, or an address under usher's own origin
	There   Place = "there" // under one of the listed origins
)

// Allowed says whether a sign-in may end at an address: a path, an address under
// publicURL, or one under the listed origins (RFC 9700, section 4.11).
func Allowed(asked, publicURL string, origins []string) Place {
	// Browsers take \ for / and drop tabs and line ends.
	if strings.ContainsFunc(asked, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }) {
		return Nowhere
	}
	u, err := url.Parse(asked)
	if err != nil || u.User != nil || u.Opaque != "" {
		return Nowhere
	}
	if u.Scheme == "" && u.Host == "" {
		if strings.HasPrefix(u.Path, "/") && !strings.HasPrefix(asked, "//") {
			return Here
		}
		return Nowhere
	}
	origin := u.Scheme + "://" + u.Host
	base, err := url.Parse(publicURL)
	listed := func(o string) bool {
		// An app's scheme is its own, whatever stands behind it (RFC 8252, section 7.1).
		app := u.Scheme != "http" && u.Scheme != "https" && strings.EqualFold(o, u.Scheme+"://")
		return app || u.Host != "" && strings.EqualFold(o, origin)
	}
	switch {
	case err == nil && base.Host != "" && strings.EqualFold(origin, base.Scheme+"://"+base.Host):
		return Here
	case slices.ContainsFunc(origins, listed):
		return There
	default:
		return Nowhere
	}
}
