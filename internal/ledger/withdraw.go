package ledger

import (
	"fmt"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// CloseStrand is a feed's delete (design, section 3): the feed's own strand is
// withdrawn, its data kept and readable to that feed, its addresses and names
// stay taken. The user closes with it when no other live strand is left.
func (b *Book) CloseStrand(u user.User, s user.Strand) (user.User, user.Strand, error) {
	now := b.tx.Now()
	s.State, s.Withdrawn, s.WithdrawnBy = user.Withdrawn, now, b.by
	if err := store.Put(b.tx, s); err != nil {
		return u, s, fmt.Errorf("withdrawing strand %s: %w", s.ID, err)
	}
	if _, err := b.setPasswordsAside(u.ID, func(p user.Password) bool { return p.Strand == s.ID }); err != nil {
		return u, s, err
	}
	if err := b.endSessions(u.ID, s, session.Left); err != nil {
		return u, s, err
	}
	if err := b.dropMemberships(u.ID, s.ID); err != nil {
		return u, s, err
	}
	left, err := b.liveStrands(u.ID)
	if err != nil {
		return u, s, err
	}
	kind := event.StrandWithdrawn
	if len(left) == 0 {
		u.Status, u.ClosedBy, u.Closed = user.Deleted, user.ClosedByFeed, now
		u.MoveEpoch(now)
		kind = event.UserDeleted
	}
	if _, err := b.enter(store.EntryWithdraw, u.ID, "", undo{Strands: []user.ID{s.ID}}); err != nil {
		return u, s, err
	}
	if err := b.log(kind, u.ID, s.Source.Door(), map[string]any{"strand": s.ID, "source": s.Source}); err != nil {
		return u, s, err
	}
	u, err = b.Reproject(u)
	return u, s, err
}

// LeaveDoor is a person's delete at a door: that door's strands and the names
// in its space end, and the names answer as unknown from then on. When no
// human strand is left the user is erased.
func (b *Book) LeaveDoor(u user.User, door user.Door, names user.Space) error {
	strands, err := b.tx.Strands(u.ID)
	if err != nil {
		return fmt.Errorf("reading the strands of %s: %w", u.ID, err)
	}
	humans := 0
	for _, s := range strands {
		if s.State != user.Live {
			continue
		}
		if s.Source.Door() != door {
			if s.Kind == user.Human {
				humans++
			}
			continue
		}
		if err := b.eraseStrand(u, s); err != nil {
			return err
		}
	}
	if humans == 0 {
		return b.Erase(u, user.ClosedByPerson)
	}
	handles, err := b.tx.Handles(u.ID)
	if err != nil {
		return fmt.Errorf("reading the names of %s: %w", u.ID, err)
	}
	for _, h := range handles {
		if h.Space != names {
			continue
		}
		h.Dead = true
		if err := store.Put(b.tx, h); err != nil {
			return fmt.Errorf("retiring a name of %s: %w", u.ID, err)
		}
	}
	sessions, err := b.tx.Sessions(u.ID)
	if err != nil {
		return fmt.Errorf("reading the sessions of %s: %w", u.ID, err)
	}
	for _, s := range sessions {
		if s.Door != door {
			continue
		}
		if err := session.End(b.tx, s, session.Ending{Actor: b.by, Door: door, Why: session.Left}); err != nil {
			return err
		}
	}
	if err := b.log(event.StrandWithdrawn, u.ID, door, nil); err != nil {
		return err
	}
	_, err = b.Reproject(u)
	return err
}

// eraseStrand removes one strand's content and what hangs on it.
func (b *Book) eraseStrand(u user.User, s user.Strand) error {
	now := b.tx.Now()
	if err := b.endSessions(u.ID, s, session.Left); err != nil {
		return err
	}
	if err := b.dropMemberships(u.ID, s.ID); err != nil {
		return err
	}
	claims, err := b.tx.ClaimsOf(u.ID)
	if err != nil {
		return fmt.Errorf("reading the addresses of %s: %w", u.ID, err)
	}
	for _, c := range claims {
		if c.Strand == s.ID {
			if err := store.Delete(b.tx, c); err != nil {
				return fmt.Errorf("freeing an address of %s: %w", u.ID, err)
			}
		}
	}
	owned, err := b.tx.Owned(u.ID)
	if err != nil {
		return fmt.Errorf("reading the owned addresses of %s: %w", u.ID, err)
	}
	for _, o := range owned {
		if o.Strand != s.ID {
			continue
		}
		if err := b.release(o, claims); err != nil {
			return fmt.Errorf("freeing an address of %s: %w", u.ID, err)
		}
	}
	identities, err := b.tx.Identities(u.ID)
	if err != nil {
		return fmt.Errorf("reading the identities of %s: %w", u.ID, err)
	}
	for _, i := range identities {
		if i.Strand == s.ID {
			if err := store.Delete(b.tx, i); err != nil {
				return fmt.Errorf("freeing an identity of %s: %w", u.ID, err)
			}
		}
	}
	if err := store.Delete(b.tx, user.Password{User: u.ID, Strand: s.ID}); err != nil {
		return fmt.Errorf("removing a password of %s: %w", u.ID, err)
	}
	s.State, s.Withdrawn, s.WithdrawnBy = user.Erased, now, b.by
	s.Document, s.Edits = nil, nil
	return store.Put(b.tx, s)
}

// release frees an address that a strand owned, or hands it to another live
// strand of the user that has proven it too.
func (b *Book) release(o user.Owner, claims []user.Claim) error {
	for _, c := range claims {
		if c.Kind != o.Kind || c.Address != o.Address || c.Strand == o.Strand || c.Assurance != user.Proven {
			continue
		}
		s, err := b.tx.Strand(c.Strand)
		if err != nil {
			return err
		}
		if s.State == user.Live {
			o.Strand, o.Proven = c.Strand, c.Since
			return store.Put(b.tx, o)
		}
	}
	return store.Delete(b.tx, o)
}

// Erase removes a user's content: names become tombstones, addresses and
// identities are free again, old tokens are dead.
func (b *Book) Erase(u user.User, by user.Closer) error {
	now := b.tx.Now()
	if err := b.tx.EraseUserRows(u.ID); err != nil {
		return fmt.Errorf("erasing user %s: %w", u.ID, err)
	}
	// What could be undone held addresses, and cannot be undone any more.
	entries, err := b.tx.Entries(u.ID)
	if err != nil {
		return fmt.Errorf("reading the ledger of %s: %w", u.ID, err)
	}
	for _, e := range entries {
		e.Undo = []byte("{}")
		if err := store.Put(b.tx, e); err != nil {
			return fmt.Errorf("emptying a ledger entry of %s: %w", u.ID, err)
		}
	}
	u.Status, u.ClosedBy, u.Closed, u.Updated = user.Deleted, by, now, now
	u.Profile = nil
	u.MoveEpoch(now)
	if err := store.Put(b.tx, u); err != nil {
		return fmt.Errorf("writing user %s: %w", u.ID, err)
	}
	if _, err := b.enter(store.EntryErase, u.ID, "", undo{}); err != nil {
		return err
	}
	return b.log(event.UserErased, u.ID, "", map[string]any{"by": by})
}

func (b *Book) dropMemberships(u, strand user.ID) error {
	ms, err := b.tx.Memberships(u)
	if err != nil {
		return fmt.Errorf("reading the memberships of %s: %w", u, err)
	}
	for _, m := range ms {
		if m.Strand == strand {
			if err := store.Delete(b.tx, m); err != nil {
				return fmt.Errorf("ending a membership of %s: %w", u, err)
			}
		}
	}
	return nil
}

func (b *Book) liveStrands(u user.ID) ([]user.Strand, error) {
	strands, err := b.tx.Strands(u)
	if err != nil {
		return nil, fmt.Errorf("reading the strands of %s: %w", u, err)
	}
	var live []user.Strand
	for _, s := range strands {
		if s.State == user.Live {
			live = append(live, s)
		}
	}
	return live, nil
}
