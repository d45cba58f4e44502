package onboarding_test

import (
	"context"
	"errors"
	"reflect"
	"slices"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// user gives whom an id of this door is of.
func (w *world) user(id string) (u user.User) {
	w.Helper()
	w.view(func(r store.Reader) error {
		h, err := r.Handle(user.SpaceSunbird, id)
		if err != nil {
			return err
		}
		u, err = r.User(h.User)
		return err
	})
	return u
}

func (w *world) owner(kind user.AddressKind, key string) (u user.ID) {
	w.Helper()
	w.view(func(r store.Reader) error {
		o, err := r.Owner(kind, key)
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		u = o.User
		return err
	})
	return u
}

// elsewhere is somebody who proved an address at another door.
func (w *world) elsewhere(kind user.AddressKind, key string) user.ID {
	w.Helper()
	return w.arrives(admission.Arrival{
		Door: user.DoorGQLAuth, Source: "gqlauth", Facts: map[user.Attr]*string{user.GivenName: user.Text("Ada")},
		Addresses: []admission.Address{{Kind: kind, Key: key, Display: key, Assurance: user.Proven, Proven: w.clock.Now()}},
	}).User.ID
}

func (w *world) arrives(a admission.Arrival) (out admission.Outcome) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		var err error
		out, err = admission.In(tx, *w.pol).Arrive(a)
		return err
	})
	if out.Decision.Refusal != "" {
		w.Fatalf("arriving: %+v", out.Decision)
	}
	return out
}

func (w *world) lock(u user.ID, by user.Source) {
	w.Helper()
	w.update(func(tx store.Tx) error { return store.Insert(tx, user.Lock{User: u, Source: by, At: tx.Now()}) })
}

// erased deletes a user as the person would, closed as an operator with the data
// kept.
func (w *world) erased(u user.User) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		return ledger.Open(tx, *w.pol, "test").Erase(u, user.ClosedByPerson)
	})
}

func (w *world) closed(u user.User, by user.Closer) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		u, err := tx.User(u.ID)
		if err != nil {
			return err
		}
		u.Status, u.ClosedBy, u.Closed = user.Deleted, by, tx.Now()
		return store.Put(tx, u)
	})
}

// group makes one of this scenario's own and gives it.
func (w *world) group(g user.Group) user.Group {
	w.Helper()
	w.update(func(tx store.Tx) error {
		g.ID, g.Created = tx.NewID(), tx.Now()
		return store.Insert(tx, g)
	})
	return g
}

func (w *world) channel(name string) user.Group {
	w.Helper()
	return w.group(user.Group{Kind: user.GroupChannel, Name: w.of(name)})
}

func (w *world) organisation(parent user.Group, name, external string) user.Group {
	w.Helper()
	return w.group(user.Group{Kind: user.GroupOrganisation, Name: w.of(name), Parent: parent.ID, ExternalID: external})
}

// in gives the names of the groups that a user is in, in order.
func (w *world) in(u user.ID) (names []string) {
	w.Helper()
	w.view(func(r store.Reader) error {
		names = nil
		gs, err := r.GroupsOf(u)
		for _, g := range gs {
			names = append(names, g.Name)
		}
		slices.Sort(names)
		return err
	})
	return names
}

func (w *world) isIn(u user.ID, want ...string) {
	w.Helper()
	slices.Sort(want)
	if got := w.in(u); !reflect.DeepEqual(got, want) {
		w.Errorf("is in %q, want %q", got, want)
	}
}

func (w *world) update(fn func(store.Tx) error) {
	w.Helper()
	if err := w.store.Update(context.Background(), store.Interactive, fn); err != nil {
		w.Fatal(err)
	}
}

func (w *world) view(fn func(store.Reader) error) {
	w.Helper()
	if err := w.store.View(context.Background(), fn); err != nil {
		w.Fatal(err)
	}
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}
