package signin

import (
	"context"
	"fmt"
	"strconv"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Refresh trades a refresh token for the next pair. Refusals: InvalidClient,
// BadToken whatever is wrong; a token used twice ends its session.
func (s *Service) Refresh(ctx context.Context, r Renewal) (SignedIn, error) {
	pair, err := s.sessions.NewPair()
	if err != nil {
		return SignedIn{}, err
	}
	var (
		out     SignedIn
		refused *user.Refusal
	)
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		c, err := checkClient(tx, r.ClientID, r.ClientSecret)
		if err != nil {
			return err
		}
		live, no, err := s.sessions.Renew(tx, r.RefreshToken, r.Door, c.ID, pair)
		if refused = no; err != nil || no != nil {
			return err
		}
		out = signedIn(c, live.Session, live.User, pair, tx.Now())
		return nil
	})
	if err != nil {
		return SignedIn{}, err
	}
	if refused != nil {
		return SignedIn{}, refused
	}
	return out, nil
}

// numberAt gives a user's number at the partner door, made at first need for
// somebody who is known from elsewhere.
func numberAt(tx store.Tx, u user.User, strand user.ID) (string, error) {
	handles, err := tx.Handles(u.ID)
	if err != nil {
		return "", fmt.Errorf("reading names: %w", err)
	}
	for _, h := range handles {
		if h.Space != user.SpacePartner || h.Dead {
			continue
		}
		st, err := tx.Strand(h.Strand)
		if err != nil {
			return "", fmt.Errorf("reading the strand of a number: %w", err)
		}
		if st.State == user.Live { // a withdrawn one's number is unknown to people
			return h.Value, nil
		}
	}
	h := user.Handle{
		Space: user.SpacePartner, Value: strconv.FormatInt(tx.NewNumber(), 10), User: u.ID, Strand: strand, Created: tx.Now(),
	}
	if err := store.Insert(tx, h); err != nil {
		return "", fmt.Errorf("giving a number: %w", err)
	}
	return h.Value, nil
}
