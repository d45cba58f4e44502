package registrant_test

import (
	"testing"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

func identity(subject string) user.IdentityKey {
	return user.IdentityKey{Issuer: issuer, Subject: subject}
}

func (w *world) ended(subject, sid string) {
	w.Helper()
	if err := w.people.End(w.Context(), w.people.Realms[0], identity(subject), sid); err != nil {
		w.Fatal(err)
	}
}

// Given a log-out of one session, then its tokens are worth nothing from the next
// request on, also those that were asked about; the person's other sessions live.
func TestLogoutOfASession(t *testing.T) {
	each(t, func(w *world) {
		one, two := w.token("ada", "s1"), w.token("ada", "s2")
		here := w.enters(one)
		w.enters(two)
		w.advance(10 * time.Second)
		w.ended("ada", "s1")
		w.ended("ada", "s1")
		w.kept(one)
		w.realm.fault = busy()
		w.kept(one)
		w.enters(two)
		if n := w.events(here.User.ID, event.SessionEnded); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
}

// A log-out that names nobody's session but a person ends all that they have here
// by that realm, and nothing that they have elsewhere.
func TestLogoutOfAPerson(t *testing.T) {
	each(t, func(w *world) {
		one, two, bob := w.token("ada", "s1"), w.token("ada", "s2"), w.token("bob", "s3")
		here := w.enters(one)
		w.enters(two)
		w.enters(bob)
		var other user.Session
		w.update(func(tx store.Tx) error {
			strand := user.Strand{ID: tx.NewID(), User: here.User.ID, Origin: here.User.ID, Source: "edi", Kind: user.Human, State: user.Live, Created: tx.Now()}
			other = user.Session{ID: tx.NewID(), User: here.User.ID, Strand: strand.ID, Door: user.DoorEDI, Epoch: here.User.Epoch, Created: tx.Now(), Expires: tx.Now().Add(time.Hour)}
			if err := store.Insert(tx, strand); err != nil {
				return err
			}
			return store.Insert(tx, other)
		})
		w.advance(10 * time.Second)
		w.ended("ada", "")
		w.kept(one)
		w.kept(two)
		w.enters(bob)
		st := read(w, func(r store.Reader) (store.SessionState, error) { return r.Session(other.ID) })
		if !st.Session.Revoked.IsZero() {
			t.Error("another door's session ended")
		}
		w.advance(time.Second)
		w.enters(w.token("ada", "s4"))
		w.ended("nobody", "")
		if w.users() != 2 {
			t.Error("a log-out made somebody")
		}
	})
}

// Given a log-out of a session that nobody came with yet, while the realm is down,
// then its tokens are refused when they come, be the person known or not.
func TestLogoutOfASessionThatWasNotSeen(t *testing.T) {
	each(t, func(w *world) {
		known := w.token("ada", "s1")
		w.enters(known)
		unseen, stranger := w.token("ada", "s2"), w.token("bob", "s3")
		w.ended("ada", "s2")
		w.ended("bob", "s3")
		w.ended("ada", "s2") // told twice
		w.realm.fault = busy()
		w.kept(unseen)
		w.kept(stranger)
		w.enters(known)
		w.realm.fault = nil
		w.kept(unseen)
		w.kept(stranger)
		if w.users() != 1 {
			t.Error("somebody was created")
		}
	})
}

// One realm's sessions are not another's, though they are named alike.
func TestLogoutAtAnotherRealm(t *testing.T) {
	each(t, func(w *world) {
		text := w.token("ada", "s1")
		w.enters(text)
		other := registrant.Realm{Name: "staff", Source: "portal:staff", Issuer: "https://id.example.org/realms/staff"}
		for _, sid := range []string{"s1", ""} {
			err := w.people.End(t.Context(), other, user.IdentityKey{Issuer: other.Issuer, Subject: "ada"}, sid)
			if err != nil {
				t.Fatal(err)
			}
		}
		w.enters(text)
	})
}

func (w *world) synced(subject string, st registrant.Standing) {
	w.Helper()
	st.Identity = identity(subject)
	if err := w.people.Synced(w.Context(), w.people.Realms[0], st); err != nil {
		w.Fatal(err)
	}
}

func (w *world) locks(u user.ID) (sources []user.Source) {
	w.Helper()
	for _, l := range read(w, func(r store.Reader) ([]user.Lock, error) { return r.Locks(u) }) {
		sources = append(sources, l.Source)
	}
	return sources
}

// Given somebody disabled or deleted at the realm, then they are locked here on its
// word; being enabled there lifts that, and nothing else does.
func TestDisabledAtTheRealm(t *testing.T) {
	for what, out := range map[string]registrant.Standing{"disabled": {}, "deleted": {Gone: true}, "both": {Gone: true, Enabled: true}} {
		t.Run(what, func(t *testing.T) {
			each(t, func(w *world) {
				first := w.token("ada", "s1")
				u := w.enters(first).User.ID
				w.enters(w.token("bob", "s2"))
				w.synced("ada", registrant.Standing{Enabled: true})
				w.enters(first)
				w.advance(10 * time.Second)
				w.synced("ada", out)
				w.synced("ada", out)
				if l := w.locks(u); len(l) != 1 || l[0] != "portal:main" || w.events(u, event.UserLocked) != 1 || w.events(u, event.SessionEnded) != 1 {
					t.Errorf("locks %v", l)
				}
				w.kept(first)
				w.kept(w.token("ada", "s3"))
				w.locked(u, "operator")
				w.unlocked(u, "operator") // an operator's, not the realm's
				w.kept(w.token("ada", "s3"))
				w.locked(u, "operator")
				w.advance(time.Second)
				w.synced("ada", registrant.Standing{Enabled: true})
				w.synced("ada", registrant.Standing{Enabled: true})
				if l := w.locks(u); len(l) != 1 || l[0] != "operator" || w.events(u, event.UserUnlocked) != 1 {
					t.Errorf("locks %v, want the operator's", l)
				}
				w.kept(w.token("ada", "s4"))
				w.unlocked(u, "operator")
				w.advance(time.Second)
				if w.enters(w.token("ada", "s5")).User.ID != u {
					t.Error("another user")
				}
				w.kept(first) // it was ended
			})
		})
	}
}

// What the realm tells of people whom nobody knows here makes nobody.
func TestStrangersStayStrangers(t *testing.T) {
	each(t, func(w *world) {
		w.synced("nobody", registrant.Standing{Enabled: true, Groups: []string{"/end_users"}})
		w.synced("nobody", registrant.Standing{Gone: true})
		if w.users() != 0 {
			t.Error("somebody was made")
		}
	})
}

// Somebody known through another door alone is not the realm's to lock.
func TestTheRealmLocksItsOwn(t *testing.T) {
	each(t, func(w *world) {
		u := w.elsewhere("ada")
		err := w.people.Synced(t.Context(), w.people.Realms[0], registrant.Standing{
			Identity: user.IdentityKey{Issuer: "https://other.example.org", Subject: "ada"}, Gone: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		if l := w.locks(u.ID); len(l) != 0 {
			t.Errorf("locks %v", l)
		}
	})
}
