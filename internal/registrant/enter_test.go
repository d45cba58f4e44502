package registrant_test

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Given somebody the realm knows and usher does not, when their token comes, then
// they are a user here, by the realm's name of them, without a profile.
func TestAnUnknownPersonIsCreated(t *testing.T) {
	each(t, func(w *world) {
		here := w.enters(w.token("ada", "s1"))
		a := w.people.Look(here)
		if a.Subject != "ada" || a.Username != "ada" || a.Email != "ada@example.org" || a.First != "Gada" || a.Last != "Fada" ||
			!a.Joined.Equal(w.Now()) || a.Nickname != "" || a.Language != "en" || a.Type != "" || a.Asked != "" || a.LinkPending || a.Accepted {
			t.Errorf("%+v", a)
		}
		if want := []string{"age", "accepted_terms_of_service", "occupation"}; !slices.Equal(a.Missing, want) {
			t.Errorf("missing %v, want %v", a.Missing, want)
		}
		if here.Session.Door != user.DoorPortal || here.Session.Client != "main" || !slices.Equal(here.Session.Methods, []string{"fed"}) {
			t.Errorf("%+v", here.Session)
		}
		h := read(w, func(r store.Reader) (user.Handle, error) { return r.Handle(user.SpacePortal, "ada") })
		i := read(w, func(r store.Reader) (user.Identity, error) {
			return r.Identity(user.IdentityKey{Issuer: issuer, Subject: "ada"})
		})
		if h.User != here.User.ID || i.User != here.User.ID || here.State.Strand.Source != "portal:main" {
			t.Errorf("%+v, %+v, %s", h, i, here.State.Strand.Source)
		}
		if w.events(here.User.ID, event.UserCreated) != 1 || w.events(here.User.ID, event.SessionStarted) != 1 {
			t.Error("nothing is told of the user, or of the session")
		}
	})
}

// Given a token, when it comes again and again, then the realm is asked about it once;
// what comes with one session of the realm's is one session here.
func TestTheRealmIsAskedOncePerToken(t *testing.T) {
	each(t, func(w *world) {
		first := w.token("ada", "s1")
		one := w.enters(first)
		w.advance(10 * time.Second)
		for range 3 {
			w.enters(first)
		}
		w.advance(2 * time.Minute) // longer than a signature is remembered
		w.enters(first)
		if n := w.realm.questions(); n != 1 {
			t.Errorf("asked %d times about one token", n)
		}
		if w.realm.checked != 2 {
			t.Errorf("checked %d times, want anew after a minute", w.realm.checked)
		}
		second := w.enters(w.token("ada", "s1"))
		if n := w.realm.questions(); n != 2 || second.Session.ID != one.Session.ID {
			t.Errorf("asked %d times about two tokens; sessions %s and %s", n, one.Session.ID, second.Session.ID)
		}
		if again := w.enters(first); again.Session.ID != one.Session.ID || w.realm.questions() != 2 {
			t.Error("the earlier token of the session counts no more, or was asked about again")
		}
		other := w.enters(w.token("ada", "s2"))
		if other.Session.ID == one.Session.ID || other.User.ID != one.User.ID || w.users() != 1 {
			t.Error("another session of the realm's is not one of its own, of the same user")
		}
	})
}

// Tokens without sid share one session of their person's.
func TestTokensWithoutASession(t *testing.T) {
	each(t, func(w *world) {
		one := w.enters(w.token("ada", ""))
		w.advance(time.Second)
		if two := w.enters(w.token("ada", "")); two.Session.ID != one.Session.ID {
			t.Error("two sessions")
		}
		if bob := w.enters(w.token("bob", "")); bob.Session.ID == one.Session.ID || bob.User.ID == one.User.ID {
			t.Error("another's session")
		}
	})
}

func TestTokensThatAreRefused(t *testing.T) {
	each(t, func(w *world) {
		w.kept("garbage")
		gone := w.token("ada", "s1")
		w.realm.out[gone] = true // logged out there, or disabled
		w.kept(gone)
		if w.users() != 0 {
			t.Error("somebody was created")
		}
		good := w.token("bob", "s2")
		w.enters(good)
		w.advance(5*time.Minute - time.Second)
		w.enters(good)
		w.advance(time.Second)
		w.kept(good) // expired, and the last check less than a minute ago
	})
}

