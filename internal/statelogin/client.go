package statelogin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Client checks a client that asks for tokens: one that policy names, with the
// secret it was registered with. InvalidClient whatever is wrong.
func (s *Service) Client(ctx context.Context, id, secret string) error {
	no := user.Refuse(user.InvalidClient, "clientId")
	var c user.Client
	err := s.Store.View(ctx, func(r store.Reader) error {
		var err error
		c, err = r.Client(id)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("looking for a client: %w", err)
	}
	sum := sha256.Sum256([]byte(secret))
	right := len(c.SecretHash) == len(sum) && subtle.ConstantTimeCompare(c.SecretHash, sum[:]) == 1
	if !right || !slices.Contains(s.Policies.Current().Sunbird.SessionClients, id) {
		return no
	}
	return nil
}

// Open says whether a client's tokens are renewed without a secret: one that was
// registered with a secret has to show it. InvalidClient then.
func (s *Service) Open(ctx context.Context, id string) error {
	return s.Store.View(ctx, func(r store.Reader) error {
		c, err := r.Client(id)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("looking for a client: %w", err)
		}
		if c.SecretHash != nil {
			return user.Refuse(user.InvalidClient, "clientId")
		}
		return nil
	})
}
