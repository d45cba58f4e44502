package enrol

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/credential"
	"github.com/usher-id/usher/internal/mailed"
	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

// NewPassword is chosen by whoever has a mailed token.
type NewPassword struct{ Token, First, Second string }

// ResetPassword uses a reset token. The token is judged before the form, as the
// original does. Refusals: BadToken; those of the form, of newPassword1 and
// newPassword2; InUse where the address is that of somebody who is kept out.
func (s *Service) ResetPassword(ctx context.Context, in NewPassword) error {
	return s.renew(ctx, in, django.PasswordReset, "reset")
}

// SetPassword is ResetPassword for a user without a password: Conflict,
// WhyPasswordSet, for one who has one.
func (s *Service) SetPassword(ctx context.Context, in NewPassword) error {
	return s.renew(ctx, in, django.PasswordSet, "set")
}

func (s *Service) renew(ctx context.Context, in NewPassword, act django.Action, how string) error {
	pol := s.Policies.Current()
	var form credential.Form
	err := s.Store.View(ctx, func(r store.Reader) error {
		_, to, err := s.target(r, in.Token, act)
		form = newPassword(to.state, in.First, in.Second)
		return err
	})
	if err != nil {
		return err
	}
	errs, err := form.Check(pol.Password(user.DoorGQLAuth))
	if err != nil || len(errs) > 0 {
		return cmp.Or(err, credential.Join(errs))
	}
	if act == django.PasswordSet {
		if err := s.hasNoPassword(ctx, in.Token); err != nil {
			return err
		}
	}
	hash, err := credential.Hash(ctx, s.Passwords, in.First)
	if err != nil {
		return err
	}
	return s.update(ctx, func(tx store.Tx) (*user.Refusal, error) {
		t, to, err := s.target(tx, in.Token, act)
		if err != nil {
			return nil, err
		}
		if act == django.PasswordSet {
			if err := withoutPassword(tx, to.state.User.ID); err != nil {
				return nil, err
			}
		}
		a, no, err := s.enter(tx, pol, to)
		if err != nil || no != nil {
			return no, err
		}
		if err := t.Use(tx, a.User, a.Strand); err != nil {
			return nil, err
		}
		return nil, s.setPassword(tx, pol, a, hash, how)
	})
}

func newPassword(st store.AccountState, first, second string) credential.Form {
	return credential.Form{
		First: first, Second: second, FirstField: "newPassword1", SecondField: "newPassword2",
		Who: password.Attributes{
			Username: st.Account.Username, Email: session.Mailbox(st).Display,
			FirstName: st.User.Profile.Text(user.GivenName), LastName: st.User.Profile.Text(user.FamilyName),
		},
	}
}

func (s *Service) hasNoPassword(ctx context.Context, token string) error {
	return s.Store.View(ctx, func(r store.Reader) error {
		_, to, err := s.target(r, token, django.PasswordSet)
		if err != nil {
			return err
		}
		return withoutPassword(r, to.state.User.ID)
	})
}

func withoutPassword(r store.Reader, u user.ID) error {
	ps, err := r.Passwords(u)
	if err != nil {
		return fmt.Errorf("reading the passwords of %s: %w", u, err)
	}
	if slices.ContainsFunc(ps, func(p user.Password) bool { return !p.SetAside }) {
		return user.Refuse(user.Conflict, "", "why", WhyPasswordSet)
	}
	return nil
}

// target is whose password a token sets.
type target struct {
	// state has the account; its PK is 0 for somebody known elsewhere only, whom
	// the proof of the address brings here.
	state store.AccountState
	// to is the address that the token proves.
	to user.Mailbox
}

// target finds whose password a token sets; BadToken for nobody's.
func (s *Service) target(r store.Reader, text string, act django.Action) (mailed.Token, target, error) {
	t, err := s.Post.Open(r, text, act, s.Now())
	if err != nil {
		return t, target{}, err
	}
	dead := user.Refuse(user.BadToken, "")
	to, err := find(r, t)
	switch {
	case err != nil:
		return t, to, err
	case to.state.User.ID == "", t.Used(), to.state.Locked, t.Outlived(to.state.User):
		return t, to, dead
	}
	return t, to, nil
}

