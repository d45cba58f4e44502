package group_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/group"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/user"
)

// club is a store with people at the EDI door and the groups they make.
type club struct {
	*testing.T
	store  store.Store
	groups *group.Service
}

func inClub(t *testing.T, fn func(club)) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		c := club{t, s, group.New(s)}
		if err := c.groups.System(t.Context()); err != nil {
			t.Fatal(err)
		}
		fn(c)
	})
}

func (c club) update(fn func(store.Tx) error) {
	c.Helper()
	if err := c.store.Update(c.Context(), store.Interactive, fn); err != nil {
		c.Fatal(err)
	}
}

func (c club) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// person has an EDI number that is their name.
func (c club) person(name string) (who group.Caller) {
	c.Helper()
	c.update(func(tx store.Tx) error {
		who = group.Caller{User: tx.NewID(), Strand: tx.NewID(), Still: func(store.Tx) error { return nil }}
		for _, row := range []any{
			user.User{ID: who.User, Status: user.Active, Epoch: 1, Created: tx.Now(), Updated: tx.Now()},
			user.Strand{ID: who.Strand, User: who.User, Origin: who.User, Source: "edi", Kind: user.Human, State: user.Live, Created: tx.Now()},
			user.Handle{Space: user.SpaceEDI, Value: name, User: who.User, Strand: who.Strand},
		} {
			if err := tx.Write(store.OpInsert, row); err != nil {
				return err
			}
		}
		return nil
	})
	return who
}

func (c club) made(who group.Caller, title string) string {
	c.Helper()
	number, err := c.groups.Make(c.Context(), who, group.Details{Title: title, Description: user.Text("About " + title)})
	c.must(err)
	return number
}

// events are the kinds of what is recorded about a user, in order.
func (c club) events(u user.ID) (kinds []string) {
	c.Helper()
	c.must(c.store.View(c.Context(), func(r store.Reader) error {
		kinds = nil
		es, err := r.EventsOf(u, 1000)
		for _, e := range es {
			kinds = append(kinds, e.Kind)
		}
		return err
	}))
	return kinds
}

func (c club) members(who group.Caller, number string, want ...string) {
	c.Helper()
	g, err := c.groups.Read(c.Context(), who, number)
	c.must(err)
	if fmt.Sprint(g.Members) != fmt.Sprint(want) {
		c.Errorf("members %v, want %v", g.Members, want)
	}
}

