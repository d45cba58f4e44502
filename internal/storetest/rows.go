package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// rowCase is a type of row: two rows of one key, and how to read it.
type rowCase struct {
	first, second any
	read          func(store.Reader) (any, error)
}

func got[T any](v T, err error) (any, error) { return v, err }

// only takes the one row of a list.
func only[T any](list []T, err error) (any, error) {
	switch {
	case err != nil:
		return nil, err
	case len(list) == 0:
		return nil, store.ErrNotFound
	case len(list) > 1:
		return nil, fmt.Errorf("%d rows, want one", len(list))
	default:
		return list[0], nil
	}
}

// rowCases has every type of row: the first with every field set, the second
// with as few as the type allows.
func rowCases() []rowCase {
	zone := time.FixedZone("", 5*3600+1800)
	doc := user.Document{
		user.Name:      {Value: user.Text(odd), Assurance: user.Attested, At: at(1)},
		user.Birthdate: {At: at(2)}, // the source says that there is none
	}
	return append(slices.Concat(logCases(), proofCases(), channelCases()), []rowCase{
		{
			user.User{
				ID: "u", Status: user.Merged, Epoch: 1 << 60, Survivor: "v", ClosedBy: user.ClosedByFeed, Created: at(1), Updated: at(2), Closed: at(3),
				Profile: user.Profile{user.Name: {Value: user.Text(odd), Strand: "s", Assurance: user.Proven}, user.Locale: {}},
			},
			user.User{ID: "u", Status: user.Active, Profile: user.Profile{}},
			func(r store.Reader) (any, error) { return got(r.User("u")) },
		},
		{
			user.Strand{
				ID: "s", User: "u", Origin: "o", Source: "partner:" + odd, Kind: user.Feed, State: user.Withdrawn, Document: doc,
				Edits: user.Document{user.Picture: {Value: user.Text(""), At: at(9)}}, Created: at(1), CreatedBy: odd, Updated: at(2),
				UpdatedBy: "b", Withdrawn: at(3), WithdrawnBy: "c",
			},
			user.Strand{ID: "s", User: "w", Document: user.Document{}, Edits: user.Document{}},
			func(r store.Reader) (any, error) { return got(r.Strand("s")) },
		},
		{
			user.Identity{Issuer: "https://i", Subject: odd, User: "u", Strand: "s", Reserved: true, Created: at(1)},
			user.Identity{Issuer: "https://i", Subject: odd, User: "v"},
			func(r store.Reader) (any, error) {
				return got(r.Identity(user.IdentityKey{Issuer: "https://i", Subject: odd}))
			},
		},
		{
			user.Handle{Space: user.SpaceEDI, Value: odd, User: "u", Strand: "s", Dead: true, Created: at(1)},
			user.Handle{Space: user.SpaceEDI, Value: odd, User: "v"},
			func(r store.Reader) (any, error) { return got(r.Handle(user.SpaceEDI, odd)) },
		},
		{
			user.Claim{
				Kind: user.Email, Address: "a@x", Display: odd, User: "u", Strand: "s", Source: "edi:a", Assurance: user.Proven, Since: at(1),
			},
			user.Claim{Kind: user.Email, Address: "a@x", User: "u", Strand: "s", Source: "edi:b"},
			func(r store.Reader) (any, error) { return only(r.Claims(user.Email, "a@x")) },
		},
		{
			user.Owner{Kind: user.Phone, Address: "+420", User: "u", Strand: "s", Proven: at(1)},
			user.Owner{Kind: user.Phone, Address: "+420", User: "v"},
			func(r store.Reader) (any, error) { return got(r.Owner(user.Phone, "+420")) },
		},
		{
			user.Password{User: "u", Strand: "s", Hash: "$2a$" + odd, Imported: "i", SetAside: true, Set: at(1)},
			user.Password{User: "u", Strand: "s", Hash: "h"},
			func(r store.Reader) (any, error) { return only(r.Passwords("u")) },
		},
		{
			user.Lock{User: "u", Source: "feed", Reason: odd, By: "b", At: at(1)},
			user.Lock{User: "u", Source: "feed"},
			func(r store.Reader) (any, error) { return only(r.Locks("u")) },
		},
		{
			user.Group{
				ID: "g", Kind: user.GroupRole, Name: odd, Parent: "p", ExternalID: "x", System: true,
				Attributes: map[string]string{"k": odd}, Created: at(1),
			},
			user.Group{ID: "g", Attributes: map[string]string{}},
			func(r store.Reader) (any, error) { return got(r.Group("g")) },
		},
		{
			user.Membership{Group: "g", User: "u", Strand: "s", Role: odd, Since: at(1)},
			user.Membership{Group: "g", User: "u", Strand: "s"},
			func(r store.Reader) (any, error) { return only(r.Memberships("u")) },
		},
		{
			user.Session{
				ID: "i", User: "u", Strand: "s", Door: user.DoorEDI, Client: "c", Subject: "EDI-1", Epoch: 7, Methods: []string{"pwd", "otp"},
				Proven: at(1), Created: at(2), Expires: at(3), Revoked: at(4).In(zone).UTC(),
			},
			user.Session{ID: "i", User: "u", Methods: []string{}},
			func(r store.Reader) (any, error) { return only(r.Sessions("u")) },
		},
		{
			user.Client{ID: "1", ClientID: "c", SecretHash: []byte{0, 1, 255}, Name: odd, DistinctErrors: true, Created: at(1)},
			user.Client{ClientID: "c"},
			func(r store.Reader) (any, error) { return got(r.Client("c")) },
		},
	}...)
}

