package onboarding

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Block keeps a user out by a lock of this door's, and ends their sessions; by is
// who asked. Refusals: NotFound; UserLocked for one who is blocked already.
func (s *Service) Block(ctx context.Context, id, by string) error {
	return s.on(ctx, id, func(tx store.Tx, u user.User, locks []user.Lock) error {
		if len(locks) > 0 || u.Status == user.Deleted {
			return user.Refuse(user.UserLocked, "user")
		}
		if err := store.Insert(tx, user.Lock{User: u.ID, Source: Source, Reason: "blocked", By: by, At: tx.Now()}); err != nil {
			return fmt.Errorf("blocking %s: %w", u.ID, err)
		}
		if err := session.EndAll(tx, u.ID, "", session.Ending{Actor: by, Door: user.DoorSunbird, Why: session.Locked}); err != nil {
			return err
		}
		return event.Append(tx, event.New{Kind: event.UserLocked, User: u.ID, Actor: by, Door: user.DoorSunbird})
	})
}

// Unblock lifts this door's lock. Refusals: NotFound; Conflict for one whom nobody
// blocks; Forbidden where only others' locks, or a deletion, are left: they are not
// this door's to lift.
func (s *Service) Unblock(ctx context.Context, id, by string) error {
	return s.on(ctx, id, func(tx store.Tx, u user.User, locks []user.Lock) error {
		for _, l := range locks {
			if l.Source != Source {
				continue
			}
			if err := store.Delete(tx, l); err != nil {
				return fmt.Errorf("unblocking %s: %w", u.ID, err)
			}
			return event.Append(tx, event.New{Kind: event.UserUnlocked, User: u.ID, Actor: by, Door: user.DoorSunbird})
		}
		if len(locks) > 0 || u.Status == user.Deleted {
			return user.Refuse(user.Forbidden, "user")
		}
		return user.Refuse(user.Conflict, "user")
	})
}

func (s *Service) on(ctx context.Context, id string, fn func(store.Tx, user.User, []user.Lock) error) error {
	return s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		h, err := tx.Handle(user.SpaceSunbird, strings.ToLower(id))
		if errors.Is(err, store.ErrNotFound) || err == nil && h.Dead {
			return user.Refuse(user.NotFound, "user")
		}
		if err != nil {
			return fmt.Errorf("looking for a user: %w", err)
		}
		u, err := tx.User(h.User)
		if err != nil {
			return fmt.Errorf("reading a user: %w", err)
		}
		locks, err := tx.Locks(u.ID)
		if err != nil {
			return fmt.Errorf("reading locks: %w", err)
		}
		return fn(tx, u, locks)
	})
}
