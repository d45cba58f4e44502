package session_test

import (
	"testing"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

func (w *world) beginsRealm(p person, key string, issued time.Time) error {
	w.Helper()
	return w.store.Update(w.Context(), store.Interactive, func(tx store.Tx) error {
		return session.BeginRealm(tx, user.Session{
			User: p.user.ID, Strand: p.strand.ID, Door: user.DoorPortal, Client: "main", Subject: "ada", Epoch: p.user.Epoch, Methods: []string{"fed"},
		}, []byte(key), issued)
	})
}

func (w *world) byKey(key string) (st store.TokenState) {
	w.Helper()
	w.update(func(tx store.Tx) (err error) {
		st, err = tx.Token([]byte(key))
		return err
	})
	return st
}

// Given a session of an outside realm's, then it is one here for as long as its
// tokens come, and each that was asked about makes it last.
func TestARealmsSessionGoesOn(t *testing.T) {
	each(t, func(w *world) {
		p := w.person("Ada")
		if err := w.beginsRealm(p, "key", w.clock.Now()); err != nil {
			t.Fatal(err)
		}
		first, began := w.byKey("key"), w.clock.Now()
		if live, ok := session.OfRealm(first, began); !ok || live.User.ID != p.user.ID || live.Session.Client != "main" ||
			!first.Session.Expires.Equal(began.Add(session.RealmLife)) || !first.Session.Proven.Equal(began) {
			t.Errorf("%+v", first)
		}
		w.clock.advance(20 * 24 * time.Hour)
		if err := w.beginsRealm(p, "key", w.clock.Now()); err != nil {
			t.Fatal(err)
		}
		second := w.byKey("key")
		if second.Session.ID != first.Session.ID || !second.Session.Created.Equal(began) || !second.Session.Proven.Equal(w.clock.Now()) {
			t.Errorf("%+v, then %+v", first.Session, second.Session)
		}
		w.clock.advance(session.RealmLife - time.Second)
		if _, ok := session.OfRealm(w.byKey("key"), w.clock.Now()); !ok {
			t.Error("it ended with the first token")
		}
		w.clock.advance(time.Second)
		if _, ok := session.OfRealm(w.byKey("key"), w.clock.Now()); ok {
			t.Error("it does not end")
		}
		started := 0
		w.update(func(tx store.Tx) error {
			started = 0
			all, err := tx.EventsOf(p.user.ID, 100)
			for _, e := range all {
				if e.Kind == string(event.SessionStarted) {
					started++
				}
			}
			return err
		})
		if started != 1 {
			t.Errorf("told of %d sessions", started)
		}
	})
}

// A session that ended here begins anew with a token from after that, and with none
// from before.
func TestARealmsSessionThatEnded(t *testing.T) {
	each(t, func(w *world) {
		p := w.person("Ada")
		before := w.clock.Now()
		if err := w.beginsRealm(p, "key", before); err != nil {
			t.Fatal(err)
		}
		first := w.byKey("key")
		w.clock.advance(time.Minute)
		ended := w.clock.Now()
		w.update(func(tx store.Tx) error {
			return session.End(tx, first.Session, session.Ending{Door: user.DoorPortal, Why: session.SignedOut})
		})
		w.clock.advance(time.Minute)
		for _, issued := range []time.Time{before, ended.Add(-time.Second), ended} {
			w.dead(w.beginsRealm(p, "key", issued))
		}
		if _, ok := session.OfRealm(w.byKey("key"), w.clock.Now()); ok {
			t.Error("an old token began it anew")
		}
		if err := w.beginsRealm(p, "key", ended.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		second := w.byKey("key")
		if _, ok := session.OfRealm(second, w.clock.Now()); !ok || second.Session.ID == first.Session.ID {
			t.Errorf("%+v", second.Session)
		}
		var st store.SessionState
		w.update(func(tx store.Tx) (err error) {
			st, err = tx.Session(first.Session.ID)
			return err
		})
		if st.Session.Revoked.IsZero() {
			t.Error("the session that ended came back")
		}
	})
}

// What ends any session ends a realm's.
func TestWhatARealmsSessionDoesNotOutlive(t *testing.T) {
	each(t, func(w *world) {
		for what, end := range map[string]func(p person){
			"an account that changed hands": func(p person) { w.change(p.user.ID, func(u *user.User) { u.MoveEpoch(w.clock.Now()) }) },
			"a user who was deleted":        func(p person) { w.change(p.user.ID, func(u *user.User) { u.Status = user.Deleted }) },
			"a user who was set aside":      func(p person) { w.change(p.user.ID, func(u *user.User) { u.Status = user.SetAside }) },
			"a lock": func(p person) {
				w.update(func(tx store.Tx) error {
					return store.Insert(tx, user.Lock{User: p.user.ID, Source: "operator", Reason: "x", By: "x", At: tx.Now()})
				})
			},
		} {
			p := w.person("Ada")
			if err := w.beginsRealm(p, what, w.clock.Now()); err != nil {
				t.Fatal(err)
			}
			end(p)
			if _, ok := session.OfRealm(w.byKey(what), w.clock.Now()); ok {
				t.Errorf("%s: alive", what)
			}
		}
	})
}

// A session that is somebody else's now is not gone on with.
func TestARealmsSessionOfAnotherUser(t *testing.T) {
	each(t, func(w *world) {
		ada, bob := w.person("Ada"), w.person("Bob")
		if err := w.beginsRealm(ada, "key", w.clock.Now()); err != nil {
			t.Fatal(err)
		}
		first := w.byKey("key")
		if err := w.beginsRealm(bob, "key", w.clock.Now()); err != nil {
			t.Fatal(err)
		}
		if second := w.byKey("key"); second.Session.ID == first.Session.ID || second.User.ID != bob.user.ID {
			t.Errorf("%+v", second.Session)
		}
		if a, b := w.byKey("key"), w.byKey("key"); a.Session.ID != b.Session.ID {
			t.Error("two")
		}
	})
}

// Tokens of other kinds are none of a realm's, nor a realm's of theirs.
func TestOtherTokensAreNoRealms(t *testing.T) {
	each(t, func(w *world) {
		p := w.person("Ada")
		if err := w.beginsRealm(p, "key", w.clock.Now()); err != nil {
			t.Fatal(err)
		}
		if _, ok := session.OfBrowser(w.byKey("key"), w.clock.Now()); ok {
			t.Error("a realm's token is a browser's")
		}
		b, err := w.sessions.NewBrowser()
		if err != nil {
			t.Fatal(err)
		}
		w.update(func(tx store.Tx) error { return b.Keep(tx, w.byKeyIn(tx, "key"), tx.Now().Add(time.Hour)) })
		hash, err := session.HashBrowser(b.Text)
		if err != nil {
			t.Fatal(err)
		}
		st := w.byKey(string(hash))
		if _, ok := session.OfRealm(st, w.clock.Now()); ok {
			t.Error("a browser's token is a realm's")
		}
		if live, ok := session.OfBrowser(st, w.clock.Now()); !ok || live.User.ID != p.user.ID {
			t.Errorf("%+v", live)
		}
		if _, ok := session.OfBrowser(st, w.clock.Now().Add(time.Hour)); ok {
			t.Error("a browser's token outlives its time")
		}
	})
}

func (w *world) byKeyIn(tx store.Tx, key string) user.ID {
	w.Helper()
	st, err := tx.Token([]byte(key))
	if err != nil {
		w.Fatal(err)
	}
	return st.Session.ID
}
