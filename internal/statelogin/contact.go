package statelogin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/otp"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Text sends a code to the phone that somebody typed. Refusals: BadToken of visit;
// Invalid of phone; UserLocked where the phone's user is blocked; those of
// otp.Send.
func (s *Service) Text(ctx context.Context, cookie, typed string, by Asking) error {
	phone, err := normal.ParsePhone(typed, homeCountry)
	if err != nil || !phone.IsValid() {
		if _, err := s.Look(ctx, cookie); err != nil {
			return err
		}
		return user.Refuse(user.Invalid, "phone")
	}
	if _, err := s.Look(ctx, cookie); err != nil {
		return err
	}
	blocked, err := s.People.Blocked(ctx, user.Phone, phone.Key())
	if err != nil {
		return err
	}
	if blocked {
		return user.Refuse(user.UserLocked, "phone")
	}
	to := otp.To{Kind: user.Phone, Key: phone.Key(), Display: phone.String(), Region: phone.Region()}
	err = s.Codes.Send(ctx, otp.Request{To: to, Purpose: onboarding.Purpose, Network: by.Network, Lang: by.Lang, Site: s.site()})
	if err != nil {
		return err
	}
	return s.change(ctx, cookie, func(tx store.Tx, v *Visit) (*user.Refusal, error) {
		v.Typed, v.Phone, v.Region, v.Sent, v.Step, v.Remaining = typed, phone.Key(), phone.Region(), tx.Now(), StepCode, -1
		v.Confirmed, v.Consent = "", ""
		return nil, nil
	})
}

func (s *Service) site() string {
	if n := s.Policies.Current().Sunbird.Site; n != "" {
		return n
	}
	return s.Site
}

// Again sends the code of a visit once more.
func (s *Service) Again(ctx context.Context, cookie string, by Asking) error {
	v, err := s.Look(ctx, cookie)
	if err != nil {
		return err
	}
	if v.Phone == "" {
		return user.Refuse(user.Missing, "phone")
	}
	return s.Text(ctx, cookie, v.Phone, by)
}

// Verify compares a code; the right one is used up, and its phone is confirmed in
// this visit.
func (s *Service) Verify(ctx context.Context, cookie string, to otp.To, code string) (otp.Tried, error) {
	return s.verify(ctx, cookie, to, code, false)
}

// verify is Verify; again takes any code where the phone was confirmed a moment ago:
// the page's button was pressed twice.
func (s *Service) verify(ctx context.Context, cookie string, to otp.To, code string, again bool) (tried otp.Tried, err error) {
	pol := s.Policies.Current()
	err = s.change(ctx, cookie, func(tx store.Tx, v *Visit) (*user.Refusal, error) {
		if again && v.Confirmed != "" && v.Confirmed == to.Key {
			tried = otp.Tried{Right: true}
			return nil, nil
		}
		var err error
		if tried, err = s.Codes.Try(tx, pol, to, onboarding.Purpose, code); err != nil {
			return nil, err
		}
		v.Remaining = tried.Remaining
		if !tried.Right {
			return nil, nil
		}
		v.Confirmed, v.At, v.Phone, v.Region, v.Consent = to.Key, tx.Now(), to.Key, to.Region, ""
		return nil, tried.Use(tx)
	})
	return tried, err
}

// Enter compares the code of a visit's phone and, where it is right, lets the
// person in. Refusals: BadCredential of OTP as onboarding.WrongCode; those of
// Contact.
func (s *Service) Enter(ctx context.Context, cookie, code string) (next string, err error) {
	v, err := s.Look(ctx, cookie)
	if err != nil {
		return "", err
	}
	if v.Confirmed == "" || v.Confirmed != v.Phone {
		tried, err := s.verify(ctx, cookie, otp.To{Kind: user.Phone, Key: v.Phone, Display: v.Phone, Region: v.Region}, code, true)
		if err != nil {
			return "", err
		}
		if !tried.Right {
			return "", onboarding.WrongCode(tried)
		}
	}
	return s.Contact(ctx, cookie, v.Phone)
}

