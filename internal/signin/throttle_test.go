package signin_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/usher-id/usher/internal/operator"
	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Limits on wrong tries (security O5).
func limits() []scenario {
	// compares says whether a wrong try was compared with the password at all.
	compares := func(w *world, login string) bool {
		w.Helper()
		before := w.hasher.compared.Load()
		w.out(1, login, bad)
		return w.hasher.compared.Load() > before
	}
	return []scenario{
		{"all names of an account share one counter", func(w *world) {
			w.partnerUser("ada")
			for _, login := range []string{w.email("ada"), strings.ToUpper(w.email("ada")), w.of("ada"), strings.ToUpper(w.of("ada")), w.email("ada")} {
				if !compares(w, login) {
					w.Errorf("%s was not compared", login)
				}
			}
			for _, login := range []string{w.email("ada"), strings.ToUpper(w.email("ada")), w.of("ada")} {
				if compares(w, login) {
					w.Errorf("%s was compared after five failures", login)
				}
			}
		}},
		{"200 wrong tries at once", func(w *world) {
			w.partnerUser("ada")
			logins := []string{w.email("ada"), w.of("ada"), strings.ToUpper(w.email("ada"))}
			var wg sync.WaitGroup
			for i := range 200 {
				wg.Go(func() {
					_, err := w.try(logins[i%len(logins)], bad)
					if r, ok := errors.AsType[*user.Refusal](err); !ok || r.Code != user.BadCredential {
						w.Errorf("try %d: %v", i, err)
					}
				})
			}
			wg.Wait()
			if n := w.hasher.compared.Load(); n < 1 || n > 5 {
				w.Errorf("%d were compared, want at most 5", n)
			}
			_, err := w.try(w.email("ada"), good)
			w.isRefusal(err, user.BadCredential)
		}},
		{"right tries at once all get in", func(w *world) {
			w.partnerUser("ada")
			var wg sync.WaitGroup
			for range 30 {
				wg.Go(func() {
					if _, err := w.try(w.email("ada"), good); err != nil {
						w.Error(err)
					}
				})
			}
			wg.Wait()
		}},
		{"the wait doubles from 30 s to an hour", func(w *world) {
			w.pol.Limits.NetworkFailures = 1000
			w.partnerUser("ada")
			w.out(5, w.email("ada"), bad)
			for _, wait := range []time.Duration{
				30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute,
				time.Hour, time.Hour,
			} {
				if compares(w, w.email("ada")) {
					w.Fatalf("compared at the beginning of a wait of %v", wait)
				}
				_, err := w.try(w.email("ada"), good)
				w.isRefusal(err, user.BadCredential)
				w.clock.Advance(wait - time.Second)
				if compares(w, w.email("ada")) {
					w.Fatalf("compared a second before the end of a wait of %v", wait)
				}
				w.clock.Advance(2 * time.Second)
				if !compares(w, w.email("ada")) {
					w.Fatalf("not compared after a wait of %v", wait)
				}
			}
			w.clock.Advance(time.Hour + time.Second)
			w.in(w.email("ada"), good)
			// All is forgotten then.
			w.out(4, w.email("ada"), bad)
			w.in(w.email("ada"), good)
		}},
		{"a quiet window after the wait begins anew", func(w *world) {
			w.partnerUser("ada")
			w.out(6, w.email("ada"), bad)
			w.clock.Advance(30*time.Second + time.Duration(w.pol.Limits.AccountWindow) + time.Second)
			for i := range 5 {
				if !compares(w, w.email("ada")) {
					w.Errorf("failure %d was not compared", i)
				}
			}
			if compares(w, w.email("ada")) {
				w.Error("a sixth was compared")
			}
		}},
		{"success clears the counter", func(w *world) {
			w.partnerUser("ada")
			for range 3 {
				w.out(4, w.email("ada"), bad)
				w.in(w.of("ada"), good)
			}
		}},
		{"failures further apart than the window do not add up", func(w *world) {
			w.partnerUser("ada")
			w.out(4, w.email("ada"), bad)
			w.clock.Advance(time.Duration(w.pol.Limits.AccountWindow) + time.Second)
			w.out(4, w.email("ada"), bad)
			w.in(w.email("ada"), good)
		}},
		{"after the total, only an operator helps", func(w *world) {
			w.pol.Limits.AccountTotal = 7
			w.partnerUser("ada")
			for range 7 {
				if !compares(w, w.email("ada")) {
					w.Fatal("not compared before the total")
				}
				w.clock.Advance(2 * time.Hour)
			}
			w.clock.Advance(30 * 24 * time.Hour)
			if compares(w, w.email("ada")) {
				w.Error("compared after the total")
			}
			_, err := w.try(w.email("ada"), good)
			w.isRefusal(err, user.BadCredential)
			if _, err := operator.New(w.store, w, w.hasher, "root").Unlock(w.Context(), w.email("ada"), false); err != nil {
				w.Fatal(err)
			}
			w.in(w.email("ada"), good)
		}},
		{"a name that is nobody's waits as well", func(w *world) {
			// Nothing tells the two apart: tries are counted alike, and cost alike.
			w.partnerUser("ada")
			for _, login := range []string{w.email("nobody"), w.email("ada")} {
				w.out(5, login, bad)
				before := w.hasher.Count()
				w.out(1, strings.ToUpper(login), bad)
				if n := w.hasher.Count() - before; n != 0 {
					w.Errorf("%s: %d computations", login, n)
				}
			}
			// Whoever takes the name then begins with a counter of their own.
			w.partnerUser("nobody")
			w.in(w.email("nobody"), good)
		}},
		{"a waiting account takes no place among the hashes", func(w *world) {
			// However full they are, by its own tries or others', the answer is the
			// ordinary one, also with the right password.
			w.partnerUser("ada")
			w.out(5, w.email("ada"), bad)
			before := w.hasher.Count()
			w.hasher.fails = &password.BusyError{RetryAfter: 2 * time.Second}
			for _, plain := range []string{bad, good} {
				w.out(20, w.email("ada"), plain)
			}
			_, err := w.try(w.email("somebody"), bad)
			w.isRefusal(err, user.Busy)
			if n := w.hasher.Count() - before; n != 0 {
				w.Errorf("%d computations", n)
			}
		}},
		{"hanging up does not keep a try from being counted", func(w *world) {
			w.partnerUser("ada")
			for range 5 {
				ctx, hangUp := context.WithCancel(w.Context())
				w.hasher.after = hangUp
				_, _ = w.signin.Password(ctx, w.attempt(w.email("ada"), bad))
				hangUp()
			}
			w.hasher.after = nil
			if compares(w, w.email("ada")) {
				w.Error("compared after five failures that nobody waited for")
			}
		}},
		{"a network waits, and is told so", func(w *world) {
			w.pol.Limits.NetworkFailures = 3
			w.partnerUser("ada")
			w.out(3, w.email("nobody"), bad)
			before := w.hasher.Count()
			_, err := w.try(w.email("ada"), good)
			if r := w.isRefusal(err, user.Throttled); r.RetryAfter < 30 || r.RetryAfter > 31 {
				w.Errorf("again after %d s", r.RetryAfter)
			}
			if w.hasher.Count() != before {
				w.Error("a throttled network was served")
			}
			mine := w.network
			w.network = netip.MustParsePrefix("192.0.2.0/24")
			w.in(w.email("ada"), good)
			w.network = mine
			w.clock.Advance(31 * time.Second)
			w.in(w.email("ada"), good)
		}},
		{"tries that are not compared count against the network", func(w *world) {
			w.pol.Limits.NetworkFailures = 8
			w.partnerUser("ada")
			w.out(8, w.email("ada"), bad)
			_, err := w.try(w.email("ada"), good)
			w.isRefusal(err, user.Throttled)
		}},
		{"the owner of the address is told once", func(w *world) {
			w.arrived(w.email("owner"), good)
			w.out(9, w.email("owner"), bad)
			mails := func() (n int) {
				w.view(func(r store.Reader) error {
					jobs, err := r.Jobs(store.JobDue, 1000)
					for _, j := range jobs {
						if strings.Contains(string(j.Payload), w.email("owner")) && strings.Contains(string(j.Payload), `"locked-out"`) {
							n++
						}
					}
					return err
				})
				return n
			}
			if n := mails(); n != 1 {
				w.Errorf("%d mails", n)
			}
			w.pol.Notify = policy.Notify{}
			w.clock.Advance(time.Hour)
			w.out(9, w.email("owner"), bad)
			if n := mails(); n != 1 {
				w.Errorf("%d mails though policy wants none", n)
			}
		}},
	}
}
