package account_test

import (
	"errors"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/account"
	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/group"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/user"
)

func TestMain(m *testing.M) { testpg.Main(m) }

// world is a store with people who came through doors.
type world struct {
	*testing.T
	store   store.Store
	account *account.Service
}

func (w world) Current() policy.Policy { return policy.Default() }

func each(t *testing.T, fn func(world)) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		w := world{T: t, store: s}
		w.account = account.New(s, w)
		fn(w)
	})
}

func (w world) update(fn func(store.Tx) error) {
	w.Helper()
	if err := w.store.Update(w.Context(), store.Interactive, fn); err != nil {
		w.Fatal(err)
	}
}

// arrived is somebody who proved an address at a door.
func (w world) arrived(door user.Door, email string) admission.Outcome {
	w.Helper()
	out, err := admission.New(w.store, w).Arrive(w.Context(), admission.Arrival{
		Door: door, Source: user.Source(door),
		Addresses: []admission.Address{{Kind: user.Email, Key: email, Display: email, Assurance: user.Proven}},
	})
	if err != nil || out.Decision.Refusal != "" {
		w.Fatalf("%v %+v", err, out.Decision)
	}
	return out
}

// live is a fresh session of a strand.
func (w world) live(strand user.ID, door user.Door) (l session.Live) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		st, err := tx.Strand(strand)
		if err != nil {
			return err
		}
		u, err := tx.User(st.User)
		if err != nil {
			return err
		}
		l = session.Live{User: u, Session: user.Session{
			ID: tx.NewID(), User: u.ID, Strand: strand, Door: door, Epoch: u.Epoch, Created: tx.Now(), Expires: tx.Now().Add(time.Hour),
		}}
		return store.Insert(tx, l.Session)
	})
	return l
}

