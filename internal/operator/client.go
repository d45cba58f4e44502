package operator

import (
	"context"
	"crypto/sha256"
	"errors"
	"strconv"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// CreateClient registers a program that signs people in at the partner door.
// Without a secret the client is public. Refusals: Invalid, InUse.
func (s *Service) CreateClient(ctx context.Context, id, secret string, distinctErrors bool) (c user.Client, err error) {
	if id == "" || len(id) > 255 {
		return c, user.Refuse(user.Invalid, "id", "why", "must be 1 to 255 characters")
	}
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		c = user.Client{
			ID: strconv.FormatInt(tx.NewNumber(), 10), ClientID: id, Created: tx.Now(),
			DistinctErrors: distinctErrors && secret != "",
		}
		if secret != "" {
			sum := sha256.Sum256([]byte(secret))
			c.SecretHash = sum[:]
		}
		err := store.Insert(tx, c)
		if errors.Is(err, store.ErrExists) {
			return user.Refuse(user.InUse, "id", "id", id)
		}
		return err
	})
	return c, err
}
