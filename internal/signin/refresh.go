package signin

import (
	"context"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Refresh trades a refresh token for the next pair. Refusals: InvalidClient,
// BadToken whatever is wrong; a token used twice ends its session.
func (s *Service) Refresh(ctx context.Context, r Renewal) (in SignedIn, err error) {
	defer func() { s.told.Tried(r.Door, ByRefresh, outcome(err)) }()
	pair, err := s.sessions.NewPair()
	if err != nil {
		return SignedIn{}, err
	}
	var (
		out     SignedIn
		refused *user.Refusal
	)
	err = s.store.Update(ctx, store.Narrow, func(tx store.Tx) error {
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
