package keycloak_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/effect/keycloak"
)

func TestWhoIsUnknown(t *testing.T) {
	f := newFake(t)
	a := f.admin(t)
	gone := says(404, `{"error":"User not found"}`)
	f.misbehaves(gone)
	if _, err := a.User(t.Context(), nobody); !errors.Is(err, keycloak.ErrUnknown) {
		t.Error(err)
	}
	if err := a.SetEnabled(t.Context(), nobody, false); !errors.Is(err, keycloak.ErrUnknown) {
		t.Error(err)
	}
	f.misbehaves(nil)
	f.on("PUT "+realmPath+"/users/"+nobody+"/groups/"+group1, gone)
	if err := a.Join(t.Context(), nobody, "/end_users"); !errors.Is(err, keycloak.ErrUnknown) {
		t.Error(err)
	}
	f.on("GET "+realmPath+"/group-by-path/none", says(404, `{"error":"Group path does not exist"}`))
	if err := a.Join(t.Context(), ada, "/none"); !errors.Is(err, keycloak.ErrUnknown) {
		t.Error(err)
	}
}

// A subject is whatever a token says: it stays one segment of the address.
func TestAnOddSubject(t *testing.T) {
	f := newFake(t)
	a := f.admin(t)
	f.misbehaves(says(404, `{"error":"User not found"}`))
	for subject, want := range map[string]string{
		"../groups":  "GET /users/..%2Fgroups",
		"a?b=c#d":    "GET /users/a%3Fb=c%23d",
		"ada/groups": "GET /users/ada%2Fgroups",
	} {
		if _, err := a.User(t.Context(), subject); !errors.Is(err, keycloak.ErrUnknown) {
			t.Errorf("%s: %v", subject, err)
		}
		if f.asked(want) != 1 {
			t.Errorf("%s: asked %q", subject, f.calls)
		}
	}
}

func TestGroupsOfManyPages(t *testing.T) {
	f := newFake(t)
	const all = 450
	f.on("GET "+realmPath+"/users/"+ada+"/groups", func(w http.ResponseWriter, r *http.Request) {
		first, _ := strconv.Atoi(r.FormValue("first"))
		most, _ := strconv.Atoi(r.FormValue("max"))
		var some []string
		for n := first; n < min(first+most, all); n++ {
			some = append(some, fmt.Sprintf(`{"id":"%d","path":"/g%d"}`, n, n))
		}
		says(200, "["+strings.Join(some, ",")+"]")(w, r)
	})
	paths, err := f.admin(t).Groups(t.Context(), ada)
	if err != nil || len(paths) != all || paths[0] != "/g0" || paths[all-1] != "/g449" {
		t.Errorf("%d groups: %v", len(paths), err)
	}
	f.on("GET "+realmPath+"/users/"+ada+"/groups", says(200, `[]`))
	if paths, err = f.admin(t).Groups(t.Context(), ada); err != nil || paths == nil || len(paths) != 0 {
		t.Errorf("none: %v %v", paths, err)
	}
}

// Roles are those of the portal's client: somebody's own, and of their groups and
// the groups above.
func TestRoles(t *testing.T) {
	f := newFake(t)
	a := f.admin(t)
	f.on("GET "+realmPath+"/users/"+ada+"/role-mappings", says(200, `{"realmMappings":[{"name":"boss"}],"clientMappings":{
		"portal":{"mappings":[{"name":"moderator"},{"name":"staff"}]},"account":{"mappings":[{"name":"view-profile"}]}}}`))
	f.on("GET "+realmPath+"/group-by-path/a", says(200, `{"id":"1","clientRoles":{"portal":["admin"],"other":["root"]}}`))
	f.on("GET "+realmPath+"/group-by-path/a/b", says(200, `{"id":"2","clientRoles":{"portal":["staff"]}}`))
	f.on("GET "+realmPath+"/group-by-path/gone", says(404, `{"error":"Group path does not exist"}`))
	f.on("GET "+realmPath+"/group-by-path/a b/c%2Fd", says(200, `{"id":"3"}`))
	for _, c := range []struct {
		paths, want []string
	}{
		{nil, []string{"moderator", "staff"}},
		{[]string{"/a"}, []string{"admin", "moderator", "staff"}},
		{[]string{"/a/b"}, []string{"admin", "moderator", "staff"}},
		{[]string{"/gone"}, []string{"moderator", "staff"}},
		{[]string{"", "a", "x/y"}, []string{"moderator", "staff"}},
	} {
		got, err := a.Roles(t.Context(), ada, c.paths)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%v: %v %v, want %v", c.paths, got, err, c.want)
		}
	}
	f.on("GET "+realmPath+"/group-by-path/a", says(500, ``))
	if got, err := a.Roles(t.Context(), ada, []string{"/a/b"}); !errors.Is(err, keycloak.ErrBusy) || got != nil {
		t.Errorf("half of them: %v %v", got, err)
	}
}

// A group's id is looked up once, and again when the realm does not know it any more.
func TestAGroupThatIsMadeAnew(t *testing.T) {
	f := newFake(t)
	a := f.admin(t)
	for range 2 {
		if err := errors.Join(a.Join(t.Context(), ada, "/end_users"), a.Leave(t.Context(), ada, "/end_users")); err != nil {
			t.Fatal(err)
		}
	}
	if n := f.asked("GET /group-by-path/"); n != 1 {
		t.Errorf("looked up %d times", n)
	}
	f.on("GET "+realmPath+"/group-by-path/end_users", says(200, `{"id":"`+group2+`","path":"/end_users"}`))
	f.on("PUT "+realmPath+"/users/"+ada+"/groups/"+group1, says(404, `{"error":"Group not found"}`))
	f.on("PUT "+realmPath+"/users/"+ada+"/groups/"+group2, says(204, ""))
	if err := a.Join(t.Context(), ada, "/end_users"); err != nil {
		t.Fatal(err)
	}
	if f.asked("PUT /users/"+ada+"/groups/"+group2) != 1 || f.asked("GET /group-by-path/") != 2 {
		t.Errorf("asked %q", f.calls)
	}
	// Given that it is not the group that is unknown, it is tried no further.
	f.on("PUT "+realmPath+"/users/"+ada+"/groups/"+group2, says(404, `{"error":"User not found"}`))
	before := f.asked("PUT ")
	if err := a.Join(t.Context(), ada, "/end_users"); !errors.Is(err, keycloak.ErrUnknown) || f.asked("PUT ") != before+2 {
		t.Errorf("%v after %d calls", err, f.asked("PUT ")-before)
	}
}

// Whoever is enabled or disabled keeps the rest of what the realm knows of them.
func TestDisabling(t *testing.T) {
	f := newFake(t)
	a := f.admin(t)
	for _, enabled := range []bool{false, true} {
		if err := a.SetEnabled(t.Context(), ada, enabled); err != nil {
			t.Fatal(err)
		}
		sent := f.sent(t)
		colour, _ := sent["attributes"].(map[string]any)
		if sent["enabled"] != enabled || sent["username"] != "ada@example.org" || fmt.Sprint(colour["colour"]) != "[red]" {
			t.Errorf("sent %v", sent)
		}
	}
}
