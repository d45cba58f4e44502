package storetest

import (
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

func testErasure(t *testing.T, open Open) {
	t.Run("a user's content", func(t *testing.T) { testErase(t, open(t)) })
	t.Run("what is out of date", func(t *testing.T) { testPurge(t, open(t)) })
	t.Run("much that is out of date", func(t *testing.T) { testPurgeRounds(t, open(t)) })
}

func testErase(t *testing.T, s store.Store) {
	for _, id := range []user.ID{"a", "b"} {
		u, st := person(id, "edi")
		u.Profile[user.Name] = user.Shown{Value: user.Text("Ada")}
		st.Document[user.Name] = user.Fact{Value: user.Text("Ada"), At: at(1)}
		st.Edits[user.Name] = user.Fact{Value: user.Text("Ada"), At: at(1)}
		given(t, s, u, st, user.Token{Hash: []byte(id), Session: st.ID}, user.Lock{User: id, Source: "feed"},
			store.Job{ID: id, User: id, State: store.JobDue}, store.Event{ID: id, User: id, Kind: "k", Body: []byte("{}"), Salt: []byte{1}, BodyHash: []byte{2}},
			store.Entry{ID: id, User: id, Undo: []byte(`{"a":1}`)})
		given(t, s, hanging(id, st.ID)...)
	}
	update(t, s, func(tx store.Tx) error { return tx.EraseUserRows("a") })
	view(t, s, func(r store.Reader) error {
		same(t, "left of the erased", "1 0 1 0 0 0 0 0", nil, count(r, "a"))
		same(t, "left of the other", "1 1 1 1 1 1 1 1", nil, count(r, "b"))
		u, err := r.User("a")
		same(t, "profile", user.Profile{}, err, u.Profile)
		st, err := r.Strand("a-s")
		same(t, "documents", 0, err, len(st.Document)+len(st.Edits))
		same(t, "state", user.Erased, err, st.State)
		h, err := r.Handle(user.SpaceEDI, "a-s")
		same(t, "name is a tombstone", true, err, h.Dead)
		_, err = r.Token([]byte("a"))
		absent(t, "token", err)
		ls, err := r.Locks("a")
		same(t, "locks", 0, err, len(ls))
		js, err := r.Jobs(store.JobDue, 9)
		keys(t, "jobs", js, err, func(j store.Job) string { return string(j.User) }, "b")
		es, err := r.EventsOf("a", 9)
		same(t, "event", []store.Event{{ID: "a", User: "a", Kind: "k", BodyHash: []byte{2}}}, err, es)
		en, err := r.Entry("a")
		same(t, "undo", "{}", err, string(en.Undo))

		u, err = r.User("b")
		same(t, "the other's profile", "Ada", err, u.Profile.Text(user.Name))
		en, err = r.Entry("b")
		same(t, "the other's undo", `{"a":1}`, err, string(en.Undo))
		_, err = r.Token([]byte("b"))
		same(t, "the other's token", nil, err, error(nil))
		return nil
	})
}

func testPurge(t *testing.T, s store.Store) {
	given(t, s,
		user.Token{Hash: []byte{1}, Session: "a-s", Expires: at(1)}, user.Token{Hash: []byte{2}, Session: "a-s", Expires: at(9)},
		store.Throttle{Key: "old", Since: at(1), Until: at(2)}, store.Throttle{Key: "waits", Since: at(1), Until: at(9)},
		store.Throttle{Key: "new", Since: at(9)},
		store.Message{ID: "1", Sent: at(1)}, store.Message{ID: "2", Sent: at(9)},
		store.Job{ID: "1", State: store.JobDone, Due: at(1)}, store.Job{ID: "2", State: store.JobDue, Due: at(1)},
		store.Job{ID: "3", State: store.JobDead, Due: at(1)}, store.Job{ID: "4", State: store.JobDone, Due: at(9)},
	)
	u, st := person("a", "edi")
	given(t, s, u, st, user.Session{ID: "a-s", User: "a", Methods: []string{}, Expires: at(9)},
		user.Session{ID: "over", User: "a", Expires: at(1)}, user.Token{Hash: []byte{3}, Session: "over", Expires: at(1)},
		user.Session{ID: "on the dot", User: "a", Expires: at(5)}, user.Session{ID: "revoked", User: "a", Expires: at(9), Revoked: at(1)})
	for _, want := range []int{6, 0} {
		var n int
		update(t, s, func(tx store.Tx) (err error) {
			n, err = tx.Purge(at(5))
			return err
		})
		same(t, "purged", want, nil, n)
	}
	view(t, s, func(r store.Reader) error {
		_, err := r.Token([]byte{1})
		absent(t, "expired token", err)
		_, err = r.Token([]byte{2})
		same(t, "live token", nil, err, error(nil))
		_, err = r.Token([]byte{3})
		absent(t, "token of a session that is over", err)
		ss, err := r.Sessions("a")
		keys(t, "sessions", ss, err, func(s user.Session) string { return string(s.ID) }, "a-s", "on the dot", "revoked")
		ts, err := r.Throttles("old", "waits", "new")
		same(t, "throttles", 2, err, len(ts))
		ms, err := r.Messages(store.MessageFilter{})
		keys(t, "messages", ms, err, func(m store.Message) string { return string(m.ID) }, "2")
		for state, want := range map[store.JobState]int{store.JobDone: 1, store.JobDue: 1, store.JobDead: 1} {
			js, err := r.Jobs(state, 9)
			same(t, "jobs "+string(state), want, err, len(js))
		}
		return nil
	})
}

// testPurgeRounds: what one call leaves, the next takes.
func testPurgeRounds(t *testing.T, s store.Store) {
	const rows = 5_100
	update(t, s, func(tx store.Tx) error {
		for range rows {
			if err := store.Insert(tx, user.Session{ID: tx.NewID(), User: "a", Expires: at(1)}); err != nil {
				return err
			}
		}
		return store.Insert(tx, user.Session{ID: "live", User: "a", Expires: at(9)})
	})
	rounds, purged := 0, 0
	for n := 1; n > 0; rounds++ {
		update(t, s, func(tx store.Tx) (err error) {
			n, err = tx.Purge(at(5))
			return err
		})
		purged += n
	}
	same(t, "purged", rows, nil, purged)
	if rounds < 3 {
		t.Errorf("%d rows in %d rounds: others waited long", rows, rounds-1)
	}
	view(t, s, func(r store.Reader) error {
		ss, err := r.Sessions("a")
		keys(t, "left", ss, err, func(s user.Session) string { return string(s.ID) }, "live")
		return nil
	})
}