// Given a realm that is down, then who is known is served as they were, and who is
// not hears when to come back.
func TestWhileTheRealmIsDown(t *testing.T) {
	each(t, func(w *world) {
		before := w.enters(w.token("ada", "s1"))
		w.advance(time.Minute)
		w.realm.fault = busy()
		w.realm.live["ada"] = person("eve")
		known := w.enters(w.token("ada", "s9"))
		if known.User.ID != before.User.ID || w.people.Look(known).Email != "ada@example.org" {
			t.Errorf("%+v", w.people.Look(known))
		}
		stranger := w.token("bob", "s2")
		_, err := w.people.Enter(t.Context(), stranger)
		if r := w.refused(err, user.Busy, "provider"); r.RetryAfter != 10 {
			t.Errorf("come back after %d s", r.RetryAfter)
		}
		if w.users() != 1 {
			t.Error("a stranger was created")
		}
		w.realm.fault = nil
		w.enters(stranger)
	})
}

// A fault is a fault, and no word on the token.
func TestFaultsAreNotRefusals(t *testing.T) {
	each(t, func(w *world) {
		w.realm.fault = errors.New("a cable")
		_, err := w.people.Enter(t.Context(), w.token("ada", "s1"))
		if _, refused := errors.AsType[*user.Refusal](err); refused || !errors.Is(err, w.realm.fault) {
			t.Errorf("got %v", err)
		}
		w.realm.fault, w.realm.keyless = nil, busy()
		_, err = w.people.Enter(t.Context(), w.token("ada", "s1"))
		w.refused(err, user.Busy, "provider")
	})
}

// Two realms have two people, though one subject.
func TestASecondRealm(t *testing.T) {
	each(t, func(w *world) {
		second := newRealm(w.clock, "https://id.example.org/realms/staff")
		second.live["ada"] = person("adelaide")
		w.people.Realms = append(w.people.Realms, registrant.Realm{Name: "staff", Source: "portal:staff", Issuer: second.issuer, Verifier: second})
		one, two := w.enters(w.token("ada", "s1")), w.enters(second.token("ada", "s1"))
		if one.User.ID == two.User.ID || one.Session.ID == two.Session.ID || two.Session.Client != "staff" || two.State.Strand.Source != "portal:staff" {
			t.Errorf("%+v and %+v", one.Session, two.Session)
		}
		h := read(w, func(r store.Reader) (user.Handle, error) { return r.Handle(user.SpacePortal, "ada") })
		if h.User != one.User.ID {
			t.Error("the name went to whoever came second")
		}
		w.realm.keyless = busy() // one realm's keys cannot be read
		w.advance(time.Second)
		if again := w.enters(second.token("ada", "s1")); again.User.ID != two.User.ID {
			t.Error("one realm's trouble is another's")
		}
	})
}

// What changed at the realm is here with the next token; what somebody said of
// themselves stays.
func TestWhatTheRealmSaysNow(t *testing.T) {
	each(t, func(w *world) {
		here := w.here("ada")
		if _, err := w.people.Change(t.Context(), here, registrant.Change{Fields: map[string]*string{"nickname": text("Countess")}}); err != nil {
			t.Fatal(err)
		}
		w.advance(time.Second)
		p := person("ada")
		p.Facts[user.FamilyName] = text("Lovelace")
		p.Facts[user.PreferredName] = text("lovelace")
		w.realm.live["ada"] = p
		here = w.here("ada")
		if a := w.people.Look(here); a.Last != "Lovelace" || a.Username != "lovelace" || a.Nickname != "Countess" || a.Subject != "ada" {
			t.Errorf("%+v", a)
		}
		if w.users() != 1 {
			t.Error("a second user")
		}
	})
}

