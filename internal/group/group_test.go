package group_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/group"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/user"
)

func TestMain(m *testing.M) { testpg.Main(m) }

func refused(t *testing.T, err error, code user.Code) {
	t.Helper()
	if r, ok := errors.AsType[*user.Refusal](err); !ok || r.Code != code {
		t.Errorf("got %v, want a refusal %s", err, code)
	}
}

func newUser(t *testing.T, s store.Store, status user.Status) (id user.ID) {
	t.Helper()
	err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
		id = tx.NewID()
		return store.Insert(tx, user.User{ID: id, Status: status, Epoch: 1, Created: tx.Now(), Updated: tx.Now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestGroups(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		g := group.New(s)
		// The groups that usher gives a meaning are there after each start, once.
		for range 2 {
			if err := g.System(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		all, err := g.List(t.Context())
		if err != nil || len(all) != 5 {
			t.Fatalf("%d groups, %v", len(all), err)
		}
		for _, x := range all {
			if !x.System {
				t.Errorf("%s is no system group", x.Name)
			}
		}

		club, err := g.Create(t.Context(), user.Group{Name: "Club", ExternalID: "x-1"}, "root")
		if err != nil || club.Kind != user.GroupPlain || club.ID == "" {
			t.Fatalf("%+v, %v", club, err)
		}
		_, err = g.Create(t.Context(), user.Group{Name: "Club"}, "root")
		refused(t, err, user.InUse)
		board, err := g.Create(t.Context(), user.Group{Name: "Board", Parent: "Club"}, "root")
		if err != nil || board.Parent != club.ID {
			t.Errorf("%+v, %v", board, err)
		}
		_, err = g.Create(t.Context(), user.Group{Name: "Board", Parent: "nowhere"}, "root")
		refused(t, err, user.NotFound)
		for _, name := range []string{"", " Club", "Club ", strings.Repeat("ä", 65)} {
			_, err = g.Create(t.Context(), user.Group{Name: name}, "root")
			refused(t, err, user.Invalid)
		}
		if _, err := g.Create(t.Context(), user.Group{Name: strings.Repeat("ä", 64)}, "root"); err != nil {
			t.Error(err)
		}

		u := newUser(t, s, user.Active)
		in := func(kind, name string, want bool) {
			t.Helper()
			if got, err := g.Member(t.Context(), u, kind, name); err != nil || got != want {
				t.Errorf("in %s: %v, %v", name, got, err)
			}
		}
		in(user.GroupSystem, user.Vetted, false)
		for range 2 { // twice is no error
			if got, err := g.Add(t.Context(), user.Vetted, u, "root"); err != nil || got.Name != user.Vetted {
				t.Errorf("added to %+v, %v", got, err)
			}
		}
		in(user.GroupSystem, user.Vetted, true)
		in(user.GroupPlain, user.Vetted, false)
		if _, err := g.Add(t.Context(), string(club.ID), u, "root"); err != nil {
			t.Error(err)
		}
		in(user.GroupPlain, "Club", true)
		_, err = g.Add(t.Context(), "nowhere", u, "root")
		refused(t, err, user.NotFound)
		for _, status := range []user.Status{user.Deleted, user.Merged} {
			_, err = g.Add(t.Context(), user.Vetted, newUser(t, s, status), "root")
			refused(t, err, user.UserDeleted)
		}
		// Every act of an operator on one user hangs on one strand.
		err = s.View(t.Context(), func(r store.Reader) error {
			strands, err := r.Strands(u)
			if len(strands) != 1 || strands[0].Kind != user.Operator || strands[0].CreatedBy != "root" {
				t.Errorf("strands %+v", strands)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}

		if _, err := g.Create(t.Context(), user.Group{Name: "Club", Kind: "organisation"}, "root"); err != nil {
			t.Error(err)
		}
		_, err = g.Add(t.Context(), "Club", u, "root")
		refused(t, err, user.Conflict)

		// Whoever put them in, an operator takes them out.
		err = s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
			st := user.Strand{ID: tx.NewID(), User: u, Origin: u, Source: "edi", Kind: user.Human, State: user.Live, Created: tx.Now()}
			if err := store.Insert(tx, st); err != nil {
				return err
			}
			vetted, err := tx.GroupByName(user.GroupSystem, user.Vetted)
			if err != nil {
				return err
			}
			return store.Insert(tx, user.Membership{Group: vetted.ID, User: u, Strand: st.ID, Since: tx.Now()})
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.Remove(t.Context(), user.Vetted, u, "root"); err != nil {
			t.Error(err)
		}
		in(user.GroupSystem, user.Vetted, false)
		_, err = g.Remove(t.Context(), user.Vetted, u, "root")
		refused(t, err, user.NotMember)

		kinds := map[string]int{}
		err = s.View(t.Context(), func(r store.Reader) error {
			es, err := r.EventsOf(u, 100)
			for _, e := range es {
				kinds[e.Kind]++
			}
			return err
		})
		if err != nil || kinds[string(event.GroupJoined)] != 2 || kinds[string(event.GroupLeft)] != 1 {
			t.Errorf("events %v, %v", kinds, err)
		}
	})
}
