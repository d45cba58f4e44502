package member

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/mailed"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

// MaxEmail is the longest address that the form of a second one takes, in
// characters (contract gqlauth.md, section 4).
const MaxEmail = 254

// SendSecond mails a link to an address that the caller wants as their second.
// Nothing is kept of it until the link is used. Refusals: BadCredential of
// password; Missing, TooLarge, Invalid and InUse of email; Forbidden.
func (s *Service) SendSecond(ctx context.Context, c Caller, email, password string) error {
	if _, err := s.check(ctx, c, password, "password", false); err != nil {
		return err
	}
	if email == "" {
		return user.Refuse(user.Missing, "email")
	}
	if n := utf8.RuneCountInString(email); n > MaxEmail {
		return user.Refuse(user.TooLarge, "email", "max", strconv.Itoa(MaxEmail), "length", strconv.Itoa(n))
	}
	e, err := normal.ParseEmail(email)
	if err != nil {
		return user.Refuse(user.Invalid, "email")
	}
	pol := s.Policies.Current()
	return s.change(ctx, c, func(tx store.Tx, u user.User, a user.Account) error {
		free, err := freeHere(tx, e.Key(), a)
		if err != nil {
			return err
		}
		if !free {
			return user.Refuse(user.InUse, "email", "why", WhySecondary)
		}
		return s.Post.Send(tx, pol, mailed.Letter{
			Template: mailed.ActivateSecond, Action: django.SecondaryActivation, User: u.ID, Strand: a.Strand,
			Subject:  session.Mailbox(store.AccountState{Account: a, User: u}).Display,
			To:       user.Mailbox{Display: e.String(), Key: e.Key()},
			Username: a.Username, Lang: c.Lang,
		})
	})
}

// freeHere says whether nobody at this door has an address, the caller included.
// A sign-up that never proved it blocks nobody.
func freeHere(r store.Reader, key string, mine user.Account) (bool, error) {
	found, err := r.AccountsAt(key)
	if err != nil {
		return false, fmt.Errorf("looking for an account: %w", err)
	}
	for _, st := range found {
		if st.Account.PK == mine.PK || st.Account.Verified || st.Account.Second.Key == key {
			return false, nil
		}
	}
	return session.Mailbox(store.AccountState{Account: mine}).Key != key, nil
}

// VerifySecond uses the link that was mailed to a second address: it is the
// account's from then on, also to sign in. Nobody needs to be signed in.
// Refusals: BadToken; InUse where the address is somebody's, the account's own
// included, so that using the link twice says so too.
func (s *Service) VerifySecond(ctx context.Context, token string) error {
	pol := s.Policies.Current()
	var no *user.Refusal
	err := s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		t, err := s.Post.Open(tx, token, django.SecondaryActivation, tx.Now())
		if err != nil {
			return err
		}
		st, to, err := memberOf(tx, t)
		if err != nil {
			return err
		}
		a := st.Account
		free, err := freeHere(tx, to.Key, a)
		switch {
		case err != nil:
			return err
		case !free:
			return user.Refuse(user.InUse, "")
		case t.Used(), t.Outlived(st.User), !a.Verified, st.Locked:
			return user.Refuse(user.BadToken, "")
		}
		strand, err := tx.Strand(a.Strand)
		if err != nil {
			return fmt.Errorf("reading a strand: %w", err)
		}
		arrival := admission.Arrival{
			Door: user.DoorGQLAuth, Source: user.Source(user.DoorGQLAuth), SignedIn: st.User.ID,
			Addresses: []admission.Address{{
				Kind: user.Email, Key: to.Key, Display: to.Display, Assurance: user.Proven, Proven: tx.Now(),
			}},
		}
		if strand.Source.Door() == user.DoorGQLAuth { // another source's strand holds what that source says
			arrival.Own = &strand
		}
		out, err := admission.In(tx, pol).Arrive(arrival)
		if err != nil {
			return err
		}
		if out.Decision.Refusal != "" {
			no = user.Refuse(user.InUse, "")
			return nil
		}
		if err := stayArchived(tx, st.User, out.User); err != nil {
			return err
		}
		if a.First.None() {
			a.First = session.Mailbox(st)
		}
		had, on := a.Second, a.Strand
		a.Second = to
		if err := session.MoveAccount(tx, &a, out.Strand.ID); err != nil {
			return err
		}
		if !had.None() {
			if err := s.forget(tx, pol, a, on, had, ""); err != nil {
				return err
			}
		}
		if err := told(tx, event.AddressProven, a, "second"); err != nil {
			return err
		}
		if err := s.warn(tx, pol, a, a.First, ""); err != nil {
			return err
		}
		return t.Use(tx, a.User, a.Strand)
	})
	if err != nil {
		return err
	}
	if no != nil {
		return no
	}
	return nil
}

// stayArchived closes again what an arrival reopened: only the password reopens
// an account (contract, decision 7).
func stayArchived(tx store.Tx, before, now user.User) error {
	if before.Status != user.Archived {
		return nil
	}
	now.Status = user.Archived
	if err := store.Put(tx, now); err != nil {
		return fmt.Errorf("leaving %s archived: %w", now.ID, err)
	}
	return nil
}