// Given an address that is another user's, and a realm that is not authoritative for
// it, then they are a user of their own, who does not own it, and may link; until
// the realm has another address of them.
func TestAnAddressOfAnothers(t *testing.T) {
	each(t, func(w *world) {
		owner := w.elsewhere("ada")
		here := w.here("ada")
		a := w.people.Look(here)
		if here.User.ID == owner.ID || !a.LinkPending || a.Email != "ada@example.org" {
			t.Errorf("%+v", a)
		}
		o := read(w, func(r store.Reader) (user.Owner, error) { return r.Owner(user.Email, "ada@example.org") })
		if o.User != owner.ID {
			t.Error("the address changed hands")
		}
		w.advance(time.Second)
		if !w.people.Look(w.here("ada")).LinkPending {
			t.Error("the link is forgotten")
		}
		w.realm.live["ada"] = person("augusta")
		w.advance(time.Second)
		if a := w.people.Look(w.here("ada")); a.LinkPending || a.Email != "augusta@example.org" {
			t.Errorf("%+v", a)
		}
	})
}

// A realm that is authoritative proves the address, and so who its owner is.
func TestAnAuthoritativeRealmLinks(t *testing.T) {
	each(t, func(w *world) {
		owner := w.elsewhere("ada")
		p := person("ada")
		p.Addresses = []admission.Address{{Kind: user.Email, Key: "ada@example.org", Display: "ada@example.org", Assurance: user.Proven, Proven: w.Now()}}
		w.realm.live["ada"] = p
		here := w.here("ada")
		if here.User.ID != owner.ID || w.people.Look(here).LinkPending || w.users() != 1 {
			t.Errorf("%s, want %s", here.User.ID, owner.ID)
		}
	})
}

func TestLockedPeopleAreRefused(t *testing.T) {
	each(t, func(w *world) {
		first := w.token("ada", "s1")
		u := w.enters(first).User.ID
		w.locked(u, "operator")
		w.kept(first)
		w.kept(first)
		w.advance(time.Second)
		w.kept(w.token("ada", "s1"))
		w.kept(w.token("ada", "s2"))
		w.realm.fault = busy()
		w.kept(w.token("ada", "s3"))
		w.realm.fault = nil
		w.unlocked(u, "operator")
		w.advance(time.Second)
		if w.enters(w.token("ada", "s4")).User.ID != u || w.users() != 1 {
			t.Error("not the same user")
		}
	})
}

// Who was deleted does not come back by a token, old or new.
func TestDeletedPeopleAreRefused(t *testing.T) {
	each(t, func(w *world) {
		first := w.token("ada", "s1")
		here := w.enters(first)
		w.update(func(tx store.Tx) error {
			_, _, err := ledger.Open(tx, w.rules, "an operator").CloseStrand(here.User, here.State.Strand)
			return err
		})
		for _, text := range []string{first, first, w.token("ada", "s2")} {
			w.kept(text)
		}
		w.advance(time.Second)
		w.kept(w.token("ada", "s1"))
		if w.users() != 1 {
			t.Error("a second user")
		}
	})
}

// A token from before an account changed hands is worth nothing; one from after is.
func TestTokensFromBeforeTheAccountChangedHands(t *testing.T) {
	each(t, func(w *world) {
		first, unseen := w.token("ada", "s1"), w.token("ada", "s2")
		u := w.enters(first).User.ID
		w.advance(10 * time.Second)
		w.update(func(tx store.Tx) error {
			now, err := tx.User(u)
			if err != nil {
				return err
			}
			now.MoveEpoch(tx.Now())
			return store.Put(tx, now)
		})
		w.kept(first)
		w.kept(unseen)
		w.advance(time.Second)
		if w.enters(w.token("ada", "s3")).User.ID != u {
			t.Error("another user")
		}
	})
}

// However many requests a new app makes at once, its person is one user.
func TestManyAtOnce(t *testing.T) {
	each(t, func(w *world) {
		token := w.token("ada", "s1")
		var all sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			all.Go(func() { _, errs[i] = w.people.Enter(t.Context(), token) })
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if w.users() != 1 {
			t.Errorf("%d users", w.users())
		}
	})
}

// No token is in the log, whatever became of it.
func TestTheLogHoldsNoTokens(t *testing.T) {
	each(t, func(w *world) {
		var said noted
		w.people.Log = slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))
		out := w.token("ada", "s1")
		w.realm.out[out] = true
		w.kept("garbage-token")
		w.kept(out)
		if said.has("garbage-token") || said.has(out) || !said.has("userinfo refuses it") {
			t.Error(said.text)
		}
	})
}
