package statelogin_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/onboarding"
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

// users is how many there are.
func (w *world) users() (n int) {
	w.Helper()
	w.view(func(r store.Reader) error {
		us, err := r.Users("", 10_000)
		n = len(us)
		return err
	})
	return n
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

// elsewhere is somebody who proved a phone at another door.
func (w *world) elsewhere(phone string) (u user.User) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		out, err := admission.In(tx, *w.pol).Arrive(admission.Arrival{
			Door: user.DoorGQLAuth, Source: "gqlauth", Facts: map[user.Attr]*string{user.GivenName: user.Text("Ada")},
			Addresses: []admission.Address{{Kind: user.Phone, Key: phone, Display: phone, Assurance: user.Proven, Proven: tx.Now()}},
		})
		u = out.User
		return err
	})
	return u
}

// known is the user whom a state's subject leads to; empty for none.
func (w *world) known(subject string) (u user.ID) {
	w.Helper()
	w.view(func(r store.Reader) error {
		i, err := r.Identity(onboarding.StateIdentity(w.channel.Name, subject))
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		u = i.User
		return err
	})
	return u
}

func (w *world) owner(phone string) (u user.ID) {
	w.Helper()
	w.view(func(r store.Reader) error {
		o, err := r.Owner(user.Phone, phone)
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		u = o.User
		return err
	})
	return u
}

func (w *world) lock(u user.ID) {
	w.Helper()
	w.update(func(tx store.Tx) error { return store.Insert(tx, user.Lock{User: u, Source: "operator", At: tx.Now()}) })
}

// erase deletes a user as the person would.
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

// change rewrites a user.
func (w *world) change(u user.ID, fn func(*user.User)) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		who, err := tx.User(u)
		if err != nil {
			return err
		}
		fn(&who)
		return store.Put(tx, who)
	})
}

func (w *world) group(g user.Group) user.Group {
	w.Helper()
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

// must gives where a step leads that nothing is in the way of.
func (w *world) must(next string, err error) string {
	w.Helper()
	w.ok(err)
	return next
}

// shut closes the state's channel.
func (w *world) shut() {
	w.Helper()
	w.update(func(tx store.Tx) error {
		g, err := tx.Group(w.channel.ID)
		if err != nil {
			return err
		}
		g.Attributes = map[string]string{"status": "inactive"}
		return store.Put(tx, g)
	})
}

// site is what the message to a phone calls the service.
func (w *world) site(phone string) (site string) {
	w.Helper()
	w.view(func(r store.Reader) error {
		due, err := r.Jobs(store.JobDue, 1000)
		for _, j := range due {
			var m job.SMS
			if json.Unmarshal(j.Payload, &m) == nil && m.To == phone {
				site = m.Data["site"]
			}
		}
		return err
	})
	return site
}