func (w world) profile(id user.ID) (u user.User) {
	w.Helper()
	err := w.store.View(w.Context(), func(r store.Reader) error {
		var err error
		u, err = r.User(id)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return u
}

func (w world) events(id user.ID) (n int) {
	w.Helper()
	err := w.store.View(w.Context(), func(r store.Reader) error {
		es, err := r.EventsOf(id, 1000)
		n = len(es)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return n
}

func (w world) dead(err error) {
	w.Helper()
	if r, ok := errors.AsType[*user.Refusal](err); !ok || r.Code != user.BadToken {
		w.Errorf("got %v, want a refusal %s", err, user.BadToken)
	}
}

func says(v string) account.Edit { return account.Edit{user.Name: &v} }

// What a person writes is shown at once, what they clear is cleared, and the
// same again is no change.
func TestEdit(t *testing.T) {
	each(t, func(w world) {
		out := w.arrived(user.DoorEDI, "ada@example.org")
		live := w.live(out.Strand.ID, user.DoorEDI)
		edit := func(e account.Edit) user.Profile {
			w.Helper()
			p, err := w.account.Edit(w.Context(), live, e)
			if err != nil {
				w.Fatal(err)
			}
			if stored := w.profile(out.User.ID).Profile; stored.Text(user.Name) != p.Text(user.Name) {
				w.Errorf("answered %q, shows %q", p.Text(user.Name), stored.Text(user.Name))
			}
			return p
		}
		email := "contact@example.net"
		e := says("Ada")
		e[user.ContactEmail] = &email
		p := edit(e)
		if p.Text(user.Name) != "Ada" || p.Text(user.ContactEmail) != email || p.Text(user.EmailAttr) != "ada@example.org" {
			w.Errorf("shows %v", p)
		}
		before := w.events(out.User.ID)
		edit(says("Ada"))
		if n := w.events(out.User.ID); n != before {
			w.Errorf("%d events for no change", n-before)
		}
		if p := edit(account.Edit{user.Name: nil}); p.Get(user.Name) != nil || p.Text(user.ContactEmail) != email {
			w.Errorf("cleared, shows %v", p)
		}
		if n := w.events(out.User.ID); n != before+1 {
			w.Errorf("%d events for one change", n-before)
		}
		// A contact e-mail is shown and no more: nobody is found by it.
		err := w.store.View(w.Context(), func(r store.Reader) error {
			cs, err := r.Claims(user.Email, email)
			if len(cs) > 0 {
				w.Errorf("it claims %v", cs)
			}
			return err
		})
		if err != nil {
			w.Error(err)
		}
	})
}

// Given two users who are merged, then edited, then taken apart, then each has
// what was written in sessions of their own strands.
func TestEditsFollowTheirStrand(t *testing.T) {
	each(t, func(w world) {
		a, b := w.arrived(user.DoorEDI, "a@example.org"), w.arrived(user.DoorGQLAuth, "b@example.org")
		if _, err := w.account.Edit(w.Context(), w.live(b.Strand.ID, user.DoorGQLAuth), says("B")); err != nil {
			w.Fatal(err)
		}
		var entry store.Entry
		w.update(func(tx store.Tx) error {
			into, err := tx.User(a.User.ID)
			if err != nil {
				return err
			}
			other, err := tx.User(b.User.ID)
			if err != nil {
				return err
			}
			entry, err = ledger.Open(tx, policy.Default(), "root").Merge(into, other)
			return err
		})
		if got := w.profile(a.User.ID).Profile.Text(user.Name); got != "B" {
			w.Errorf("merged, shows %q", got)
		}
		p, err := w.account.Edit(w.Context(), w.live(b.Strand.ID, user.DoorGQLAuth), says("B edited"))
		if err != nil || p.Text(user.Name) != "B edited" {
			w.Fatalf("edited in the merged user: %v, %v", p, err)
		}
		gender := "x"
		if _, err := w.account.Edit(w.Context(), w.live(a.Strand.ID, user.DoorEDI), account.Edit{user.Gender: &gender}); err != nil {
			w.Fatal(err)
		}
		w.update(func(tx store.Tx) error {
			_, err := ledger.Open(tx, policy.Default(), "root").Undo(entry.ID)
			return err
		})
		pa, pb := w.profile(a.User.ID).Profile, w.profile(b.User.ID).Profile
		if pa.Text(user.Name) != "" || pa.Text(user.Gender) != "x" || pb.Text(user.Name) != "B edited" || pb.Text(user.Gender) != "" {
			w.Errorf("apart: %v and %v", pa, pb)
		}
	})
}

// A session that ended a moment ago edits and deletes nothing.
func TestDeadSessionsDoNothing(t *testing.T) {
	each(t, func(w world) {
		for name, end := range map[string]func(store.Tx, user.User) error{
			"revoked": func(tx store.Tx, u user.User) error { _, err := tx.EndSessions(u.ID, "", tx.Now()); return err },
			"locked":  func(tx store.Tx, u user.User) error { return store.Put(tx, user.Lock{User: u.ID, Source: "operator"}) },
			"epoch":   func(tx store.Tx, u user.User) error { u.Epoch++; return store.Put(tx, u) },
		} {
			out := w.arrived(user.DoorEDI, name+"@example.org")
			live := w.live(out.Strand.ID, user.DoorEDI)
			w.update(func(tx store.Tx) error {
				u, err := tx.User(out.User.ID)
				if err != nil {
					return err
				}
				return end(tx, u)
			})
			before := w.profile(out.User.ID)
			_, err := w.account.Edit(w.Context(), live, says("intruder"))
			w.dead(err)
			w.dead(w.account.DeleteAtDoor(w.Context(), live, user.DoorEDI))
			if after := w.profile(out.User.ID); after.Profile.Text(user.Name) != "" || after.Status != before.Status {
				w.Errorf("%s: %+v", name, after)
			}
		}
		_, err := w.account.Edit(w.Context(), session.Live{Session: user.Session{ID: "none"}}, says("x"))
		w.dead(err)
	})
}

// A person's delete at a door ends what the door had of them; with nothing of
// theirs left elsewhere the whole user goes, and its addresses are free.
func TestDeleteAtDoor(t *testing.T) {
	number := func(w world, out admission.Outcome) (n string, strand user.ID) {
		w.update(func(tx store.Tx) error {
			var err error
			n, strand, err = admission.In(tx, policy.Default()).EDINumber(out.User, user.Human, "test")
			return err
		})
		return n, strand
	}
	handle := func(w world, n string) (h user.Handle) {
		w.update(func(tx store.Tx) error {
			var err error
			h, err = tx.Handle(user.SpaceEDI, n)
			return err
		})
		return h
	}
	each(t, func(w world) {
		// Of one who came through this door alone, nothing is left.
		out := w.arrived(user.DoorEDI, "alone@example.org")
		n, _ := number(w, out)
		live := w.live(out.Strand.ID, user.DoorEDI)
		if err := w.account.DeleteAtDoor(w.Context(), live, user.DoorEDI); err != nil {
			w.Fatal(err)
		}
		u := w.profile(out.User.ID)
		if u.Status != user.Deleted || u.ClosedBy != user.ClosedByPerson || len(u.Profile) > 0 || !handle(w, n).Dead {
			w.Errorf("erased as %+v", u)
		}
		w.dead(w.account.DeleteAtDoor(w.Context(), live, user.DoorEDI))
		if again := w.arrived(user.DoorEDI, "alone@example.org"); again.User.ID == out.User.ID || !again.Created {
			w.Error("an erased user came back")
		} else if fresh, _ := number(w, again); fresh == n {
			w.Error("an EDI number was given again")
		}

		// One who is at home elsewhere lives on there.
		out = w.arrived(user.DoorGQLAuth, "home@example.org")
		n, strand := number(w, out)
		ediSession, home := w.live(strand, user.DoorEDI), w.live(out.Strand.ID, user.DoorGQLAuth)
		if _, err := w.account.Edit(w.Context(), ediSession, says("At EDI")); err != nil {
			w.Fatal(err)
		}
		if err := w.account.DeleteAtDoor(w.Context(), ediSession, user.DoorEDI); err != nil {
			w.Fatal(err)
		}
		u = w.profile(out.User.ID)
		if u.Status != user.Active || u.Profile.Text(user.Name) != "" || u.Profile.Text(user.EmailAttr) != "home@example.org" || !handle(w, n).Dead {
			w.Errorf("left EDI as %+v", u)
		}
		_, err := w.account.Edit(w.Context(), ediSession, says("again"))
		w.dead(err)
		if _, err := w.account.Edit(w.Context(), home, says("At home")); err != nil {
			w.Errorf("a session of another door ended: %v", err)
		}
	})
}

// Given somebody who owns a group, when they delete themselves at the EDI door,
// then the group goes with them, in one transaction: where the delete is
// refused it stays.
func TestGroupsGoWithTheirOwner(t *testing.T) {
	each(t, func(w world) {
		out := w.arrived(user.DoorEDI, "owner@example.org")
		live := w.live(out.Strand.ID, user.DoorEDI)
		groups := group.New(w.store)
		_, err := groups.Make(w.Context(), group.Caller{
			User: out.User.ID, Strand: out.Strand.ID, Still: func(store.Tx) error { return nil },
		}, group.Details{Title: "Birds"})
		if err != nil {
			w.Fatal(err)
		}
		owned := func() (n int) {
			all, err := groups.List(w.Context())
			for _, g := range all {
				if g.Kind == group.Own {
					n++
				}
			}
			if err != nil {
				w.Fatal(err)
			}
			return n
		}
		if err := w.account.DeleteAtDoor(w.Context(), session.Live{Session: user.Session{ID: "none"}}, user.DoorEDI); err == nil || owned() != 1 {
			w.Errorf("refused with %v, %d groups", err, owned())
		}
		if err := w.account.DeleteAtDoor(w.Context(), live, user.DoorEDI); err != nil || owned() != 0 {
			w.Errorf("deleted with %v, %d groups", err, owned())
		}
	})
}
