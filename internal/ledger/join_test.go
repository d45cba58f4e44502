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

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/user"
)

// join puts one user into another as a sign-up, with the passwords of the strands
// in keep.
func (w *world) join(into, signUp user.ID, keep map[user.ID]bool) {
	w.t.Helper()
	m := merge{into: into, other: signUp, strands: w.strandsOf(signUp)}
	w.update(func(tx store.Tx) error {
		a, err := tx.User(into)
		if err != nil {
			return err
		}
		b, err := tx.User(signUp)
		if err != nil {
			return err
		}
		joined, err := ledger.Open(tx, policy.Default(), "test").Join(a, b, keep)
		if err != nil {
			return err
		}
		if kept, err := tx.User(into); err != nil || !reflect.DeepEqual(kept, joined) {
			return fmt.Errorf("kept %+v, given %+v: %w", kept, joined, err)
		}
		entries, err := tx.Entries(signUp)
		for _, e := range entries {
			if e.Kind == store.EntryAbsorb && e.User == into && e.Other == signUp && e.Undone.IsZero() {
				m.entry = e.ID
			}
		}
		return err
	})
	for _, s := range m.strands {
		w.at[s] = into
	}
	w.merged[signUp] = into
	w.open = append(w.open, m)
}

// holding is what a user has that a join treats in a way of its own.
type holding struct {
	epoch     int64
	status    user.Status
	sessions  int // that open it
	passwords []string
	groups    []string
	locks     []user.Source
	names     []string
}

func (w *world) holding(u user.ID) (h holding) {
	w.view(func(r store.Reader) error {
		h = holding{}
		who, err := r.User(u)
		h.epoch, h.status = who.Epoch, who.Status
		sessions, err2 := r.Sessions(u)
		for _, s := range sessions {
			if s.Revoked.IsZero() && s.Epoch == who.Epoch {
				h.sessions++
			}
		}
		passwords, err3 := r.Passwords(u)
		for _, p := range passwords {
			if !p.SetAside {
				h.passwords = append(h.passwords, p.Hash)
			}
		}
		memberships, err4 := r.Memberships(u)
		for _, m := range memberships {
			g, err := r.Group(m.Group)
			if err != nil {
				return err
			}
			h.groups = append(h.groups, g.Name)
		}
		locks, err5 := r.Locks(u)
		for _, l := range locks {
			h.locks = append(h.locks, l.Source)
		}
		names, err6 := r.Handles(u)
		for _, n := range names {
			h.names = append(h.names, n.Value)
		}
		slices.Sort(h.passwords)
		slices.Sort(h.groups)
		slices.Sort(h.names)
		return errors.Join(err, err2, err3, err4, err5, err6)
	})
	return h
}

// given puts more on a user: a session, a role, a group, and a name that hangs on
// no strand.
func (w *world) given(u user.ID) {
	w.update(func(tx store.Tx) error {
		strand, role, group := w.strandsOf(u)[0], tx.NewID(), tx.NewID()
		for _, err := range []error{
			store.Insert(tx, user.Group{ID: role, Kind: user.GroupRole, Name: "role of " + string(u), Created: tx.Now()}),
			store.Insert(tx, user.Membership{Group: role, User: u, Strand: strand, Since: tx.Now()}),
			store.Insert(tx, user.Group{ID: group, Kind: "group", Name: "group of " + string(u), Created: tx.Now()}),
			store.Insert(tx, user.Membership{Group: group, User: u, Strand: strand, Since: tx.Now()}),
			store.Insert(tx, user.Handle{Space: user.SpaceEDI, Value: "EDI-" + string(u), User: u, Created: tx.Now()}),
			store.Insert(tx, user.Session{
				ID: tx.NewID(), User: u, Strand: strand, Epoch: 1, Created: tx.Now(), Expires: tx.Now().AddDate(1, 0, 0),
			}),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Given a user and a sign-up, each with a session, a role, a group, a password and
// names, when the sign-up is joined to the user, then nothing that the user held
// changed hands: its sessions live on, and no role came along. What the sign-up's
// sessions opened is closed, a lock of it holds, its names lead to the user, and
// its password comes along where that was said. Undone, each has its own again.
func TestJoinedAndTakenApart(t *testing.T) {
	for name, keeps := range map[string]bool{"the password is left behind": false, "the password comes along": true} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, s store.Store) {
				n := 0
				w := &world{t: t, s: s, n: &n, at: map[user.ID]user.ID{}, merged: map[user.ID]user.ID{}}
				into, signUp := w.newUser(), w.newUser()
				w.given(into)
				w.given(signUp)
				w.update(func(tx store.Tx) error {
					return store.Insert(tx, user.Lock{User: signUp, Source: "partner:hr", At: tx.Now()})
				})
				of := func(what string, us ...user.ID) (out []string) {
					for _, u := range us {
						out = append(out, what+string(u))
					}
					slices.Sort(out)
					return out
				}
				before, its := w.holding(into), w.holding(signUp)
				keep := map[user.ID]bool{}
				passwords := []string{"$user1"}
				if keeps {
					keep[w.strandsOf(signUp)[0]] = true
					passwords = append(passwords, "$user2")
				}

				w.join(into, signUp, keep)

				w.check()
				want := holding{
					epoch: before.epoch, status: user.Active, sessions: 1, passwords: passwords, locks: []user.Source{"partner:hr"},
					groups: append(of("group of ", into, signUp), "role of "+string(into)),
					names:  slices.Sorted(slices.Values(slices.Concat(before.names, its.names, []string{string(signUp)}))),
				}
				if got := w.holding(into); !reflect.DeepEqual(got, want) {
					t.Errorf("joined:\n%+v, wanted\n%+v", got, want)
				}
				if got := w.holding(signUp); got.status != user.Merged || got.epoch == its.epoch || got.sessions+len(got.passwords)+len(got.groups)+len(got.names) > 0 {
					t.Errorf("the sign-up's user: %+v", got)
				}
				w.view(func(r store.Reader) error {
					events, err := r.EventsOf(into, 100)
					if !slices.ContainsFunc(events, func(e store.Event) bool { return event.Kind(e.Kind) == event.SignUpJoined }) {
						t.Error("the join is not in the user's log")
					}
					return err
				})

				w.unmerge(0)

				w.check()
				for u, had := range map[user.ID]holding{into: before, signUp: its} {
					got := w.holding(u)
					if got.epoch <= had.epoch || got.sessions != 0 {
						t.Errorf("%d sessions open %s after it was undone, epoch %d", got.sessions, u, got.epoch)
					}
					got.epoch, got.sessions, had.sessions = had.epoch, 0, 0
					if !reflect.DeepEqual(got, had) {
						t.Errorf("undone:\n%+v, was\n%+v", got, had)
					}
				}
			})
		})
	}
}

