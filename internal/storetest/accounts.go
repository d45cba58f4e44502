package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

func testAccounts(t *testing.T, open Open) {
	t.Run("who counts", func(t *testing.T) { testAccountsThatCount(t, open(t)) })
	t.Run("what is shown", func(t *testing.T) { testAccountState(t, open(t)) })
	t.Run("listed", func(t *testing.T) { testListedAccounts(t, open(t)) })
	t.Run("of a session", func(t *testing.T) { testAccountBySession(t, open(t)) })
	t.Run("moved, erased, purged", func(t *testing.T) { testAccountsMove(t, open(t)) })
	t.Run("mailed tokens and refresh tokens", func(t *testing.T) { testMailed(t, open(t)) })
	t.Run("sessions beside others", func(t *testing.T) { testNarrow(t, open(t)) })
	t.Run("numbered", func(t *testing.T) { testNext(t, open(t)) })
}

// holder is a user with a strand and an account on it, all named by one id.
func holder(id user.ID, pk int32) []any {
	u, s := person(id, "gqlauth")
	u.Status = user.Active
	return []any{u, s, user.Account{
		PK: pk, User: id, Strand: s.ID, Username: string(id), Verified: true, Created: at(int(pk)),
		First: user.Mailbox{Display: string(id) + "@X.org", Key: string(id) + "@x.org"},
	}}
}

func pk(s store.AccountState) string { return fmt.Sprint(s.Account.PK) }

func testAccountsThatCount(t *testing.T, s store.Store) {
	given(t, s, holder("a", 1)...)
	given(t, s, holder("b", 2)...)
	// A second account of b's, by a merge; one on a strand that was withdrawn;
	// one of a user who was set aside.
	more := strand("b-t", "b", "partner")
	gone := strand("c-s", "c", "gqlauth")
	gone.State = user.Withdrawn
	aside, on := person("d", "gqlauth")
	aside.Status = user.SetAside
	c, _ := person("c", "gqlauth")
	given(t, s, more, user.Account{PK: 7, User: "b", Strand: "b-t", First: user.Mailbox{Key: "b7@x.org"}, Second: user.Mailbox{Key: "a@x.org"}},
		c, gone, user.Account{PK: 3, User: "c", Strand: "c-s", First: user.Mailbox{Key: "a@x.org"}},
		aside, on, user.Account{PK: 4, User: "d", Strand: "d-s", First: user.Mailbox{Key: "a@x.org"}})
	view(t, s, func(r store.Reader) error {
		st, err := r.Account("b")
		same(t, "the first stands for its user", "2", err, pk(st))
		st, err = r.AccountOn("b-t")
		same(t, "by its strand", "7", err, pk(st))
		for _, u := range []user.ID{"c", "d", "e"} {
			_, err = r.Account(u)
			absent(t, "account of "+string(u), err)
		}
		_, err = r.AccountOn("c-s")
		absent(t, "on a withdrawn strand", err)
		all, err := r.AccountsAt("a@x.org")
		keys(t, "at an address, first or second", all, err, pk, "1", "7")
		all, err = r.AccountsAt("")
		keys(t, "at no address", all, err, pk)
		all, err = r.AccountsByPK([]int32{7, 3, 1, 4, 99, 1})
		keys(t, "by pk", all, err, pk, "1", "7")
		var many []int32
		for n := range int32(40) {
			many = append(many, n)
		}
		all, err = r.AccountsByPK(many)
		keys(t, "by forty of them", all, err, pk, "1", "2", "7")
		all, err = r.AccountsByPK(nil)
		keys(t, "by none", all, err, pk)
		numbers, err := r.AccountNumbers([]user.ID{"a", "b", "c", "d"})
		same(t, "numbers", map[user.ID]int32{"a": 1, "b": 2}, err, numbers)
		return nil
	})
	update(t, s, func(tx store.Tx) error {
		err := store.Insert(tx, user.Account{PK: 9, User: "a", Strand: "a-s"})
		if !errors.Is(err, store.ErrExists) {
			t.Errorf("a second account on one strand: %v", err)
		}
		if err := store.Insert(tx, user.Account{PK: 1, User: "z", Strand: "z-s"}); !errors.Is(err, store.ErrExists) {
			t.Errorf("a number twice: %v", err)
		}
		return nil
	})
}

