package group

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"

	"github.com/usher-id/usher/internal/directory"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Own is the kind of the groups that people make (contract edi.md, section 6).
// The name of such a group is its EDI number, so that no title that somebody
// thinks of stands where an operator's group of that name is meant.
const Own = user.GroupEDI

// Vetted is the EDI number of the group of that name, the same in every
// deployment (contract edi.md, section 2).
const Vetted = "EDI-bdae74972ed710c56b1e0df18ccb6e23c31f60f6"

// Lengths in characters, as the original's columns.
const (
	MaxTitle       = 64
	MaxDescription = 128
)

const (
	maxOwned   = 1000   // groups one person may make
	maxMembers = 10_000 // members that Read lists
)

// What an own group keeps beside its name.
const (
	attrTitle       = "title"
	attrDescription = "description"
	attrOwner       = "owner" // the strand that made it
)

// Roles of memberships in own groups. An owner need not be a member.
const (
	roleMember       = ""
	roleOwner        = user.MemberOwner
	roleOwningMember = "owner,member"
)

// Caller is a person who asks, by a strand of theirs. Still is asked inside
// each transaction that writes, and refuses one who is not there any more.
type Caller struct {
	User, Strand user.ID
	Still        func(store.Tx) error
}

// Details are what a person says of their group. Description is nil for none.
type Details struct {
	Title       string
	Description *string
}

// Shown is a group as its door shows it.
type Shown struct {
	Number string // EDI-…
	Details
	Members []string // EDI numbers, in order; only from Read
}

// Make makes a group that belongs to the caller, and gives its EDI number.
// Refusals: Invalid, for the details or for one group too many.
func (s *Service) Make(ctx context.Context, c Caller, d Details) (number string, err error) {
	if err := d.check(); err != nil {
		return "", err
	}
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		if err := c.Still(tx); err != nil {
			return err
		}
		owned, err := ownedBy(tx, c.User)
		if err != nil {
			return err
		}
		if len(owned) >= maxOwned {
			return user.Refuse(user.Invalid, "group", "why", fmt.Sprintf("must be one of at most %d that a person owns", maxOwned))
		}
		random := tx.NewUUID()
		number = "EDI-" + hex.EncodeToString(random[:])
		g := user.Group{
			ID: tx.NewID(), Kind: Own, Name: number, Created: tx.Now(), Attributes: map[string]string{attrOwner: string(c.Strand)},
		}
		d.into(g.Attributes)
		if err := store.Insert(tx, g); err != nil {
			return fmt.Errorf("making a group: %w", err)
		}
		err = store.Insert(tx, user.Membership{Group: g.ID, User: c.User, Strand: c.Strand, Role: roleOwner, Since: tx.Now()})
		if err != nil {
			return fmt.Errorf("noting the owner of a group: %w", err)
		}
		if err := list(tx, g); err != nil {
			return err
		}
		return created(tx, g, d.Title, event.New{User: c.User, Actor: string(c.User), Door: user.DoorEDI})
	})
	return number, err
}

// Read shows a group with its members to its owner, its members and
// operators. Refusals: NotFound, Forbidden.
func (s *Service) Read(ctx context.Context, c Caller, number string) (out Shown, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		g, owner, err := find(r, number)
		if err != nil {
			return err
		}
		in, err := member(r, g.ID, c.User)
		if err != nil {
			return err
		}
		if !in {
			if err := mayWrite(r, owner, c.User); err != nil {
				return err
			}
		}
		out = shown(g)
		if out.Members, err = r.MemberNumbers(g.ID, user.SpaceEDI, roleOwner, maxMembers); err != nil {
			return fmt.Errorf("reading the members of a group: %w", err)
		}
		return nil
	})
	return out, err
}

// Change is what of a group's details becomes another: a nil Title stays, and
// so does the description unless Describe is true.
type Change struct {
	Title       *string
	Describe    bool
	Description *string
}

