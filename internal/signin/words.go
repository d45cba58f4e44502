package signin

import (
	"net/netip"
	"time"

	"github.com/usher-id/usher/internal/user"
)

// Attempt is one try to sign in with a password.
type Attempt struct {
	Door     user.Door
	ClientID string
	// ClientSecret is nil when none was sent.
	ClientSecret *string
	// Login is an e-mail if it holds an @, a username otherwise.
	Login    string
	Password string
	Network  netip.Prefix
}

// Renewal is one use of a refresh token.
type Renewal struct {
	Door         user.Door
	ClientID     string
	ClientSecret *string
	RefreshToken string
	Network      netip.Prefix
}

// SignedIn is what a door makes its answer of.
type SignedIn struct {
	Client       user.Client
	Session      user.Session // Subject is the door's id of the user
	Profile      user.Profile
	AccessToken  string // 40 hex
	AccessUntil  time.Time
	RefreshToken string
	RefreshUntil time.Time
}