// forget frees an address that is the account's no more, which hung on a strand,
// and tells it so.
func (s *Service) forget(tx store.Tx, pol policy.Policy, a user.Account, strand user.ID, gone user.Mailbox, lang string) error {
	if err := release(tx, a.User, strand, gone.Key); err != nil {
		return err
	}
	if err := s.warn(tx, pol, a, gone, lang); err != nil {
		return err
	}
	u, err := tx.User(a.User)
	if err != nil {
		return fmt.Errorf("reading user %s: %w", a.User, err)
	}
	if _, err := ledger.Open(tx, pol, string(a.User)).Reproject(u); err != nil {
		return err
	}
	return told(tx, event.AddressRemoved, a, "second")
}

// warn tells an address of an account that its addresses were changed: whoever
// reads it may not be who did (security A10).
func (s *Service) warn(tx store.Tx, pol policy.Policy, a user.Account, at user.Mailbox, lang string) error {
	return s.Post.Tell(tx, pol, mailed.Letter{
		Template: mailed.AddressesChanged, User: a.User, Strand: a.Strand, To: at, Username: a.Username, Lang: lang,
	})
}

func told(tx store.Tx, kind event.Kind, a user.Account, which string) error {
	return event.Append(tx, event.New{
		Kind: kind, User: a.User, Actor: string(a.User), Door: user.DoorGQLAuth, Body: map[string]any{"strand": a.Strand, "which": which},
	})
}

// memberOf finds whose second address a token proves, and which.
func memberOf(r store.Reader, t mailed.Token) (st store.AccountState, to user.Mailbox, err error) {
	dead := user.Refuse(user.BadToken, "")
	if !t.Original {
		st, err = r.AccountOn(t.Row.Strand)
		if errors.Is(err, store.ErrNotFound) {
			st, err = r.Account(t.Row.User) // it hangs on another strand by now
		}
		if errors.Is(err, store.ErrNotFound) {
			return st, to, dead
		}
		if err != nil || !t.Row.To.None() {
			return st, t.Row.To, err
		}
	}
	e, err := normal.ParseEmail(t.SecondaryEmail)
	if err != nil {
		return st, to, dead
	}
	if !t.Original { // it was: its record is from when it was used
		return st, user.Mailbox{Display: e.String(), Key: e.Key()}, nil
	}
	subject, err := normal.ParseEmail(t.Subject)
	if err != nil {
		return st, to, dead
	}
	found, err := r.AccountsAt(subject.Key())
	if err != nil {
		return st, to, fmt.Errorf("looking for an account: %w", err)
	}
	for _, st := range found {
		if st.Account.Verified && st.Account.First.Key == subject.Key() {
			return st, user.Mailbox{Display: e.String(), Key: e.Key()}, nil
		}
	}
	return st, to, dead
}

// SwapEmails makes the second address the first. Login tokens that name the one
// of before are dead with that, refresh tokens are not. Refusals: Missing,
// WhyNoSecond; BadCredential of password; Forbidden.
func (s *Service) SwapEmails(ctx context.Context, c Caller, password string) error {
	if _, err := s.check(ctx, c, password, "password", true); err != nil {
		return err
	}
	pol := s.Policies.Current()
	return s.change(ctx, c, func(tx store.Tx, _ user.User, a user.Account) error {
		if a.Second.None() {
			return user.Refuse(user.Missing, "", "why", WhyNoSecond)
		}
		a.First, a.Second = a.Second, a.First
		if err := store.Put(tx, a); err != nil {
			return fmt.Errorf("swapping addresses: %w", err)
		}
		if err := s.warn(tx, pol, a, a.Second, c.Lang); err != nil {
			return err
		}
		return event.Append(tx, event.New{
			Kind: event.UserChanged, User: a.User, Actor: string(a.User), Door: user.DoorGQLAuth,
			Body: map[string]any{"attributes": []user.Attr{user.EmailAttr}, "strand": a.Strand},
		})
	})
}

// RemoveSecond forgets the second address, which is free again. Refusals are
// SwapEmails'.
func (s *Service) RemoveSecond(ctx context.Context, c Caller, password string) error {
	if _, err := s.check(ctx, c, password, "password", true); err != nil {
		return err
	}
	pol := s.Policies.Current()
	return s.change(ctx, c, func(tx store.Tx, _ user.User, a user.Account) error {
		if a.Second.None() {
			return user.Refuse(user.Missing, "", "why", WhyNoSecond)
		}
		gone := a.Second
		a.Second = user.Mailbox{}
		if err := store.Put(tx, a); err != nil {
			return fmt.Errorf("removing an address: %w", err)
		}
		return s.forget(tx, pol, a, a.Strand, gone, c.Lang)
	})
}

// release takes an address from a strand. The user goes on owning it where
// another of its strands has proven it too.
func release(tx store.Tx, u, strand user.ID, key string) error {
	claims, err := tx.ClaimsOf(u)
	if err != nil {
		return fmt.Errorf("reading the addresses of %s: %w", u, err)
	}
	var other user.ID
	for _, c := range claims {
		switch {
		case c.Kind != user.Email || c.Address != key:
		case c.Strand == strand:
			if err := store.Delete(tx, c); err != nil {
				return fmt.Errorf("freeing an address of %s: %w", u, err)
			}
		case c.Assurance == user.Proven:
			other = c.Strand
		}
	}
	o, err := tx.Owner(user.Email, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for the owner of an address: %w", err)
	}
	switch {
	case o.User != u, o.Strand != strand:
		return nil
	case other != "":
		o.Strand = other
		err = store.Put(tx, o)
	default:
		err = store.Delete(tx, o)
	}
	if err != nil {
		return fmt.Errorf("freeing an address of %s: %w", u, err)
	}
	return nil
}
