package signin_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/user"
)

// floored runs a test in a bubble, where no time passes but in waiting, with a
// service that keeps to policy's floor and one hash at a time.
func floored(t *testing.T, fn func(*world, func(context.Context, signin.Attempt) time.Duration)) {
	synctest.Test(t, func(t *testing.T) {
		s := storetest.SQLite(t)
		w := newWorld(t, s, storetest.NewClock(time.Now()), 1)
		one, err := password.NewHasher(password.Params{Memory: 64, Time: 1, Threads: 1}, 1)
		if err != nil {
			t.Fatal(err)
		}
		w.hasher.Hasher = one
		w.signin = signin.New(signin.Options{
			Store: s, Policies: w, Passwords: w.hasher, Sessions: session.New(s, nil, session.EDI{}, time.Now),
			Secret: []byte("secret"), Floor: true, Now: time.Now,
		})
		fn(w, func(ctx context.Context, a signin.Attempt) time.Duration {
			begun := time.Now()
			_, _ = w.signin.Password(ctx, a)
			return time.Since(begun)
		})
	})
}

// An answer takes at least as long as policy says, whatever it is, so that its
// length tells nothing; what does not depend on the user does not wait.
func TestResponseFloor(t *testing.T) {
	floored(t, func(w *world, took func(context.Context, signin.Attempt) time.Duration) {
		floor := time.Duration(w.pol.ResponseFloor)
		w.partnerUser("ada")
		w.lock(w.partnerUser("locked").User.ID)
		w.partnerUser("waiting")
		for range 5 {
			took(w.Context(), w.attempt(w.email("waiting"), bad))
		}
		for name, a := range map[string]signin.Attempt{
			"right":              w.attempt(w.email("ada"), good),
			"wrong":              w.attempt(w.email("ada"), bad),
			"unknown":            w.attempt(w.email("nobody"), good),
			"locked":             w.attempt(w.email("locked"), good),
			"waiting":            w.attempt(w.email("waiting"), bad),
			"waiting, and right": w.attempt(w.email("waiting"), good),
		} {
			if got := took(w.Context(), a); got != floor {
				w.Errorf("%s: answered after %v, want %v", name, got, floor)
			}
		}
		a := w.attempt(w.email("ada"), good)
		a.ClientID = "nobody"
		if got := took(w.Context(), a); got != 0 {
			w.Errorf("an unknown client waited %v", got)
		}
		w.pol.Limits.NetworkFailures = 1
		took(w.Context(), w.attempt(w.email("nobody"), bad))
		if got := took(w.Context(), w.attempt(w.email("ada"), good)); got != 0 {
			w.Errorf("a throttled network waited %v", got)
		}
	})
}

// The floor is policy's of the moment: another applies to the next try.
func TestTheFloorFollowsPolicy(t *testing.T) {
	floored(t, func(w *world, took func(context.Context, signin.Attempt) time.Duration) {
		w.partnerUser("ada")
		for _, floor := range []time.Duration{300 * time.Millisecond, 0, 2 * time.Second} {
			w.pol.ResponseFloor = policy.Duration(floor)
			for _, plain := range []string{bad, good} {
				if got := took(w.Context(), w.attempt(w.email("ada"), plain)); got != floor {
					w.Errorf("answered after %v, want %v", got, floor)
				}
			}
		}
	})
}

// Who waits for the floor holds up nobody: neither a place among the hashes,
// nor the gate of the account, nor the writing down of failures.
func TestWaitingHoldsNothing(t *testing.T) {
	floored(t, func(w *world, took func(context.Context, signin.Attempt) time.Duration) {
		w.partnerUser("ada")
		var wg sync.WaitGroup
		for _, login := range []string{w.email("ada"), w.email("ada"), w.email("ada"), w.email("nobody"), w.of("nobody")} {
			for _, plain := range []string{bad, good} {
				wg.Go(func() {
					if got, want := took(w.Context(), w.attempt(login, plain)), time.Duration(w.pol.ResponseFloor); got != want {
						w.Errorf("%s: answered after %v, want %v", login, got, want)
					}
				})
			}
		}
		wg.Wait()
	})
}

