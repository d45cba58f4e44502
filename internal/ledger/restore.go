package ledger

import (
	"encoding/json"
	"fmt"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Undo takes back a merge, an absorption or an eviction by its entry. The
// refusal NotUndoable says why it cannot be.
func (b *Book) Undo(id user.ID) (store.Entry, error) {
	e, err := b.tx.Entry(id)
	if err != nil {
		return e, fmt.Errorf("reading ledger entry %s: %w", id, err)
	}
	if e.Kind != store.EntryEvict {
		return b.Unmerge(id)
	}
	if !e.Undone.IsZero() {
		return e, user.Refuse(user.NotUndoable, "", "why", "it was undone already")
	}
	var un undo
	if err := json.Unmarshal(e.Undo, &un); err != nil {
		return e, fmt.Errorf("reading the undo of %s: %w", id, err)
	}
	if err := b.restore(e, un); err != nil {
		return e, err
	}
	e.Undone, e.UndoneBy = b.tx.Now(), b.by
	if err := store.Put(b.tx, e); err != nil {
		return e, fmt.Errorf("closing ledger entry %s: %w", id, err)
	}
	return e, b.log(event.UserChanged, e.User, "", map[string]any{"restored": e.ID})
}

// restore brings back an evicted user. Its address comes back as what it was,
// an unproven claim: whoever owns the address keeps it. Its sessions stay dead.
func (b *Book) restore(e store.Entry, un undo) error {
	u, err := b.tx.User(e.User)
	if err != nil {
		return fmt.Errorf("reading the evicted user: %w", err)
	}
	if u.Status == user.Deleted || u.Status == user.Merged {
		return user.Refuse(user.NotUndoable, "", "why", "the user was deleted or merged since")
	}
	for _, id := range un.Strands {
		s, err := b.tx.Strand(id)
		if err != nil {
			return fmt.Errorf("reading a strand: %w", err)
		}
		s.State = user.Live
		if err := store.Put(b.tx, s); err != nil {
			return fmt.Errorf("restoring a strand: %w", err)
		}
	}
	for _, c := range un.Claims {
		if err := store.Put(b.tx, c); err != nil {
			return fmt.Errorf("restoring an address: %w", err)
		}
	}
	if err := b.restorePasswords(u.ID, un.Passwords); err != nil {
		return fmt.Errorf("restoring passwords: %w", err)
	}
	if len(un.Strands) > 0 {
		u.Status = un.Status
	}
	_, err = b.Reproject(u)
	return err
}
