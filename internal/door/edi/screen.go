package edi

import (
	"context"
	"errors"
	"net/http"

	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/user"
)

// Says is what a screen of a sign-in tells.
type Says string

// What can be told.
const (
	SaysHome       Says = "home"       // who is in, or with what one can be
	SaysLink       Says = "link"       // a provider would be added to who is in
	SaysUnknown    Says = "unknown"    // no such provider is set up: 404
	SaysTarget     Says = "target"     // a sign-in may not end there: 400
	SaysCancelled  Says = "cancelled"  // the person said no at the provider: 403
	SaysOver       Says = "over"       // used, too old or another browser's: 410
	SaysFailed     Says = "failed"     // what the provider sends proves nothing: 403
	SaysUnverified Says = "unverified" // Google does not know whose address it is: 403
	SaysLocked     Says = "locked"     // 403
	SaysDeleted    Says = "deleted"    // 403
	SaysChallenge  Says = "challenge"  // the address is another profile's: 409
	SaysTaken      Says = "taken"      // the identity is another profile's: 409
	SaysSignInNow  Says = "sign-in"    // to add a provider one must have signed in just now: 401
	SaysDown       Says = "down"       // the provider cannot be asked: 503
	SaysTrouble    Says = "trouble"    // usher itself cannot: 503
)

// Screen is what a person sees of a sign-in.
type Screen struct {
	Says Says
	// Provider is whom it is about, if anybody; Providers are all there are.
	Provider  string
	Providers []Way
	In        bool   // somebody is signed in
	Number    string // their EDI number
	Name      string
	Target    string // where it was to end; empty: nowhere in particular
	Again     string // where to begin anew; empty: nowhere
	Go        string // SaysLink: the provider's address
	Link      bool   // it was to add a provider
}

// Way is a provider: where a sign-in with it begins, and where that ends where the
// screen's was to end, if anywhere; and where it is added to who is in.
type Way struct{ Provider, Start, Link string }

// Screens shows them; the pages of package web do.
type Screens func(w http.ResponseWriter, r *http.Request, status int, s Screen)

// again says which sign-in it is about.
func (s Screen) again(provider, target string) Screen {
	s.Provider, s.Target, s.Again = provider, target, ""
	if provider != "" {
		s.Again = startPath(provider, target, s.Link)
	}
	return s
}

func (s *Screen) who(live session.Live) {
	s.In, s.Number, s.Name = true, live.Session.Subject, live.User.Profile.Text(user.Name)
}

// judge says on a screen why nobody is in, and by which status.
func (d *Door) judge(ctx context.Context, s *Screen, err error) (status, retryAfter int) {
	no, ok := errors.AsType[*user.Refusal](err)
	if !ok {
		if ctx.Err() == nil {
			d.Log.ErrorContext(ctx, "signing in at the EDI door", "provider", s.Provider, "error", err)
		}
		s.Says = SaysTrouble
		return http.StatusServiceUnavailable, 1
	}
	switch no.Code {
	case user.NotFound:
		s.Says, s.Provider, s.Again = SaysUnknown, "", ""
		return http.StatusNotFound, 0
	case user.Invalid:
		if no.Field == "target" {
			s.Says, s.Target, s.Again = SaysTarget, "", ""
			return http.StatusBadRequest, 0
		}
		s.Says = SaysUnverified
	case user.UserLocked:
		s.Says = SaysLocked
	case user.UserDeleted:
		s.Says = SaysDeleted
	case user.Challenge:
		s.Says = SaysChallenge
		return http.StatusConflict, 0
	case user.Conflict:
		s.Says = SaysTaken
		return http.StatusConflict, 0
	case user.Unauthenticated:
		s.Says = SaysSignInNow
		return http.StatusUnauthorized, 0
	case user.Busy:
		s.Says = SaysDown
		return http.StatusServiceUnavailable, max(1, no.RetryAfter)
	case user.BadToken:
		if no.Field == "state" {
			s.Says = SaysOver
			return http.StatusGone, 0
		}
		d.refused(ctx, s, no)
	default:
		return d.provided(ctx, s, no)
	}
	return http.StatusForbidden, 0
}

// refused says that what came back is not the provider's to this sign-in.
func (d *Door) refused(ctx context.Context, s *Screen, no *user.Refusal) {
	s.Says = SaysFailed
	d.Log.WarnContext(ctx, "an answer to a sign-in was refused", "provider", s.Provider, "why", no.Params["why"])
}

// provided judges what the provider itself said (RFC 6749, section 4.1.2.1).
func (d *Door) provided(ctx context.Context, s *Screen, no *user.Refusal) (status, retryAfter int) {
	said, ok := no.Params["error"]
	if !ok {
		d.refused(ctx, s, no)
		return http.StatusForbidden, 0
	}
	switch said {
	case "access_denied":
		s.Says = SaysCancelled
	case "temporarily_unavailable", "server_error":
		s.Says = SaysDown
		return http.StatusServiceUnavailable, 1
	default:
		s.Says = SaysFailed
		d.Log.WarnContext(ctx, "a provider refuses sign-ins", "provider", s.Provider, "error", printable(said))
	}
	return http.StatusForbidden, 0
}

// printable bounds what anybody may have written into an address.
func printable(text string) string {
	const most = 64
	if len(text) > most {
		text = text[:most]
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] >= 0x7f {
			return ""
		}
	}
	return text
}

// signInErrors is what a service hears as error that somebody was to come back to
// (contract edi.md, section 2, /auth/callback).
var signInErrors = map[Says]string{
	SaysCancelled: "Login cancelled", SaysFailed: "Login failed", SaysUnverified: "Login failed: Email not verified",
	SaysLocked: "Login unsuccessful: The profile is locked", SaysDeleted: "Login unsuccessful: The profile was deleted",
	SaysChallenge: "Login unsuccessful: The email address belongs to another profile",
	SaysTaken:     "Login unsuccessful: The identity belongs to another profile",
	SaysSignInNow: "Login unsuccessful: Sign in again",
	SaysDown:      "Login failed: Try again later", SaysTrouble: "Login failed: Try again later",
}