func logCases() []rowCase {
	return []rowCase{
		{
			store.Event{
				ID: "e", Kind: "k", User: "u", Actor: odd, Door: user.DoorPortal, At: at(1), Body: []byte(`{"a":"` + odd + `"}`),
				Salt: []byte{0, 9}, Seq: 1 << 50, BodyHash: []byte{1}, Chain: []byte{2},
			},
			store.Event{ID: "e", User: "u"},
			func(r store.Reader) (any, error) { return only(r.EventsOf("u", 9)) },
		},
		{
			store.Job{
				ID: "j", Kind: "k", Key: odd, User: "u", Payload: []byte(odd), State: store.JobDue, Due: at(1), Attempts: 3,
				Holder: "h", Until: at(2), LastErr: odd, Created: at(3),
			},
			store.Job{ID: "j", State: store.JobDue},
			func(r store.Reader) (any, error) { return only(r.Jobs(store.JobDue, 9)) },
		},
		{
			store.Message{ID: "m", Channel: "sms", To: "a", Subject: odd, Text: odd, HTML: odd, Sent: at(1)},
			store.Message{ID: "m"},
			func(r store.Reader) (any, error) { return only(r.Messages(store.MessageFilter{})) },
		},
		{
			store.Throttle{Key: odd, Failures: 2, Total: 3, Since: at(1), Until: at(2)},
			store.Throttle{Key: odd},
			func(r store.Reader) (any, error) { return only(r.Throttles(odd)) },
		},
		{
			store.Key{
				KID: "k", State: "active", Alg: "ES256", PublicJWK: []byte(`{}`), Wrapped: []byte{0, 255}, Created: at(1), Activated: at(2), Retires: at(3),
			},
			store.Key{KID: "k"},
			func(r store.Reader) (any, error) { return only(r.Keys()) },
		},
		{
			store.Secret{Name: "n", Wrapped: []byte{0, 255}, Created: at(1)},
			store.Secret{Name: "n"},
			func(r store.Reader) (any, error) { return got(r.Secret("n")) },
		},
		{
			store.PolicyVersion{Version: 1, Document: []byte("a: " + odd), By: odd, Applied: at(1)},
			store.PolicyVersion{Version: 1},
			func(r store.Reader) (any, error) { return got(r.Policy()) },
		},
		{
			store.Entry{
				ID: "l", Kind: store.EntryMerge, User: "u", Other: "v", By: "b", Reason: odd, Undo: []byte(`{}`), At: at(1), Undone: at(2), UndoneBy: "c",
			},
			store.Entry{ID: "l"},
			func(r store.Reader) (any, error) { return got(r.Entry("l")) },
		},
		{
			store.Invalidation{Seq: 1, Topic: "policy", Key: odd, At: at(1)},
			store.Invalidation{Seq: 1},
			func(r store.Reader) (any, error) { return only(r.Invalidations(0, 9)) },
		},
	}
}

