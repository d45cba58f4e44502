package workgroup

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Create makes a working group that the caller represents and is no member of.
// Refusals: NotFound of institution or field; InUse of name; Conflict of
// representative, for somebody who represents another; Missing, Invalid and
// TooLarge of a value; BadToken where the session has ended.
func (s *Service) Create(ctx context.Context, live session.Live, in New) (out Group, err error) {
	name, err := named("name", in.Name)
	if err != nil {
		return out, err
	}
	if in.Employees < 0 {
		return out, user.Refuse(user.Invalid, "nEmployees")
	}
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		u, err := session.AgainHere(tx, live)
		if err != nil {
			return err
		}
		at, err := find(tx, user.GroupInstitution, in.institution().key(), "institution")
		if err != nil {
			return err
		}
		in, err := findField(tx, in)
		if err != nil {
			return err
		}
		if err := representsNone(tx, u.ID); err != nil {
			return err
		}
		if _, err := groupAt(tx, at.ID, name); err == nil {
			return user.Refuse(user.InUse, "name")
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		number, err := tx.Next(user.GroupWorking)
		if err != nil {
			return fmt.Errorf("numbering a working group: %w", err)
		}
		g := user.Group{
			ID: tx.NewID(), Kind: user.GroupWorking, Name: name, Parent: at.ID, ExternalID: text(number), Created: tx.Now(),
			Attributes: map[string]string{attrFieldID: string(in.field.ID), attrEmployees: strconv.FormatInt(int64(in.Employees), 10)},
		}
		if err := store.Insert(tx, g); errors.Is(err, store.ErrExists) {
			return user.Refuse(user.InUse, "name")
		} else if err != nil {
			return fmt.Errorf("making a working group: %w", err)
		}
		m := user.Membership{Group: g.ID, User: u.ID, Strand: live.Session.Strand, Role: user.MemberRepresentative, Since: tx.Now()}
		if err := store.Insert(tx, m); err != nil {
			return fmt.Errorf("naming a representative: %w", err)
		}
		out = group(g)
		out.Institution, out.Field, out.Representative = institution(at), field(in.field), u.ID
		return tell(tx, event.GroupCreated, live, g)
	})
	return out, err
}

func (p Place) institution() Institution {
	return Institution{Name: p.Institution, City: p.City, Country: p.Country}
}

type located struct {
	New
	field user.Group
}

func findField(tx store.Tx, in New) (located, error) {
	f, err := find(tx, user.GroupField, Field{Field: in.Field, Subfield: in.Subfield}.key(), "field")
	return located{in, f}, err
}

// find gives a group by its name; NotFound of the field that named it.
func find(r store.Reader, kind, name, said string) (user.Group, error) {
	g, err := r.GroupByName(kind, name)
	if errors.Is(err, store.ErrNotFound) {
		return g, user.Refuse(user.NotFound, said)
	}
	if err != nil {
		return g, fmt.Errorf("looking for a group of kind %s: %w", kind, err)
	}
	return g, nil
}

// groupAt finds a working group by its name at an institution; ErrNotFound.
func groupAt(r store.Reader, institution user.ID, name string) (user.Group, error) {
	all, err := r.GroupsNamed(name)
	if err != nil {
		return user.Group{}, fmt.Errorf("looking for a working group: %w", err)
	}
	for _, g := range all {
		if g.Kind == user.GroupWorking && g.Parent == institution {
			return g, nil
		}
	}
	return user.Group{}, store.ErrNotFound
}

// own gives a user's memberships of working groups.
func own(tx store.Tx, u user.ID) (in []user.Membership, err error) {
	all, err := tx.Memberships(u)
	if err != nil {
		return nil, fmt.Errorf("reading the memberships of %s: %w", u, err)
	}
	for _, m := range all {
		g, err := tx.Group(m.Group)
		if err != nil {
			return nil, fmt.Errorf("reading group %s: %w", m.Group, err)
		}
		if g.Kind == user.GroupWorking {
			in = append(in, m)
		}
	}
	return in, nil
}

func represents(m user.Membership) bool {
	return m.Role == user.MemberRepresentative || m.Role == user.MemberRepresenting
}

func representsNone(tx store.Tx, u user.ID) error {
	in, err := own(tx, u)
	if err != nil {
		return err
	}
	for _, m := range in {
		if represents(m) {
			return user.Refuse(user.Conflict, "representative")
		}
	}
	return nil
}

