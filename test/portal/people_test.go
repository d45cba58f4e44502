package portal

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// synced makes a user of the partner's.
func (w world) synced(email string, verified bool) {
	w.Helper()
	doc, err := json.Marshal(map[string]any{"email": email, "emailVerified": verified, "firstName": "Partner's", "password": "a-partners-password-9"})
	if err != nil {
		w.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.Context(), http.MethodPut, w.Internal+"/api/users/", strings.NewReader(string(doc)))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("X-User-Ctx", `{"id":"__system","user":"__system"}`)
	req.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode > 299 {
		w.Fatalf("sync: %d", answer.StatusCode)
	}
}

// Given a user of the partner's, when somebody registers at an authoritative realm
// with the same proven address, then it is one user; at a realm without the mark, and
// for an address that the realm has not proven, it is another one.
func TestOnePersonOneUser(t *testing.T) {
	for name, c := range map[string]struct {
		authoritative string
		verified, one bool
	}{
		"authoritative, verified":   {"true", true, true},
		"authoritative, unverified": {"true", false, false},
		"not authoritative":         {"false", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w world) {
				w.synced("ada@example.test", true)
				before := w.show("ada@example.test").ID
				ada := w.realm.Register("ada@example.test", "Ada", "Lovelace", c.verified)
				got := w.call(http.MethodGet, w.signIn(ada).Access, nil)
				if got.Status != http.StatusOK || got.FirstName != "Ada" || got.Email != "ada@example.test" {
					w.Fatalf("signed in: %+v", got)
				}
				if one := w.show(ada.Subject).ID == before; one != c.one {
					w.Errorf("one user: %v, wanted %v; %s", one, c.one, w.CLI("explain", ada.Subject))
				}
			}, "USHER_DOORS_PORTAL_AUTHORITATIVE="+c.authoritative)
		})
	}
}

// Given an address that somebody owns, when a realm that is not authoritative vouches
// for it, then its person is a user of their own who is told that a link waits.
func TestAnAddressThatIsAnothers(t *testing.T) {
	inWorld(t, func(w world) {
		w.CLI("user", "create", "--email", "owner@example.test", "--verified", "--name", "Owner")
		owner := w.show("owner@example.test").ID
		eve := w.realm.Register("owner@example.test", "Eve", "Other", true)
		got := w.call(http.MethodGet, w.signIn(eve).Access, nil)
		if got.Status != http.StatusOK || !got.LinkPending {
			w.Fatalf("signed in: %+v", got)
		}
		if w.show("owner@example.test").ID != owner || w.show(eve.Subject).ID == owner {
			w.Error("the address changed hands")
		}
	})
}

// Given a request for a special profile, then it opens nothing, and an unknown kind,
// or another kind while one waits, is refused.
func TestRequestsOpenNothing(t *testing.T) {
	inWorld(t, func(w world) {
		tom := w.realm.Register("tom@example.test", "Tom", "Rider", true)
		token := w.signIn(tom).Access
		ask := func(kind string) myUser {
			return w.call(http.MethodPatch, token, map[string]any{"profile_type": kind, "profile": map[string]any{}, "accepted_terms_of_service": true})
		}
		if got := ask("privilegeduserprofile"); got.Status != http.StatusOK || got.ProfileType != nil || got.Pending == nil || *got.Pending != "privilegeduserprofile" {
			w.Fatalf("asked: %+v", got)
		}
		for _, kind := range []string{"emperor", "analystprofile", ""} {
			if got := ask(kind); got.Status != http.StatusBadRequest || got.Pending != nil {
				w.Errorf("%q: %+v", kind, got)
			}
		}
		if groups := w.realm.Groups(tom); slices.Contains(groups, "/privileged_users") {
			w.Errorf("groups: %v", groups)
		}
	})
}
