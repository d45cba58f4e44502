package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// hanging has one row of each type that hangs on a strand.
func hanging(u, s user.ID) []any {
	n := string(s)
	return []any{
		user.Identity{Issuer: "i", Subject: n, User: u, Strand: s},
		user.Handle{Space: user.SpaceEDI, Value: n, User: u, Strand: s},
		user.Claim{Kind: user.Email, Address: n, User: u, Strand: s, Source: "edi"},
		user.Owner{Kind: user.Email, Address: n, User: u, Strand: s},
		user.Password{User: u, Strand: s, Hash: n},
		user.Membership{Group: "g", User: u, Strand: s},
		user.Session{ID: s, User: u, Strand: s},
	}
}

// count says how many rows of each type hang on a user.
func count(r store.Reader, u user.ID) string {
	strands, _ := r.Strands(u)
	identities, _ := r.Identities(u)
	handles, _ := r.Handles(u)
	claims, _ := r.ClaimsOf(u)
	owned, _ := r.Owned(u)
	passwords, _ := r.Passwords(u)
	memberships, _ := r.Memberships(u)
	sessions, _ := r.Sessions(u)
	return fmt.Sprint(len(strands), len(identities), len(handles), len(claims), len(owned), len(passwords), len(memberships), len(sessions))
}

func testMoves(t *testing.T, open Open) {
	t.Run("a strand and all that hangs on it", func(t *testing.T) { testRepoint(t, open(t)) })
	t.Run("sessions end", func(t *testing.T) { testEndSessions(t, open(t)) })
	t.Run("a refresh token is used once", func(t *testing.T) {
		s := open(t)
		given(t, s, user.Token{Hash: []byte{1}, Kind: user.RefreshToken}, user.Token{Hash: []byte{2}, Kind: user.AccessToken})
		for i, want := range []bool{true, false} {
			var won bool
			update(t, s, func(tx store.Tx) (err error) {
				won, err = tx.UseRefresh([]byte{1}, at(1))
				return err
			})
			same(t, fmt.Sprint("use ", i), want, nil, won)
		}
		update(t, s, func(tx store.Tx) error {
			won, err := tx.UseRefresh([]byte{2}, at(1))
			same(t, "an access token", false, err, won)
			won, err = tx.UseRefresh([]byte{3}, at(1))
			same(t, "no token", false, err, won)
			return nil
		})
	})
	t.Run("times and ids", func(t *testing.T) { testMade(t, open(t)) })
}

func testRepoint(t *testing.T, s store.Store) {
	u, first := person("a", "edi")
	second := strand("a-t", "a", "partner")
	given(t, s, u, first, second)
	given(t, s, hanging("a", "a-s")...)
	given(t, s, hanging("a", "a-t")...)
	update(t, s, func(tx store.Tx) error { return tx.Repoint("a-t", "nobody", "b") })
	view(t, s, func(r store.Reader) error {
		same(t, "rows of another user stay", "2 2 2 2 2 2 2 2", nil, count(r, "a"))
		return nil
	})
	update(t, s, func(tx store.Tx) error { return tx.Repoint("a-t", "a", "b") })
	view(t, s, func(r store.Reader) error {
		same(t, "left", "1 1 1 1 1 1 1 1", nil, count(r, "a"))
		same(t, "moved", "1 1 1 1 1 1 1 1", nil, count(r, "b"))
		st, err := r.Strand("a-t")
		same(t, "where it began", user.ID("a"), err, st.Origin)
		return nil
	})
	update(t, s, func(tx store.Tx) error { return tx.Repoint("a-t", "b", "a") })
	view(t, s, func(r store.Reader) error {
		same(t, "and back", "2 2 2 2 2 2 2 2", nil, count(r, "a"))
		same(t, "nothing left behind", "0 0 0 0 0 0 0 0", nil, count(r, "b"))
		return nil
	})
}

func testEndSessions(t *testing.T, s store.Store) {
	given(t, s,
		user.Session{ID: "1", User: "a", Strand: "s"}, user.Session{ID: "2", User: "a", Strand: "s", Revoked: at(1)},
		user.Session{ID: "3", User: "a", Strand: "t"}, user.Session{ID: "4", User: "b", Strand: "s"},
	)
	end := func(u, strand user.ID, want int) {
		t.Helper()
		var n int
		update(t, s, func(tx store.Tx) (err error) {
			n, err = tx.EndSessions(u, strand, at(5))
			return err
		})
		same(t, "ended", want, nil, n)
	}
	revoked := func(want ...time.Time) {
		t.Helper()
		view(t, s, func(r store.Reader) error {
			ss, err := r.Sessions("a")
			have := []time.Time{}
			for _, x := range ss {
				have = append(have, x.Revoked)
			}
			same(t, "revoked", want, err, have)
			return nil
		})
	}
	end("a", "s", 1)
	revoked(at(5), at(1), time.Time{})
	end("a", "", 1)
	revoked(at(5), at(1), at(5))
	end("a", "", 0)
	end("b", "", 1)
}

func testMade(t *testing.T, s store.Store) {
	var ids []user.ID
	seen := map[any]bool{}
	for range 4 {
		var here []user.ID
		update(t, s, func(tx store.Tx) error {
			here = nil
			if n := tx.Now(); n != n.UTC().Truncate(time.Microsecond) || n != tx.Now() {
				t.Errorf("time %v: not one moment in microseconds of UTC", n)
			}
			for range 5000 {
				here = append(here, tx.NewID())
				for _, made := range []any{tx.NewNumber(), tx.NewUUID()} {
					if seen[made] {
						return fmt.Errorf("%v was made twice", made)
					}
					seen[made] = true
				}
			}
			return nil
		})
		ids = append(ids, here...)
	}
	for i := range ids[1:] {
		if len(ids[i]) != 36 || ids[i] >= ids[i+1] {
			t.Fatalf("%s came before %s", ids[i], ids[i+1])
		}
	}
}
