package workgroup_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/internal/workgroup"
)

// Given an institution and a field, when somebody makes a group, then they
// represent it and are no member of it.
func TestCreate(t *testing.T) {
	onCampus(t, func(c campus) {
		ann := c.person()
		g := c.made(ann, "  GIScience ")
		if g.Number != "1" || g.Name != "GIScience" || *g.Employees != 5 || g.Representative != ann.User.ID {
			c.Errorf("%+v", g)
		}
		if i := g.Institution; i.Number != "1" || i.Name != "Heidelberg University" || i.City != "Heidelberg" || *i.State != "Baden-Württemberg" || i.Country != "Germany" {
			c.Errorf("%+v", i)
		}
		if f := g.Field; f.Number != "1" || f.Field != "Natural Sciences" || f.Subfield != "Mathematics" {
			c.Errorf("%+v", f)
		}
		if got := c.in(ann); got != "[GIScience:representative]" {
			c.Error(got)
		}
		if got := c.told(ann); !slices.Equal(got, []string{string(event.GroupCreated)}) {
			c.Error(got)
		}
	})
}

func TestCreateRefuses(t *testing.T) {
	onCampus(t, func(c campus) {
		ann, bob := c.person(), c.person()
		c.made(ann, "GIScience")
		for name, one := range map[string]struct {
			change func(*workgroup.New)
			code   user.Code
			field  string
		}{
			"no name":                     {func(n *workgroup.New) { n.Name = nil }, user.Missing, "name"},
			"a blank name":                {func(n *workgroup.New) { n.Name = new(" \t") }, user.Missing, "name"},
			"a long name":                 {func(n *workgroup.New) { n.Name = new(strings.Repeat("ü", 256)) }, user.TooLarge, "name"},
			"a control character":         {func(n *workgroup.New) { n.Name = new("a\x00b") }, user.Invalid, "name"},
			"no text":                     {func(n *workgroup.New) { n.Name = new("a\xffb") }, user.Invalid, "name"},
			"fewer than none":             {func(n *workgroup.New) { n.Employees = -1 }, user.Invalid, "nEmployees"},
			"an unknown institution":      {func(n *workgroup.New) { n.City = "Berlin" }, user.NotFound, "institution"},
			"one that cannot be":          {func(n *workgroup.New) { n.City = "Heidel\x00berg" }, user.NotFound, "institution"},
			"texts that read as another":  {func(n *workgroup.New) { n.Institution, n.City = "Heidelberg University, Heidelberg", "Germany" }, user.NotFound, "institution"},
			"an unknown field":            {func(n *workgroup.New) { n.Subfield = "Physics" }, user.NotFound, "field"},
			"a field that cannot be":      {func(n *workgroup.New) { n.Field = "\xff" }, user.NotFound, "field"},
			"an institution before field": {func(n *workgroup.New) { n.Country, n.Field = "", "" }, user.NotFound, "institution"},
			"a name in use":               {func(n *workgroup.New) { n.Name = new("GIScience") }, user.InUse, "name"},
		} {
			in := wanted("Other")
			one.change(&in)
			_, err := c.groups.Create(c.Context(), bob, in)
			c.Run(name, func(t *testing.T) { refused(t, err, one.code, one.field) })
		}
		_, err := c.groups.Create(c.Context(), ann, wanted("Other"))
		refused(c.T, err, user.Conflict, "representative")
		_, err = c.groups.Create(c.Context(), ann, wanted("GIScience")) // as when a button is pressed twice
		refused(c.T, err, user.InUse, "name")
		// The name is another's elsewhere; numbers of what was refused are not lost.
		at := wanted("GIScience")
		at.Institution, at.City = "Test University", "Mannheim"
		if g, err := c.groups.Create(c.Context(), bob, at); err != nil || g.Number != "2" || g.Institution.State != nil {
			c.Errorf("%+v, %v", g, err)
		}
		longest := c.made(c.person(), strings.Repeat("ü", 255))
		if longest.Number != "3" {
			c.Errorf("%+v", longest)
		}
	})
}

// Given a session that ended, then nothing is done; an archived user's lives on.
func TestWhoMayWrite(t *testing.T) {
	onCampus(t, func(c campus) {
		ann, bob := c.person(), c.person()
		c.made(ann, "GIScience")
		c.update(func(tx store.Tx) error {
			u, err := tx.User(bob.User.ID)
			if err != nil {
				return err
			}
			u.Status = user.Archived
			return store.Put(tx, u)
		})
		c.join(bob, "GIScience")
		c.update(func(tx store.Tx) error {
			_, err := tx.EndSessions(bob.User.ID, "", tx.Now())
			return err
		})
		_, err := c.groups.Create(c.Context(), bob, wanted("Other"))
		refused(c.T, err, user.BadToken, "")
		refused(c.T, c.groups.Join(c.Context(), bob, place("GIScience")), user.BadToken, "")
	})
}