// Change changes the details. The caller must own the group or be an operator;
// nobody renames a system group. Refusals: NotFound, Forbidden, Invalid.
func (s *Service) Change(ctx context.Context, c Caller, number string, ch Change) error {
	return s.write(ctx, c, number, func(tx store.Tx, g user.Group, owner user.ID) error {
		if g.System {
			return user.Refuse(user.Forbidden, "group")
		}
		d := shown(g).Details
		if ch.Title != nil {
			d.Title = *ch.Title
		}
		if ch.Describe {
			d.Description = ch.Description
		}
		if err := d.check(); err != nil {
			return err
		}
		before := maps.Clone(g.Attributes)
		d.into(g.Attributes)
		if maps.Equal(before, g.Attributes) {
			return nil
		}
		if err := store.Put(tx, g); err != nil {
			return fmt.Errorf("changing group %s: %w", number, err)
		}
		if err := list(tx, g); err != nil {
			return err
		}
		return event.Append(tx, event.New{
			Kind: event.GroupChanged, User: owner, Actor: string(c.User), Door: user.DoorEDI,
			Body: map[string]any{"group": g.ID, "name": g.Name, "title": d.Title},
		})
	})
}

// Dissolve removes a group and all memberships of it. The caller must own it or
// be an operator; nobody removes a system group. Refusals: NotFound, Forbidden.
func (s *Service) Dissolve(ctx context.Context, c Caller, number string) error {
	return s.write(ctx, c, number, func(tx store.Tx, g user.Group, owner user.ID) error {
		if g.System {
			return user.Refuse(user.Forbidden, "group")
		}
		return dissolve(tx, g, owner, c)
	})
}

// DissolveOwned removes every group that a person owns, as is done when they
// leave the door.
func DissolveOwned(tx store.Tx, owner user.ID) error {
	owned, err := ownedBy(tx, owner)
	if err != nil {
		return err
	}
	for _, id := range owned {
		g, err := tx.Group(id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading group %s: %w", id, err)
		}
		if err := dissolve(tx, g, owner, Caller{User: owner}); err != nil {
			return err
		}
	}
	return nil
}

func dissolve(tx store.Tx, g user.Group, owner user.ID, c Caller) error {
	ms, err := tx.Members(g.ID)
	if err != nil {
		return fmt.Errorf("reading the members of %s: %w", g.Name, err)
	}
	for _, m := range ms {
		if err := store.Delete(tx, m); err != nil {
			return fmt.Errorf("removing a member of %s: %w", g.Name, err)
		}
		if m.Role == roleOwner {
			continue // never was in it
		}
		if err := moved(tx, event.GroupLeft, g, m.User, c); err != nil {
			return err
		}
	}
	if err := tx.IndexTerms(store.SearchedGroup, g.ID, nil); err != nil {
		return err
	}
	if err := store.Delete(tx, g); err != nil {
		return fmt.Errorf("removing group %s: %w", g.Name, err)
	}
	return event.Append(tx, event.New{
		Kind: event.GroupDeleted, User: owner, Actor: string(c.User), Door: user.DoorEDI,
		Body: map[string]any{"group": g.ID, "name": g.Name},
	})
}

// SearchOwn finds groups by the beginning of title, description or number, as
// directory.SearchEDI finds users.
func (s *Service) SearchOwn(ctx context.Context, typed string, limit int) (out []Shown, err error) {
	want := directory.Fold(typed)
	if limit = min(limit, directory.SearchMost); want == "" || limit <= 0 {
		return nil, nil
	}
	err = s.store.View(ctx, func(r store.Reader) error {
		out = nil
		gs, err := r.SearchGroups(want, limit*4)
		if err != nil {
			return fmt.Errorf("searching groups: %w", err)
		}
		seen := map[user.ID]bool{}
		for _, g := range gs {
			if seen[g.ID] || len(out) == limit {
				continue
			}
			seen[g.ID] = true
			if alive, err := isAlive(r, g); err != nil {
				return err
			} else if alive && directory.Begins(terms(g), want) {
				out = append(out, shown(g))
			}
		}
		return nil
	})
	return out, err
}
