package registrant_test

import (
	"slices"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// in lists the groups and roles somebody is in, as kind and name.
func (w *world) in(u user.ID) (out []string) {
	w.Helper()
	for _, g := range read(w, func(r store.Reader) ([]user.Group, error) { return r.GroupsOf(u) }) {
		out = append(out, g.Kind+" "+g.Name)
	}
	slices.Sort(out)
	return out
}

func (w *world) isIn(u user.ID, want ...string) {
	w.Helper()
	if got := w.in(u); !slices.Equal(got, want) {
		w.Errorf("in %q, want %q", got, want)
	}
}

// Groups that policy names become memberships, and client roles that mean something
// roles; others of the realm's are not usher's.
func TestGroupsAndRolesOfAToken(t *testing.T) {
	each(t, func(w *world) {
		w.people.Direct = false // the realm cannot be asked: tokens tell
		w.realm.live["ada"] = person("ada", "/end_users", "/board", "/analysts")
		here := w.enters(w.token("ada", "s1", "portal_admin", "uma_protection"))
		w.isIn(here.User.ID, "realm /analysts", "realm /end_users", "role operator")
		if in, err := w.people.Role(t.Context(), here, user.RoleOperator); err != nil || !in {
			t.Error("no operator", err)
		}
		if in, err := w.people.Role(t.Context(), here, user.RoleStaff); err != nil || in {
			t.Error("staff", err)
		}

		w.advance(time.Second)
		w.realm.live["ada"] = person("ada", "/analysts")
		w.enters(w.token("ada", "s1", "portal_staff"))
		w.isIn(here.User.ID, "realm /analysts", "role staff")
		if w.events(here.User.ID, event.GroupJoined) != 4 || w.events(here.User.ID, event.GroupLeft) != 2 {
			t.Error("what changed is not told")
		}

		w.advance(time.Second)
		w.realm.live["ada"] = person("ada")
		w.enters(w.token("ada", "s1", []string{"uma_protection"}...))
		w.isIn(here.User.ID)
	})
}

// Where the realm can be asked its word alone changes the roles of who is known: a
// token's are as old as the token.
func TestRolesOfAnOldToken(t *testing.T) {
	each(t, func(w *world) {
		w.realm.live["ada"] = person("ada")
		old := w.token("ada", "s2", "portal_admin")
		here := w.enters(w.token("ada", "s1", "portal_admin"))
		w.isIn(here.User.ID, "role operator")
		err := w.people.Synced(t.Context(), w.people.Realms[0], registrant.Standing{
			Identity: user.IdentityKey{Issuer: w.people.Realms[0].Issuer, Subject: "ada"}, Enabled: true, Groups: []string{}, Roles: []string{},
		})
		if err != nil {
			t.Fatal(err)
		}
		w.isIn(here.User.ID)
		asked := len(w.changes())
		w.enters(old)
		w.isIn(here.User.ID)
		if len(w.changes()) != asked+1 {
			t.Errorf("the realm is asked %d times", len(w.changes())-asked)
		}
	})
}

// What nothing is said of stays as it is.
func TestGroupsThatNothingIsSaidOf(t *testing.T) {
	each(t, func(w *world) {
		w.realm.live["ada"] = person("ada", "/end_users")
		u := w.enters(w.token("ada", "s1", "portal_staff")).User.ID
		w.advance(time.Second)
		p := person("ada")
		p.Groups = nil
		w.realm.live["ada"] = p
		w.enters(w.token("ada", "s1"))
		w.isIn(u, "realm /end_users", "role staff")
		w.synced("ada", registrant.Standing{Enabled: true})
		w.isIn(u, "realm /end_users", "role staff")
		w.synced("ada", registrant.Standing{Gone: true, Groups: []string{}, Roles: []string{}})
		w.isIn(u, "realm /end_users", "role staff")
	})
}

// While the realm is down a token's own word on roles is not taken.
func TestNoRolesFromATokenThatWasNotAskedAbout(t *testing.T) {
	each(t, func(w *world) {
		u := w.here("ada").User.ID
		w.advance(time.Second)
		w.realm.fault = busy()
		w.enters(w.token("ada", "s2", "portal_admin"))
		w.isIn(u)
	})
}

func TestGroupsAndRolesFromTheDesk(t *testing.T) {
	each(t, func(w *world) {
		here := w.here("ada")
		w.synced("ada", registrant.Standing{Enabled: true, Groups: []string{"/privileged_users", "/other"}, Roles: []string{"portal_staff"}})
		w.isIn(here.User.ID, "realm /privileged_users", "role staff")
		w.synced("ada", registrant.Standing{Enabled: true, Groups: []string{}, Roles: []string{}})
		w.isIn(here.User.ID)
	})
}

// A membership that another source gave stays when the realm takes its own.
func TestMembershipsOnAnothersWordStay(t *testing.T) {
	each(t, func(w *world) {
		here := w.enters(w.token("ada", "s1", "portal_admin"))
		w.update(func(tx store.Tx) error {
			strand := user.Strand{ID: tx.NewID(), User: here.User.ID, Origin: here.User.ID, Source: "operator", Kind: user.Operator, State: user.Live, Created: tx.Now()}
			if err := store.Insert(tx, strand); err != nil {
				return err
			}
			g, err := tx.GroupByName(user.GroupRole, user.RoleOperator)
			if err != nil {
				return err
			}
			plain := user.Group{ID: tx.NewID(), Kind: user.GroupPlain, Name: "/end_users", Created: tx.Now()}
			if err := store.Insert(tx, plain); err != nil {
				return err
			}
			for _, m := range []user.Membership{
				{Group: g.ID, User: here.User.ID, Strand: strand.ID, Since: tx.Now()},
				{Group: plain.ID, User: here.User.ID, Strand: here.Session.Strand, Since: tx.Now()},
			} {
				if err := store.Insert(tx, m); err != nil {
					return err
				}
			}
			return nil
		})
		for range 2 { // also where the realm has given nothing any more
			w.synced("ada", registrant.Standing{Enabled: true, Groups: []string{}, Roles: []string{}})
			w.isIn(here.User.ID, "group /end_users", "role operator")
		}
	})
}