func testAccountState(t *testing.T, s store.Store) {
	given(t, s, holder("a", 1)...)
	given(t, s, holder("b", 2)...)
	dead := strand("a-t", "a", "partner")
	dead.State = user.Withdrawn
	given(t, s, dead, user.Lock{User: "b", Source: "operator"},
		user.Group{ID: "r", Kind: "role", Name: "staff"}, user.Group{ID: "p", Kind: "group", Name: "staff"},
		user.Group{ID: "w1", Kind: user.GroupWorking, Name: "1"}, user.Group{ID: "w2", Kind: user.GroupWorking, Name: "2"}, user.Group{ID: "w3", Kind: user.GroupWorking, Name: "3"},
		user.Membership{Group: "r", User: "a", Strand: "a-s"}, user.Membership{Group: "p", User: "b", Strand: "b-s"},
		user.Membership{Group: "w1", User: "a", Strand: "a-s", Role: user.MemberRepresentative, Since: at(1)},
		user.Membership{Group: "w2", User: "a", Strand: "a-s", Since: at(2)},
		user.Membership{Group: "w3", User: "a", Strand: "a-t", Since: at(3)},
		user.Membership{Group: "w2", User: "b", Strand: "b-s", Role: user.MemberRepresenting, Since: at(3)},
	)
	view(t, s, func(r store.Reader) error {
		st, err := r.Account("a")
		want := store.AccountState{Account: st.Account, User: st.User, Staff: true, Group: "w2", Represents: "w1"}
		same(t, "by live strands", want, err, st)
		same(t, "the row", user.Account{
			PK: 1, User: "a", Strand: "a-s", Username: "a", First: user.Mailbox{Display: "a@X.org", Key: "a@x.org"}, Verified: true, Created: at(1),
		}, err, st.Account)
		st, err = r.Account("b")
		same(t, "member and representative", store.AccountState{Account: st.Account, User: st.User, Locked: true, Group: "w2", Represents: "w2"}, err, st)
		in, err := r.AccountsIn([]user.ID{"w2", "w1", "w3", "none"}, user.MemberRepresentative, 10)
		keys(t, "in groups", in, err, func(i store.AccountIn) string { return string(i.Group) + ":" + pk(i.AccountState) }, "w2:1", "w2:2")
		gs, err := r.GroupsOfKind(user.GroupWorking)
		keys(t, "of a kind", gs, err, func(g user.Group) string { return string(g.ID) }, "w1", "w2", "w3")
		gs, err = r.GroupsByID([]user.ID{"w2", "p", "none"})
		keys(t, "by id", gs, err, func(g user.Group) string { return string(g.ID) }, "p", "w2")
		ms, err := r.MembersOf([]user.ID{"w1", "w2", "w3"}, user.MemberRepresentative, user.MemberRepresenting, 10)
		keys(t, "representatives", ms, err, func(m user.Membership) string { return string(m.Group + m.User) }, "w1a", "w2b")
		return nil
	})
}

