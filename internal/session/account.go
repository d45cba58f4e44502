package session

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Number writes a pk as its handle does.
func Number(pk int32) string { return strconv.FormatInt(int64(pk), 10) }

// AccountOf gives the account of a user at the GraphQL door. Somebody who is
// known from elsewhere gets one at first need, on the given strand or, where
// that is empty, on the oldest that is live; its addresses and names are then
// those of the profile.
func AccountOf(tx store.Tx, u, strand user.ID) (user.Account, error) {
	if strand != "" {
		switch st, err := tx.AccountOn(strand); {
		case err == nil:
			return st.Account, nil
		case !errors.Is(err, store.ErrNotFound):
			return user.Account{}, fmt.Errorf("reading an account: %w", err)
		}
	}
	switch st, err := tx.Account(u); {
	case err == nil:
		return st.Account, nil
	case !errors.Is(err, store.ErrNotFound):
		return user.Account{}, fmt.Errorf("reading an account: %w", err)
	}
	if strand == "" {
		strands, err := tx.Strands(u)
		if err != nil {
			return user.Account{}, fmt.Errorf("reading the strands of %s: %w", u, err)
		}
		for _, s := range strands {
			if s.State == user.Live {
				strand = s.ID
				break
			}
		}
		if strand == "" {
			return user.Account{}, errors.New("the user has no live strand")
		}
	}
	who, err := tx.User(u)
	if err != nil {
		return user.Account{}, fmt.Errorf("reading user %s: %w", u, err)
	}
	return OpenAccount(tx, user.Account{
		User: u, Strand: strand,
		Username: who.Profile.Text(user.PreferredName),
		Verified: who.Profile.Text(user.EmailVerified) == "true",
	})
}

// AccountAt gives the account of a user who has just proven an address at the
// GraphQL door, in a strand of that door's own. One that hung on another source's
// strand hangs on this one from then on.
func AccountAt(tx store.Tx, u user.User, strand user.ID, proven user.Mailbox) (user.Account, error) {
	st, err := tx.Account(u.ID)
	if errors.Is(err, store.ErrNotFound) {
		return OpenAccount(tx, user.Account{
			User: u.ID, Strand: strand, Username: u.Profile.Text(user.PreferredName), First: proven, Verified: true,
		})
	}
	if err != nil {
		return user.Account{}, fmt.Errorf("reading an account: %w", err)
	}
	if !st.Account.First.None() {
		return st.Account, nil
	}
	a := st.Account
	a.First, a.Verified = proven, true
	return a, MoveAccount(tx, &a, strand)
}

// MoveAccount hangs an account, and its number, on another strand of its user,
// and writes it.
func MoveAccount(tx store.Tx, a *user.Account, strand user.ID) error {
	h, err := tx.Handle(user.SpaceGQLAuth, Number(a.PK))
	if err != nil {
		return fmt.Errorf("reading the number of an account: %w", err)
	}
	h.Strand, a.Strand = strand, strand
	if err := store.Put(tx, h); err != nil {
		return fmt.Errorf("moving the number of an account: %w", err)
	}
	if err := store.Put(tx, *a); err != nil {
		return fmt.Errorf("moving an account: %w", err)
	}
	return nil
}

// OpenAccount gives an account its number, which is never given again.
func OpenAccount(tx store.Tx, a user.Account) (user.Account, error) {
	var err error
	if a.PK, err = tx.Next(store.AccountNumbers); err != nil {
		return a, fmt.Errorf("numbering an account: %w", err)
	}
	a.Created = tx.Now()
	h := user.Handle{Space: user.SpaceGQLAuth, Value: Number(a.PK), User: a.User, Strand: a.Strand, Created: a.Created}
	if err := store.Insert(tx, h); err != nil {
		return a, fmt.Errorf("giving an account its number: %w", err)
	}
	if err := store.Insert(tx, a); err != nil {
		return a, fmt.Errorf("opening an account: %w", err)
	}
	return a, nil
}
