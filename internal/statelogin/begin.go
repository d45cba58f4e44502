package statelogin

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Begin takes a state's token (contract B.8): somebody who is known and has an
// address goes straight in, anybody else is asked for their phone. Refusals:
// BadToken for a token that proves nothing or was used; NotFound of school;
// UserLocked.
func (s *Service) Begin(ctx context.Context, text string, by Asking) (Begun, error) {
	claims, err := s.Tokens.Verify(ctx, text)
	if err != nil {
		return Begun{}, err
	}
	cookie, hash := newName()
	handle, handleHash := newName()
	var out Begun
	var no *user.Refusal
	err = s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		out, no = Begun{}, nil
		once := user.Token{Hash: claims.Once[:], Kind: user.RedeemedProof, Created: tx.Now(), Expires: claims.Until}
		if err := store.Insert(tx, once); errors.Is(err, store.ErrExists) {
			return user.Refuse(user.BadToken, "token", "why", "used before")
		} else if err != nil {
			return fmt.Errorf("redeeming a token: %w", err)
		}
		in, known, refused, err := s.returning(tx, claims)
		if err != nil {
			return err
		}
		if refused != nil {
			no = refused // what admission decided is kept, and the token is good for as much again
			return store.Delete(tx, once)
		}
		if known {
			out.Next = success(handle)
			return keep(tx, handleHash, kindHandoff, in, tx.Now().Add(handoffLife))
		}
		if _, no, err := s.school(tx, claims); err != nil || no != nil {
			return orRefusal(err, no)
		}
		v := Visit{Claims: claims, Step: StepContact, Remaining: -1}
		if p, err := normal.ParsePhone(claims.Phone, homeCountry); err == nil && p.IsValid() {
			v.Typed = p.String()
		}
		out.Cookie, out.Next = cookie, PathContact
		return keep(tx, hash, kindVisit, v, tx.Now().Add(visitLife))
	})
	if err == nil && no != nil {
		err = no
	}
	if err != nil {
		return Begun{}, err
	}
	if out.Cookie != "" && claims.Phone != "" {
		// A phone that cannot be texted is typed anew: the page says why.
		if err := s.Text(ctx, out.Cookie, claims.Phone, by); err != nil {
			if _, refused := errors.AsType[*user.Refusal](err); !refused {
				return Begun{}, err
			}
		}
	}
	return out, nil
}

func orRefusal(err error, no *user.Refusal) error {
	if err == nil && no != nil {
		return no
	}
	return err
}

// homeCountry is the country of phones that name none (contract B.5).
const homeCountry = "IN"

func success(handle string) string { return PathSuccess + "?id=" + url.QueryEscape(handle) }

// returning finds somebody whom the state sent before, and who has an address.
func (s *Service) returning(tx store.Tx, c Claims) (in Handoff, known bool, no *user.Refusal, err error) {
	key := onboarding.StateIdentity(c.Channel, c.Subject)
	i, err := tx.Identity(key)
	if errors.Is(err, store.ErrNotFound) || err == nil && i.Reserved {
		return in, false, nil, nil
	}
	if err != nil {
		return in, false, nil, fmt.Errorf("looking for an identity: %w", err)
	}
	who, err := tx.User(i.User)
	if err != nil {
		return in, false, nil, fmt.Errorf("reading a user: %w", err)
	}
	if who.Status == user.Deleted && who.ClosedBy == user.ClosedByPerson {
		return in, false, nil, nil
	}
	has, err := onboarding.HasAddress(tx, i.User)
	if err != nil || !has {
		return in, false, nil, err
	}
	came, err := s.arrive(tx, c, nil)
	if err != nil {
		return in, false, nil, err
	}
	if came.Decision.Refusal != "" {
		return in, false, user.Refuse(user.UserLocked, "user"), nil
	}
	in, err = s.enter(tx, c, came)
	return in, true, nil, err
}

// school finds the organisation that a token names.
func (s *Service) school(r store.Reader, c Claims) (onboarding.Placed, *user.Refusal, error) {
	placed, err := onboarding.Settle(r, s.Policies.Current(), onboarding.Place{Channel: c.Channel, OrgExternalID: c.School})
	if _, ok := errors.AsType[*user.Refusal](err); ok {
		return placed, user.Refuse(user.NotFound, "school"), nil
	}
	return placed, nil, err
}

// arrive hands to admission whom the state sent, with the phone that was proven if
// there is one.
func (s *Service) arrive(tx store.Tx, c Claims, phone *admission.Address) (admission.Outcome, error) {
	key := onboarding.StateIdentity(c.Channel, c.Subject)
	a := admission.Arrival{
		Door: user.DoorSunbird, Source: user.SourceOf(user.DoorSunbird, key.Issuer), Identity: &key,
		Facts: map[user.Attr]*string{user.GivenName: user.Text(c.Name)},
	}
	if phone != nil {
		a.Addresses = []admission.Address{*phone}
	}
	return admission.In(tx, s.Policies.Current()).Arrive(a)
}
