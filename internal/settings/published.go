package settings

import (
	"context"
	"errors"
	"fmt"

	"github.com/usher-id/usher/internal/store"
)

const publishedName = "public_url"

// Publish notes under which URL the server is reached, so that commands on the
// same database make the same tokens without being told.
func (s *Service) Publish(ctx context.Context, url string) error {
	known, err := s.Published(ctx)
	if err != nil || known == url {
		return err
	}
	wrapped := s.kek.Seal([]byte(url), "note", s.realm, publishedName)
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		return store.Put(tx, store.Secret{Name: publishedName, Wrapped: wrapped, Created: tx.Now()})
	})
	if err != nil {
		return fmt.Errorf("noting the public URL: %w", err)
	}
	return nil
}

// Published gives the URL that a server noted last; empty when none did.
func (s *Service) Published(ctx context.Context) (string, error) {
	var row store.Secret
	err := s.store.View(ctx, func(r store.Reader) error {
		var err error
		row, err = r.Secret(publishedName)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the public URL: %w", err)
	}
	url, err := s.kek.Open(row.Wrapped, "note", s.realm, publishedName)
	if err != nil {
		return "", fmt.Errorf("reading the public URL: %w", err)
	}
	return string(url), nil
}
