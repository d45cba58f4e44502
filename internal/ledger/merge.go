package ledger

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Absorb puts a user in which nobody had been into another: a reservation that
// turns out to be somebody's, a feed's record of somebody who is known. Its
// names and grants lead to the survivor from then on. Passwords survive only
// from the strands in keep.
func (b *Book) Absorb(into, other user.User, keep map[user.ID]bool) (user.User, error) {
	survivor, e, err := b.join(store.EntryAbsorb, into, other, func(p user.Password) bool { return !keep[p.Strand] })
	if err != nil {
		return into, err
	}
	return survivor, b.log(event.ReservationAbsorbed, into.ID, "", map[string]any{"other": other.ID, "entry": e.ID})
}

// Join puts a sign-up into the user that its proven address led to. Sessions of
// that user live on: nothing it held changed hands. Passwords of the sign-up
// survive only from the strands in keep.
func (b *Book) Join(into, signUp user.User, keep map[user.ID]bool) (user.User, error) {
	survivor, e, err := b.join(store.EntryAbsorb, into, signUp, func(p user.Password) bool { return !keep[p.Strand] })
	if err != nil {
		return into, err
	}
	return survivor, b.log(event.SignUpJoined, into.ID, "", map[string]any{"other": signUp.ID, "entry": e.ID})
}

// Merge makes one user of two. Everything of other follows its strands, except
// roles, which are never united without somebody saying so. Sessions of both
// end, since the owner of the proofs changed.
func (b *Book) Merge(into, other user.User) (store.Entry, error) {
	if into.ID == other.ID {
		return store.Entry{}, user.Refuse(user.Conflict, "", "why", "a user cannot be merged with itself")
	}
	for _, u := range []user.User{into, other} {
		if u.Status == user.Merged || u.Status == user.Deleted {
			return store.Entry{}, user.Refuse(user.Conflict, "", "user", string(u.ID), "status", string(u.Status))
		}
	}
	survivor, e, err := b.join(store.EntryMerge, into, other, func(user.Password) bool { return false })
	if err != nil {
		return e, err
	}
	return e, b.log(event.UserMerged, survivor.ID, "", map[string]any{"other": other.ID, "entry": e.ID})
}

func (b *Book) join(kind store.EntryKind, into, other user.User, aside func(user.Password) bool) (user.User, store.Entry, error) {
	un := undo{Status: other.Status, UserStatus: into.Status}
	fail := func(doing string, err error) (user.User, store.Entry, error) {
		return into, store.Entry{}, fmt.Errorf("%s of %s: %w", doing, other.ID, err)
	}
	var err error
	// Before the strands move, so that the sessions that end are other's.
	if err := b.changeOwner(&other); err != nil {
		return into, store.Entry{}, err
	}
	if un.Passwords, err = b.setPasswordsAside(other.ID, aside); err != nil {
		return into, store.Entry{}, err
	}
	if un.Memberships, err = b.dropRoles(other.ID); err != nil {
		return into, store.Entry{}, err
	}
	handles, err := b.tx.Handles(other.ID)
	if err != nil {
		return fail("reading the names", err)
	}
	for _, h := range handles {
		if h.Strand != "" {
			continue // follows its strand
		}
		un.Handles = append(un.Handles, h)
		h.User = into.ID
		if err := store.Put(b.tx, h); err != nil {
			return fail("moving a name", err)
		}
	}
	strands, err := b.tx.Strands(other.ID)
	if err != nil {
		return fail("reading the strands", err)
	}
	for _, s := range strands {
		if err := b.tx.Repoint(s.ID, other.ID, into.ID); err != nil {
			return fail("moving a strand", err)
		}
		un.Strands = append(un.Strands, s.ID)
	}
	if un.Locks, err = b.copyLocks(other.ID, into.ID); err != nil {
		return into, store.Entry{}, err
	}
	retired := user.Handle{Space: user.SpaceRetired, Value: string(other.ID), User: into.ID, Created: b.tx.Now()}
	if err := store.Put(b.tx, retired); err != nil {
		return fail("keeping the id", err)
	}
	other.Status, other.Survivor, other.Profile, other.Updated = user.Merged, into.ID, nil, b.tx.Now()
	if err := store.Put(b.tx, other); err != nil {
		return fail("retiring the user", err)
	}
	// A reservation that a grant made brings nobody who could hold a session;
	// the survivor's own stay alive then.
	if kind == store.EntryMerge {
		if err := b.changeOwner(&into); err != nil {
			return into, store.Entry{}, err
		}
	}
	if into.Status == user.Reserved && other.Status != user.Reserved {
		into.Status = un.Status
	}
	e, err := b.enter(kind, into.ID, other.ID, un)
	if err != nil {
		return into, e, err
	}
	into, err = b.Reproject(into)
	return into, e, err
}

// dropRoles removes a user's memberships of role groups and gives them back,
// to be restored on undo.
func (b *Book) dropRoles(u user.ID) ([]user.Membership, error) {
	ms, err := b.tx.Memberships(u)
	if err != nil {
		return nil, fmt.Errorf("reading the memberships of %s: %w", u, err)
	}
	var dropped []user.Membership
	for _, m := range ms {
		g, err := b.tx.Group(m.Group)
		if err != nil {
			return nil, fmt.Errorf("reading group %s: %w", m.Group, err)
		}
		if g.Kind != user.GroupRole {
			continue
		}
		if err := store.Delete(b.tx, m); err != nil {
			return nil, fmt.Errorf("taking a role of %s: %w", u, err)
		}
		dropped = append(dropped, m)
	}
	return dropped, nil
}

