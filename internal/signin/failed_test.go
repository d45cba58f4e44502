package signin_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/user"
)

// failed is a line of the record, with its body read.
type failed struct {
	store.Event
	Outcome user.Code `json:"outcome"`
	Reason  string    `json:"reason"`
	Network string    `json:"network"`
	Client  string    `json:"client"`
	Until   time.Time `json:"until"`
}

// failures lists what is recorded of this scenario's failures, about a user or,
// without one, about names that are nobody's.
func (w *world) failures(u user.ID) (all []failed) {
	w.Helper()
	w.view(func(r store.Reader) error {
		all = nil
		es, err := r.EventsOf(u, 10_000)
		for _, e := range es {
			if e.Kind != string(event.SignInFailed) {
				continue
			}
			f := failed{Event: e}
			if err := json.Unmarshal(e.Body, &f); err != nil {
				return err
			}
			if f.Network == w.network.String() {
				all = append(all, f)
			}
		}
		return err
	})
	return all
}

// Failures are in the record, each with whom it claimed to be, outcome, reason
// and network (security L1).
func recorded() []scenario {
	return []scenario{
		{"why a try failed is recorded", func(w *world) {
			known := w.partnerUser("known").User.ID
			kept := w.partnerUser("locked").User.ID
			w.lock(kept)
			bare := w.synced(feed.Sync{Email: feed.Some(w.email("bare"))}).User.ID
			gone := w.partnerUser("gone")
			w.update(func(tx store.Tx) error {
				u, err := tx.User(gone.User.ID)
				if err != nil {
					return err
				}
				u.Status = user.Deleted
				return store.Put(tx, u)
			})
			for _, c := range []struct {
				login, plain, reason string
				who                  user.ID
			}{
				{w.email("known"), bad, "wrong_password", known},
				{w.of("known"), bad, "wrong_password", known},
				{w.email("bare"), bad, "no_password", bare},
				{w.email("locked"), bad, "wrong_password", kept},
				{w.email("locked"), good, "locked", kept},
				{w.email("gone"), good, "closed", gone.User.ID},
				{w.email("nobody"), bad, "unknown_name", ""},
				{w.of("nobody"), bad, "unknown_name", ""},
				{"", bad, "unknown_name", ""},
			} {
				before := len(w.failures(c.who))
				w.out(1, c.login, c.plain)
				all := w.failures(c.who)
				if len(all) != before+1 {
					w.Errorf("%q: %d lines", c.login, len(all)-before)
					continue
				}
				f := all[before]
				if f.Outcome != user.BadCredential || f.Reason != c.reason || f.Client != "1" || f.Door != user.DoorPartner || !f.Until.IsZero() || !f.At.Equal(w.clock.Now()) {
					w.Errorf("%q: %+v", c.login, f)
				}
				if c.who != "" && f.Actor != string(c.who) || c.who == "" && !strings.HasPrefix(f.Actor, "name:") {
					w.Errorf("%q: by %q", c.login, f.Actor)
				}
			}
		}},
		{"what a client learns is the outcome", func(w *world) {
			u := w.partnerUser("ada").User.ID
			w.lock(u)
			secret := "s3cret"
			a := w.attempt(w.email("ada"), good)
			a.ClientID, a.ClientSecret = "trusted", &secret
			_, err := w.signin.Password(w.Context(), a)
			w.isRefusal(err, user.UserLocked)
			if all := w.failures(u); len(all) != 1 || all[0].Outcome != user.UserLocked || all[0].Reason != "locked" || all[0].Client != "3" {
				w.Errorf("%+v", all)
			}
		}},
		{"a change during the check is recorded", func(w *world) {
			rec := w.partnerUser("ada")
			w.hasher.after = func() { w.lock(rec.User.ID) }
			w.out(1, w.email("ada"), good)
			if all := w.failures(rec.User.ID); len(all) != 1 || all[0].Reason != "changed_meanwhile" {
				w.Errorf("%+v", all)
			}
		}},
		{"who gets in has failed in nothing", func(w *world) {
			rec := w.partnerUser("ada")
			w.in(w.email("ada"), good)
			if all := w.failures(rec.User.ID); len(all) != 0 {
				w.Errorf("%+v", all)
			}
		}},
		{"a flood at a waiting account is one line a wait", func(w *world) {
			u := w.partnerUser("ada").User.ID
			names := []string{w.email("ada"), w.of("ada")}
			lines := func(want ...string) {
				w.Helper()
				var got []string
				all := w.failures(u)
				for _, f := range all {
					got = append(got, f.Reason)
				}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					w.Fatalf("recorded %v, want %v", got, want)
				}
				// Who reads it sees when the wait is over.
				if last := all[len(all)-1]; !last.Until.After(w.clock.Now()) {
					w.Errorf("until %v", last.Until)
				}
			}
			want := []string{"wrong_password", "wrong_password", "wrong_password", "wrong_password", "wrong_password"}
			w.out(5, names[0], bad)
			lines(want...)
			for range 2 {
				for i := range 30 {
					w.out(1, names[i%2], bad)
				}
				want = append(want, "too_many_tries")
				lines(want...)
				w.clock.Advance(61 * time.Second)
				w.out(1, names[0], bad)
				want = append(want, "wrong_password")
				lines(want...)
			}
		}},
		{"a wait that was over long ago is not told again", func(w *world) {
			u := w.partnerUser("ada").User.ID
			w.out(5, w.email("ada"), bad)
			w.clock.Advance(30*time.Second + time.Duration(w.pol.Limits.AccountWindow) + time.Second)
			w.out(1, w.email("ada"), bad)
			if all := w.failures(u); len(all) != 6 || all[4].Until.IsZero() || !all[5].Until.IsZero() {
				w.Errorf("%+v", all)
			}
		}},
		{"a flood at once is no more lines than tries that were compared, and one", func(w *world) {
			u := w.partnerUser("ada").User.ID
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() { _, _ = w.try(w.email("ada"), bad) })
			}
			wg.Wait()
			if n, compared := len(w.failures(u)), int(w.hasher.compared.Load()); n != compared+1 {
				w.Errorf("%d lines for %d comparisons", n, compared)
			}
		}},
		{"after the total, one line a window", func(w *world) {
			w.pol.Limits.AccountTotal = 3
			u := w.partnerUser("ada").User.ID
			w.out(3, w.email("ada"), bad)
			for i := range 3 {
				w.out(10, w.email("ada"), bad)
				if n := len(w.failures(u)); n != 3+i+1 {
					w.Errorf("%d lines in window %d", n, i)
				}
				w.clock.Advance(time.Duration(w.pol.Limits.AccountWindow))
			}
		}},
		{"a flood of a network is one line a wait", func(w *world) {
			w.pol.Limits.NetworkFailures = 3
			u := w.partnerUser("ada").User.ID
			w.out(3, w.email("nobody"), bad)
			for range 30 {
				_, err := w.try(w.email("ada"), good)
				w.isRefusal(err, user.Throttled)
			}
			all := w.failures(u)
			if len(all) != 1 || all[0].Outcome != user.Throttled || all[0].Reason != "too_many_tries_of_network" || !all[0].Until.Equal(w.clock.Now().Add(30*time.Second)) {
				w.Errorf("%+v", all)
			}
			w.clock.Advance(31 * time.Second)
			w.out(1, w.email("nobody"), bad)
			for range 30 {
				_, err := w.try(w.email("ada"), good)
				w.isRefusal(err, user.Throttled)
			}
			if n := len(w.failures(u)); n != 2 {
				w.Errorf("%d lines after a second wait", n)
			}
		}},
		{"a full queue is no failure of the person", func(w *world) {
			u := w.partnerUser("ada").User.ID
			w.hasher.fails = &password.BusyError{RetryAfter: time.Second}
			_, err := w.try(w.email("ada"), bad)
			w.isRefusal(err, user.Busy)
			if all := w.failures(u); len(all) != 0 {
				w.Errorf("%+v", all)
			}
		}},
	}
}