func testRows(t *testing.T, open Open) {
	s := open(t)
	for _, c := range rowCases() {
		t.Run(fmt.Sprintf("%T", c.first), func(t *testing.T) { testRow(t, s, c) })
	}
	t.Run("user.Token", func(t *testing.T) { testToken(t, open(t)) })
	t.Run("nil documents can be written to", func(t *testing.T) {
		s := open(t)
		given(t, s, user.User{ID: "u"}, user.Strand{ID: "s", User: "u"}, user.Group{ID: "g"})
		view(t, s, func(r store.Reader) error {
			u, err := r.User("u")
			if err != nil {
				return err
			}
			u.Profile[user.Name] = user.Shown{}
			st, err := r.Strand("s")
			if err != nil {
				return err
			}
			st.Document[user.Name], st.Edits[user.Name] = user.Fact{}, user.Fact{}
			g, err := r.Group("g")
			if err != nil {
				return err
			}
			g.Attributes["a"] = ""
			return nil
		})
	})
	t.Run("times are kept in microseconds of UTC", func(t *testing.T) {
		s := open(t)
		given(t, s, user.Lock{User: "u", Source: "s", At: at(1).Add(999).In(time.FixedZone("", -3600))})
		view(t, s, func(r store.Reader) error {
			l, err := only(r.Locks("u"))
			same[any](t, "lock", user.Lock{User: "u", Source: "s", At: at(1)}, err, l)
			return nil
		})
	})
	t.Run("text that no database keeps", func(t *testing.T) { testUnwritable(t, open(t)) })
	t.Run("what is not a row", func(t *testing.T) {
		s := open(t)
		err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error { return tx.Write(store.OpInsert, 7) })
		if err == nil {
			t.Error("written")
		}
	})
	t.Run("unique values beside the key", func(t *testing.T) { testUnique(t, open(t)) })
}

func testRow(t *testing.T, s store.Store, c rowCase) {
	read := func(want any) {
		t.Helper()
		view(t, s, func(r store.Reader) error {
			have, err := c.read(r)
			if want == nil {
				absent(t, "row", err)
				return nil
			}
			same(t, "row", want, err, have)
			return nil
		})
	}
	write := func(op store.Op, row any) {
		t.Helper()
		update(t, s, func(tx store.Tx) error { return tx.Write(op, row) })
	}
	read(nil)
	write(store.OpInsert, c.first)
	read(c.first)
	// The same key again is refused, and the transaction goes on.
	update(t, s, func(tx store.Tx) error {
		if err := tx.Write(store.OpInsert, c.second); !errors.Is(err, store.ErrExists) {
			return fmt.Errorf("a second insert: %w, want ErrExists", err)
		}
		have, err := c.read(tx)
		if err == nil && !reflect.DeepEqual(have, c.first) {
			err = fmt.Errorf("a refused insert changed the row to %+v", have)
		}
		return err
	})
	read(c.first)
	write(store.OpPut, c.second)
	read(c.second)
	write(store.OpPut, c.first)
	read(c.first)
	write(store.OpDelete, c.second)
	read(nil)
	write(store.OpDelete, c.second)
	write(store.OpPut, c.first)
	read(c.first)
	write(store.OpDelete, c.first)
	read(nil)
}