// Join makes the caller a member of a working group, and of no other. Doing it
// again changes nothing. Refusals: NotFound of workinggroup; BadToken where the
// session has ended.
func (s *Service) Join(ctx context.Context, live session.Live, p Place) error {
	none := user.Refuse(user.NotFound, "workinggroup")
	if p.Name == nil || *p.Name == "" {
		return none
	}
	return s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		u, err := session.AgainHere(tx, live)
		if err != nil {
			return err
		}
		at, err := tx.GroupByName(user.GroupInstitution, p.institution().key())
		if errors.Is(err, store.ErrNotFound) {
			return none
		}
		if err != nil {
			return fmt.Errorf("looking for an institution: %w", err)
		}
		g, err := groupAt(tx, at.ID, *p.Name)
		if errors.Is(err, store.ErrNotFound) {
			return none
		}
		if err != nil {
			return err
		}
		return join(tx, live, u.ID, g)
	})
}

func join(tx store.Tx, live session.Live, u user.ID, g user.Group) error {
	in, err := own(tx, u)
	if err != nil {
		return err
	}
	for _, m := range in {
		switch {
		case m.Group == g.ID && m.Role != user.MemberRepresentative:
			return nil // a member already
		case m.Group == g.ID, m.Role == user.MemberRepresentative:
			continue
		case m.Role == user.MemberRepresenting:
			m.Role = user.MemberRepresentative
			err = store.Put(tx, m)
		default:
			err = store.Delete(tx, m)
		}
		if err == nil && m.Group != g.ID {
			err = tell(tx, event.GroupLeft, live, user.Group{ID: m.Group})
		}
		if err != nil {
			return fmt.Errorf("leaving a working group: %w", err)
		}
	}
	m := user.Membership{Group: g.ID, User: u, Strand: live.Session.Strand, Role: "member", Since: tx.Now()}
	for _, had := range in {
		if had.Group == g.ID { // they represent it
			m.Strand, m.Role = had.Strand, user.MemberRepresenting
		}
	}
	if err := store.Put(tx, m); err != nil {
		return fmt.Errorf("joining a working group: %w", err)
	}
	return tell(tx, event.GroupJoined, live, g)
}

func tell(tx store.Tx, kind event.Kind, live session.Live, g user.Group) error {
	return event.Append(tx, event.New{
		Kind: kind, User: live.User.ID, Actor: string(live.User.ID), Door: user.DoorGQLAuth,
		Body: map[string]any{"group": g.ID, "name": g.Name},
	})
}

// maxName is the longest name of anything here, in characters.
const maxName = 255

// named reads a name that must be there.
func named(said string, s *string) (string, error) {
	if s == nil || *s == "" {
		return "", user.Refuse(user.Missing, said)
	}
	switch n := utf8.RuneCountInString(*s); {
	case n > maxName:
		return "", user.Refuse(user.TooLarge, said, "max", strconv.Itoa(maxName), "length", strconv.Itoa(n))
	case !utf8.ValidString(*s), strings.TrimSpace(*s) != *s, strings.ContainsFunc(*s, unicode.IsControl):
		return "", user.Refuse(user.Invalid, said)
	}
	return *s, nil
}

// AddInstitution makes one, within a transaction; false where it is there
// already. Refusals: Missing, Invalid, TooLarge; InUse where its names read as
// another's.
func AddInstitution(tx store.Tx, i Institution) (bool, error) {
	for _, f := range []struct {
		said string
		text *string
	}{{"name", &i.Name}, {"city", &i.City}, {"country", &i.Country}} {
		if _, err := named(f.said, f.text); err != nil {
			return false, err
		}
	}
	if i.State != nil {
		if _, err := named("state", i.State); err != nil {
			return false, err
		}
	}
	return add(tx, user.GroupInstitution, i.key(), func(g user.Group) bool {
		had := institution(g)
		return had.Name == i.Name && had.City == i.City
	}, i.row)
}

// AddField makes a research field; see AddInstitution.
func AddField(tx store.Tx, f Field) (bool, error) {
	if _, err := named("field", &f.Field); err != nil {
		return false, err
	}
	if _, err := named("subfield", &f.Subfield); err != nil {
		return false, err
	}
	return add(tx, user.GroupField, f.key(), func(g user.Group) bool { return field(g).Field == f.Field }, f.row)
}

func add(tx store.Tx, kind, name string, same func(user.Group) bool, row func(user.ID, int32, time.Time) user.Group) (bool, error) {
	had, err := tx.GroupByName(kind, name)
	if err == nil {
		if !same(had) {
			return false, user.Refuse(user.InUse, "name")
		}
		return false, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return false, fmt.Errorf("looking for a group of kind %s: %w", kind, err)
	}
	number, err := tx.Next(kind)
	if err != nil {
		return false, fmt.Errorf("numbering a group of kind %s: %w", kind, err)
	}
	g := row(tx.NewID(), number, tx.Now())
	if err := store.Insert(tx, g); err != nil {
		return false, fmt.Errorf("making a group of kind %s: %w", kind, err)
	}
	return true, event.Append(tx, event.New{
		Kind: event.GroupCreated, Actor: "operator", Door: user.DoorOperator, Body: map[string]any{"group": g.ID, "name": g.Name},
	})
}
