package edilogin

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/roundtrip"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// methods of a session that a provider's proof began.
var methods = []string{"fed"}

// Callback ends a sign-in; live is who is signed in by the browser's cookie, if
// anybody. NotFound of provider; BadToken of state for one that is over, was used or
// is another browser's. Any other failure is a *Failed of
//
//	Forbidden of provider        it says no itself; Params "error" (RFC 6749, 4.1.2.1)
//	BadToken of token            what it sends proves nothing
//	Invalid of email             Google does not know whose address it is
//	UserLocked, UserDeleted      who it is may not come in
//	Challenge                    the address is another user's
//	Conflict                     the identity is another user's, and cannot be added
//	Unauthenticated of session   who wanted it added is not here any more
//	Busy                         it cannot be asked
//
// or a fault.
func (s *Service) Callback(ctx context.Context, provider string, b roundtrip.Answer, live *session.Live) (in Entered, err error) {
	trip, known := s.Trips[provider]
	if !known {
		return in, user.Refuse(user.NotFound, "provider")
	}
	var a about
	v, err := trip.Take(ctx, b, &a)
	if err != nil {
		return in, err
	}
	p, err := trip.Prove(ctx, v, b)
	if err == nil {
		in, err = s.enter(ctx, p, a, live)
	}
	if err != nil {
		return in, &Failed{Target: a.Target, There: s.place(a.Target) == roundtrip.There, Link: a.To != "", Err: err}
	}
	return in, nil
}

func (s *Service) enter(ctx context.Context, p signin.Proof, a about, live *session.Live) (in Entered, err error) {
	if unverified(p) {
		return in, user.Refuse(user.Invalid, "email")
	}
	// Policy may have changed meanwhile.
	place := s.place(a.Target)
	if place == roundtrip.Nowhere {
		a.Target, place = Home, roundtrip.Here
	}
	var (
		sess    user.Session
		person  session.Person
		refused *user.Refusal
	)
	err = s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		refused = nil
		if err := roundtrip.Redeem(tx, p); err != nil {
			return err
		}
		if err := s.here(tx, a, live); err != nil {
			return err
		}
		desk := admission.In(tx, s.Policies.Current())
		came, err := desk.Arrive(admission.Arrival{
			Door: user.DoorEDI, Source: p.Source, Identity: &p.Identity, Addresses: p.Addresses, Facts: p.Facts, SignedIn: a.To,
		})
		if err != nil {
			return fmt.Errorf("admitting: %w", err)
		}
		if came.Decision.Refusal != "" {
			refused = refusal(came.Decision)
			return nil // what was decided is kept
		}
		number, _, err := desk.EDINumber(came.User, user.Human, string(p.Source))
		if err != nil {
			return err
		}
		sess, person, err = s.Sessions.IssueCookie(tx, user.Session{
			User: came.User.ID, Strand: came.Strand.ID, Subject: number, Epoch: came.User.Epoch, Methods: methods,
		})
		return err
	})
	switch {
	case err != nil:
		return in, err
	case refused != nil:
		return in, refused
	}
	if in.Token, err = s.Sessions.SignCookie(sess, person, sess.Expires); err != nil {
		return in, err
	}
	in.Next = a.Target
	if place == roundtrip.There {
		in.Next, err = with(a.Target, s.told(sess, person, in.Token))
	}
	return in, err
}

// unverified says whether Google names an address that it does not vouch for: the
// original lets nobody in by it (contract edi.md, section 4). Others may not ask
// people to verify theirs; it counts for nothing then.
func unverified(p signin.Proof) bool {
	if p.Identity.Issuer != normal.IssuerGoogle {
		return false
	}
	for _, a := range p.Addresses {
		if a.Kind == user.Email && a.Assurance.Rank() < user.Attested.Rank() {
			return true
		}
	}
	return false
}

// here sees to it that whoever wanted a provider added is who is signed in now.
func (s *Service) here(tx store.Tx, a about, live *session.Live) error {
	if a.To == "" {
		return nil
	}
	gone := user.Refuse(user.Unauthenticated, "session")
	if live == nil || live.User.ID != a.To {
		return gone
	}
	_, err := session.Again(tx, *live)
	if _, refused := errors.AsType[*user.Refusal](err); refused {
		return gone
	}
	return err
}

// refusal is what becomes of a decision that lets nobody in.
func refusal(d admission.Decision) *user.Refusal {
	switch d.Refusal {
	case user.UserLocked, user.UserDeleted, user.Conflict:
		return user.Refuse(d.Refusal, "user")
	default:
		return user.Refuse(user.Challenge, "user")
	}
}

// told is what the original tells a service of who signed in (contract edi.md,
// section 2, /auth/callback), but for the token that only it could make.
func (s *Service) told(sess user.Session, p session.Person, token string) url.Values {
	shown := s.Sessions.Shown(p)
	text := func(claim string) string {
		if v := shown[claim]; v != nil {
			return *v
		}
		return "None"
	}
	return url.Values{
		"edi_token": {token}, "edi_id": {sess.Subject}, "full_name": {text("cn")}, "common_name": {text("cn")}, "email": {text("email")},
		"idp_uid": {text("idpUid")}, "idp_name": {text("idpName")}, "sub": {text("idpUid")},
	}
}

// With puts a parameter into an address's query.
func With(address, name, value string) string {
	to, err := with(address, url.Values{name: {value}})
	if err != nil {
		return address
	}
	return to
}

func with(address string, more url.Values) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("reading a target: %w", err)
	}
	q := u.Query()
	for name, values := range more {
		q[name] = values
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}