func TestOwnGroups(t *testing.T) {
	inClub(t, func(c club) {
		ann, bob, cyd := c.person("ANN"), c.person("BOB"), c.person("CYD")
		number := c.made(ann, "Birds")
		if len(number) != 36 || !strings.HasPrefix(number, "EDI-") {
			c.Errorf("number %q", number)
		}
		// Titles need not be unique, and take no name from an operator's group.
		if again := c.made(bob, "Birds"); again == number {
			c.Error("two groups have one number")
		}
		if _, err := c.groups.Create(c.Context(), user.Group{Name: "Birds"}, "root"); err != nil {
			c.Error(err)
		}
		if in, err := c.groups.Member(c.Context(), ann.User, user.GroupPlain, "Birds"); in || err != nil {
			c.Errorf("making a group of a title put its owner in an operator's group: %v", err)
		}
		_, err := c.groups.Create(c.Context(), user.Group{Name: number, Kind: group.Own}, "root")
		refused(t, err, user.Invalid)

		c.members(ann, number)
		add := func(who group.Caller, profile string, want bool) {
			c.Helper()
			added, err := c.groups.Join(c.Context(), who, number, profile)
			if err != nil || added != want {
				c.Errorf("adding %s: %v, %v", profile, added, err)
			}
		}
		add(ann, "BOB", true)
		add(ann, "BOB", false)
		add(ann, "ANN", true) // an owner may be a member
		add(ann, "ANN", false)
		c.members(ann, number, "ANN", "BOB")
		c.members(bob, number, "ANN", "BOB") // members may read
		_, err = c.groups.Read(c.Context(), cyd, number)
		refused(t, err, user.Forbidden)
		_, err = c.groups.Join(c.Context(), bob, number, "CYD")
		refused(t, err, user.Forbidden)
		refused(t, c.groups.Part(c.Context(), bob, number, "BOB"), user.Forbidden)
		refused(t, c.groups.Change(c.Context(), bob, number, group.Change{Title: user.Text("x")}), user.Forbidden)
		refused(t, c.groups.Dissolve(c.Context(), bob, number), user.Forbidden)
		_, err = c.groups.Join(c.Context(), ann, number, "NOBODY")
		refused(t, err, user.NotFound)
		refused(t, c.groups.Part(c.Context(), ann, number, "CYD"), user.NotMember)

		c.must(c.groups.Part(c.Context(), ann, number, "ANN"))
		refused(t, c.groups.Part(c.Context(), ann, number, "ANN"), user.NotMember)
		c.must(c.groups.Part(c.Context(), ann, number, "BOB"))
		c.members(ann, number) // who still owns it

		c.must(c.groups.Change(c.Context(), ann, number, group.Change{Title: user.Text("Fish"), Describe: true}))
		c.must(c.groups.Change(c.Context(), ann, number, group.Change{}))
		if g, err := c.groups.Read(c.Context(), ann, number); err != nil || g.Title != "Fish" || g.Description != nil {
			c.Errorf("%+v, %v", g, err)
		}
		add(ann, "BOB", true)
		c.must(c.groups.Dissolve(c.Context(), ann, number))
		_, err = c.groups.Read(c.Context(), ann, number)
		refused(t, err, user.NotFound)
		refused(t, c.groups.Dissolve(c.Context(), ann, number), user.NotFound)

		// Each of those changes is recorded with whom it is about, and nothing else.
		for who, want := range map[user.ID]string{
			ann.User: "[group.created group.joined group.left group.changed group.deleted]",
			bob.User: "[group.created group.joined group.left group.joined group.left]",
			cyd.User: "[]",
		} {
			if got := fmt.Sprint(c.events(who)); got != want {
				c.Errorf("events %s, want %s", got, want)
			}
		}
	})
}

func TestDetailsOfAGroup(t *testing.T) {
	inClub(t, func(c club) {
		ann := c.person("ANN")
		number := c.made(ann, "Birds")
		long := strings.Repeat("é", group.MaxDescription+1)
		for _, d := range []group.Details{{}, {Title: "  "}, {Title: strings.Repeat("é", group.MaxTitle+1)}, {Title: "x", Description: &long}} {
			_, err := c.groups.Make(c.Context(), ann, d)
			refused(t, err, user.Invalid)
			refused(t, c.groups.Change(c.Context(), ann, number, group.Change{Title: &d.Title, Describe: true, Description: d.Description}), user.Invalid)
		}
		if g, err := c.groups.Read(c.Context(), ann, number); err != nil || g.Title != "Birds" || *g.Description != "About Birds" {
			c.Errorf("after refusals: %+v, %v", g, err)
		}
		most := strings.Repeat("é", group.MaxTitle)
		if _, err := c.groups.Make(c.Context(), ann, group.Details{Title: most}); err != nil {
			c.Error(err)
		}
	})
}

