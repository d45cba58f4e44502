package enrol

import (
	"errors"
	"fmt"
	"slices"

	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/mailed"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Bring makes a pending sign-up of the record of somebody who signed up at the
// service that usher took over from, and has not proven the address (contract
// gqlauth.md, decision 10): the link that was mailed there proves it here, and the
// password chosen there counts then. It does nothing for an address that somebody
// vouches for, and for a user who has an account; but a sign-up that was brought
// before, and whose address the record now vouches for, is pending no more.
func Bring(tx store.Tx, u, strand user.ID) error {
	said, ok, err := unproven(tx, u, strand)
	if err != nil {
		return err
	}
	switch st, err := tx.Account(u); {
	case err == nil && !ok:
		return vouch(tx, st.Account, strand)
	case err == nil, !ok:
		return nil
	case !errors.Is(err, store.ErrNotFound):
		return wrapped(err)
	}
	s, err := tx.Strand(strand)
	if err != nil {
		return fmt.Errorf("reading a record: %w", err)
	}
	_, err = session.OpenAccount(tx, user.Account{
		User: u, Strand: strand, Username: s.Document.Text(user.PreferredName),
		First: user.Mailbox{Display: said.Display, Key: said.Address},
	})
	return err
}

// vouch makes of a sign-up that was brought the account of somebody who was
// imported with an address that is vouched for.
func vouch(tx store.Tx, a user.Account, strand user.ID) error {
	if a.Verified || a.Strand != strand {
		return nil
	}
	claims, err := tx.ClaimsOf(a.User)
	if err != nil {
		return fmt.Errorf("reading the addresses of %s: %w", a.User, err)
	}
	if !slices.ContainsFunc(claims, func(c user.Claim) bool {
		return c.Strand == strand && c.Kind == user.Email && c.Assurance != user.Asserted
	}) {
		return nil
	}
	a.First, a.Verified = user.Mailbox{}, true
	if err := store.Put(tx, a); err != nil {
		return fmt.Errorf("verifying an account: %w", err)
	}
	return nil
}

func wrapped(err error) error {
	if err != nil {
		return fmt.Errorf("looking for an account: %w", err)
	}
	return nil
}

// unproven gives the address that a record says, if nothing surer is said of its
// user.
func unproven(r store.Reader, u, strand user.ID) (said user.Claim, ok bool, err error) {
	claims, err := r.ClaimsOf(u)
	if err != nil {
		return said, false, fmt.Errorf("reading the addresses of %s: %w", u, err)
	}
	for _, c := range claims {
		switch {
		case c.Kind != user.Email:
		case c.Assurance != user.Asserted:
			return said, false, nil
		case c.Strand == strand:
			said, ok = c, true
		}
	}
	return said, ok, nil
}

// original is the sign-up of the service that usher took over from, among those
// that are pending: the one that was brought from there, else the only one there is.
func (k knowledge) original(r store.Reader) (st store.AccountState, ok bool, err error) {
	var brought []store.AccountState
	for _, p := range k.pending {
		s, err := r.Strand(p.Account.Strand)
		if err != nil {
			return st, false, fmt.Errorf("reading a sign-up: %w", err)
		}
		if s.Kind == user.Feed {
			brought = append(brought, p)
		}
	}
	switch {
	case len(brought) == 1:
		return brought[0], true, nil
	case len(brought) == 0 && len(k.pending) == 1:
		return k.pending[0], true, nil
	}
	return st, false, nil
}

// pending says whether an unproven account is a sign-up still. One that was
// brought hangs on the record that it came with: it is over once that says another
// address, or was withdrawn.
func pending(r store.Reader, a user.Account) (bool, error) {
	s, err := r.Strand(a.Strand)
	if err != nil {
		return false, fmt.Errorf("reading a sign-up: %w", err)
	}
	if s.Kind != user.Feed {
		return true, nil
	}
	claims, err := r.ClaimsOf(a.User)
	if err != nil {
		return false, fmt.Errorf("reading the addresses of %s: %w", a.User, err)
	}
	return s.State == user.Live && slices.ContainsFunc(claims, func(c user.Claim) bool {
		return c.Strand == s.ID && c.Kind == user.Email && c.Address == a.First.Key
	}), nil
}

// settled judges a link whose sign-up is not where it was mailed for: one that was
// brought is elsewhere once another of its links was used.
func settled(r store.Reader, t mailed.Token) (store.AccountState, error) {
	st, err := r.Account(t.Row.User)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return st, wrapped(err)
	}
	if s, no := r.Strand(t.Row.Strand); err != nil || no != nil || s.Kind != user.Feed {
		return store.AccountState{}, user.Refuse(user.BadToken, "")
	}
	if st.Account.Verified && st.Account.First.Key == t.Row.To.Key {
		return st, user.Refuse(user.Conflict, "", "why", WhyVerified)
	}
	return st, user.Refuse(user.BadToken, "")
}

// settle takes a sign-up that was brought off the record that it came with, as its
// link is used: the record's source goes on writing there, and neither a password
// nor an address of a person's is its to change. The password comes along if it is
// the one that was brought; one that the source set since goes.
func settle(tx store.Tx, pol policy.Policy, a *user.Account, record user.Strand) (own user.Strand, err error) {
	u, err := tx.User(a.User)
	if err != nil {
		return own, fmt.Errorf("reading user %s: %w", a.User, err)
	}
	now := tx.Now()
	own = user.Strand{
		ID: tx.NewID(), User: u.ID, Origin: u.ID, Source: source, Kind: user.Human, State: user.Live,
		Document: user.Document{}, Edits: user.Document{}, Created: now, CreatedBy: string(source), Updated: now,
	}
	own.Document.Set(user.PreferredName, user.Text(a.Username), user.Asserted, now)
	if err := ledger.Open(tx, pol, string(u.ID)).Attach(u, own); err != nil {
		return own, err
	}
	if err := keepName(tx, *a, own); err != nil {
		return own, err
	}
	passwords, err := tx.Passwords(u.ID)
	if err != nil {
		return own, fmt.Errorf("reading the passwords of %s: %w", u.ID, err)
	}
	for _, p := range passwords {
		if p.Strand != record.ID || p.SetAside {
			continue
		}
		if err := store.Delete(tx, p); err != nil {
			return own, fmt.Errorf("taking a password off a record: %w", err)
		}
		if p.Imported == "" || p.Set.After(a.Created) {
			continue
		}
		p.Strand = own.ID
		if err := store.Insert(tx, p); err != nil {
			return own, fmt.Errorf("keeping a sign-up's password: %w", err)
		}
	}
	return own, session.MoveAccount(tx, a, own.ID)
}

// keepName gives somebody the username that they were brought with as their own,
// unless a sign-up has it: the record's source may call them otherwise tomorrow.
func keepName(tx store.Tx, a user.Account, own user.Strand) error {
	name, err := normal.ImportedUsername(a.Username)
	if err != nil {
		return nil //nolint:nilerr // brought without one
	}
	taken, err := tx.TakenNames(user.SpaceGQLAuthUN, []string{name.Key})
	if err != nil {
		return fmt.Errorf("looking for a username: %w", err)
	}
	if len(taken) > 0 {
		return nil
	}
	h := user.Handle{Space: user.SpaceGQLAuthUN, Value: name.Key, User: a.User, Strand: own.ID, Created: tx.Now()}
	if err := store.Insert(tx, h); err != nil {
		return fmt.Errorf("keeping a username: %w", err)
	}
	return nil
}
