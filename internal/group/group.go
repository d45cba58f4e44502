package group

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Service keeps groups.
type Service struct{ store store.Store }

// New makes the service.
func New(s store.Store) *Service { return &Service{store: s} }

// Member says whether a user is in a group now; claims in tokens are never
// asked.
func (s *Service) Member(ctx context.Context, u user.ID, kind, name string) (in bool, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		var err error
		in, err = r.InGroup(u, kind, name)
		return err
	})
	return in, err
}

// System makes sure that the groups usher gives a meaning exist.
func (s *Service) System(ctx context.Context) error {
	return s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		for _, g := range []user.Group{
			{Kind: user.GroupSystem, Name: user.Vetted, System: true},
			{Kind: user.GroupRole, Name: user.RoleOperator, System: true},
			{Kind: user.GroupRole, Name: user.RoleStaff, System: true},
			{Kind: user.GroupRole, Name: user.RoleSysadmin, System: true},
			{Kind: user.GroupRole, Name: user.RolePublic, System: true},
		} {
			_, err := tx.GroupByName(g.Kind, g.Name)
			if err == nil {
				continue
			}
			if !errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("looking for group %s: %w", g.Name, err)
			}
			g.ID, g.Created = tx.NewID(), tx.Now()
			err = store.Insert(tx, g)
			if errors.Is(err, store.ErrExists) { // another process was first
				continue
			}
			if err != nil {
				return fmt.Errorf("making group %s: %w", g.Name, err)
			}
			if err := created(tx, g, "", event.New{Actor: system}); err != nil {
				return err
			}
		}
		return listVetted(tx)
	})
}

// system is who makes what nobody asked for.
const system = "__system"

// created records that there is a new group.
func created(tx store.Tx, g user.Group, title string, e event.New) error {
	body := map[string]any{"group": g.ID, "kind": g.Kind, "name": g.Name}
	if g.Parent != "" {
		body["parent"] = g.Parent
	}
	if title != "" {
		body["title"] = title
	}
	e.Kind, e.Body = event.GroupCreated, body
	return event.Append(tx, e)
}

// New group's name is 1 to 64 characters.
const maxName = 64

// Create makes a group on an operator's word. Refusals: Invalid, InUse,
// NotFound (parent).
func (s *Service) Create(ctx context.Context, g user.Group, by string) (out user.Group, err error) {
	if g.Kind == "" {
		g.Kind = user.GroupPlain
	}
	if g.Kind == Own {
		return g, user.Refuse(user.Invalid, "kind", "why", "groups of this kind are made by people at the EDI door")
	}
	if n := utf8.RuneCountInString(g.Name); n == 0 || n > maxName || strings.TrimSpace(g.Name) != g.Name {
		return g, user.Refuse(user.Invalid, "name", "why", "must be 1 to 64 characters, without spaces around it")
	}
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		out = g
		if g.Parent != "" {
			parent, err := Find(tx, string(g.Parent))
			if err != nil {
				return err
			}
			out.Parent = parent.ID
		}
		out.ID, out.Created = tx.NewID(), tx.Now()
		err := store.Insert(tx, out)
		if errors.Is(err, store.ErrExists) {
			return user.Refuse(user.InUse, "name")
		}
		if err != nil {
			return fmt.Errorf("making group %s: %w", g.Name, err)
		}
		return created(tx, out, "", event.New{Actor: by, Door: user.DoorOperator})
	})
	return out, err
}

// List gives every group.
func (s *Service) List(ctx context.Context) (out []user.Group, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		var err error
		out, err = r.AllGroups()
		return err
	})
	return out, err
}

// Find takes a group's id, or its name where that is unique.
func Find(r store.Reader, ref string) (user.Group, error) {
	g, err := r.Group(user.ID(ref))
	if err == nil {
		return g, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return g, fmt.Errorf("looking for group %q: %w", ref, err)
	}
	gs, err := r.GroupsNamed(ref)
	if err != nil {
		return g, fmt.Errorf("looking for group %q: %w", ref, err)
	}
	switch len(gs) {
	case 0:
		return g, user.Refuse(user.NotFound, "group", "group", ref)
	case 1:
		return gs[0], nil
	default:
		return g, user.Refuse(user.Conflict, "group", "why", "several groups have this name; use the id")
	}
}

// Add puts a user in a group on an operator's word. Being in it already is no
// error. Refusals: NotFound and Conflict for the group, UserDeleted.
func (s *Service) Add(ctx context.Context, ref string, u user.ID, by string) (g user.Group, err error) {
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		var err error
		if g, err = Find(tx, ref); err != nil {
			return err
		}
		who, err := tx.User(u)
		if err != nil {
			return fmt.Errorf("reading the user: %w", err)
		}
		if who.Status == user.Deleted || who.Status == user.Merged {
			return user.Refuse(user.UserDeleted, "user", "status", string(who.Status))
		}
		return AddIn(tx, g, u, by)
	})
	return g, err
}

// AddIn is Add within a transaction.
func AddIn(tx store.Tx, g user.Group, u user.ID, by string) error {
	strand, err := operatorStrand(tx, u, by)
	if err != nil {
		return err
	}
	err = store.Insert(tx, user.Membership{Group: g.ID, User: u, Strand: strand, Since: tx.Now()})
	if errors.Is(err, store.ErrExists) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("adding a member to %s: %w", g.Name, err)
	}
	return event.Append(tx, event.New{
		Kind: event.GroupJoined, User: u, Actor: by, Door: user.DoorOperator, Body: map[string]any{"group": g.ID, "name": g.Name},
	})
}

// Remove takes a user out of a group, whoever put them in. Refusals: NotFound
// and Conflict for the group, NotMember.
func (s *Service) Remove(ctx context.Context, ref string, u user.ID, by string) (g user.Group, err error) {
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		var err error
		if g, err = Find(tx, ref); err != nil {
			return err
		}
		if err := leave(tx, g, u); err != nil {
			return err
		}
		return event.Append(tx, event.New{
			Kind: event.GroupLeft, User: u, Actor: by, Door: user.DoorOperator, Body: map[string]any{"group": g.ID, "name": g.Name},
		})
	})
	return g, err
}

// operatorStrand finds the strand that an operator's acts on a user hang on,
// or begins it.
func operatorStrand(tx store.Tx, u user.ID, by string) (user.ID, error) {
	strands, err := tx.Strands(u)
	if err != nil {
		return "", fmt.Errorf("reading strands: %w", err)
	}
	for _, s := range strands {
		if s.Source.Door() == user.DoorOperator && s.State == user.Live {
			return s.ID, nil
		}
	}
	now := tx.Now()
	s := user.Strand{
		ID: tx.NewID(), User: u, Origin: u, Source: user.Source(user.DoorOperator), Kind: user.Operator, State: user.Live,
		Document: user.Document{}, Edits: user.Document{}, Created: now, CreatedBy: by, Updated: now,
	}
	if err := store.Insert(tx, s); err != nil {
		return "", fmt.Errorf("beginning an operator's strand: %w", err)
	}
	return s.ID, nil
}