// Given users, when some are joined as sign-ups, some merged, some edited and taken
// apart in any order, then everything is where the model says, a join ends no
// session of the user it leads to, and when all is undone each is what it was.
func TestJoinsAndMergesCanBeUndoneInAnyOrder(t *testing.T) {
	s, n := storetest.SQLite(t), 0
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{t: rt, s: s, n: &n, at: map[user.ID]user.ID{}, merged: map[user.ID]user.ID{}}
		for range rapid.IntRange(2, 5).Draw(rt, "users") {
			w.newUser()
		}
		began, had, edits := maps.Clone(w.at), map[user.ID]holding{}, map[user.ID]string{}
		for _, u := range w.users {
			had[u] = w.holding(u)
		}
		for i := range rapid.IntRange(1, 12).Draw(rt, "steps") {
			into, other := rapid.SampledFrom(w.users).Draw(rt, "into"), rapid.SampledFrom(w.users).Draw(rt, "other")
			switch rapid.IntRange(0, 4).Draw(rt, "what") {
			case 0, 1:
				if into == other || w.merged[into] != "" || w.merged[other] != "" {
					continue
				}
				keep := map[user.ID]bool{}
				for _, strand := range w.strandsOf(other) {
					keep[strand] = rapid.Bool().Draw(rt, "keep")
				}
				epoch := w.holding(into).epoch
				w.join(into, other, keep)
				if after := w.holding(into).epoch; after != epoch {
					rt.Fatalf("a join moved the epoch of %s from %d to %d", into, epoch, after)
				}
			case 2:
				w.merge(into, other)
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
		for strand, u := range began {
			if w.at[strand] != u {
				rt.Fatalf("strand %s ended with %s, began with %s", strand, w.at[strand], u)
			}
			got := w.holding(u)
			got.epoch = had[u].epoch
			if !reflect.DeepEqual(got, had[u]) {
				rt.Fatalf("%s ended as %+v, began as %+v", u, got, had[u])
			}
			w.view(func(r store.Reader) error {
				who, err := r.User(u)
				if got := who.Profile.Text(user.Picture); got != edits[strand] {
					rt.Fatalf("%s shows %q, want the edit of its own strand %q", u, got, edits[strand])
				}
				return err
			})
		}
	})
}

// Given a sign-up that was joined, when its survivor was merged into somebody, or
// erased, then the join cannot be undone before that is; and never twice.
func TestAJoinThatCannotBeUndone(t *testing.T) {
	refused := func(t *testing.T, w *world, entry user.ID) {
		t.Helper()
		err := w.s.Update(context.Background(), store.Interactive, func(tx store.Tx) error {
			_, err := ledger.Open(tx, policy.Default(), "test").Unmerge(entry)
			return err
		})
		if r, ok := errors.AsType[*user.Refusal](err); !ok || r.Code != user.NotUndoable {
			t.Errorf("undoing the join: %v", err)
		}
	}
	s, n := storetest.SQLite(t), 0
	for name, then := range map[string]func(t *testing.T, w *world, into, entry user.ID){
		"twice": func(_ *testing.T, w *world, _, _ user.ID) { w.unmerge(0) },
		"its survivor is part of another": func(t *testing.T, w *world, into, entry user.ID) {
			w.merge(w.newUser(), into)
			refused(t, w, entry)
			w.unmerge(1)
			w.unmerge(0)
			w.check()
		},
		"its survivor is erased": func(_ *testing.T, w *world, into, _ user.ID) {
			w.update(func(tx store.Tx) error {
				u, err := tx.User(into)
				if err != nil {
					return err
				}
				return ledger.Open(tx, policy.Default(), "test").Erase(u, user.ClosedByPerson)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{t: t, s: s, n: &n, at: map[user.ID]user.ID{}, merged: map[user.ID]user.ID{}}
			into, signUp := w.newUser(), w.newUser()
			w.join(into, signUp, nil)
			entry := w.open[0].entry
			then(t, w, into, entry)
			refused(t, w, entry)
		})
	}
}
