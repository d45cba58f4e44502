package enrol

import (
	"errors"
	"fmt"

	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Bring makes a pending sign-up of the record of somebody who signed up at the
// service that usher took over from, and has not proven the address (contract
// gqlauth.md, decision 10): the link that was mailed there proves it here, and the
// password chosen there counts then. It does nothing for an address that somebody
// vouches for, and for a user who has an account.
func Bring(tx store.Tx, u, strand user.ID) error {
	said, ok, err := unproven(tx, u, strand)
	if err != nil || !ok {
		return err
	}
	if _, err := tx.Account(u); !errors.Is(err, store.ErrNotFound) {
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