// find leaves the user empty where the token means nobody any more.
func find(r store.Reader, t mailed.Token) (target, error) {
	if t.Original {
		return findOriginal(r, t)
	}
	to := target{to: t.Row.To}
	if t.Row.Strand == "" {
		return elsewhere(r, to, t.Row.User)
	}
	st, err := r.AccountOn(t.Row.Strand)
	if errors.Is(err, store.ErrNotFound) {
		return to, nil
	}
	if err != nil {
		return to, fmt.Errorf("looking for an account: %w", err)
	}
	if key := to.to.Key; session.Mailbox(st).Key != key && st.Account.Second.Key != key {
		return to, nil // it is not their address any more
	}
	if !st.Account.Verified {
		if still, err := pending(r, st.Account); err != nil || !still {
			return to, err
		}
	}
	to.state = st
	return to, nil
}

// findOriginal reads whom a token without a record means.
func findOriginal(r store.Reader, t mailed.Token) (target, error) {
	k, ok, err := lookUpText(r, t.Subject)
	if err != nil || !ok {
		return target{}, err
	}
	to := target{to: user.Mailbox{Display: t.Subject, Key: k.address}}
	switch {
	case len(k.verified) > 0:
		to.state = k.verified[0]
	case k.owner != nil:
		return elsewhere(r, to, k.owner.ID)
	case len(k.pending) > 0:
		to.state, _, err = k.original(r)
		return to, err
	case len(k.pending) == 0 && k.vouched != nil:
		return elsewhere(r, to, k.vouched.ID)
	}
	return to, nil
}

// elsewhere is somebody whose address is not of an account here; they may have
// one all the same, at another address.
func elsewhere(r store.Reader, to target, u user.ID) (target, error) {
	who, err := r.User(u)
	if err != nil {
		return to, fmt.Errorf("reading user %s: %w", u, err)
	}
	if who.Status == user.Merged { // since the mail was sent: the address says who it is now
		return to, nil
	}
	locks, err := r.Locks(u)
	if err != nil {
		return to, fmt.Errorf("reading the locks of %s: %w", u, err)
	}
	to.state = store.AccountState{User: who, Locked: len(locks) > 0}
	return to, nil
}

// enter admits whoever a token was mailed to, by the proof of that address, and
// gives their account. Somebody who has none gets one, on a strand of its own.
func (s *Service) enter(tx store.Tx, pol policy.Policy, to target) (user.Account, *user.Refusal, error) {
	st := to.state
	known := st.Account.PK != 0 && !st.Account.First.None()
	if known && !st.Account.Verified {
		a, _, no, err := s.prove(tx, pol, st, true)
		return a, no, err
	}
	if known && st.User.Status == user.Archived {
		return st.Account, nil, nil // only the password reopens it (contract, decision 7)
	}
	arrival := admission.Arrival{
		Door: user.DoorGQLAuth, Source: source,
		Addresses: []admission.Address{{
			Kind: user.Email, Key: to.to.Key, Display: to.to.Display, Assurance: user.Proven, Proven: tx.Now(),
		}},
	}
	if known { // a fresh proof all the same: it claims what was reserved since
		strand, err := tx.Strand(st.Account.Strand)
		if err != nil {
			return st.Account, nil, fmt.Errorf("reading a strand: %w", err)
		}
		arrival.SignedIn, arrival.Own = st.User.ID, &strand
	}
	out, err := admission.In(tx, pol).Arrive(arrival)
	if err != nil {
		return user.Account{}, nil, err
	}
	if out.Decision.Refusal != "" {
		return user.Account{}, user.Refuse(user.InUse, ""), nil
	}
	if out.User.ID != st.User.ID { // the address is another's by now
		return user.Account{}, nil, user.Refuse(user.BadToken, "")
	}
	if st.User.Status == user.Archived { // here too, though an arrival reopens
		out.User.Status = user.Archived
		if err := store.Put(tx, out.User); err != nil {
			return user.Account{}, nil, fmt.Errorf("leaving %s archived: %w", out.User.ID, err)
		}
	}
	if known {
		return st.Account, nil, nil
	}
	a, err := session.AccountAt(tx, out.User, out.Strand.ID, to.to)
	return a, nil, err
}