// Vetted can be read by its members and changed by operators, and stays what
// it is.
func TestVettedAtTheDoor(t *testing.T) {
	inClub(t, func(c club) {
		ann, root := c.person("ANN"), c.person("ROOT")
		if _, err := c.groups.Add(c.Context(), user.RoleOperator, root.User, "test"); err != nil {
			t.Fatal(err)
		}
		_, err := c.groups.Read(c.Context(), ann, group.Vetted)
		refused(t, err, user.Forbidden)
		_, err = c.groups.Join(c.Context(), ann, group.Vetted, "ANN")
		refused(t, err, user.Forbidden)
		if added, err := c.groups.Join(c.Context(), root, group.Vetted, "ANN"); err != nil || !added {
			t.Errorf("%v, %v", added, err)
		}
		if in, err := c.groups.Member(c.Context(), ann.User, user.GroupSystem, user.Vetted); err != nil || !in {
			t.Errorf("vetted: %v, %v", in, err)
		}
		c.members(ann, group.Vetted, "ANN")
		_, err = c.groups.Join(c.Context(), ann, group.Vetted, "ROOT") // a member is no operator
		refused(t, err, user.Forbidden)
		refused(t, c.groups.Change(c.Context(), root, group.Vetted, group.Change{Title: user.Text("x")}), user.Forbidden)
		refused(t, c.groups.Dissolve(c.Context(), root, group.Vetted), user.Forbidden)
		// Whoever put them in.
		if _, err := c.groups.Add(c.Context(), user.Vetted, ann.User, "test"); err != nil {
			t.Fatal(err)
		}
		c.must(c.groups.Part(c.Context(), root, group.Vetted, "ANN"))
		if in, err := c.groups.Member(c.Context(), ann.User, user.GroupSystem, user.Vetted); err != nil || in {
			t.Errorf("vetted: %v, %v", in, err)
		}
		// No other system group or role has a number at the door.
		for _, name := range []string{user.Vetted, user.RoleOperator, user.RoleStaff, "", "EDI-\x00"} {
			_, err = c.groups.Join(c.Context(), root, name, "ANN")
			refused(t, err, user.NotFound)
		}
		// An operator's word goes for people's own groups too.
		number := c.made(ann, "Birds")
		if added, err := c.groups.Join(c.Context(), root, number, "ROOT"); err != nil || !added {
			t.Errorf("%v, %v", added, err)
		}
		if _, err := c.groups.Remove(c.Context(), number, root.User, "test"); err != nil {
			t.Error(err)
		}
		_, err = c.groups.Remove(c.Context(), number, ann.User, "test")
		refused(t, err, user.NotMember) // owning is not being a member
		c.members(ann, number)
	})
}

// Given a caller who is not there any more, nothing is written.
func TestACallerWhoLeftWritesNothing(t *testing.T) {
	inClub(t, func(c club) {
		ann := c.person("ANN")
		number := c.made(ann, "Birds")
		before := len(c.events(ann.User))
		gone := ann
		gone.Still = func(store.Tx) error { return user.Refuse(user.BadToken, "") }
		_, err := c.groups.Make(c.Context(), gone, group.Details{Title: "x"})
		refused(t, err, user.BadToken)
		_, err = c.groups.Join(c.Context(), gone, number, "ANN")
		refused(t, err, user.BadToken)
		for _, err := range []error{
			c.groups.Part(c.Context(), gone, number, "ANN"),
			c.groups.Change(c.Context(), gone, number, group.Change{Title: user.Text("x")}),
			c.groups.Dissolve(c.Context(), gone, number),
		} {
			refused(t, err, user.BadToken)
		}
		if n := len(c.events(ann.User)); n != before {
			c.Errorf("%d events", n-before)
		}
		c.members(ann, number)
	})
}

// A group lives as long as the strand that made it, and follows it.
func TestAGroupFollowsItsOwner(t *testing.T) {
	inClub(t, func(c club) {
		ann, bob := c.person("ANN"), c.person("BOB")
		number := c.made(ann, "Birds")
		var entry store.Entry
		c.update(func(tx store.Tx) error {
			into, err := tx.User(bob.User)
			if err != nil {
				return err
			}
			other, err := tx.User(ann.User)
			if err != nil {
				return err
			}
			entry, err = ledger.Open(tx, policy.Default(), "root").Merge(into, other)
			return err
		})
		c.members(bob, number)
		c.update(func(tx store.Tx) error {
			_, err := ledger.Open(tx, policy.Default(), "root").Undo(entry.ID)
			return err
		})
		_, err := c.groups.Read(c.Context(), bob, number)
		refused(t, err, user.Forbidden)
		c.members(ann, number)

		for _, state := range []user.StrandState{user.StrandSetAside, user.Withdrawn, user.Erased} {
			c.update(func(tx store.Tx) error {
				st, err := tx.Strand(ann.Strand)
				if err != nil {
					return err
				}
				st.State = state
				return store.Put(tx, st)
			})
			_, err := c.groups.Read(c.Context(), ann, number)
			refused(t, err, user.NotFound)
			if found, err := c.groups.SearchOwn(c.Context(), "birds", 5); err != nil || len(found) > 0 {
				c.Errorf("%s: found %v, %v", state, found, err)
			}
		}
	})
}

