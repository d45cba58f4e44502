package enrol

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/credential"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/mailed"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

// Activated is what a proven sign-up came to.
type Activated struct {
	// LeftPassword says that the address was a user's who has a password: that
	// one counts, the one chosen at sign-up does not.
	LeftPassword bool
}

// Activate uses the link of a sign-up: its address is proven. Refusals: BadToken,
// also where another's proof of the address set the sign-up aside; Conflict,
// WhyVerified; InUse where the address is that of somebody who is kept out.
func (s *Service) Activate(ctx context.Context, token string) (out Activated, err error) {
	pol := s.Policies.Current()
	err = s.update(ctx, func(tx store.Tx) (*user.Refusal, error) {
		var no *user.Refusal
		var err error
		out, _, no, err = s.activate(tx, pol, token)
		return no, err
	})
	return out, err
}

// ActivateAnew is Activate for a link that gives up the sign-up's password: it
// sets another. Refusals are those of both, the form's first.
func (s *Service) ActivateAnew(ctx context.Context, token, first, second string) error {
	pol := s.Policies.Current()
	var form credential.Form
	err := s.Store.View(ctx, func(r store.Reader) error {
		t, err := s.Post.Open(r, token, django.Activation, s.Now())
		if err != nil {
			return err
		}
		st, err := signUpOf(r, t)
		if err != nil {
			return err
		}
		form = newPassword(st, first, second)
		return nil
	})
	if err != nil {
		return err
	}
	errs, err := form.Check(pol.Password(user.DoorGQLAuth))
	if err != nil || len(errs) > 0 {
		return cmp.Or(err, credential.Join(errs))
	}
	hash, err := credential.Hash(ctx, s.Passwords, first)
	if err != nil {
		return err
	}
	return s.update(ctx, func(tx store.Tx) (*user.Refusal, error) {
		_, a, no, err := s.activate(tx, pol, token)
		if err != nil || no != nil {
			return no, err
		}
		return nil, s.setPassword(tx, pol, a, hash, "set")
	})
}

// setPassword sets the password of an account's user.
func (s *Service) setPassword(tx store.Tx, pol policy.Policy, a user.Account, hash, how string) error {
	u, err := tx.User(a.User)
	if err != nil {
		return fmt.Errorf("reading user %s: %w", a.User, err)
	}
	_, err = credential.Set(tx, pol, credential.Change{User: u, Strand: a.Strand, Hash: hash, Door: user.DoorGQLAuth, How: how})
	return err
}

// signUpOf finds the sign-up that a token was mailed for: by its record, or for
// one of the original by the address it names. BadToken; Conflict, WhyVerified.
func signUpOf(r store.Reader, t mailed.Token) (store.AccountState, error) {
	dead := user.Refuse(user.BadToken, "")
	if t.Original {
		return originalSignUp(r, t)
	}
	st, err := r.AccountOn(t.Row.Strand)
	if errors.Is(err, store.ErrNotFound) { // set aside, left, or gone
		return settled(r, t)
	}
	if err != nil {
		return st, fmt.Errorf("looking for a sign-up: %w", err)
	}
	switch {
	case st.Account.Verified:
		return st, user.Refuse(user.Conflict, "", "why", WhyVerified)
	case t.Used(), st.Locked, t.Outlived(st.User), st.Account.First.Key != t.Row.To.Key:
		return st, dead
	}
	if still, err := pending(r, st.Account); err != nil || still {
		return st, err
	}
	return st, dead
}

// originalSignUp finds whom a token without a record means.
func originalSignUp(r store.Reader, t mailed.Token) (store.AccountState, error) {
	k, ok, err := lookUpText(r, t.Subject)
	switch {
	case err != nil:
		return store.AccountState{}, err
	case !ok:
	case len(k.verified) > 0:
		return k.verified[0], user.Refuse(user.Conflict, "", "why", WhyVerified)
	case k.here != nil && k.here.Account.Verified:
		return *k.here, user.Refuse(user.Conflict, "", "why", WhyVerified)
	}
	st, ok, err := k.original(r)
	if err == nil && (!ok || st.Locked || t.Outlived(st.User)) {
		err = user.Refuse(user.BadToken, "")
	}
	return st, err
}

// activate proves a sign-up's address, inside the transaction. The account is
// given as it is then: on the user that it led to.
func (s *Service) activate(tx store.Tx, pol policy.Policy, text string) (out Activated, a user.Account, no *user.Refusal, err error) {
	t, err := s.Post.Open(tx, text, django.Activation, tx.Now())
	if err != nil {
		return out, a, nil, err
	}
	st, err := signUpOf(tx, t)
	if err != nil {
		return out, a, nil, err
	}
	a, left, no, err := s.prove(tx, pol, st, t.Row.Renew)
	if err != nil || no != nil {
		return out, a, no, err
	}
	out.LeftPassword = left
	return out, a, nil, t.Use(tx, a.User, a.Strand)
}

// prove makes the first address of an account its user's: the mailbox was open to
// whoever used the link. left says that the password chosen at sign-up was left
// behind.
func (s *Service) prove(tx store.Tx, pol policy.Policy, st store.AccountState, drop bool) (a user.Account, left bool, no *user.Refusal, err error) {
	a = st.Account
	strand, err := tx.Strand(a.Strand)
	if err != nil {
		return a, false, nil, fmt.Errorf("reading a sign-up: %w", err)
	}
	if strand.Kind == user.Feed {
		if strand, err = settle(tx, pol, &a, strand); err != nil {
			return a, false, nil, err
		}
	}
	address := admission.Address{
		Kind: user.Email, Key: a.First.Key, Display: a.First.Display, Assurance: user.Proven, Proven: tx.Now(),
	}
	out, err := admission.In(tx, pol).Confirm(admission.Confirmation{
		Door: user.DoorGQLAuth, SignUp: strand, Address: address, Drop: drop,
	})
	if err != nil {
		return a, false, nil, err
	}
	if out.Decision.Refusal != "" {
		return a, false, user.Refuse(user.InUse, ""), nil
	}
	a.User, a.Verified = out.User.ID, true
	if err := store.Put(tx, a); err != nil {
		return a, false, nil, fmt.Errorf("verifying an account: %w", err)
	}
	err = event.Append(tx, event.New{
		Kind: event.AddressProven, User: a.User, Actor: string(a.User), Door: user.DoorGQLAuth, Body: map[string]any{"strand": a.Strand},
	})
	return a, len(out.Ignored) > 0, nil, err
}
