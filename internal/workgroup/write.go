package workgroup

import (
	"context"
	"errors"
	"fmt"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// roleMember is that of a member who does not represent the group.
const roleMember = ""

// Create makes a working group that the caller represents and is no member of.
// Refusals: Missing, Invalid and TooLarge of name, Invalid of nEmployees;
// BadToken where the session has ended; NotFound of institution or field; InUse
// of name; Conflict of representative, for somebody who represents another.
func (s *Service) Create(ctx context.Context, live session.Live, in New) (out Group, err error) {
	var name string
	if in.Name != nil {
		name = *in.Name
	}
	if err := errors.Join(tidy("name", &name), checkEmployees(&in.Employees)); err != nil {
		return out, err
	}
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		u, err := session.AgainHere(tx, live)
		if err != nil {
			return err
		}
		at, on, err := between(tx, in.institution(), Field{Field: in.Field, Subfield: in.Subfield})
		if err != nil {
			return err
		}
		if _, err := groupAt(tx, at.ID, name); err == nil {
			return user.Refuse(user.InUse, "name")
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := representsNone(tx, u.ID); err != nil {
			return err
		}
		by := event.New{User: u.ID, Actor: string(u.ID), Door: user.DoorGQLAuth}
		g, err := put(tx, workingRow(name, at.ID, on.ID, &in.Employees), by)
		if err != nil {
			return err
		}
		m := user.Membership{Group: g.ID, User: u.ID, Strand: live.Session.Strand, Role: user.MemberRepresentative, Since: tx.Now()}
		if err := store.Insert(tx, m); err != nil {
			return fmt.Errorf("naming a representative: %w", err)
		}
		out = group(g)
		out.Institution, out.Field, out.Representative = institution(at), field(on), u.ID
		return nil
	})
	return out, err
}

// Join makes the caller a member of a working group, and of no other; who
// represents one goes on to. Doing it again changes nothing. Refusals: NotFound
// of workinggroup, also where no name is given; BadToken where the session has
// ended.
func (s *Service) Join(ctx context.Context, live session.Live, p Place) error {
	none := user.Refuse(user.NotFound, "workinggroup")
	var name string
	if p.Name != nil {
		name = *p.Name
	}
	if tidy("name", &name) != nil {
		return none
	}
	return s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		u, err := session.AgainHere(tx, live)
		if err != nil {
			return err
		}
		at, err := findInstitution(tx, p.institution())
		if err == nil {
			at, err = groupAt(tx, at.ID, name)
		}
		if errors.Is(err, store.ErrNotFound) {
			return none
		}
		if err != nil {
			return err
		}
		return join(tx, live.Session.Strand, u.ID, at)
	})
}

func join(tx store.Tx, strand, u user.ID, g user.Group) error {
	in, err := own(tx, u)
	if err != nil {
		return err
	}
	by := event.New{User: u, Actor: string(u), Door: user.DoorGQLAuth}
	m := user.Membership{Group: g.ID, User: u, Strand: strand, Role: roleMember, Since: tx.Now()}
	member := false
	for _, had := range in {
		switch {
		case had.Group != g.ID:
			if err := leave(tx, had, by); err != nil {
				return err
			}
		case had.Role != user.MemberRepresentative:
			member = true
		default: // they represent it: one row says both
			m.Strand, m.Role = had.Strand, user.MemberRepresenting
		}
	}
	if member {
		return nil
	}
	if err := store.Put(tx, m); err != nil {
		return fmt.Errorf("joining a working group: %w", err)
	}
	return tell(tx, event.GroupJoined, g, by)
}

// leave ends being a member; who represents the group goes on to.
func leave(tx store.Tx, m membership, by event.New) error {
	var err error
	switch m.Role {
	case user.MemberRepresentative:
		return nil // is no member
	case user.MemberRepresenting:
		m.Role = user.MemberRepresentative
		err = store.Put(tx, m.Membership)
	default:
		err = store.Delete(tx, m.Membership)
	}
	if err != nil {
		return fmt.Errorf("leaving a working group: %w", err)
	}
	return tell(tx, event.GroupLeft, m.group, by)
}

// membership is one of a working group.
type membership struct {
	user.Membership
	group user.Group
}

// own gives a user's memberships of working groups, by strands that are live.
// After a merge they may be several.
func own(tx store.Tx, u user.ID) (in []membership, err error) {
	all, err := tx.Memberships(u)
	if err != nil {
		return nil, fmt.Errorf("reading the memberships of %s: %w", u, err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	strands, err := tx.Strands(u)
	if err != nil {
		return nil, fmt.Errorf("reading the strands of %s: %w", u, err)
	}
	live := map[user.ID]bool{}
	for _, s := range strands {
		live[s.ID] = s.State == user.Live
	}
	for _, m := range all {
		if !live[m.Strand] {
			continue
		}
		g, err := tx.Group(m.Group)
		if err != nil {
			return nil, fmt.Errorf("reading group %s: %w", m.Group, err)
		}
		if g.Kind == user.GroupWorking {
			in = append(in, membership{m, g})
		}
	}
	return in, nil
}

func representsNone(tx store.Tx, u user.ID) error {
	in, err := own(tx, u)
	if err != nil {
		return err
	}
	for _, m := range in {
		if m.Role == user.MemberRepresentative || m.Role == user.MemberRepresenting {
			return user.Refuse(user.Conflict, "representative")
		}
	}
	return nil
}