func TestDissolveOwned(t *testing.T) {
	inClub(t, func(c club) {
		ann, bob := c.person("ANN"), c.person("BOB")
		one, two, other := c.made(ann, "One"), c.made(ann, "Two"), c.made(bob, "Other")
		for _, join := range []struct {
			who    group.Caller
			number string
		}{{ann, one}, {bob, other}} {
			for _, profile := range []string{"ANN", "BOB"} {
				if _, err := c.groups.Join(c.Context(), join.who, join.number, profile); err != nil {
					c.Fatal(err)
				}
			}
		}
		for range 2 {
			c.update(func(tx store.Tx) error { return group.DissolveOwned(tx, ann.User) })
		}
		for _, number := range []string{one, two} {
			_, err := c.groups.Read(c.Context(), ann, number)
			refused(t, err, user.NotFound)
		}
		c.members(bob, other, "ANN", "BOB") // being a member is not owning
		c.must(c.store.View(c.Context(), func(r store.Reader) error {
			gs, err := r.AllGroups()
			if len(gs) != 6 { // five that usher has a meaning for
				c.Errorf("%d groups are left", len(gs))
			}
			return err
		}))
	})
}

func TestNobodyOwnsGroupsWithoutEnd(t *testing.T) {
	s := storetest.SQLite(t)
	c := club{t, s, group.New(s)}
	ann := c.person("ANN")
	c.update(func(tx store.Tx) error {
		for range 1000 {
			if err := store.Insert(tx, user.Membership{Group: tx.NewID(), User: ann.User, Strand: ann.Strand, Role: "owner"}); err != nil {
				return err
			}
		}
		return nil
	})
	_, err := c.groups.Make(t.Context(), ann, group.Details{Title: "One more"})
	refused(t, err, user.Invalid)
}

func TestSearchOwn(t *testing.T) {
	inClub(t, func(c club) {
		ann := c.person("ANN")
		birds, fish := c.made(ann, "Birds of Sweden"), c.made(ann, "Fish")
		finds := func(typed string, limit int, want ...string) {
			c.Helper()
			found, err := c.groups.SearchOwn(c.Context(), typed, limit)
			got := []string{}
			for _, g := range found {
				got = append(got, g.Number)
			}
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				c.Errorf("%q finds %v, want %v, %v", typed, got, want, err)
			}
		}
		finds("BIRDS  of", 5, birds)
		finds("about birds", 5, birds)
		finds("about", 5, birds, fish)
		finds("about", 1, birds)
		finds("sweden", 5)
		finds(fish, 5, fish)
		finds(strings.ToLower(fish[4:14]), 5, fish)
		finds("vetted", 5, group.Vetted)
		finds(group.Vetted[:9], 5, group.Vetted)
		finds("operator", 5)
		finds("", 5)
		finds("%", 5)
		finds("about", 0)
		c.must(c.groups.Change(c.Context(), ann, birds, group.Change{Title: user.Text("Crows"), Describe: true}))
		finds("birds", 5)
		finds("crows", 5, birds)
		c.must(c.groups.Dissolve(c.Context(), ann, birds))
		finds("crows", 5)
	})
}

// The groups that usher and operators make are recorded as well, once.
func TestGroupsOfOperatorsAreRecorded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		g := group.New(s)
		for range 2 {
			if err := g.System(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := g.Create(t.Context(), user.Group{Name: "Club"}, "root"); err != nil {
			t.Fatal(err)
		}
		_, err := g.Create(t.Context(), user.Group{Name: "Club"}, "root")
		refused(t, err, user.InUse)
		err = s.View(t.Context(), func(r store.Reader) error {
			es, err := r.Unsequenced(100)
			by := map[string]int{}
			for _, e := range es {
				by[e.Kind+" by "+e.Actor]++
			}
			if len(by) != 2 || by[string(event.GroupCreated)+" by __system"] != 5 || by[string(event.GroupCreated)+" by root"] != 1 {
				t.Errorf("events %v", by)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