// Given many who make the same group at once, then one does; and given many who
// make different ones, then no number is given twice.
func TestCreateAtOnce(t *testing.T) {
	const n = 8
	onCampus(t, func(c campus) {
		atOnce := func(name func(int) string) (made []workgroup.Group, no []error) {
			var all sync.WaitGroup
			var mu sync.Mutex
			for i := range n {
				who := c.person()
				all.Go(func() {
					g, err := c.groups.Create(c.Context(), who, wanted(name(i)))
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						made = append(made, g)
					} else {
						no = append(no, err)
					}
				})
			}
			all.Wait()
			return made, no
		}
		made, no := atOnce(func(int) string { return "Same" })
		if len(made) != 1 || len(no) != n-1 {
			c.Fatalf("%d made", len(made))
		}
		for _, err := range no {
			refused(c.T, err, user.InUse, "name")
		}
		made, no = atOnce(strconv.Itoa)
		c.must(errors.Join(no...))
		numbers := map[string]bool{}
		for _, g := range made {
			numbers[g.Number] = true
		}
		if len(numbers) != n || numbers["1"] || !numbers["2"] || !numbers["9"] {
			c.Errorf("%v", numbers)
		}
	})
}

// One person who makes two groups at once represents one.
func TestRepresentOneAtOnce(t *testing.T) {
	onCampus(t, func(c campus) {
		ann := c.person()
		errs := make([]error, 4)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() { _, errs[i] = c.groups.Create(c.Context(), ann, wanted(strconv.Itoa(i))) })
		}
		all.Wait()
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
				continue
			}
			refused(c.T, err, user.Conflict, "representative")
		}
		if made != 1 {
			c.Errorf("%d made: %s", made, c.in(ann))
		}
	})
}

// Joining a group leaves the one before, and representing is another matter.
func TestJoin(t *testing.T) {
	onCampus(t, func(c campus) {
		ann, bob := c.person(), c.person()
		c.made(ann, "Maps")
		c.made(c.person(), "Birds")
		for _, step := range []struct{ name, ann, bob string }{
			{" Maps ", "[Maps:representing_member]", "[Maps:]"},
			{"Maps", "[Maps:representing_member]", "[Maps:]"},
			{"Birds", "[Maps:representative Birds:]", "[Birds:]"},
			{"Maps", "[Maps:representing_member]", "[Maps:]"},
		} {
			c.join(ann, step.name)
			c.join(bob, step.name)
			if a, b := c.in(ann), c.in(bob); a != step.ann || b != step.bob {
				c.Errorf("after %q: %s and %s", step.name, a, b)
			}
		}
		joined, left := string(event.GroupJoined), string(event.GroupLeft)
		if got, want := c.told(bob), []string{joined, left, joined, left, joined}; !slices.Equal(got, want) {
			c.Errorf("%v", got)
		}
		if got, want := c.told(ann), []string{string(event.GroupCreated), joined, left, joined, left, joined}; !slices.Equal(got, want) {
			c.Errorf("%v", got)
		}
		for name, p := range map[string]workgroup.Place{
			"unknown": place("Fish"), "blank": place(" "), "impossible": place("Ma\x00ps"), "no name": {Institution: "Heidelberg University", City: "Heidelberg", Country: "Germany"},
			"elsewhere":   {Name: new("Maps"), Institution: "Test University", City: "Mannheim", Country: "Germany"},
			"nowhere":     {Name: new("Maps"), Institution: "Test University", City: "Berlin", Country: "Germany"},
			"no place":    {Name: new("Maps")},
			"odd country": {Name: new("Maps"), Institution: "Heidelberg University", City: "Heidelberg", Country: "\x00"},
		} {
			err := c.groups.Join(c.Context(), bob, p)
			c.Run(name, func(t *testing.T) { refused(t, err, user.NotFound, "workinggroup") })
		}
		if got := c.in(bob); got != "[Maps:]" {
			c.Errorf("%s after refusals", got)
		}
	})
}

