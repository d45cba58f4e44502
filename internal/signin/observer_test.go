package signin_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/user"
)

// watcher keeps what it was told.
type watcher struct {
	mu   sync.Mutex
	told []string
}

func (w *watcher) Tried(d user.Door, by signin.Method, o signin.Outcome) {
	w.say("%s %s %s", d, by, o)
}

func (w *watcher) TurnedAway(d user.Door, why signin.Wait) { w.say("%s waits for %s", d, why) }

func (w *watcher) say(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, fmt.Sprintf(format, args...))
}

// away is a store that cannot be asked.
type away struct {
	store.Store
	err error
}

func (a away) View(context.Context, func(store.Reader) error) error { return a.err }

func (a away) Update(context.Context, store.Lane, func(store.Tx) error) error { return a.err }

// Given tries of every fate, then the observer learns of each as much as its
// caller did, and of those that were turned away also why.
func TestTheObserverIsTold(t *testing.T) {
	storetest.EachAt(t, func(t *testing.T, s store.Store, c *clock) {
		w := newWorld(t, s, c, 1)
		w.pol.Limits.AccountFailures, w.pol.Limits.NetworkFailures = 2, 4
		w.partnerUser("arya")
		told := &watcher{}
		over := func(s store.Store) *signin.Service {
			return signin.New(signin.Options{
				Store: s, Policies: w, Passwords: w.hasher, Sessions: w.sessions,
				Provers: map[string]signin.Prover{"google": w.prover}, Secret: []byte("secret"), Now: c.Now, Observer: told,
			})
		}
		service := over(s)
		in, err := service.Password(t.Context(), w.attempt(w.of("arya"), good))
		if err != nil {
			t.Fatal(err)
		}
		renewal := signin.Renewal{Door: user.DoorPartner, ClientID: "public", RefreshToken: in.RefreshToken}
		if _, err := service.Refresh(t.Context(), renewal); err != nil {
			t.Fatal(err)
		}
		_, _ = service.Refresh(t.Context(), signin.Renewal{Door: user.DoorPartner, ClientID: "public", RefreshToken: "no"})
		_, _ = service.Provider(t.Context(), signin.ProviderAttempt{Door: user.DoorPartner, ClientID: "public", Provider: "nobody"})
		for range 5 { // two are wrong, two meet the account's wait, and then the network's
			_, _ = service.Password(t.Context(), w.attempt(w.of("arya"), bad))
		}
		for _, err := range []error{
			fmt.Errorf("reading: %w", store.ErrUnavailable), fmt.Errorf("reading: %w", context.Canceled), errors.New("a fault"),
		} {
			_, _ = over(away{s, err}).Password(t.Context(), w.attempt(w.of("arya"), good))
		}
		want := []string{
			"partner password ok", "partner refresh ok", "partner refresh bad_token", "partner provider unsupported",
			"partner password bad_credential", "partner password bad_credential",
			"partner waits for account", "partner password bad_credential", "partner waits for account", "partner password bad_credential",
			"partner waits for network", "partner password throttled",
			"partner password unavailable", "partner password gone", "partner password failed",
		}
		if !slices.Equal(told.told, want) {
			t.Errorf("got  %q\nwant %q", told.told, want)
		}
	})
}
