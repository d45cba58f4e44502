package order

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

// side is one of two users who turn out to be the same person.
type side struct {
	login, password string
	partnerID       string
	ediID           string
	before          person
}

// Given two users, each with a sign-in, a profile and an EDI number, when an
// operator merges them, then both ways in lead to the survivor; when the merge
// is undone, then both users are as they were, edits made in between have gone
// with the strand they were made through, and both sign-ins work.
func TestMergeAndUnmerge(t *testing.T) {
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		w := newWorld(t, store)
		a := w.side("anna@example.org", "anna", "quince-and-cardamom", "Anna", "0000-0001-0000-0009")
		b := w.side("a.maria@example.net", "annamaria", "slate-roofs-in-rain", "Anna Maria", "0000-0001-0000-0017")
		w.CLI("group", "add", "Vetted", b.before.ID)
		a.before, b.before = w.show(a.before.ID), w.show(b.before.ID)
		inA, inB := w.signIn(a.login, a.password), w.signIn(b.login, b.password)
		all := len(w.users())

		preview := w.CLI("merge", a.before.ID, b.before.ID, "--dry-run", "--json")
		if now := w.show(b.before.ID); !reflect.DeepEqual(now, b.before) {
			t.Fatalf("a dry run changed %+v into %+v\n%s", b.before, now, preview)
		}
		var entry struct{ ID string }
		harness.Read(t, w.CLI("merge", a.before.ID, b.before.ID, "--reason", "said so in person", "--json"), &entry)

		w.dead(inA)
		w.dead(inB)
		w.isMerged(a, b)
		// An edit in a session of b's strand, to go back with it.
		token := w.ediToken(b.ediID)
		put := harness.Send(t, harness.Ask{
			Method: http.MethodPut, URL: w.Public + "/auth/v1/profile/" + token.EDIID, Cookie: token.cookie(),
			Body: map[string]string{"common_name": "Anna Maria, edited"},
		})
		if put.Status != http.StatusOK {
			t.Fatalf("edit: status %d: %s", put.Status, put.Text)
		}
		merged := w.signIn(a.login, a.password)

		w.CLI("unmerge", entry.ID, "--json")

		w.dead(merged)
		if n := len(w.users()); n != all {
			t.Errorf("%d users, and there were %d", n, all)
		}
		for _, s := range []side{a, b} {
			if s.ediID == token.EDIID {
				edited := "Anna Maria, edited"
				s.before.Profile["name"] = &edited
			}
			w.isBack(s)
		}
		if ran, err := w.Run(t.Context(), "unmerge", entry.ID); err != nil || ran.Code != 1 {
			t.Errorf("undoing it twice: exit %d %v, wanted 1", ran.Code, err)
		}
	})
}

func (w *world) side(email, username, password, name, orcid string) side {
	w.t.Helper()
	rec := w.sync(map[string]any{
		"email": email, "emailVerified": true, "username": username, "password": password, "firstName": name,
		"identities": []map[string]string{{"issuer": "https://orcid.org", "subject": orcid}},
	})
	edi := w.reserve("https://orcid.org/" + orcid)
	return side{login: email, password: password, partnerID: rec.ID, ediID: edi, before: w.show(rec.ID)}
}

func (w *world) isMerged(a, b side) {
	t := w.t
	t.Helper()
	for _, ref := range []string{a.partnerID, b.partnerID, a.ediID, b.ediID, b.login, "annamaria", "https://orcid.org/0000-0001-0000-0017"} {
		if p := w.show(ref); p.ID != a.before.ID {
			t.Errorf("%s leads to %s (%s), wanted the survivor %s", ref, p.ID, p.Status, a.before.ID)
		}
	}
	for _, s := range []side{a, b} {
		if in := w.signIn(s.login, s.password); w.show(in.UserID).ID != a.before.ID {
			t.Errorf("%s signs in as %s", s.login, in.UserID)
		}
	}
	if !slices.Contains(w.show(a.partnerID).Groups, "Vetted") {
		t.Error("the survivor has not the merged user's group")
	}
}

func (w *world) isBack(s side) {
	t := w.t
	t.Helper()
	was, now := s.before, w.show(s.before.ID)
	for _, p := range []*person{&now, &was} {
		slices.SortFunc(p.Handles, func(x, y handle) int { return strings.Compare(x.Space+x.Value, y.Space+y.Value) })
		slices.Sort(p.Groups)
	}
	if !reflect.DeepEqual(now, was) {
		t.Errorf("was %+v\n  is %+v\nwas %s\n  is %s", was, now, spell(was.Profile), spell(now.Profile))
	}
	for _, ref := range []string{s.partnerID, s.ediID, s.login} {
		if p := w.show(ref); p.ID != s.before.ID {
			t.Errorf("%s leads to %s, wanted %s", ref, p.ID, s.before.ID)
		}
	}
	if in := w.signIn(s.login, s.password); in.UserID != s.partnerID {
		t.Errorf("%s signs in as %s, wanted %s", s.login, in.UserID, s.partnerID)
	}
	token := w.ediToken(s.before.ID)
	if token.EDIID != s.ediID {
		t.Errorf("%s has EDI number %s, wanted %s", s.login, token.EDIID, s.ediID)
	}
	if w.record(s.partnerID).Email != s.login {
		t.Errorf("the partner reads %s for %s", w.record(s.partnerID).Email, s.login)
	}
}