// testToken: a token is read with its session and user, so that it has a test
// of its own.
func testToken(t *testing.T, s store.Store) {
	u, st := person("u", "partner")
	se := user.Session{ID: "i", User: "u", Strand: st.ID, Methods: []string{}, Expires: at(9)}
	given(t, s, u, st, se)
	testRow(t, s, rowCase{
		user.Token{Hash: []byte{0, 1, 255}, Kind: user.RefreshToken, Session: "i", Expires: at(1), Used: at(2), Created: at(3)},
		user.Token{Hash: []byte{0, 1, 255}, Session: "i"},
		func(r store.Reader) (any, error) {
			ts, err := r.Token([]byte{0, 1, 255})
			if err == nil && (!reflect.DeepEqual(ts.Session, se) || !reflect.DeepEqual(ts.User, u) || ts.Locked) {
				err = fmt.Errorf("behind the token: %+v", ts.SessionState)
			}
			return ts.Token, err
		},
	})
}

func testUnwritable(t *testing.T, s store.Store) {
	for _, bad := range []string{"a\x00b", "a\xffb"} {
		view(t, s, func(r store.Reader) error {
			_, err := r.Identity(user.IdentityKey{Issuer: "i", Subject: bad})
			absent(t, "identity", err)
			_, err = r.Handle(user.Space(bad), "v")
			absent(t, "handle", err)
			_, err = r.User(user.ID(bad))
			absent(t, "user", err)
			return nil
		})
		err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
			return store.Insert(tx, user.Handle{Space: "x", Value: bad})
		})
		if err == nil || errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrExists) {
			t.Errorf("writing %q: %v", bad, err)
		}
		update(t, s, func(tx store.Tx) error { return store.Delete(tx, user.Handle{Space: "x", Value: bad}) })
	}
	// A key that cannot exist hides none that does.
	given(t, s, store.Throttle{Key: "network", Failures: 1})
	view(t, s, func(r store.Reader) error {
		ts, err := r.Throttles("account\x00", "network")
		keys(t, "throttles", ts, err, func(t store.Throttle) string { return t.Key }, "network")
		return nil
	})
}

// testUnique: a put that meets a unique value in another row is refused, and
// the transaction goes on.
func testUnique(t *testing.T, s store.Store) {
	given(t, s,
		user.Group{ID: "g1", Kind: "k", Name: "n"}, user.Group{ID: "g2", Kind: "k", Name: "m"},
		store.Job{ID: "j1", Kind: "k", Key: "n"}, store.Job{ID: "j2", Kind: "k", Key: "m"},
		store.Job{ID: "j3", Kind: "k"}, store.Job{ID: "j4", Kind: "k"}, // no key: not one
	)
	update(t, s, func(tx store.Tx) error {
		for _, try := range []struct {
			op  store.Op
			row any
		}{
			{store.OpInsert, user.Group{ID: "g3", Kind: "k", Name: "n"}},
			{store.OpPut, user.Group{ID: "g3", Kind: "k", Name: "n"}},
			{store.OpPut, user.Group{ID: "g2", Kind: "k", Name: "n"}},
			{store.OpInsert, store.Job{ID: "j5", Kind: "k", Key: "n"}},
			{store.OpPut, store.Job{ID: "j5", Kind: "k", Key: "n"}},
			{store.OpPut, store.Job{ID: "j2", Kind: "k", Key: "n"}},
		} {
			if err := tx.Write(try.op, try.row); !errors.Is(err, store.ErrExists) {
				return fmt.Errorf("%d of %+v: %w, want ErrExists", try.op, try.row, err)
			}
		}
		return store.Insert(tx, user.Group{ID: "g4", Kind: "k", Name: "o"})
	})
	view(t, s, func(r store.Reader) error {
		gs, err := r.AllGroups()
		keys(t, "groups", gs, err, func(g user.Group) string { return string(g.ID) + g.Name }, "g2m", "g1n", "g4o")
		return nil
	})
}