// Given somebody who is in several groups, since two users became one, when they
// join one of them, then they are in that alone.
func TestJoinOfSeveral(t *testing.T) {
	onCampus(t, func(c campus) {
		ann := c.person()
		c.made(c.person(), "Maps")
		c.made(c.person(), "Birds")
		c.join(ann, "Maps")
		other := ann
		c.update(func(tx store.Tx) (err error) {
			other, err = signedIn(tx, ann.User, "gqlauth")
			if err != nil {
				return err
			}
			birds, err := tx.GroupsNamed("Birds")
			if err != nil {
				return err
			}
			return store.Insert(tx, user.Membership{Group: birds[0].ID, User: ann.User.ID, Strand: other.Session.Strand, Since: tx.Now()})
		})
		c.join(other, "Maps")
		if got := c.in(ann); got != "[Maps:]" {
			c.Error(got)
		}
	})
}

// What hangs on a strand that is set aside does not count, and is left alone:
// it may come back.
func TestStrandsSetAside(t *testing.T) {
	onCampus(t, func(c campus) {
		ann := c.person()
		c.made(ann, "Maps")
		c.join(ann, "Maps")
		other := ann
		c.update(func(tx store.Tx) error {
			s, err := tx.Strand(ann.Session.Strand)
			if err != nil {
				return err
			}
			s.State = user.StrandSetAside
			if err := store.Put(tx, s); err != nil {
				return err
			}
			other, err = signedIn(tx, ann.User, "gqlauth")
			return err
		})
		c.made(other, "Birds")
		c.join(other, "Birds")
		if got := c.in(ann); got != "[Maps:representing_member Birds:representing_member]" {
			c.Error(got)
		}
		all, err := c.groups.Groups(c.Context())
		c.must(err)
		if all[0].Representative != "" || all[1].Representative != ann.User.ID {
			c.Errorf("%+v", all)
		}
	})
}

// Whatever is joined and made in whatever order, everybody is in at most one
// group and represents at most one, and every group has one number and at most
// one representative.
func TestMembershipHolds(t *testing.T) {
	onCampus(t, func(c campus) {
		chance := rand.New(rand.NewPCG(1, 2))
		names := []string{"a", "b", "c", "d"}
		people := []string{}
		for range 4 {
			who := c.person()
			people = append(people, string(who.User.ID))
			for range 6 {
				name := names[chance.IntN(len(names))]
				var err error
				if chance.IntN(3) == 0 {
					_, err = c.groups.Create(c.Context(), who, wanted(name))
				} else {
					err = c.groups.Join(c.Context(), who, place(name))
				}
				if _, ok := errors.AsType[*user.Refusal](err); err != nil && !ok {
					c.Fatal(err)
				}
			}
			got := c.in(who)
			speaks := strings.Count(got, user.MemberRepresentative) + strings.Count(got, user.MemberRepresenting)
			member := strings.Count(got, ":") - strings.Count(got, user.MemberRepresentative)
			if speaks > 1 || member > 1 {
				c.Errorf("%s", got)
			}
		}
		all, err := c.groups.Groups(c.Context())
		c.must(err)
		if len(all) == 0 {
			c.Fatal("nothing was made")
		}
		for n, g := range all {
			if g.Number != strconv.Itoa(n+1) || !slices.Contains(people, string(g.Representative)) {
				c.Errorf("%+v", g)
			}
		}
	})
}

// Given a representative who is a member, when they delete the account, then
// the group stays, without them, whether or not they are known elsewhere
// (contract gqlauth.md, decision 15).
func TestDeletingAnAccountLeaves(t *testing.T) {
	for name, elsewhere := range map[string]bool{"known elsewhere": true, "known here alone": false} {
		t.Run(name, func(t *testing.T) {
			onCampus(t, func(c campus) {
				ann, bob := c.person(), c.person()
				made := c.made(ann, "Maps")
				c.join(ann, "Maps")
				c.join(bob, "Maps")
				c.update(func(tx store.Tx) error {
					u, err := tx.User(ann.User.ID)
					if err != nil {
						return err
					}
					if elsewhere {
						if _, err := signedIn(tx, u, "edi"); err != nil {
							return err
						}
					}
					return ledger.Open(tx, policy.Default(), string(u.ID)).LeaveDoor(u, user.DoorGQLAuth, user.SpaceGQLAuth)
				})
				found, err := c.groups.ByRef(c.Context(), []user.ID{made.Ref})
				c.must(err)
				if g := found[made.Ref]; g.Name != "Maps" || g.Representative != "" {
					c.Errorf("%+v", g)
				}
				if a, b := c.in(ann), c.in(bob); a != "[]" || b != "[Maps:]" {
					c.Errorf("%s and %s", a, b)
				}
				_, err = c.groups.Create(c.Context(), bob, wanted("Maps"))
				refused(c.T, err, user.InUse, "name")
			})
		})
	}
}
