package registrant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// kindEnded is the visit that remembers the end of a realm's session which nobody
// came with.
const kindEnded = "realm ended"

// endedFor is how long it is remembered: longer than tokens live.
const endedFor = 24 * time.Hour

func endedThere(r store.Reader, key []byte) (bool, error) {
	_, err := r.Visit(key)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for the end of a session: %w", err)
	}
	return true, nil
}

// End is a log-out at a realm: of one of its sessions, or of all that somebody has
// where it names none (OpenID Connect Back-Channel Logout 1.0, section 2.4).
func (s *Service) End(ctx context.Context, realm Realm, identity user.IdentityKey, sid string) error {
	by := session.Ending{Actor: string(realm.Source), Door: Door, Why: session.SignedOut}
	return s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		if sid == "" {
			u, strand, err := known(tx, identity)
			if err != nil || u.ID == "" {
				return err
			}
			return session.EndAll(tx, u.ID, strand.ID, by)
		}
		key := sessionKey(realm, Bearer{Session: sid})
		st, err := tx.Token(key)
		if err == nil {
			return session.End(tx, st.Session, by)
		}
		if !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("looking for a session: %w", err)
		}
		v := store.Visit{Hash: key, Kind: kindEnded, Body: []byte("{}"), Created: tx.Now(), Until: tx.Now().Add(endedFor)}
		if err := store.Put(tx, v); err != nil {
			return fmt.Errorf("remembering the end of a session: %w", err)
		}
		return nil
	})
}

// Standing is what a realm says of somebody who is not here.
type Standing struct {
	Identity user.IdentityKey
	Gone     bool // deleted there
	Enabled  bool
	Groups   []string // full paths; nil where nothing is said
	Roles    []string // the same
}

// Synced takes over what a realm says of somebody: disabled or deleted there, they
// are locked on its word, and their sessions end; enabled, that lock is lifted.
// Groups become memberships. Who is unknown here stays so.
func (s *Service) Synced(ctx context.Context, realm Realm, st Standing) error {
	return s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		u, strand, err := known(tx, st.Identity)
		if err != nil || u.ID == "" {
			return err
		}
		if err := s.lock(tx, realm, u, !st.Enabled || st.Gone); err != nil {
			return err
		}
		if st.Gone {
			return nil
		}
		return s.belong(tx, s.Policies.Current(), u.ID, strand, st.Groups, st.Roles)
	})
}

// lock keeps somebody out on a realm's word, or lifts that.
func (s *Service) lock(tx store.Tx, realm Realm, u user.User, out bool) error {
	locks, err := tx.Locks(u.ID)
	if err != nil {
		return fmt.Errorf("reading locks: %w", err)
	}
	held := false
	for _, l := range locks {
		held = held || l.Source == realm.Source
	}
	if held == out {
		return nil
	}
	l := user.Lock{User: u.ID, Source: realm.Source, Reason: "disabled at the realm", By: string(realm.Source), At: tx.Now()}
	if !out {
		if err := store.Delete(tx, l); err != nil {
			return fmt.Errorf("lifting a lock: %w", err)
		}
		return event.Append(tx, event.New{Kind: event.UserUnlocked, User: u.ID, Actor: l.By, Door: Door})
	}
	if err := store.Insert(tx, l); err != nil {
		return fmt.Errorf("locking: %w", err)
	}
	if err := session.EndAll(tx, u.ID, "", session.Ending{Actor: l.By, Door: Door, Why: session.Locked}); err != nil {
		return err
	}
	return event.Append(tx, event.New{Kind: event.UserLocked, User: u.ID, Actor: l.By, Door: Door, Body: map[string]any{"reason": l.Reason}})
}