func testListedAccounts(t *testing.T, s store.Store) {
	for n, id := range []user.ID{"anna", "ANNE", "bo_b", "bo%b", "cäsar"} {
		given(t, s, holder(id, int32(n+1))...) //nolint:gosec // five
	}
	update(t, s, func(tx store.Tx) error {
		st, err := tx.Account("bo_b")
		if err != nil {
			return err
		}
		st.User.Status, st.Account.Verified = user.Archived, false
		st.Account.Second = user.Mailbox{Display: "S", Key: "s@x.org"}
		return errors.Join(store.Put(tx, st.User), store.Put(tx, st.Account), store.Put(tx, user.Lock{User: "anna", Source: "x"}))
	})
	yes, no := new(true), new(false)
	for what, c := range map[string]struct {
		f    store.AccountFilter
		want []string
	}{
		"all":                      {store.AccountFilter{}, []string{"1", "2", "3", "4", "5"}},
		"e-mail":                   {store.AccountFilter{Email: new("anna@x.org")}, []string{"1"}},
		"second":                   {store.AccountFilter{Second: new("s@x.org")}, []string{"3"}},
		"username":                 {store.AccountFilter{Username: new("ANNE")}, []string{"2"}},
		"username in another case": {store.AccountFilter{Username: new("anne")}, nil},
		"contains":                 {store.AccountFilter{UsernameContains: new("NN")}, []string{"1", "2"}},
		"contains a sign of LIKE":  {store.AccountFilter{UsernameContains: new("_")}, []string{"3"}},
		"contains another":         {store.AccountFilter{UsernameContains: new("%")}, []string{"4"}},
		"beyond ASCII":             {store.AccountFilter{UsernameContains: new("CÄS")}, []string{"5"}},
		"starts":                   {store.AccountFilter{UsernameStarts: new("BO")}, []string{"3", "4"}},
		"starts in the middle":     {store.AccountFilter{UsernameStarts: new("nn")}, nil},
		"active":                   {store.AccountFilter{Active: yes}, []string{"2", "3", "4", "5"}},
		"not active":               {store.AccountFilter{Active: no}, []string{"1"}},
		"archived":                 {store.AccountFilter{Archived: yes}, []string{"3"}},
		"not verified":             {store.AccountFilter{Verified: no}, []string{"3"}},
		"both":                     {store.AccountFilter{Verified: yes, UsernameStarts: new("a")}, []string{"1", "2"}},
		"oneself":                  {store.AccountFilter{PK: new(int32(2))}, []string{"2"}},
		"nobody":                   {store.AccountFilter{PK: new(int32(0))}, nil},
		"NUL":                      {store.AccountFilter{Username: new("a\x00")}, nil},
	} {
		view(t, s, func(r store.Reader) error {
			all, err := r.ListAccounts(c.f, 0, 100)
			keys(t, what, all, err, pk, c.want...)
			n, err := r.CountAccounts(c.f)
			same(t, what+", counted", len(c.want), err, n)
			return nil
		})
	}
	view(t, s, func(r store.Reader) error {
		all, err := r.ListAccounts(store.AccountFilter{}, 1, 2)
		keys(t, "a page", all, err, pk, "2", "3")
		all, err = r.ListAccounts(store.AccountFilter{}, 5, 2)
		keys(t, "beyond the end", all, err, pk)
		return nil
	})
}

func testAccountBySession(t *testing.T, s store.Store) {
	given(t, s, holder("a", 5)...)
	other := strand("a-t", "a", "partner")
	given(t, s, other, user.Account{PK: 3, User: "a", Strand: "a-t"},
		user.Session{ID: "1", User: "a", Strand: "a-s", Epoch: 1, Expires: at(9)}, user.Session{ID: "2", User: "a", Strand: "elsewhere", Revoked: at(2)})
	bare, on := person("b", "edi")
	given(t, s, bare, on, user.Session{ID: "3", User: "b", Strand: "b-s"})
	view(t, s, func(r store.Reader) error {
		st, err := r.AccountBySession("1")
		same(t, "on the session's strand", "5", err, pk(st.AccountState))
		same(t, "the session", user.ID("1"), err, st.Session.ID)
		same(t, "its user", user.ID("a"), err, st.User.ID)
		st, err = r.AccountBySession("2")
		same(t, "else the user's first, whatever the session's state", "3", err, pk(st.AccountState))
		same(t, "revoked", at(2), err, st.Session.Revoked)
		st, err = r.AccountBySession("3")
		same(t, "of a user without one", user.Account{}, err, st.Account)
		same(t, "who is there", user.ID("b"), err, st.User.ID)
		_, err = r.AccountBySession("4")
		absent(t, "no session", err)
		in, err := r.SignInByUser("gqlauth", "a", user.SpaceGQLAuth)
		same(t, "to sign in", user.ID("a-s"), err, in.Strand)
		_, err = r.SignInByUser("gqlauth", "z", user.SpaceGQLAuth)
		absent(t, "nobody to sign in", err)
		return nil
	})
}

