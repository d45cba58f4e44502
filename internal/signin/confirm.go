package signin

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Confirmation is the password of somebody who is signed in, asked for again.
type Confirmation struct {
	Door     user.Door
	User     user.ID
	Password string
	Network  netip.Prefix
}

// Confirm checks it, counted as a sign-in is: whoever holds somebody's token
// guesses no faster than a stranger. Refusals: BadCredential, also while the
// account waits; Throttled; Busy.
func (s *Service) Confirm(ctx context.Context, c Confirmation) error {
	a := Attempt{Door: c.Door, Password: c.Password, Network: c.Network, again: true}
	return s.evenly(ctx, func(dear *bool) error {
		f := found{account: accountKey(c.User)}
		err := s.store.View(ctx, func(r store.Reader) error {
			who, err := r.SignInByUser(c.Door, c.User, namings[c.Door].numbers)
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			f.users = []store.SignIn{who}
			return err
		})
		if err != nil {
			return fmt.Errorf("looking for a password: %w", err)
		}
		return s.check(ctx, a, f, s.policies.Current(), dear, func(store.Tx, Identified) error { return nil })
	})
}
