package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
)

// InternalSecret is the header that a caller of the internal listener shows
// doors.partner.internal_secret in.
const InternalSecret = "X-Usher-Internal-Secret"

// HasInternalSecret says whether a request shows the secret, exactly once (security
// H3). An empty one is not asked for.
func HasInternalSecret(r *http.Request, secret string) bool {
	if secret == "" {
		return true
	}
	given := r.Header.Values(InternalSecret)
	if len(given) != 1 {
		return false
	}
	want, got := sha256.Sum256([]byte(secret)), sha256.Sum256([]byte(given[0]))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}