// Given comparisons that take longer than the floor, when an account waits, then
// a try at it takes as long as one that is compared.
func TestWaitingAccountsTakeTheUsualTime(t *testing.T) {
	floored(t, func(w *world, took func(context.Context, signin.Attempt) time.Duration) {
		const long = 700 * time.Millisecond
		w.hasher.after = func() { time.Sleep(long) }
		w.partnerUser("ada")
		for i := range 8 {
			if got := took(w.Context(), w.attempt(w.email("ada"), bad)); got != long {
				w.Errorf("try %d: answered after %v, want %v", i, got, long)
			}
		}
		if n := w.hasher.compared.Load(); n != 5 {
			w.Errorf("%d were compared", n)
		}
	})
}

// Given comparisons of which some take longer, when an account waits, then so do
// some tries at it: neither always the one nor always the other, nor the mean.
func TestWaitingAccountsTakeTimesAsTheyCome(t *testing.T) {
	floored(t, func(w *world, took func(context.Context, signin.Attempt) time.Duration) {
		const short, long = 400 * time.Millisecond, 900 * time.Millisecond
		next, other := short, long
		w.hasher.after = func() {
			time.Sleep(next)
			next, other = other, next
		}
		w.pol.Limits.AccountTotal = 5
		w.partnerUser("closed")
		for range 5 {
			took(w.Context(), w.attempt(w.email("closed"), bad))
		}
		seen := map[time.Duration]int{}
		for range 64 {
			seen[took(w.Context(), w.attempt(w.email("closed"), good))]++
		}
		if seen[short] == 0 || seen[long] == 0 || seen[short]+seen[long] != 64 {
			w.Errorf("waited %v", seen)
		}
	})
}

// A caller who hangs up is waited for no longer.
func TestWaitingEndsWithTheRequest(t *testing.T) {
	floored(t, func(w *world, took func(context.Context, signin.Attempt) time.Duration) {
		w.partnerUser("ada")
		const patience = 100 * time.Millisecond
		for range 7 { // two of them at a waiting account
			ctx, cancel := context.WithTimeout(w.Context(), patience)
			if got := took(ctx, w.attempt(w.email("ada"), bad)); got != patience {
				w.Errorf("ended after %v, want %v", got, patience)
			}
			cancel()
		}
		if _, err := w.signin.Password(w.Context(), w.attempt(w.email("ada"), good)); err == nil {
			w.Error("the tries of who hung up were not counted")
		} else {
			w.isRefusal(err, user.BadCredential)
		}
	})
}

// Given an account whose hash takes longer than the floor, when it was tried,
// then for a while every answer takes as long, so that its own tells nothing.
func TestDearHashesDoNotShow(t *testing.T) {
	floored(t, func(w *world, took func(context.Context, signin.Attempt) time.Duration) {
		const long = 700 * time.Millisecond
		floor := time.Duration(w.pol.ResponseFloor)
		w.partnerUser("own")
		w.partnerUser("dear")
		try := func(name, password string, want time.Duration) {
			w.Helper()
			if got := took(w.Context(), w.attempt(w.email(name), password)); got != want {
				w.Errorf("%s: answered after %v, want %v", name, got, want)
			}
		}
		try("own", bad, floor)
		w.hasher.dear, w.hasher.after = true, func() { time.Sleep(long) }
		try("dear", bad, long)
		w.hasher.dear, w.hasher.after = false, nil
		try("own", bad, long)
		try("own", good, long)
		try("nobody", bad, long)
		time.Sleep(10*time.Minute + time.Second)
		try("own", bad, floor)

		// Whoever is slow for another reason, or beyond measure, holds up nobody.
		w.hasher.after = func() { time.Sleep(time.Minute) }
		try("own", bad, time.Minute)
		w.hasher.after = nil
		try("nobody", bad, floor)
		w.hasher.dear, w.hasher.after = true, func() { time.Sleep(time.Minute) }
		try("dear", bad, time.Minute)
		w.hasher.dear, w.hasher.after = false, nil
		try("nobody", bad, 3*time.Second)
	})
}
