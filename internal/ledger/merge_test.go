package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/user"
)

type defaults struct{}

func (defaults) Current() policy.Policy { return policy.Default() }

// world is a store with people in it, and the model of who is who.
type world struct {
	t     fataler
	s     store.Store
	n     *int
	users []user.ID
	// strand → user, by the model.
	at     map[user.ID]user.ID
	merged map[user.ID]user.ID // user → survivor
	open   []merge
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

type merge struct {
	entry       user.ID
	into, other user.ID
	strands     []user.ID
}

func (w *world) update(fn func(store.Tx) error) {
	w.t.Helper()
	if err := w.s.Update(context.Background(), store.Interactive, fn); err != nil {
		w.t.Fatalf("update: %v", err)
	}
}

func (w *world) view(fn func(store.Reader) error) {
	w.t.Helper()
	if err := w.s.View(context.Background(), fn); err != nil {
		w.t.Fatalf("view: %v", err)
	}
}

// newUser makes a user that owns an address, has a username, an identity and a
// password.
func (w *world) newUser() user.ID {
	*w.n++
	name := fmt.Sprintf("user%d", *w.n)
	var out admission.Outcome
	w.update(func(tx store.Tx) error {
		var err error
		out, err = admission.In(tx, policy.Default()).Provision(admission.Assertion{
			Door: user.DoorOperator, Source: "operator", Kind: user.Operator, By: "test",
			Addresses:  []admission.Address{{Kind: user.Email, Key: name + "@example.org", Display: name + "@example.org", Assurance: user.Proven, Proven: tx.Now()}},
			Facts:      map[user.Attr]*string{user.Name: &name},
			Identities: []user.IdentityKey{{Issuer: "https://orcid.org", Subject: name}},
			Names:      []user.Handle{{Space: user.SpaceUsername, Value: name}},
			Password:   "$" + name,
		})
		return err
	})
	w.users = append(w.users, out.User.ID)
	w.at[out.Strand.ID] = out.User.ID
	return out.User.ID
}

func (w *world) strandsOf(u user.ID) []user.ID {
	var out []user.ID
	for s, at := range w.at {
		if at == u {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}

func (w *world) merge(into, other user.ID) {
	m := merge{into: into, other: other, strands: w.strandsOf(other)}
	err := w.s.Update(context.Background(), store.Interactive, func(tx store.Tx) error {
		a, err := tx.User(into)
		if err != nil {
			return err
		}
		b, err := tx.User(other)
		if err != nil {
			return err
		}
		e, err := ledger.Open(tx, policy.Default(), "test").For("the same person").Merge(a, b)
		m.entry = e.ID
		return err
	})
	possible := into != other && w.merged[into] == "" && w.merged[other] == ""
	if _, refused := errors.AsType[*user.Refusal](err); refused != !possible || err != nil && !refused {
		w.t.Fatalf("merging %s and %s: %v, possible %v", into, other, err, possible)
	}
	if !possible {
		return
	}
	for _, s := range m.strands {
		w.at[s] = into
	}
	w.merged[other] = into
	w.open = append(w.open, m)
}

func (w *world) unmerge(i int) {
	m := w.open[i]
	err := w.s.Update(context.Background(), store.Interactive, func(tx store.Tx) error {
		_, err := ledger.Open(tx, policy.Default(), "test").Unmerge(m.entry)
		return err
	})
	possible := w.merged[m.into] == ""
	if _, refused := errors.AsType[*user.Refusal](err); refused != !possible || err != nil && !refused {
		w.t.Fatalf("undoing %v: %v, possible %v", m, err, possible)
	}
	if !possible {
		return
	}
	for _, s := range m.strands {
		w.at[s] = m.other
	}
	delete(w.merged, m.other)
	w.open = slices.Delete(w.open, i, i+1)
}

// edit is what a person changes in a session of one strand.
func (w *world) edit(strand user.ID, value string) {
	w.update(func(tx store.Tx) error {
		s, err := tx.Strand(strand)
		if err != nil {
			return err
		}
		s.Edits = s.Edits.Clone()
		s.Edits.Set(user.Picture, &value, user.Asserted, tx.Now())
		if err := store.Put(tx, s); err != nil {
			return err
		}
		u, err := tx.User(s.User)
		if err != nil {
			return err
		}
		_, err = ledger.Open(tx, policy.Default(), "test").Reproject(u)
		return err
	})
}

// check holds the store against the model.
func (w *world) check() {
	w.t.Helper()
	w.view(func(r store.Reader) error {
		for s, u := range w.at {
			got, err := r.Strand(s)
			if err != nil {
				return err
			}
			if got.User != u {
				w.t.Fatalf("strand %s is with %s, want %s", s, got.User, u)
			}
			for _, table := range []func() (user.ID, error){
				func() (user.ID, error) {
					h, err := r.Handle(user.SpaceUsername, got.Document.Text(user.Name))
					return h.User, err
				},
				func() (user.ID, error) {
					o, err := r.Owner(user.Email, got.Document.Text(user.Name)+"@example.org")
					return o.User, err
				},
				func() (user.ID, error) {
					i, err := r.Identity(user.IdentityKey{Issuer: "https://orcid.org", Subject: got.Document.Text(user.Name)})
					return i.User, err
				},
			} {
				if with, err := table(); err != nil || with != u {
					w.t.Fatalf("what hangs on strand %s is with %s, want %s (%v)", s, with, u, err)
				}
			}
		}
		for _, id := range w.users {
			u, err := r.User(id)
			if err != nil {
				return err
			}
			if into := w.merged[id]; into != "" && (u.Status != user.Merged || u.Survivor != into) {
				w.t.Fatalf("%s is %s with %s, want merged with %s", id, u.Status, u.Survivor, into)
			} else if into == "" && u.Status != user.Active {
				w.t.Fatalf("%s is %s", id, u.Status)
			}
			if final := w.survivor(id); final != id {
				h, err := r.Handle(user.SpaceRetired, string(id))
				if err != nil || h.User != final {
					w.t.Fatalf("the id %s leads to %s, want %s (%v)", id, h.User, final, err)
				}
			}
		}
		return nil
	})
}

func (w *world) survivor(u user.ID) user.ID {
	for w.merged[u] != "" {
		u = w.merged[u]
	}
	return u
}

// Given users, when they are merged, edited and taken apart in any order, then
// everything is where the model says; and when every merge is undone, each
// user is what it was, with the edits made through its own strands.
func TestMergesCanBeUndoneInAnyOrder(t *testing.T) {
	s, n := storetest.SQLite(t), 0
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{t: rt, s: s, n: &n, at: map[user.ID]user.ID{}, merged: map[user.ID]user.ID{}}
		for range rapid.IntRange(2, 5).Draw(rt, "users") {
			w.newUser()
		}
		began := maps.Clone(w.at)
		edits := map[user.ID]string{}
		for i := range rapid.IntRange(1, 12).Draw(rt, "steps") {
			switch rapid.IntRange(0, 4).Draw(rt, "what") {
			case 0, 1, 2:
				w.merge(rapid.SampledFrom(w.users).Draw(rt, "into"), rapid.SampledFrom(w.users).Draw(rt, "other"))
			case 3:
				if len(w.open) > 0 {
					w.unmerge(rapid.IntRange(0, len(w.open)-1).Draw(rt, "entry"))
				}
			case 4:
				strand := rapid.SampledFrom(slices.Sorted(maps.Keys(w.at))).Draw(rt, "strand")
				edits[strand] = fmt.Sprintf("https://example.org/%d.png", i)
				w.edit(strand, edits[strand])
			}
			w.check()
		}
		for len(w.open) > 0 {
			w.unmerge(len(w.open) - 1)
			w.check()
		}
		if !reflect.DeepEqual(w.at, began) {
			rt.Fatalf("strands ended with %v, began with %v", w.at, began)
		}
		w.view(func(r store.Reader) error {
			for strand, id := range began {
				u, err := r.User(id)
				if err != nil {
					return err
				}
				if got := u.Profile.Text(user.Picture); got != edits[strand] {
					rt.Fatalf("%s shows %q, want the edit of its own strand %q", id, got, edits[strand])
				}
			}
			return nil
		})
	})
}

// Given two users with sessions and roles, when they are merged, then both
// people's sessions end, no role moves by itself, and a lock of either holds;
// unmerging gives back what was taken.
func TestMergeUnitesNoRolesAndEndsSessions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		n := 0
		w := &world{t: t, s: s, n: &n, at: map[user.ID]user.ID{}, merged: map[user.ID]user.ID{}}
		a, b := w.newUser(), w.newUser()
		var role user.Group
		w.update(func(tx store.Tx) error {
			role = user.Group{ID: tx.NewID(), Kind: user.GroupRole, Name: "staff", Created: tx.Now()}
			if err := store.Insert(tx, role); err != nil {
				return err
			}
			if err := store.Insert(tx, user.Membership{Group: role.ID, User: b, Strand: w.strandsOf(b)[0], Since: tx.Now()}); err != nil {
				return err
			}
			if err := store.Insert(tx, user.Lock{User: b, Source: "partner:hr", At: tx.Now()}); err != nil {
				return err
			}
			for _, u := range []user.ID{a, b} {
				if err := store.Insert(tx, user.Session{
					ID: tx.NewID(), User: u, Strand: w.strandsOf(u)[0], Epoch: 1, Created: tx.Now(), Expires: tx.Now().AddDate(1, 0, 0),
				}); err != nil {
					return err
				}
			}
			return nil
		})

		w.merge(a, b)

		state := func(u user.ID) (alive, roles, locks int) {
			w.view(func(r store.Reader) error {
				sessions, err := r.Sessions(u)
				if err != nil {
					return err
				}
				who, err := r.User(u)
				if err != nil {
					return err
				}
				for _, x := range sessions {
					if x.Revoked.IsZero() && x.Epoch == who.Epoch {
						alive++
					}
				}
				ms, err := r.Memberships(u)
				roles = len(ms)
				if err != nil {
					return err
				}
				ls, err := r.Locks(u)
				locks = len(ls)
				return err
			})
			return alive, roles, locks
		}
		if alive, roles, locks := state(a); alive != 0 || roles != 0 || locks != 1 {
			t.Errorf("after the merge: %d sessions, %d roles, %d locks; want 0, 0, 1", alive, roles, locks)
		}
		w.unmerge(0)
		if alive, roles, locks := state(a); alive != 0 || roles != 0 || locks != 0 {
			t.Errorf("the survivor after undoing: %d sessions, %d roles, %d locks; want none", alive, roles, locks)
		}
		if alive, roles, locks := state(b); alive != 0 || roles != 1 || locks != 1 {
			t.Errorf("the other after undoing: %d sessions, %d roles, %d locks; want 0, 1, 1", alive, roles, locks)
		}
		w.check()
	})
}

// A merge cannot be undone twice, nor by another entry, nor once a user of it
// is gone.
func TestUnmergeSaysWhyNot(t *testing.T) {
	s, n := storetest.SQLite(t), 0
	w := &world{t: t, s: s, n: &n, at: map[user.ID]user.ID{}, merged: map[user.ID]user.ID{}}
	a, b := w.newUser(), w.newUser()
	w.merge(a, b)
	entry := w.open[0].entry
	w.update(func(tx store.Tx) error {
		u, err := tx.User(a)
		if err != nil {
			return err
		}
		return ledger.Open(tx, policy.Default(), "test").Erase(u, user.ClosedByPerson)
	})
	err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
		_, err := ledger.Open(tx, policy.Default(), "test").Unmerge(entry)
		return err
	})
	if r, ok := errors.AsType[*user.Refusal](err); !ok || r.Code != user.NotUndoable {
		t.Errorf("undoing after the survivor was erased: %v", err)
	}
}
