package group

import (
	"context"
	"errors"
	"fmt"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// write runs fn for a caller who may write a group.
func (s *Service) write(ctx context.Context, c Caller, number string, fn func(store.Tx, user.Group, user.ID) error) error {
	return s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		if err := c.Still(tx); err != nil {
			return err
		}
		g, owner, err := find(tx, number)
		if err != nil {
			return err
		}
		if err := mayWrite(tx, owner, c.User); err != nil {
			return err
		}
		return fn(tx, g, owner)
	})
}

// find finds a group that is alive by its EDI number, and the user who owns
// it, if any does.
func find(r store.Reader, number string) (user.Group, user.ID, error) {
	kind, name := Own, number
	if number == Vetted {
		kind, name = user.GroupSystem, user.Vetted
	}
	g, err := r.GroupByName(kind, name)
	if errors.Is(err, store.ErrNotFound) {
		return g, "", user.Refuse(user.NotFound, "group")
	}
	if err != nil {
		return g, "", fmt.Errorf("looking for group %s: %w", number, err)
	}
	if g.System {
		return g, "", nil
	}
	owner, err := ownerOf(r, g)
	if err == nil && owner == "" {
		err = user.Refuse(user.NotFound, "group")
	}
	return g, owner, err
}

// ownerOf gives the user that a group's strand belongs to now; none where the
// strand is not alive.
func ownerOf(r store.Reader, g user.Group) (user.ID, error) {
	st, err := r.Strand(user.ID(g.Attributes[attrOwner]))
	if errors.Is(err, store.ErrNotFound) || err == nil && st.State != user.Live {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the owner of %s: %w", g.Name, err)
	}
	return st.User, nil
}

func isAlive(r store.Reader, g user.Group) (bool, error) {
	if g.System {
		return true, nil
	}
	owner, err := ownerOf(r, g)
	return owner != "", err
}

// ownedBy lists the own groups that a user made, by any strand.
func ownedBy(r store.Reader, u user.ID) ([]user.ID, error) {
	ms, err := r.Memberships(u)
	if err != nil {
		return nil, fmt.Errorf("reading memberships: %w", err)
	}
	var owned []user.ID
	for _, m := range ms {
		if m.Role == roleOwner || m.Role == roleOwningMember {
			owned = append(owned, m.Group)
		}
	}
	return owned, nil
}

// mayWrite refuses those who neither own a group nor are operators.
func mayWrite(r store.Reader, owner, caller user.ID) error {
	if owner == caller && owner != "" {
		return nil
	}
	operator, err := r.InGroup(caller, user.GroupRole, user.RoleOperator)
	if err != nil {
		return fmt.Errorf("reading a role: %w", err)
	}
	if !operator {
		return user.Refuse(user.Forbidden, "group")
	}
	return nil
}
