package statelogin

import (
	"context"
	"net/netip"
	"time"

	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/otp"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Claims is what a state's token says, verified.
type Claims struct {
	Issuer, Subject string
	Channel, School string
	Name            string
	RedirectURI     string
	Phone           string   // as it was sent; empty for none
	Roles           []string // names
	// Once names the token; it is redeemed at its first accepted visit. Until is
	// when nobody would take it any more.
	Once  [32]byte
	Until time.Time
}

// Tokens verifies states' tokens. BadToken with Params why, for the record.
type Tokens interface {
	Verify(ctx context.Context, text string) (Claims, error)
}

// Codes sends and compares one-time codes; package otp does.
type Codes interface {
	Send(ctx context.Context, r otp.Request) error
	Try(tx store.Tx, pol policy.Policy, to otp.To, purpose, text string) (otp.Tried, error)
}

// Policies gives the policy in force.
type Policies interface{ Current() policy.Policy }

// Service keeps state sign-ins.
type Service struct {
	Store    store.Store
	Policies Policies
	Tokens   Tokens
	Codes    Codes
	People   *onboarding.Service
	Sessions *session.Service
	// PublicURL is the base of usher's own addresses; Site is what messages call
	// the service.
	PublicURL, Site string
	Now             func() time.Time
}

const (
	visitLife   = 30 * time.Minute
	handoffLife = 5 * time.Minute
	kindVisit   = "state"
	kindHandoff = "handoff"
)

// Step is where a visit stands.
type Step string

const (
	StepContact   Step = "contact"   // the phone is asked for
	StepCode      Step = "code"      // a code was sent
	StepChallenge Step = "challenge" // the phone is somebody's: are they the same person?
	StepDone      Step = "done"
)

// Visit is a sign-in that is not over.
type Visit struct {
	Claims
	Step  Step   `json:"step"`
	Typed string `json:"typed"` // the phone as the person writes it
	Phone string `json:"phone"` // E.164, that a code was sent to
	// Region is the phone's country.
	Region string    `json:"region"`
	Sent   time.Time `json:"sent"`
	// Confirmed is the phone that a code has proven in this visit, at At.
	Confirmed string    `json:"confirmed"`
	At        time.Time `json:"at"`
	// Shown is the user whom the challenge asks about, Consent the one whom the person
	// says to be.
	Shown   user.ID `json:"shown"`
	Consent user.ID `json:"consent"`
	// Done is when the visit was.
	Done      time.Time `json:"done"`
	Remaining int       `json:"remaining"` // tries that the code has left; -1 not known
}

// Begun is what became of a token.
type Begun struct {
	// Cookie names the visit; empty where the person goes straight in.
	Cookie string
	Next   string // path and query to go to
}

// Asking is who asks for a code, and in which language.
type Asking struct {
	Network netip.Prefix
	Lang    string
}

// The paths that a visit leads to.
const (
	PathContact   = "/sign-in/sso/update/contact"
	PathCode      = "/sign-in/sso/verify/code"
	PathChallenge = "/sign-in/sso/challenge"
	PathSuccess   = "/sso/sign-in/success"
	PathError     = "/sso/sign-in/error"
	PathHome      = "/resources"
)