// enrolled is somebody who signed up at the GraphQL door.
type enrolled struct {
	email, username, password string
	in                        member
	before                    person
}

func (w *world) enrolled(email, username, password string) enrolled {
	w.t.Helper()
	w.register(email, username, password)
	if got := w.activate(w.links(email, 1)[0]); !got.Success {
		w.t.Fatalf("the link of %s: %+v", email, got.Errors)
	}
	e := enrolled{email: email, username: username, password: password, in: w.tokenAuth(email, password)}
	if !e.in.Success || w.me(e.in.Token) != username {
		w.t.Fatalf("%s signs in as %+v", email, e.in)
	}
	e.before = w.show(email)
	return e
}

// node is the username that a pk leads a signed-in caller to; empty for nobody's.
func (w *world) node(jwt string, pk int) string {
	w.t.Helper()
	var data struct{ User *struct{ Username string } }
	id := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "UserNode:%d", pk))
	w.graphql(jwt, fmt.Sprintf("{ user(id: %q) { username } }", id), &data)
	if data.User == nil {
		return ""
	}
	return data.User.Username
}

// Given two users who signed up at the GraphQL door, when an operator merges them,
// then both numbers, addresses and usernames lead to the survivor, either password
// opens it, and what was signed in before is closed; when the merge is undone,
// then each has its own again, with the name that was edited in its own session.
func TestMergeAndUnmergeOfGraphQLUsers(t *testing.T) {
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		w := newWorld(t, store)
		a := w.enrolled("anna@example.org", "anna", "quince-and-cardamom")
		b := w.enrolled("a.maria@example.net", "annamaria", "slate-roofs-in-rain")
		carol := w.enrolled("carol@example.org", "carol", "ferries-at-dawn-again")
		both := []enrolled{a, b}

		var entry struct{ ID string }
		harness.Read(t, w.CLI("merge", a.before.ID, b.before.ID, "--reason", "said so in person", "--json"), &entry)

		for _, e := range both {
			if got := w.me(e.in.Token); got != "" {
				t.Errorf("%s, signed in before the merge, is still %q", e.email, got)
			}
			if got := w.refreshed(e.in.RefreshToken); got != "" {
				t.Errorf("%s, signed in before the merge, gets another token", e.email)
			}
			for _, ref := range []string{e.email, e.username} {
				if p := w.show(ref); p.ID != a.before.ID {
					t.Errorf("%s leads to %s (%s), wanted the survivor %s", ref, p.ID, p.Status, a.before.ID)
				}
			}
			if got := w.node(carol.in.Token, e.in.User.PK); got != e.username {
				t.Errorf("number %d leads to %q, wanted %q", e.in.User.PK, got, e.username)
			}
			if in := w.tokenAuth(e.email, e.password); in.User.PK != e.in.User.PK || w.me(in.Token) != e.username {
				t.Errorf("%s signs in as %+v", e.email, in)
			}
		}
		merged := w.tokenAuth(b.email, b.password)
		if got := w.mutateAs(merged.Token, `updateAccount(firstName: "Maria")`); !got.Success {
			t.Fatalf("an edit: %+v", got.Errors)
		}

		w.CLI("unmerge", entry.ID, "--json")

		if got := w.me(merged.Token); got != "" {
			t.Errorf("signed in to both, and still %q when they are two again", got)
		}
		for _, e := range both {
			in := w.tokenAuth(e.email, e.password)
			if in.User.PK != e.in.User.PK || w.me(in.Token) != e.username {
				t.Errorf("%s signs in as %+v, and was %+v", e.email, in, e.in)
			}
			if p := w.show(e.email); p.ID != e.before.ID {
				t.Errorf("%s leads to %s, wanted %s", e.email, p.ID, e.before.ID)
			}
		}
		for email, want := range map[string]string{a.email: "", b.email: "Maria"} {
			said := w.show(email).Profile["given_name"]
			if got := said; want == "" && got != nil || want != "" && (got == nil || *got != want) {
				t.Errorf("%s is called %v, wanted %q", email, got, want)
			}
		}
	})
}
