package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

func testSignIns(t *testing.T, open Open) {
	t.Run("by claim", func(t *testing.T) { testByClaim(t, open(t)) })
	t.Run("by owner and handle", func(t *testing.T) { testByOwner(t, open(t)) })
	t.Run("sessions and tokens", func(t *testing.T) { testSessions(t, open(t)) })
	t.Run("throttles", func(t *testing.T) { testThrottles(t, open(t)) })
}

func claim(u, s user.ID, source user.Source, a user.Assurance, second int) user.Claim {
	return user.Claim{Kind: user.Email, Address: "x@y", User: u, Strand: s, Source: source, Assurance: a, Since: at(second)}
}

func testByClaim(t *testing.T, s store.Store) {
	rows := []any{}
	for _, id := range []user.ID{"a", "b", "c", "d", "e", "f"} {
		u, st := person(id, "partner:x")
		if id == "f" {
			st.State = user.StrandSetAside
		}
		rows = append(rows, u, st)
	}
	twin := strand("c-t", "c", "partner:y")
	given(t, s, append(rows, twin,
		claim("a", "a-s", "partner:x", user.Asserted, 1),
		claim("b", "b-s", "partner:x", user.Attested, 3),
		claim("c", "c-s", "partner:x", user.Proven, 4),
		claim("c", "c-t", "partner:y", user.Attested, 1), // the same user once more
		claim("d", "d-s", "partner:x", user.Attested, 2),
		claim("e", "e-s", "edi", user.Proven, 0),       // another door's
		claim("f", "f-s", "partner:x", user.Proven, 0), // a strand that is not live
		user.Password{User: "c", Strand: "c-t", Hash: "second", Set: at(2)},
		user.Password{User: "c", Strand: "c-s", Hash: "first", Imported: "i", SetAside: true, Set: at(1)},
		user.Password{User: "d", Strand: "d-s", Hash: "d", Set: at(1)},
		user.Handle{Space: user.SpacePartner, Value: "7", User: "c", Strand: "c-s"},
		user.Handle{Space: user.SpacePartner, Value: "6", User: "c", Strand: "c-t"},
		user.Lock{User: "d", Source: "feed"},
	)...)
	view(t, s, func(r store.Reader) error {
		// Surest first, then oldest; three users at most; passwords gathered.
		found, err := r.SignInByClaim(user.DoorPartner, user.Email, "x@y", user.SpacePartner)
		same(t, "found", []store.SignIn{
			{User: "c", Status: user.Active, Epoch: 1, Strand: "c-s", Number: "7", Passwords: []user.Password{
				{User: "c", Strand: "c-s", Hash: "first", Imported: "i", SetAside: true, Set: at(1)},
				{User: "c", Strand: "c-t", Hash: "second", Set: at(2)},
			}},
			{User: "d", Status: user.Active, Epoch: 1, Locked: true, Strand: "d-s", Passwords: []user.Password{
				{User: "d", Strand: "d-s", Hash: "d", Set: at(1)},
			}},
			{User: "b", Status: user.Active, Epoch: 1, Strand: "b-s"},
		}, err, found)
		found, err = r.SignInByClaim(user.DoorEDI, user.Email, "x@y", user.SpaceEDI)
		keys(t, "another door", found, err, func(s store.SignIn) string { return string(s.User) }, "e")
		found, err = r.SignInByClaim(user.DoorPartner, user.Phone, "x@y", user.SpacePartner)
		same(t, "another kind", nil, err, found)
		return nil
	})
}

func testByOwner(t *testing.T, s store.Store) {
	u, first := person("a", "partner:x")
	first.State = user.Withdrawn
	bare, bareStrand := person("b", "edi")
	bare.Status, bare.Epoch = user.Archived, 3
	given(t, s, u, first, strand("a-t", "a", "partner:x"), strand("a-u", "a", "partner:x"), strand("a-a", "a", "edi"), bare, bareStrand,
		user.Owner{Kind: user.Email, Address: "x@y", User: "a", Strand: "a-a"},
		user.Owner{Kind: user.Email, Address: "b@y", User: "b", Strand: "b-s"},
		user.Handle{Space: user.SpacePartner, Value: "1", User: "a", Strand: "a-s"},
		user.Handle{Space: user.SpacePartner, Value: "2", User: "a", Strand: "a-t"},
		user.Handle{Space: user.SpaceUsername, Value: "ada", User: "a", Strand: "a-t"},
		user.Handle{Space: user.SpaceUsername, Value: "old", User: "a", Strand: "a-t", Dead: true},
		user.Handle{Space: user.SpaceUsername, Value: "loose", User: "b"},
		user.Password{User: "a", Strand: "a-a", Hash: "h", Set: at(1)},
	)
	want := store.SignIn{User: "a", Status: user.Active, Epoch: 1, Strand: "a-t", Number: "2", Passwords: []user.Password{
		{User: "a", Strand: "a-a", Hash: "h", Set: at(1)},
	}}
	none := want
	none.Strand, none.Number = "", ""
	view(t, s, func(r store.Reader) error {
		found, err := r.SignInByOwner(user.DoorPartner, user.Email, "x@y", user.SpacePartner)
		same(t, "the door's oldest live strand", []store.SignIn{want}, err, found)
		found, err = r.SignInByOwner(user.DoorPortal, user.Email, "x@y", user.SpacePartner)
		same(t, "no strand of that door", []store.SignIn{none}, err, found)
		found, err = r.SignInByOwner(user.DoorEDI, user.Email, "b@y", user.SpaceEDI)
		same(t, "no password", []store.SignIn{{User: "b", Status: user.Archived, Epoch: 3, Strand: "b-s"}}, err, found)
		found, err = r.SignInByOwner(user.DoorEDI, user.Email, "nobody@y", user.SpaceEDI)
		same(t, "nobody's", nil, err, found)

		found, err = r.SignInByHandle(user.SpaceUsername, "ada", user.SpacePartner)
		same(t, "by handle", []store.SignIn{want}, err, found)
		found, err = r.SignInByHandle(user.SpaceUsername, "old", user.SpacePartner)
		same(t, "by a dead handle", nil, err, found)
		found, err = r.SignInByHandle(user.SpaceEDI, "ada", user.SpacePartner)
		same(t, "by a handle of another space", nil, err, found)
		found, err = r.SignInByHandle(user.SpaceUsername, "loose", user.SpacePartner)
		same(t, "by a handle without a strand", []store.SignIn{{User: "b", Status: user.Archived, Epoch: 3}}, err, found)
		return nil
	})
}

