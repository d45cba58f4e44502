package workgroup

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// between finds what a working group stands between; NotFound of institution or
// field.
func between(r store.Reader, i Institution, f Field) (at, on user.Group, err error) {
	if at, err = findInstitution(r, i); errors.Is(err, store.ErrNotFound) {
		return at, on, user.Refuse(user.NotFound, "institution")
	}
	if err != nil {
		return at, on, err
	}
	if on, err = findField(r, f); errors.Is(err, store.ErrNotFound) {
		return at, on, user.Refuse(user.NotFound, "field")
	}
	return at, on, err
}

// findInstitution finds one by its texts; ErrNotFound, also for texts that no
// institution can have.
func findInstitution(r store.Reader, i Institution) (user.Group, error) {
	i, err := i.tidy()
	if err != nil {
		return user.Group{}, store.ErrNotFound
	}
	return find(r, user.GroupInstitution, i.key())
}

func findField(r store.Reader, f Field) (user.Group, error) {
	f, err := f.tidy()
	if err != nil {
		return user.Group{}, store.ErrNotFound
	}
	return find(r, user.GroupField, f.key())
}

func find(r store.Reader, kind, name string) (user.Group, error) {
	g, err := r.GroupByName(kind, name)
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

// put makes a group and gives it the next number of its kind; InUse of name
// where another transaction was first.
func put(tx store.Tx, g user.Group, by event.New) (user.Group, error) {
	number, err := tx.Next(g.Kind)
	if err != nil {
		return g, fmt.Errorf("numbering a group of kind %s: %w", g.Kind, err)
	}
	g.ID, g.ExternalID, g.Created = tx.NewID(), strconv.FormatInt(int64(number), 10), tx.Now()
	err = store.Insert(tx, g)
	if errors.Is(err, store.ErrExists) {
		return g, user.Refuse(user.InUse, "name")
	}
	if err != nil {
		return g, fmt.Errorf("making a group of kind %s: %w", g.Kind, err)
	}
	return g, tell(tx, event.GroupCreated, g, by)
}

// tell records what became of a group, or of somebody in it.
func tell(tx store.Tx, kind event.Kind, g user.Group, by event.New) error {
	body := map[string]any{"group": g.ID, "name": g.Name}
	if kind == event.GroupCreated {
		body["kind"] = g.Kind
		if g.Parent != "" {
			body["parent"] = g.Parent
		}
	}
	by.Kind, by.Body = kind, body
	return event.Append(tx, by)
}
