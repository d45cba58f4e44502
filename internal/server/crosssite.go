package server

import (
	"fmt"
	"net/http"
)

// CrossSite refuses what a browser sends on behalf of another site: for routes
// that a cookie authenticates. It judges by Sec-Fetch-Site, else by Origin; GET,
// HEAD and OPTIONS pass, so they must change nothing. Callers that are no
// browser send neither header and pass. trusted are origins such as
// https://app.example; deny answers the refused (nil: a 403 problem).
func CrossSite(next http.Handler, trusted []string, deny http.Handler) (http.Handler, error) {
	protection := http.NewCrossOriginProtection()
	for _, origin := range trusted {
		if err := protection.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("trust origin %q: %w", origin, err)
		}
	}
	if deny == nil {
		deny = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			Problem(w, http.StatusForbidden, "This request came from another site.")
		})
	}
	protection.SetDenyHandler(deny)
	return protection.Handler(next), nil
}