func (b *Book) copyLocks(from, to user.ID) ([]user.Source, error) {
	locks, err := b.tx.Locks(from)
	if err != nil {
		return nil, fmt.Errorf("reading the locks of %s: %w", from, err)
	}
	var copied []user.Source
	for _, l := range locks {
		l.User = to
		err := store.Insert(b.tx, l)
		if errors.Is(err, store.ErrExists) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("locking %s: %w", to, err)
		}
		copied = append(copied, l.Source)
	}
	return copied, nil
}

// Unmerge undoes a merge or an absorption: both users are back, each with the
// strands it had. What was changed since belongs to the strand it was made
// through, and goes with it.
func (b *Book) Unmerge(id user.ID) (store.Entry, error) {
	e, err := b.tx.Entry(id)
	if err != nil {
		return e, fmt.Errorf("reading ledger entry %s: %w", id, err)
	}
	switch {
	case e.Kind != store.EntryMerge && e.Kind != store.EntryAbsorb:
		return e, user.Refuse(user.NotUndoable, "", "why", "it is a "+string(e.Kind)+", not a merge")
	case !e.Undone.IsZero():
		return e, user.Refuse(user.NotUndoable, "", "why", "it was undone already")
	}
	var un undo
	if err := json.Unmarshal(e.Undo, &un); err != nil {
		return e, fmt.Errorf("reading the undo of %s: %w", id, err)
	}
	survivor, err := b.tx.User(e.User)
	if err != nil {
		return e, fmt.Errorf("reading the survivor: %w", err)
	}
	other, err := b.tx.User(e.Other)
	if err != nil {
		return e, fmt.Errorf("reading the retired user: %w", err)
	}
	if survivor.Status == user.Merged {
		return e, user.Refuse(user.NotUndoable, "", "why", "the survivor was merged into "+string(survivor.Survivor)+" since; undo that first")
	}
	if survivor.Status == user.Deleted || other.Status != user.Merged || other.Survivor != survivor.ID {
		return e, user.Refuse(user.NotUndoable, "", "why", "one of the two was deleted since")
	}
	if err := b.takeApart(e, un, survivor, other); err != nil {
		return e, fmt.Errorf("taking %s and %s apart: %w", survivor.ID, other.ID, err)
	}
	e.Undone, e.UndoneBy = b.tx.Now(), b.by
	if err := store.Put(b.tx, e); err != nil {
		return e, fmt.Errorf("closing ledger entry %s: %w", id, err)
	}
	return e, b.log(event.UserUnmerged, survivor.ID, "", map[string]any{"other": other.ID, "entry": e.ID})
}

func (b *Book) takeApart(e store.Entry, un undo, survivor, other user.User) error {
	for _, s := range un.Strands {
		if err := b.tx.Repoint(s, survivor.ID, other.ID); err != nil {
			return err
		}
	}
	for _, h := range un.Handles {
		if err := store.Put(b.tx, h); err != nil {
			return err
		}
	}
	if err := store.Delete(b.tx, user.Handle{Space: user.SpaceRetired, Value: string(other.ID)}); err != nil {
		return err
	}
	for _, m := range un.Memberships {
		if err := store.Put(b.tx, m); err != nil {
			return err
		}
	}
	for _, src := range un.Locks {
		if err := store.Delete(b.tx, user.Lock{User: survivor.ID, Source: src}); err != nil {
			return err
		}
	}
	if err := b.restorePasswords(other.ID, un.Passwords); err != nil {
		return err
	}
	for _, u := range []*user.User{&survivor, &other} {
		if err := b.changeOwner(u); err != nil {
			return err
		}
	}
	other.Status, other.Survivor = un.Status, ""
	if err := b.closeIfEmpty(&other, un.Status); err != nil {
		return err
	}
	if survivor.Status == user.Active && un.UserStatus == user.Reserved {
		survivor.Status = user.Reserved
	}
	if _, err := b.Reproject(other); err != nil {
		return err
	}
	_, err := b.Reproject(survivor)
	return err
}

// closeIfEmpty closes a user whose last live strand was withdrawn while it was
// part of another, as it would have been on its own.
func (b *Book) closeIfEmpty(u *user.User, before user.Status) error {
	if before != user.Active && before != user.Archived {
		return nil
	}
	live, err := b.liveStrands(u.ID)
	if err != nil || len(live) > 0 {
		return err
	}
	u.Status, u.ClosedBy, u.Closed = user.Deleted, user.ClosedByFeed, b.tx.Now()
	return nil
}

func (b *Book) restorePasswords(u user.ID, strands []user.ID) error {
	if len(strands) == 0 {
		return nil
	}
	back := map[user.ID]bool{}
	for _, s := range strands {
		back[s] = true
	}
	passwords, err := b.tx.Passwords(u)
	if err != nil {
		return err
	}
	for _, p := range passwords {
		if !back[p.Strand] {
			continue
		}
		p.SetAside = false
		if err := store.Put(b.tx, p); err != nil {
			return err
		}
	}
	return nil
}
