package session

import (
	"time"

	"github.com/usher-id/usher/internal/user"
)

// Live is a session that was checked for this very request: neither revoked
// nor expired, of the user's present epoch, and the user neither locked nor
// gone.
type Live struct {
	Session user.Session
	User    user.User
	// IssuedAt is when the presented token was made, for renewal.
	IssuedAt time.Time
}
