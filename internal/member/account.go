package member

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/account"
	"github.com/usher-id/usher/internal/credential"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// MaxName is the longest first or last name, in characters (contract gqlauth.md,
// section 4).
const MaxName = 25

// Names are what is changed; nil leaves a name as it is, empty clears it.
type Names struct{ First, Last *string }

// Rename changes the caller's names, at every door. Refusals: TooLarge of
// firstName and lastName, Forbidden.
func (s *Service) Rename(ctx context.Context, c Caller, n Names) error {
	err := s.Store.View(ctx, func(r store.Reader) error {
		_, err := own(r, c.Live)
		return err
	})
	if err != nil {
		return err
	}
	edit, errs := account.Edit{}, []error{}
	for _, f := range []struct {
		field string
		attr  user.Attr
		text  *string
	}{{"firstName", user.GivenName, n.First}, {"lastName", user.FamilyName, n.Last}} {
		switch {
		case f.text == nil:
			continue
		case utf8.RuneCountInString(*f.text) > MaxName:
			length := strconv.Itoa(utf8.RuneCountInString(*f.text))
			errs = append(errs, user.Refuse(user.TooLarge, f.field, "max", strconv.Itoa(MaxName), "length", length))
		case *f.text == "":
			edit[f.attr] = nil
		default:
			edit[f.attr] = f.text
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if len(edit) == 0 {
		return nil
	}
	_, err = s.Editor.Edit(ctx, c.Live, edit)
	return err
}

// PasswordChange is a form, with the password of until then.
type PasswordChange struct{ Old, First, Second string }

// ChangePassword sets the caller's password and ends every session; refresh is
// kept for the one that goes on. Refusals: BadCredential of oldPassword; those of
// the form, of newPassword1 and newPassword2; Forbidden.
func (s *Service) ChangePassword(ctx context.Context, c Caller, in PasswordChange, refresh session.Refresh) (m session.Member, err error) {
	st, err := s.check(ctx, c, in.Old, "oldPassword", false)
	if err != nil {
		return m, err
	}
	pol := s.Policies.Current()
	errs, err := credential.Form{
		First: in.First, Second: in.Second, FirstField: "newPassword1", SecondField: "newPassword2",
		Who: password.Attributes{
			Username: st.Account.Username, Email: session.Mailbox(st).Display,
			FirstName: st.User.Profile.Text(user.GivenName), LastName: st.User.Profile.Text(user.FamilyName),
		},
	}.Check(pol.Password(user.DoorGQLAuth))
	if err != nil || len(errs) > 0 {
		return m, cmp.Or(err, credential.Join(errs))
	}
	hash, err := credential.Hash(ctx, s.Passwords, in.First)
	if err != nil {
		return m, err
	}
	err = s.change(ctx, c, func(tx store.Tx, u user.User, a user.Account) error {
		a, err := ownStrand(tx, pol, u, a)
		if err != nil {
			return err
		}
		u, err = credential.Set(tx, pol, credential.Change{
			User: u, Strand: a.Strand, Hash: hash, Door: user.DoorGQLAuth, How: "changed",
		})
		if err != nil {
			return err
		}
		sess, err := session.BeginLogin(tx, user.Session{
			User: u.ID, Strand: a.Strand, Subject: session.Number(a.PK), Epoch: u.Epoch, Methods: []string{"pwd"},
		}, refresh)
		if err != nil {
			return err
		}
		st.User, st.Account = u, a
		m = session.Member{Live: session.Live{Session: sess, User: u, IssuedAt: sess.Created}, AccountState: st}
		return nil
	})
	return m, err
}

// ownStrand hangs an account on a strand of this door's own, where it hung on
// another source's: that source goes on writing to its strand, and what a person
// chose here is not its to write over.
func ownStrand(tx store.Tx, pol policy.Policy, u user.User, a user.Account) (user.Account, error) {
	on, err := tx.Strand(a.Strand)
	if err != nil {
		return a, fmt.Errorf("reading a strand: %w", err)
	}
	if on.Source.Door() == user.DoorGQLAuth {
		return a, nil
	}
	now := tx.Now()
	s := user.Strand{
		ID: tx.NewID(), User: u.ID, Origin: u.ID, Source: user.Source(user.DoorGQLAuth), Kind: user.Human, State: user.Live,
		Document: user.Document{}, Edits: user.Document{}, Created: now, CreatedBy: string(u.ID), Updated: now,
	}
	if err := ledger.Open(tx, pol, string(u.ID)).Attach(u, s); err != nil {
		return a, err
	}
	a.First = session.Mailbox(store.AccountState{Account: a, User: u})
	return a, session.MoveAccount(tx, &a, s.ID)
}

// Archive closes the caller's account until they sign in again. Refresh tokens
// of this door end, its login tokens live out their minutes; sessions at other
// doors end. Doing it again changes nothing. Refusals: BadCredential of password,
// Forbidden.
func (s *Service) Archive(ctx context.Context, c Caller, password string) error {
	if _, err := s.check(ctx, c, password, "password", false); err != nil {
		return err
	}
	return s.change(ctx, c, func(tx store.Tx, u user.User, _ user.Account) error {
		if _, err := tx.RetireRefresh(u.ID, user.DoorGQLAuth, tx.Now()); err != nil {
			return fmt.Errorf("ending the refresh tokens of %s: %w", u.ID, err)
		}
		if u.Status == user.Archived {
			return nil
		}
		sessions, err := tx.Sessions(u.ID)
		if err != nil {
			return fmt.Errorf("reading the sessions of %s: %w", u.ID, err)
		}
		for _, one := range sessions {
			if one.Door == user.DoorGQLAuth {
				continue
			}
			if err := session.End(tx, one, session.Ending{Actor: string(u.ID), Door: user.DoorGQLAuth, Why: session.SignedOut}); err != nil {
				return err
			}
		}
		u.Status, u.Updated = user.Archived, tx.Now()
		if err := store.Put(tx, u); err != nil {
			return fmt.Errorf("archiving %s: %w", u.ID, err)
		}
		return event.Append(tx, event.New{
			Kind: event.UserChanged, User: u.ID, Actor: string(u.ID), Door: user.DoorGQLAuth, Body: map[string]any{"status": u.Status},
		})
	})
}

// Delete takes the caller away from this door, and altogether where nothing of
// theirs is left elsewhere (design, section 3). Refusals: BadCredential of
// password, Forbidden.
func (s *Service) Delete(ctx context.Context, c Caller, password string) error {
	if _, err := s.check(ctx, c, password, "password", false); err != nil {
		return err
	}
	pol := s.Policies.Current()
	return s.change(ctx, c, func(tx store.Tx, u user.User, _ user.Account) error {
		if err := retireUsernames(tx, u.ID); err != nil {
			return err
		}
		if err := closeAccounts(tx, u.ID); err != nil {
			return err
		}
		if _, err := tx.EndMailed(u.ID, tx.Now()); err != nil {
			return fmt.Errorf("ending the mailed tokens of %s: %w", u.ID, err)
		}
		return ledger.Open(tx, pol, string(u.ID)).LeaveDoor(u, user.DoorGQLAuth, user.SpaceGQLAuth)
	})
}

// closeAccounts removes a user's accounts: after a merge they may be several.
func closeAccounts(tx store.Tx, u user.ID) error {
	for {
		st, err := tx.Account(u)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading an account: %w", err)
		}
		if err := store.Delete(tx, st.Account); err != nil {
			return fmt.Errorf("removing an account: %w", err)
		}
	}
}

// retireUsernames makes tombstones of a user's names at this door.
func retireUsernames(tx store.Tx, u user.ID) error {
	handles, err := tx.Handles(u)
	if err != nil {
		return fmt.Errorf("reading the names of %s: %w", u, err)
	}
	for _, h := range handles {
		if h.Space != user.SpaceGQLAuthUN {
			continue
		}
		h.Dead = true
		if err := store.Put(tx, h); err != nil {
			return fmt.Errorf("retiring a name of %s: %w", u, err)
		}
	}
	return nil
}

// refusal gives the one refusal in err, or nil.
func refusal(err error) *user.Refusal {
	no, _ := errors.AsType[*user.Refusal](err)
	return no
}
