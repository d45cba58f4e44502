package storetest

import (
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

func testSearch(t *testing.T, open Open) {
	t.Run("users", func(t *testing.T) { testSearchUsers(t, open(t)) })
	t.Run("groups", func(t *testing.T) { testSearchGroups(t, open(t)) })
	t.Run("progress", func(t *testing.T) { testIndexed(t, open(t)) })
	t.Run("members", func(t *testing.T) { testMemberNumbers(t, open(t)) })
}

func number(u user.ID, value string, dead bool) user.Handle {
	return user.Handle{Space: user.SpaceEDI, Value: value, User: u, Strand: u + "-s", Dead: dead}
}

func testSearchUsers(t *testing.T, s store.Store) {
	long := strings.Repeat("l", store.TermMost)
	for id, terms := range map[user.ID][]string{
		"a": {"ada", "ada", odd}, "b": {"adam", "lovelace"}, "c": {"adrian"}, "d": {"ada"}, "e": {long + "one"}, "f": {"ängström", "ŽofieĀ"},
	} {
		u, st := person(id, "edi")
		given(t, s, u, st)
		update(t, s, func(tx store.Tx) error { return tx.IndexTerms(store.SearchedUser, id, terms) })
	}
	given(t, s, number("a", "A2", false), number("a", "A1", false), number("b", "B", false), number("c", "C", true), number("e", "E", false), number("f", "F", false),
		user.Handle{Space: user.SpacePartner, Value: "D", User: "d", Strand: "d-s"})
	find := func(prefix string, limit int, want ...string) {
		t.Helper()
		view(t, s, func(r store.Reader) error {
			got, err := r.SearchUsers(prefix, user.SpaceEDI, limit)
			keys(t, "search for "+prefix, got, err, func(f store.Found) string { return string(f.User.ID) + ":" + f.Number }, want...)
			return nil
		})
	}
	// In the order of terms, by one number each; not those whose number is dead or
	// of another space.
	find("ad", 9, "a:A1", "b:B")
	find("ad", 1, "a:A1")
	find("ada", 9, "a:A1", "b:B")
	find("adam", 9, "b:B")
	find("Ada", 9) // terms are folded before they come here
	find("love", 9, "b:B")
	find("lovelacex", 9)
	find("ä", 9, "f:F")
	find("Žofie", 9, "a:A1", "f:F")
	find(odd, 9, "a:A1")
	// What wildcards, NUL and broken text begin is nothing special.
	find("%", 9)
	find("_da", 9)
	find("\x00", 9)
	find("\xff", 9)
	find(long+"two", 9, "e:E") // not compared beyond TermMost

	update(t, s, func(tx store.Tx) error { return tx.IndexTerms(store.SearchedUser, "b", []string{"byron"}) })
	find("love", 9)
	find("byr", 9, "b:B")
	view(t, s, func(r store.Reader) error {
		got, err := r.SearchTerms(store.SearchedUser, "b")
		same(t, "terms", []string{"byron"}, err, got)
		got, err = r.SearchTerms(store.SearchedGroup, "b")
		same(t, "terms of the group of that id", 0, err, len(got))
		gs, err := r.SearchGroups("a", 9)
		same(t, "groups", 0, err, len(gs))
		return nil
	})
	update(t, s, func(tx store.Tx) error { return tx.EraseUserRows("b") })
	view(t, s, func(r store.Reader) error {
		got, err := r.SearchTerms(store.SearchedUser, "b")
		same(t, "terms of the erased", 0, err, len(got))
		got, err = r.SearchTerms(store.SearchedUser, "a")
		same(t, "terms of the other", 2, err, len(got))
		return nil
	})
}

func testSearchGroups(t *testing.T, s store.Store) {
	given(t, s, user.Group{ID: "1", Kind: "k", Name: "one"}, user.Group{ID: "2", Kind: "k", Name: "two"})
	update(t, s, func(tx store.Tx) error {
		for id, terms := range map[user.ID][]string{"1": {"birds"}, "2": {"birch", "b2"}, "gone": {"bi"}} {
			if err := tx.IndexTerms(store.SearchedGroup, id, terms); err != nil {
				return err
			}
		}
		return nil
	})
	id := func(g user.Group) string { return string(g.ID) }
	view(t, s, func(r store.Reader) error {
		gs, err := r.SearchGroups("b", 9)
		keys(t, "each term", gs, err, id, "2", "2", "1")
		gs, err = r.SearchGroups("b", 1)
		keys(t, "the first", gs, err, id, "2")
		gs, err = r.SearchGroups("bird", 9)
		keys(t, "one", gs, err, id, "1")
		us, err := r.SearchUsers("b", user.SpaceEDI, 9)
		same(t, "users", 0, err, len(us))
		return nil
	})
}

func testIndexed(t *testing.T, s store.Store) {
	at := func(want int64) {
		t.Helper()
		view(t, s, func(r store.Reader) error {
			seq, err := r.Indexed()
			same(t, "progress", want, err, seq)
			return nil
		})
	}
	at(0)
	for _, step := range []struct{ to, want int64 }{{5, 5}, {9, 9}, {7, 9}} {
		update(t, s, func(tx store.Tx) error { return tx.IndexedTo(step.to) })
		at(step.want)
	}
}

func testMemberNumbers(t *testing.T, s store.Store) {
	for _, id := range []user.ID{"a", "b", "c", "d", "e"} {
		u, st := person(id, "edi")
		if id == "d" {
			st.State = user.Withdrawn
		}
		given(t, s, u, st, user.Membership{Group: "1", User: id, Strand: st.ID, Role: map[bool]string{true: "owner"}[id == "e"]})
	}
	given(t, s, number("a", "Z", false), number("a", "Y", false), number("a", "A", true), number("b", "B", false), number("d", "D", false), number("e", "E", false),
		strand("b-t", "b", "operator"), user.Membership{Group: "1", User: "b", Strand: "b-t"})
	itself := func(s string) string { return s }
	view(t, s, func(r store.Reader) error {
		// Once a user, by a live number and a live strand; c has no number.
		got, err := r.MemberNumbers("1", user.SpaceEDI, "owner", 9)
		keys(t, "members", got, err, itself, "B", "Y")
		got, err = r.MemberNumbers("1", user.SpaceEDI, "", 9)
		keys(t, "those with a role", got, err, itself, "E")
		got, err = r.MemberNumbers("1", user.SpaceEDI, "owner", 2) // one of them has no number
		keys(t, "the first", got, err, itself, "B")
		got, err = r.MemberNumbers("2", user.SpaceEDI, "owner", 9)
		keys(t, "of another group", got, err, itself)
		return nil
	})
}
