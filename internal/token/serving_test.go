package token_test

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/settings"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/token"
)

func TestMain(m *testing.M) { testpg.Main(m) }

// hands is a clock that the test moves while others read it.
type hands struct{ at atomic.Int64 }

func (h *hands) Now() time.Time          { return time.Unix(h.at.Load(), 0).UTC() }
func (h *hands) forward(d time.Duration) { h.at.Add(int64(d / time.Second)) }

// relying is a service that verifies by the key set it fetched last.
type relying struct{ set atomic.Pointer[token.KeySet] }

func (r *relying) Candidates(kid string) []token.PublicKey { return r.set.Load().Candidates(kid) }

func (r *relying) fetch(t *testing.T, jwks []byte) {
	set := keySet(t, jwks, token.ES256)
	r.set.Store(&set)
}

// serving is two processes on one store, a service that relies on them, and
// what they all have to bear in mind.
type serving struct {
	clock     *hands
	processes [2]*settings.Service
	relying   *relying
	verifiers [3]*token.Verifier // of the processes and of the relying service
}

func newServing(t *testing.T, s store.Store) *serving {
	t.Helper()
	w := &serving{clock: &hands{}, relying: &relying{}}
	w.clock.at.Store(now.Unix())
	sources := [3]token.KeySource{2: w.relying}
	for i := range w.processes {
		p := settings.New(s, newKEK(t, 1), "main", w.clock.Now, slog.New(slog.DiscardHandler))
		if err := p.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.processes[i], sources[i] = p, p
	}
	w.relying.fetch(t, w.processes[0].Ring().JWKS())
	for i, keys := range sources {
		rules := ediConfig(keys)
		rules.Now = w.clock.Now
		w.verifiers[i] = newVerifier(t, rules)
	}
	return w
}

func (w *serving) mint(process int, life time.Duration) (text string, expires time.Time, err error) {
	at := w.clock.Now()
	expires = at.Add(life)
	text, err = w.processes[process].Ring().Sign(map[string]any{"iss": issuer, "iat": at.Unix(), "exp": expires.Unix()}, "JWT")
	return text, expires, err
}

// life is an edi-token's.
const life = 8 * time.Hour

// serve mints and verifies until done, and counts its rounds.
func (w *serving) serve(t *testing.T, process int, rounds *atomic.Int64, done <-chan struct{}) {
	type minted struct {
		text    string
		expires time.Time
	}
	var old [4]minted
	for n := 0; ; n++ {
		select {
		case <-done:
			return
		default:
		}
		text, expires, err := w.mint(process, life)
		if err != nil {
			t.Error(err)
			return
		}
		old[n%len(old)] = minted{text, expires}
		for _, m := range old[:min(n+1, len(old))] {
			for i, v := range w.verifiers {
				before := w.clock.Now()
				c, err := v.Verify(m.text)
				switch {
				case err != nil && w.clock.Now().Before(m.expires):
					t.Errorf("verifier %d refused a living token: %s", i, token.Reason(err))
				case err == nil && !before.Before(m.expires):
					t.Errorf("verifier %d accepted an expired token", i)
				}
				if err != nil || i == len(w.processes) {
					continue
				}
				if shown := w.shows(i, c.KID); !shown && w.clock.Now().Before(m.expires) {
					t.Errorf("process %d does not show key %s, whose tokens live", i, c.KID)
				}
			}
		}
		rounds.Add(1)
	}
}

// shows tells whether a process's key set has a key.
func (w *serving) shows(process int, kid string) bool {
	return strings.Contains(string(w.processes[process].Ring().JWKS()), fmt.Sprintf(`"kid":%q`, kid))
}

// Given two processes that mint and verify all the time, and a service that
// verifies by their key set, when keys go from next to active, retiring and
// gone, whichever process comes first, then no token is refused while it lives,
// every key in use is published, and a key that is gone takes its tokens along.
func TestKeysRotateWhileServing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		w := newServing(t, s)
		done := make(chan struct{})
		var workers sync.WaitGroup
		var rounds [4]atomic.Int64
		for i := range rounds {
			workers.Go(func() { w.serve(t, i%2, &rounds[i], done) })
		}
		defer workers.Wait()
		defer close(done)
		// busy waits until every worker has done a whole round under what is now.
		busy := func() {
			var start [len(rounds)]int64
			for i := range rounds {
				start[i] = rounds[i].Load()
			}
			for i := range rounds {
				for rounds[i].Load() < start[i]+2 && !t.Failed() {
					time.Sleep(time.Millisecond)
				}
			}
		}
		rotate := func(process int) {
			if err := w.processes[process].Rotate(t.Context()); err != nil {
				t.Error(err)
			}
		}
		// after lets time pass and has both processes look at their keys, in an
		// order that changes, with half a minute of work between them.
		after := func(d time.Duration, cycle int) {
			w.clock.forward(d)
			busy()
			if cycle == 2 {
				var both sync.WaitGroup
				both.Go(func() { rotate(0) })
				both.Go(func() { rotate(1) })
				both.Wait()
			} else {
				rotate(cycle % 2)
				busy()
				w.clock.forward(30 * time.Second)
				rotate((cycle + 1) % 2)
			}
			busy()
			w.relying.fetch(t, w.processes[cycle%2].Ring().JWKS())
		}
		kid := func(text string) string {
			t.Helper()
			c, err := w.verifiers[0].Verify(text)
			if err != nil {
				t.Fatalf("a token of a key that is not gone: %s", token.Reason(err))
			}
			return c.KID
		}
		used := map[string]bool{}
		activated := w.clock.Now()
		for cycle := range 3 {
			lasting, _, err := w.mint(cycle%2, 1000*24*time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			first := kid(lasting)
			if used[first] {
				t.Fatalf("key %s signs again", first)
			}
			used[first] = true
			after(activated.Add(90*24*time.Hour-10*time.Minute).Sub(w.clock.Now()), cycle)
			if kid(lasting); !sameKey(t, w, first) {
				t.Fatal("the key was retired before its time")
			}
			after(20*time.Minute, cycle)
			activated = w.clock.Now()
			if sameKey(t, w, first) {
				t.Fatal("the key was not retired")
			}
			for _, d := range []time.Duration{life - time.Minute, 15 * time.Hour} {
				after(d, cycle)
				kid(lasting)
			}
			after(2*time.Hour, cycle) // more than a day after it was retired
			for i, v := range w.verifiers {
				mustRefuse(t, v, lasting, "no key")
				if i < len(w.processes) && w.shows(i, first) {
					t.Errorf("process %d still shows key %s", i, first)
				}
			}
		}
		if a, b := w.processes[0].Ring().JWKS(), w.processes[1].Ring().JWKS(); string(a) != string(b) {
			t.Errorf("two processes, two key sets: %s and %s", a, b)
		}
	})
}

// sameKey tells whether both processes sign with that key.
func sameKey(t *testing.T, w *serving, kid string) bool {
	t.Helper()
	same := 0
	for i := range w.processes {
		text, _, err := w.mint(i, life)
		if err != nil {
			t.Fatal(err)
		}
		c, err := w.verifiers[1-i].Verify(text)
		if err != nil {
			t.Fatal(token.Reason(err))
		}
		if c.KID == kid {
			same++
		}
	}
	if same == 1 {
		t.Error("two processes sign with two keys")
	}
	return same > 0
}