func testAccountsMove(t *testing.T, s store.Store) {
	given(t, s, holder("a", 1)...)
	given(t, s, holder("b", 2)...)
	token := func(id string, u, strand user.ID) store.MailedToken {
		return store.MailedToken{Record: []byte(id), Action: "x", User: u, Strand: strand, To: user.Mailbox{Display: "A", Key: "a"}, Sent: at(1), Until: at(5)}
	}
	given(t, s, token("1", "a", "a-s"), token("2", "b", "b-s"), token("3", "b", ""))
	update(t, s, func(tx store.Tx) error { return tx.Repoint("a-s", "a", "b") })
	view(t, s, func(r store.Reader) error {
		st, err := r.AccountOn("a-s")
		same(t, "follows its strand", user.ID("b"), err, st.Account.User)
		m, err := r.MailedToken([]byte("1"))
		same(t, "so does what was mailed", user.ID("b"), err, m.User)
		return nil
	})
	update(t, s, func(tx store.Tx) error { return tx.EraseUserRows("b") })
	view(t, s, func(r store.Reader) error {
		all, err := r.AccountsByPK([]int32{1, 2})
		keys(t, "erased", all, err, pk)
		m, err := r.MailedToken([]byte("3"))
		same(t, "the record of a mail stays, used, without its address", user.Mailbox{}, err, m.To)
		same(t, "used", true, err, !m.Used.IsZero())
		return nil
	})
	update(t, s, func(tx store.Tx) error { _, err := tx.Purge(at(5)); return err })
	view(t, s, func(r store.Reader) error {
		_, err := r.MailedToken([]byte("3"))
		same(t, "until its time is over", nil, nil, err)
		return nil
	})
	update(t, s, func(tx store.Tx) error { _, err := tx.Purge(at(6)); return err })
	view(t, s, func(r store.Reader) error {
		_, err := r.MailedToken([]byte("3"))
		absent(t, "purged", err)
		return nil
	})
}

func testMailed(t *testing.T, s store.Store) {
	whole := store.MailedToken{
		Record: []byte{0, 255, 1}, Action: "activation", User: "a", Strand: "s", To: user.Mailbox{Display: odd, Key: "k"}, Renew: true,
		Sent: at(1), Until: at(2), Used: at(3),
	}
	given(t, s, whole, store.MailedToken{Record: []byte("new"), User: "a"}, store.MailedToken{Record: []byte("other"), User: "b"},
		user.Session{ID: "1", User: "a", Door: "gqlauth"}, user.Session{ID: "2", User: "a", Door: "partner"}, user.Session{ID: "3", User: "a", Door: "gqlauth", Revoked: at(1)},
		user.Token{Hash: []byte("1"), Kind: user.RefreshToken, Session: "1"}, user.Token{Hash: []byte("2"), Kind: user.RefreshToken, Session: "2"},
		user.Token{Hash: []byte("3"), Kind: user.RefreshToken, Session: "3"}, user.Token{Hash: []byte("4"), Kind: user.AccessToken, Session: "1"},
		user.Token{Hash: []byte("5"), Kind: user.RefreshToken, Session: "1", Used: at(2)})
	view(t, s, func(r store.Reader) error {
		m, err := r.MailedToken(whole.Record)
		same(t, "the row", whole, err, m)
		_, err = r.MailedToken([]byte("none"))
		absent(t, "no such record", err)
		return nil
	})
	update(t, s, func(tx store.Tx) error {
		n, err := tx.EndMailed("a", at(9))
		same(t, "ended", 1, err, n)
		n, err = tx.RetireRefresh("a", "gqlauth", at(9))
		same(t, "retired", 1, err, n)
		return nil
	})
	view(t, s, func(r store.Reader) error {
		m, err := r.MailedToken([]byte("new"))
		same(t, "used", at(9), err, m.Used)
		m, err = r.MailedToken([]byte("other"))
		same(t, "another's", true, err, m.Used.IsZero())
		m, err = r.MailedToken(whole.Record)
		same(t, "used before", at(3), err, m.Used)
		return nil
	})
}

func testNext(t *testing.T, s store.Store) {
	failed := errors.New("rolled back")
	err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
		if _, err := tx.Next("x"); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	got := make([]int32, 24)
	for i := range got {
		group.Go(func() {
			err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) (err error) {
				got[i], err = tx.Next("x")
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	seen := map[int32]bool{}
	for _, n := range got {
		if n < 1 || n > 24 || seen[n] {
			t.Errorf("numbers %v", got)
			break
		}
		seen[n] = true
	}
	update(t, s, func(tx store.Tx) error {
		n, err := tx.Next("y")
		same(t, "under another name", int32(1), err, n)
		return nil
	})
}
