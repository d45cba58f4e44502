package providerlogin_test

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/providerlogin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// refused expects one refusal, with all that it says.
func (w *world) refused(err error, want *user.Refusal) {
	w.Helper()
	no, ok := errors.AsType[*user.Refusal](err)
	if !ok || no.Code != want.Code || no.Field != want.Field || !maps.Equal(no.Params, want.Params) {
		w.Fatalf("got %v %+v, want %+v", err, no, want)
	}
}

// denied expects a sign-in that ends at the portal, with its question and why.
func (w *world) denied(err error, q providerlogin.Query, want *user.Refusal) {
	w.Helper()
	d, ok := errors.AsType[*providerlogin.Denied](err)
	if !ok || d.Query != q {
		w.Fatalf("got %v, want a denial of %+v", err, q)
	}
	w.refused(d.Err, want)
	w.refused(err, want)
}

// amount is how much stands in the database.
type amount struct{ users, sessions int }

func (w *world) written() (a amount) {
	w.Helper()
	w.view(func(r store.Reader) error {
		us, err := r.Users("", 10_000)
		a = amount{users: len(us)}
		for _, u := range us {
			ss, err := r.Sessions(u.ID)
			if err != nil {
				return err
			}
			a.sessions += len(ss)
		}
		return err
	})
	return a
}

func (w *world) events(u user.ID) (kinds []event.Kind) {
	w.Helper()
	w.view(func(r store.Reader) error {
		kinds = nil
		es, err := r.EventsOf(u, 1000)
		for _, e := range es {
			kinds = append(kinds, event.Kind(e.Kind))
		}
		return err
	})
	return kinds
}

// known is whom a subject leads to; empty for nobody.
func (w *world) known(subject string) (u user.ID) {
	w.Helper()
	w.view(func(r store.Reader) error {
		i, err := r.Identity(w.key(subject))
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		u = i.User
		return err
	})
	return u
}

func (w *world) owner(email string) (u user.ID) {
	w.Helper()
	w.view(func(r store.Reader) error {
		o, err := r.Owner(user.Email, email)
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		u = o.User
		return err
	})
	return u
}

// elsewhere is somebody who proved an e-mail at another door.
func (w *world) elsewhere(email string) (u user.User) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		out, err := admission.In(tx, *w.pol).Arrive(admission.Arrival{
			Door: user.DoorGQLAuth, Source: "gqlauth", Facts: map[user.Attr]*string{user.GivenName: user.Text("Augusta")},
			Addresses: []admission.Address{{Kind: user.Email, Key: email, Display: email, Assurance: user.Proven, Proven: tx.Now()}},
		})
		u = out.User
		return err
	})
	return u
}

func (w *world) lock(u user.ID) {
	w.Helper()
	w.update(func(tx store.Tx) error { return store.Insert(tx, user.Lock{User: u, Source: "operator", At: tx.Now()}) })
}

// close deletes a user and keeps their data; erase is the person's own delete.
func (w *world) close(u user.ID, by user.Closer) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		who, err := tx.User(u)
		if err != nil {
			return err
		}
		who.Status, who.ClosedBy, who.Closed = user.Deleted, by, tx.Now()
		return store.Put(tx, who)
	})
}

func (w *world) erase(u user.ID) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		who, err := tx.User(u)
		if err != nil {
			return err
		}
		return ledger.Open(tx, *w.pol, "test").Erase(who, user.ClosedByPerson)
	})
}

func (w *world) channel(name string) user.Group {
	w.Helper()
	g := user.Group{Kind: user.GroupChannel, Name: w.of(name)}
	w.update(func(tx store.Tx) error {
		g.ID, g.Created = tx.NewID(), tx.Now()
		return store.Insert(tx, g)
	})
	return g
}

// isIn expects the names of a user's groups.
func (w *world) isIn(u user.ID, want ...string) {
	w.Helper()
	var got []string
	w.view(func(r store.Reader) error {
		got = nil
		gs, err := r.GroupsOf(u)
		for _, g := range gs {
			got = append(got, g.Name)
		}
		return err
	})
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
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