func testSessions(t *testing.T, s store.Store) {
	u, st := person("a", "edi")
	se := user.Session{ID: "1", User: "a", Strand: "a-s", Door: user.DoorEDI, Epoch: 1, Methods: []string{"pwd"}, Expires: at(9)}
	tok := user.Token{Hash: []byte{1, 2}, Kind: user.RefreshToken, Session: "1", Expires: at(9)}
	given(t, s, u, st, se, tok, user.Lock{User: "a", Source: "feed"}, user.Client{ClientID: "b"}, user.Client{ClientID: "a"},
		user.Session{ID: "0", User: "a"}, user.Session{ID: "2", User: "other"})
	view(t, s, func(r store.Reader) error {
		state := store.SessionState{Session: se, User: u, Locked: true}
		ts, err := r.Token([]byte{1, 2})
		same(t, "token", store.TokenState{Token: tok, SessionState: state}, err, ts)
		_, err = r.Token([]byte{1})
		absent(t, "token", err)
		_, err = r.Token(nil)
		absent(t, "no token", err)
		ss, err := r.Session("1")
		same(t, "session", state, err, ss)
		_, err = r.Session("9")
		absent(t, "session", err)
		list, err := r.Sessions("a")
		keys(t, "sessions", list, err, func(s user.Session) string { return string(s.ID) }, "0", "1")
		_, err = r.Client("c")
		absent(t, "client", err)
		cs, err := r.Clients()
		keys(t, "clients", cs, err, func(c user.Client) string { return c.ClientID }, "a", "b")
		return nil
	})
}

func testThrottles(t *testing.T, s store.Store) {
	given(t, s, store.Throttle{Key: "a", Failures: 1}, store.Throttle{Key: "b", Total: 2}, store.Throttle{Key: "c"})
	view(t, s, func(r store.Reader) error {
		for want, asked := range map[int][]string{0: {}, 1: {"a"}, 2: {"b", "zz", "a"}, 3: {"a", "b", "c", "a"}} {
			ts, err := r.Throttles(asked...)
			same(t, "throttles", want, err, len(ts))
		}
		if _, err := r.Throttles("1", "2", "3", "4", "5"); err == nil {
			t.Error("five keys were taken")
		}
		return nil
	})
}

// testNarrow: what is written beside others compares before it sets.
func testNarrow(t *testing.T, s store.Store) {
	given(t, s, user.Session{ID: "1", User: "a", Strand: "s", Expires: at(5)}, user.Session{ID: "2", User: "a", Strand: "s", Expires: at(5), Revoked: at(1)},
		user.Token{Hash: []byte("r"), Kind: user.RefreshToken, Session: "1", Expires: at(9)})
	narrow := func(fn func(store.Tx) error) {
		t.Helper()
		if err := s.Update(t.Context(), store.Narrow, fn); err != nil {
			t.Fatal(err)
		}
	}
	narrow(func(tx store.Tx) error {
		return errors.Join(tx.Lengthen("1", at(7)), tx.Lengthen("1", at(6)), tx.Lengthen("2", at(7)), tx.Lengthen("3", at(7)))
	})
	view(t, s, func(r store.Reader) error {
		st, err := r.Sessions("a")
		keys(t, "forward only, and only what is alive", st, err, func(s user.Session) string { return s.Expires.Format("05") }, "07", "05")
		return nil
	})
	narrow(func(tx store.Tx) error {
		first, err := tx.EndSession("1", at(8))
		same(t, "ended", true, err, first)
		again, err := tx.EndSession("1", at(9))
		same(t, "ended again", false, err, again)
		return tx.Lengthen("1", at(20))
	})
	view(t, s, func(r store.Reader) error {
		st, err := r.Sessions("a")
		same(t, "when it ended", at(8), err, st[0].Revoked)
		same(t, "it lives no longer", at(7), err, st[0].Expires)
		return nil
	})

	// Two use one token at once: one of them is the first.
	var group sync.WaitGroup
	var wins atomic.Int64
	for range 8 {
		group.Go(func() {
			var first bool
			err := s.Update(t.Context(), store.Narrow, func(tx store.Tx) (err error) {
				first, err = tx.UseRefresh([]byte("r"), at(9))
				return err
			})
			if err != nil {
				t.Error(err)
			}
			if first {
				wins.Add(1)
			}
		})
	}
	group.Wait()
	same(t, "of eight who use one refresh token at once", int64(1), nil, wins.Load())
}