// Contact lets somebody in whose phone was confirmed in this visit (contract B.8,
// 3). Where the phone is another user's, next is the challenge. Refusals: BadToken
// of visit; Forbidden where another phone was confirmed, or none; NotFound of
// school; InUse of phone where it is somebody's whom the state calls otherwise;
// UserLocked.
func (s *Service) Contact(ctx context.Context, cookie, phone string) (next string, err error) {
	handle, hash := newName()
	err = s.change(ctx, cookie, func(tx store.Tx, v *Visit) (*user.Refusal, error) {
		if v.Step == StepDone && tx.Now().Sub(v.Done) > doneFor {
			return gone(), nil
		}
		if v.Confirmed == "" || v.Confirmed != phone {
			return user.Refuse(user.Forbidden, "phone"), nil
		}
		owner, err := s.holder(tx, *v)
		if err != nil {
			return nil, err
		}
		if other := owner.User; other != "" && v.Consent != other {
			if owner.Proven.After(v.At) { // the number was somebody's after this code, who proved it anew
				v.Step, v.Confirmed = StepContact, ""
				return user.Refuse(user.Forbidden, "phone"), nil
			}
			same, err := s.sameState(tx, *v, other)
			if err != nil {
				return nil, err
			}
			if same { // a yes could not be taken
				v.Step, v.Confirmed = StepContact, ""
				return user.Refuse(user.InUse, "phone"), nil
			}
			v.Step, v.Shown, next = StepChallenge, other, PathChallenge
			return nil, nil
		}
		in, no, err := s.take(tx, *v)
		if err != nil || no != nil {
			return no, err
		}
		if v.Step != StepDone {
			v.Step, v.Done = StepDone, tx.Now()
		}
		next = success(handle)
		return nil, keep(tx, hash, kindHandoff, in, tx.Now().Add(handoffLife))
	})
	return next, err
}

// holder is the ownership of the phone that was confirmed where it is another user's,
// whose proof is young enough for it to be the same person; zero else.
func (s *Service) holder(r store.Tx, v Visit) (user.Owner, error) {
	o, err := r.Owner(user.Phone, v.Confirmed)
	if errors.Is(err, store.ErrNotFound) {
		return user.Owner{}, nil
	}
	if err != nil {
		return user.Owner{}, fmt.Errorf("looking for the owner of a phone: %w", err)
	}
	i, err := r.Identity(onboarding.StateIdentity(v.Channel, v.Subject))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return user.Owner{}, fmt.Errorf("looking for an identity: %w", err)
	}
	if i.User == o.User {
		return user.Owner{}, nil
	}
	if r.Now().Sub(o.Proven) > timeOf(s.Policies.Current().Linking.PhoneProof) {
		return user.Owner{}, nil // too old to be the same person: the number moves to the newcomer
	}
	return o, nil
}

// doneFor is how long a visit that is done can be done again: a button pressed twice,
// a page loaded anew.
const doneFor = time.Minute

// sameState says whether a user is somebody whom this state calls otherwise: two
// people with one phone, or one who got another id; or whether the state's own is a
// user already, apart from that one. No answer of theirs joins those.
func (s *Service) sameState(r store.Reader, v Visit, other user.ID) (bool, error) {
	own, err := r.Identity(onboarding.StateIdentity(v.Channel, v.Subject))
	if err == nil && !own.Reserved {
		return true, nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return false, fmt.Errorf("looking for an identity: %w", err)
	}
	ids, err := r.Identities(other)
	if err != nil {
		return false, fmt.Errorf("reading identities: %w", err)
	}
	issuer := onboarding.StateIdentity(v.Channel, "").Issuer
	return slices.ContainsFunc(ids, func(i user.Identity) bool { return i.Issuer == issuer && !i.Reserved }), nil
}

// take admits the person of a visit and settles them in their school.
func (s *Service) take(tx store.Tx, v Visit) (Handoff, *user.Refusal, error) {
	placed, no, err := s.school(tx, v.Claims)
	if err != nil || no != nil {
		return Handoff{}, no, err
	}
	came, err := s.arrive(tx, v.Claims, &admission.Address{
		Kind: user.Phone, Key: v.Confirmed, Display: v.Confirmed, Assurance: user.Proven, Proven: v.At,
	})
	if err != nil {
		return Handoff{}, nil, err
	}
	switch came.Decision.Refusal {
	case "":
	case user.Challenge, user.Conflict:
		return Handoff{}, user.Refuse(user.InUse, "phone"), nil
	default:
		return Handoff{}, user.Refuse(user.UserLocked, "phone"), nil
	}
	if err := s.People.SettleIn(tx, came, placed, onboarding.Newcomer{First: v.Name, Roles: v.Roles}); err != nil {
		return Handoff{}, nil, err
	}
	in, err := s.enter(tx, v.Claims, came)
	return in, nil, err
}

// Link answers the challenge: the person says whether the account that has the
// phone is theirs. If not, another phone is asked for.
func (s *Service) Link(ctx context.Context, cookie string, yes bool) (next string, err error) {
	var phone string
	err = s.change(ctx, cookie, func(tx store.Tx, v *Visit) (*user.Refusal, error) {
		if v.Step != StepChallenge {
			return user.Refuse(user.Forbidden, "step"), nil
		}
		if !yes {
			v.Step, v.Phone, v.Confirmed, v.Typed, next = StepContact, "", "", "", PathContact
			return nil, nil
		}
		owner, err := s.holder(tx, *v)
		if err != nil {
			return nil, err
		}
		if phone = v.Confirmed; owner.User == v.Shown { // else it is asked again, of whom it is now
			v.Consent = owner.User
		}
		return nil, nil
	})
	if err != nil || !yes {
		return next, err
	}
	return s.Contact(ctx, cookie, phone)
}
