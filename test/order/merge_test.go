package order

import (
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
