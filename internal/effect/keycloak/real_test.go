package keycloak_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/effect/keycloak"
	"github.com/usher-id/usher/internal/testkeycloak"
)

// The tests here are of a real Keycloak.

func newReal(t *testing.T) (*testkeycloak.Realm, *keycloak.Admin) {
	t.Helper()
	r := testkeycloak.New(t)
	return r, adminOf(t, r)
}

func adminOf(t *testing.T, r *testkeycloak.Realm) *keycloak.Admin {
	t.Helper()
	a, err := keycloak.New(keycloak.Config{Issuer: r.Issuer, ClientID: r.ClientID, AdminClientID: r.AdminID, AdminClientSecret: r.AdminSecret})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestPeopleOfARealRealm(t *testing.T) {
	r, a := newReal(t)
	p := r.Register("ada@example.org", "Ada", "Lovelace", true)
	if u, err := a.User(t.Context(), p.Subject); err != nil || u != (keycloak.User{Subject: p.Subject, Username: "ada@example.org", Enabled: true}) {
		t.Fatalf("%+v %v", u, err)
	}
	standing := func(groups, roles []string) {
		t.Helper()
		got, err := a.Groups(t.Context(), p.Subject)
		slices.Sort(got)
		if err != nil || !slices.Equal(got, groups) {
			t.Errorf("groups %v %v, want %v", got, err, groups)
		}
		has, err := a.Roles(t.Context(), p.Subject, got)
		if err != nil || !slices.Equal(has, roles) {
			t.Errorf("roles %v %v, want %v", has, err, roles)
		}
	}
	standing(nil, nil)
	for range 2 { // both may be done twice
		if err := errors.Join(a.Join(t.Context(), p.Subject, "/end_users"), a.Join(t.Context(), p.Subject, "/portal_admins")); err != nil {
			t.Fatal(err)
		}
		standing([]string{"/end_users", "/portal_admins"}, []string{"portal_admin", "portal_staff"})
	}
	for range 2 {
		if err := a.Leave(t.Context(), p.Subject, "/portal_admins"); err != nil {
			t.Fatal(err)
		}
		standing([]string{"/end_users"}, nil)
	}
	if err := a.SetEnabled(t.Context(), p.Subject, false); err != nil {
		t.Fatal(err)
	}
	if u, err := a.User(t.Context(), p.Subject); err != nil || u.Enabled {
		t.Errorf("%+v %v", u, err)
	}
	if err := a.SetEnabled(t.Context(), p.Subject, true); err != nil {
		t.Fatal(err)
	}
	r.SignIn(p) // with the password from before

	r.Delete(p)
	_, err := a.User(t.Context(), p.Subject)
	for what, err := range map[string]error{
		"user": err, "disable": a.SetEnabled(t.Context(), p.Subject, false), "join": a.Join(t.Context(), p.Subject, "/end_users"),
		"leave": a.Leave(t.Context(), p.Subject, "/end_users"), "a group of nobody's": a.Join(t.Context(), p.Subject, "/none"),
	} {
		if !errors.Is(err, keycloak.ErrUnknown) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A group's name may have a slash in it, which Keycloak writes into the path as it is.
func TestGroupsThatAreNamedOddly(t *testing.T) {
	r, a := newReal(t)
	p := r.Register("ada@example.org", "Ada", "Lovelace", true)
	for _, name := range []string{"a/b", "many words", "größe", "50%", "what?", "a#b"} {
		r.MakeGroup(name)
		if err := a.Join(t.Context(), p.Subject, "/"+name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	paths, err := a.Groups(t.Context(), p.Subject)
	if err != nil || len(paths) != 6 {
		t.Errorf("%v %v", paths, err)
	}
	if roles, err := a.Roles(t.Context(), p.Subject, paths); err != nil || len(roles) != 0 {
		t.Errorf("%v %v", roles, err)
	}
}

// Given what people and administrators do, when it is asked for, then it is told
// once it is saved, each with its moment.
func TestWhatHappenedAtARealRealm(t *testing.T) {
	r, a := newReal(t)
	before := time.Now().Add(-time.Minute)
	ada, eve := r.Register("ada@example.org", "Ada", "L", true), r.Register("eve@example.org", "Eve", "L", true)
	r.SignIn(ada)
	r.SignOut(r.SignIn(ada))
	r.LogOut(ada)
	r.Join(ada, "/end_users")
	r.Enable(ada, false)
	r.Delete(eve)
	got, err := a.Changes(t.Context(), before)
	if err != nil {
		t.Fatal(err)
	}
	var brief []string
	for i, c := range got {
		what, who := "changed", map[string]string{ada.Subject: "ada", eve.Subject: "eve"}[c.Subject]
		if c.LoggedOut {
			what = "left"
		}
		if c.Session != "" {
			what += " a session"
		}
		brief = append(brief, who+" "+what)
		if i > 0 && c.At.Before(got[i-1].At) || time.Since(c.At).Abs() > 5*time.Minute {
			t.Errorf("%v after %v", c.At, got[max(i-1, 0)].At)
		}
	}
	want := "ada changed, eve changed, ada left a session, ada left, ada changed, ada changed, eve changed"
	if said := strings.Join(brief, ", "); said != want {
		t.Errorf("\n got %s\nwant %s", said, want)
	}
	if got, err = a.Changes(t.Context(), time.Now().Add(time.Minute)); err != nil || len(got) != 0 {
		t.Errorf("later: %v %v", got, err)
	}
}

// Given a service account that lacks a right, then the error names it.
func TestRightsAtARealRealm(t *testing.T) {
	r := testkeycloak.New(t)
	p := r.Register("ada@example.org", "Ada", "L", true)
	denied := func(right string, calls map[string]func(*keycloak.Admin) error) {
		t.Helper()
		r.Forbid(right)
		for what, call := range calls {
			if err := call(adminOf(t, r)); !errors.Is(err, keycloak.ErrDenied) || !strings.HasSuffix(err.Error(), "needs "+right) {
				t.Errorf("%s without %s: %v", what, right, err)
			}
		}
	}
	denied("view-events", map[string]func(*keycloak.Admin) error{
		"changes": func(a *keycloak.Admin) error { _, err := a.Changes(t.Context(), time.Now()); return err },
	})
	denied("manage-users", map[string]func(*keycloak.Admin) error{
		"join":    func(a *keycloak.Admin) error { return a.Join(t.Context(), p.Subject, "/end_users") },
		"leave":   func(a *keycloak.Admin) error { return a.Leave(t.Context(), p.Subject, "/end_users") },
		"disable": func(a *keycloak.Admin) error { return a.SetEnabled(t.Context(), p.Subject, false) },
	})
	if groups, err := adminOf(t, r).Groups(t.Context(), p.Subject); err != nil || len(groups) != 0 {
		t.Errorf("%v %v", groups, err)
	}
	denied("view-users", map[string]func(*keycloak.Admin) error{
		"user":   func(a *keycloak.Admin) error { _, err := a.User(t.Context(), p.Subject); return err },
		"groups": func(a *keycloak.Admin) error { _, err := a.Groups(t.Context(), p.Subject); return err },
		"roles":  func(a *keycloak.Admin) error { _, err := a.Roles(t.Context(), p.Subject, nil); return err },
	})
	a, err := keycloak.New(keycloak.Config{Issuer: r.Issuer, ClientID: r.ClientID, AdminClientID: r.AdminID, AdminClientSecret: "wrong"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.User(t.Context(), p.Subject); !errors.Is(err, keycloak.ErrDenied) {
		t.Errorf("a wrong secret: %v", err)
	}
}

// Given a service account that lost its session, then it goes on with a new token.
func TestALogOutOfAll(t *testing.T) {
	r, a := newReal(t)
	p := r.Register("ada@example.org", "Ada", "L", true)
	if _, err := a.User(t.Context(), p.Subject); err != nil {
		t.Fatal(err)
	}
	r.LogOutAll()
	if _, err := a.User(t.Context(), p.Subject); err != nil {
		t.Errorf("%v", err)
	}
}

// Given a realm that is not there, then nobody of it is taken for gone.
func TestNoSuchRealm(t *testing.T) {
	r := testkeycloak.New(t)
	a, err := keycloak.New(keycloak.Config{Issuer: r.Issuer + "-not", ClientID: r.ClientID, AdminClientID: r.AdminID, AdminClientSecret: r.AdminSecret})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.User(t.Context(), ada); !errors.Is(err, keycloak.ErrBusy) {
		t.Errorf("%v", err)
	}
}
