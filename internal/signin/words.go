package signin

import (
	"net/netip"
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Attempt is one try to sign in with a password.
type Attempt struct {
	Door     user.Door
	ClientID string
	// ClientSecret is nil when none was sent.
	ClientSecret *string
	// Login is what By says it is.
	Login    string
	By       Login
	Password string
	Network  netip.Prefix
	// again asks somebody who is in: an archived account stays so.
	again bool
}

// Login says what a login is.
type Login uint8

const (
	ByShape    Login = iota // an e-mail if it holds an @, a username otherwise
	ByEmail                 // an e-mail
	ByUsername              // a username
)

// Identified is somebody whose password was right, inside the transaction that
// lets them in.
type Identified struct {
	User user.User
	// Strand is the door's own of this user, and Number its handle there; empty
	// where the user is known from elsewhere.
	Strand user.ID
	Number string
	// Used is the strand of the password.
	Used user.ID
	// Reopened says that the person had closed the account.
	Reopened bool
}

// Entrance begins a session for somebody, or refuses to: the transaction is
// rolled back then. Like any fn of a transaction it may run again.
type Entrance func(tx store.Tx, in Identified) error

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