// Neither what was typed nor a plain hash of it is kept: a password typed into
// the field of the name is one of the things that people do.
func TestWhatIsTypedIsNotKept(t *testing.T) {
	storetest.EachAt(t, func(t *testing.T, s store.Store, c *clock) {
		w := newWorld(t, s, c, 0)
		w.pol.Limits.NetworkFailures = 8
		w.partnerUser("ada")
		typed := []string{"secret-name@example.org", "secret-name", "typed-Passw0rd"}
		for _, login := range typed[:2] {
			for range 6 {
				_, _ = w.try(login, typed[2])
			}
		}
		_, _ = w.try(w.email("ada"), typed[2])
		w.view(func(r store.Reader) error {
			es, err := r.Unsequenced(10_000)
			if len(es) < 8 {
				t.Errorf("%d events", len(es))
			}
			for _, e := range es {
				line := strings.ToLower(fmt.Sprintf("%s %s %s", e.Actor, e.User, e.Body))
				for _, text := range typed {
					sum := sha256.Sum256([]byte(text))
					for _, never := range []string{strings.ToLower(text), fmt.Sprintf("%x", sum[:16])} {
						if strings.Contains(line, never) {
							t.Errorf("%s holds %q", line, never)
						}
					}
				}
			}
			return err
		})
	})
}

// The record of two processes is that of one, but for a line each a wait.
func TestTwoProcessesRecordAWait(t *testing.T) {
	storetest.EachAt(t, func(t *testing.T, s store.Store, c *clock) {
		w := newWorld(t, s, c, 0)
		u := w.partnerUser("ada").User.ID
		other := signin.New(signin.Options{
			Store: s, Policies: w, Passwords: w.hasher, Sessions: w.sessions, Secret: []byte("secret"), Now: c.Now,
		})
		w.out(5, w.email("ada"), bad)
		for range 20 {
			w.out(1, w.email("ada"), bad)
			_, err := other.Password(t.Context(), w.attempt(w.email("ada"), bad))
			w.isRefusal(err, user.BadCredential)
		}
		if n := len(w.failures(u)); n != 5+2 {
			t.Errorf("%d lines", n)
		}
	})
}

// The counter of a name that is nobody's does not hold the name.
func TestUnknownNamesAreNotKept(t *testing.T) {
	s := storetest.SQLite(t)
	w := newWorld(t, s, storetest.NewClock(time.Now()), 1)
	w.out(1, "secret-name@example.org", bad)
	plain := sha256.Sum256([]byte("secret-name@example.org"))
	w.view(func(r store.Reader) error {
		ts, err := r.Throttles("name:secret-name@example.org", fmt.Sprintf("name:%x", plain[:16]), fmt.Sprintf("name:%x", plain))
		if len(ts) > 0 {
			t.Errorf("kept %+v", ts)
		}
		return err
	})
}
