package group

import (
	"context"
	"errors"
	"fmt"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Join puts the user behind an EDI number in a group, on the caller's word; the
// membership hangs on that user's own strand at the door. It says whether that
// changed anything. The caller must own the group or be an operator, and be an
// operator for a system group. Refusals: NotFound for "group" or "profile",
// Forbidden.
func (s *Service) Join(ctx context.Context, c Caller, number, profile string) (added bool, err error) {
	err = s.write(ctx, c, number, func(tx store.Tx, g user.Group, _ user.ID) error {
		added = false
		rec, err := record(tx, profile)
		if err != nil {
			return err
		}
		in, err := member(tx, g.ID, rec.User.ID)
		if err != nil || in {
			return err
		}
		m := user.Membership{Group: g.ID, User: rec.User.ID, Strand: rec.Strand.ID, Role: roleMember, Since: tx.Now()}
		err = store.Insert(tx, m)
		if errors.Is(err, store.ErrExists) { // as its owner, by this strand
			m.Role = roleOwningMember
			err = store.Put(tx, m)
		}
		if err != nil {
			return fmt.Errorf("adding a member to %s: %w", g.Name, err)
		}
		added = true
		return moved(tx, event.GroupJoined, g, rec.User.ID, c)
	})
	return added, err
}

// Part takes the user behind an EDI number out of a group, whoever put them
// in. Refusals: as Join, and NotMember.
func (s *Service) Part(ctx context.Context, c Caller, number, profile string) error {
	return s.write(ctx, c, number, func(tx store.Tx, g user.Group, _ user.ID) error {
		rec, err := record(tx, profile)
		if err != nil {
			return err
		}
		if err := leave(tx, g, rec.User.ID); err != nil {
			return err
		}
		return moved(tx, event.GroupLeft, g, rec.User.ID, c)
	})
}

// leave ends a user's memberships of a group, by whatever strand; an owner goes
// on owning it. NotMember where there is none.
func leave(tx store.Tx, g user.Group, u user.ID) error {
	ms, err := tx.Memberships(u)
	if err != nil {
		return fmt.Errorf("reading memberships: %w", err)
	}
	found := false
	for _, m := range ms {
		if m.Group != g.ID || g.Kind == Own && m.Role == roleOwner {
			continue
		}
		found = true
		if g.Kind == Own && m.Role == roleOwningMember {
			m.Role = roleOwner
			err = store.Put(tx, m)
		} else {
			err = store.Delete(tx, m)
		}
		if err != nil {
			return fmt.Errorf("removing a member of %s: %w", g.Name, err)
		}
	}
	if !found {
		return user.Refuse(user.NotMember, "profile")
	}
	return nil
}

// moved records that somebody joined or left.
func moved(tx store.Tx, kind event.Kind, g user.Group, u user.ID, c Caller) error {
	return event.Append(tx, event.New{
		Kind: kind, User: u, Actor: string(c.User), Door: user.DoorEDI, Body: map[string]any{"group": g.ID, "name": g.Name},
	})
}

// member says whether a user is in a group, by any strand; owning it is not
// being in it.
func member(r store.Reader, g, u user.ID) (bool, error) {
	ms, err := r.Memberships(u)
	if err != nil {
		return false, fmt.Errorf("reading memberships: %w", err)
	}
	for _, m := range ms {
		if m.Group == g && m.Role != roleOwner {
			return true, nil
		}
	}
	return false, nil
}

// record finds the user behind an EDI number, as directory.FindEDI does.
func record(r store.Reader, profile string) (store.Record, error) {
	rec, err := r.RecordByHandle(user.SpaceEDI, profile, user.SpaceEDI)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return rec, user.Refuse(user.NotFound, "profile")
	case err != nil:
		return rec, fmt.Errorf("looking for an EDI number: %w", err)
	case rec.User.Status == user.Deleted || rec.User.Status == user.SetAside:
		return rec, user.Refuse(user.NotFound, "profile")
	}
	return rec, nil
}
