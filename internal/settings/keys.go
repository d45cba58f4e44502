package settings

import (
	"context"
	"errors"
	"fmt"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token"
)

// Rotate does what is due with the signing keys and takes up the ring.
func (s *Service) Rotate(ctx context.Context) error {
	keys, err := s.keys(ctx)
	if err != nil {
		return err
	}
	if due := token.Rotate(keys, s.now(), rotation); len(due) > 0 {
		if keys, err = s.change(ctx, due); err != nil {
			return err
		}
	}
	ring, err := token.NewRing(keys)
	if err != nil {
		return fmt.Errorf("taking up the signing keys: %w", err)
	}
	s.ring.Store(ring)
	return nil
}

func (s *Service) keys(ctx context.Context) (keys []token.Key, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		var err error
		keys, err = s.open(r)
		return err
	})
	return keys, err
}

func (s *Service) open(r store.Reader) ([]token.Key, error) {
	rows, err := r.Keys()
	if err != nil {
		return nil, fmt.Errorf("reading the signing keys: %w", err)
	}
	var keys []token.Key
	for _, row := range rows {
		k, err := token.KeyRecord{
			KID: row.KID, State: token.State(row.State), Alg: token.Alg(row.Alg), PublicJWK: row.PublicJWK, Wrapped: row.Wrapped,
			CreatedAt: row.Created, ActivatedAt: row.Activated, RetiresAt: row.Retires,
		}.Open(s.kek, s.realm)
		if err != nil {
			return nil, fmt.Errorf("opening signing key %s: %w", row.KID, err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// errAgain says that another process changed the keys in between.
var errAgain = errors.New("settings: the keys changed meanwhile")

// change carries out a rotation. Keys are made before the transaction, which
// judges again what is due.
func (s *Service) change(ctx context.Context, due []token.Change) (keys []token.Key, err error) {
	fresh := map[token.State]token.Key{}
	for _, c := range due {
		if c.Act != token.Create {
			continue
		}
		k, err := token.GenerateKey(c.To, c.At)
		if err != nil {
			return nil, fmt.Errorf("making a signing key: %w", err)
		}
		if c.To == token.Active {
			k.ActivatedAt = c.At
		}
		fresh[c.To] = k
	}
	at := s.now()
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		var err error
		if keys, err = s.open(tx); err != nil {
			return err
		}
		keys, err = s.carryOut(tx, keys, token.Rotate(keys, at, rotation), fresh)
		return err
	})
	if errors.Is(err, errAgain) {
		return s.keys(ctx) // the other one did it
	}
	return keys, err
}

func (s *Service) carryOut(tx store.Tx, keys []token.Key, due []token.Change, fresh map[token.State]token.Key) ([]token.Key, error) {
	for _, c := range due {
		var k token.Key
		if c.Act == token.Create {
			var ok bool
			if k, ok = fresh[c.To]; !ok {
				return nil, errAgain
			}
			keys = append(keys, k)
		}
		for i := range keys {
			if c.Act != token.Create && keys[i].KID == c.KID {
				keys[i] = keys[i].With(c)
				k = keys[i]
			}
		}
		if err := s.write(tx, k); err != nil {
			return nil, err
		}
		if err := event.Append(tx, event.New{
			Kind: event.KeyRotated, Actor: "__system", Body: map[string]any{"kid": k.KID, "act": c.Act, "state": k.State},
		}); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func (s *Service) write(tx store.Tx, k token.Key) error {
	rec, err := k.Record(s.kek, s.realm)
	if err != nil {
		return fmt.Errorf("sealing signing key %s: %w", k.KID, err)
	}
	err = store.Put(tx, store.Key{
		KID: rec.KID, State: string(rec.State), Alg: string(rec.Alg), PublicJWK: rec.PublicJWK, Wrapped: rec.Wrapped,
		Created: rec.CreatedAt, Activated: rec.ActivatedAt, Retires: rec.RetiresAt,
	})
	if err != nil {
		return fmt.Errorf("writing signing key %s: %w", k.KID, err)
	}
	return nil
}
