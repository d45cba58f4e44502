package server

import "strings"

// CookieName is how a cookie is called where publicURL is the base of addresses: with
// https no other host can set it (RFC 6265bis, section 4.1.3.2).
func CookieName(name, publicURL string) string {
	if strings.HasPrefix(publicURL, "https:") {
		return "__Host-" + name
	}
	return name
}
