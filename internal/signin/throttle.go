package signin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Keys of counters. All names of one account lead to one counter; a name that
// is nobody's has one of its own, under a keyed hash, with the same limits.
func accountKey(u user.ID) string      { return "account:" + string(u) }
func networkKey(n netip.Prefix) string { return "network:" + n.String() }
func (s *Service) nameKey(n string) string {
	m := hmac.New(sha256.New, s.secret)
	m.Write([]byte(n))
	return "name:" + hex.EncodeToString(m.Sum(nil)[:16])
}

// Delay after too many failures: it doubles from first to longest.
const (
	firstDelay   = 30 * time.Second
	longestDelay = time.Hour
)

// count gives the counter after one more failure. limit failures within window
// make the key wait; each further one doubles the wait, until a whole window
// has passed since the last wait was over.
func count(t store.Throttle, now time.Time, limit int, window time.Duration) store.Throttle {
	quiet := t.Since
	if t.Until.After(quiet) {
		quiet = t.Until
	}
	if now.Sub(quiet) > window {
		t.Since, t.Failures = now, 0
	}
	t.Failures++
	t.Total++
	if t.Failures >= limit {
		delay := firstDelay
		for i := limit; i < t.Failures && delay < longestDelay; i++ {
			delay *= 2
		}
		t.Until = now.Add(min(delay, longestDelay))
	}
	return t
}

// waits says for how long a key is refused; zero when it is not.
func waits(ts []store.Throttle, key string, now time.Time) time.Duration {
	for _, t := range ts {
		if t.Key == key && t.Until.After(now) {
			return t.Until.Sub(now)
		}
	}
	return 0
}

func failures(ts []store.Throttle, key string) (recent, total int) {
	for _, t := range ts {
		if t.Key == key {
			return t.Failures, t.Total
		}
	}
	return 0, 0
}

// fail counts a failure against an account, or a name that is nobody's, and
// against the network it came from, in a transaction of its own. It says until
// when the account has to wait if this very failure was one too many.
func (s *Service) fail(tx store.Tx, lim policy.Limits, account, network string) (until time.Time, err error) {
	ts, err := tx.Throttles(account, network)
	if err != nil {
		return until, fmt.Errorf("reading counters: %w", err)
	}
	now := tx.Now()
	for _, c := range []struct {
		key    string
		limit  int
		window time.Duration
	}{
		{account, lim.AccountFailures, time.Duration(lim.AccountWindow)},
		{network, lim.NetworkFailures, time.Duration(lim.NetworkWindow)},
	} {
		if c.key == "" {
			continue
		}
		t := store.Throttle{Key: c.key, Since: now}
		for _, old := range ts {
			if old.Key == c.key {
				t = old
			}
		}
		t = count(t, now, c.limit, c.window)
		if c.key == account && t.Failures == c.limit {
			until = t.Until
		}
		if err := store.Put(tx, t); err != nil {
			return until, fmt.Errorf("counting a failure: %w", err)
		}
	}
	return until, nil
}

// gates bound how many tries of one account are being checked at the same
// time in this process, so that parallel tries cannot outrun the counter: at
// most as many as it would still allow.
type gates struct {
	mu   sync.Mutex
	held map[string]*gate
}

type gate struct {
	busy, waiting int
	ended         int // tries that are over, each of which the counter may have noted
	freed         *sync.Cond
}

// enter waits for a place among the tries of a key. allowed reads how many the
// counter still allows; it is asked again each time a place comes free, and
// less than one turns the try away.
func (g *gates) enter(key string, allowed func() (int, error)) (leave func(), ok bool, err error) {
	g.mu.Lock()
	if g.held == nil {
		g.held = map[string]*gate{}
	}
	t := g.held[key]
	if t == nil {
		t = &gate{freed: sync.NewCond(&g.mu)}
		g.held[key] = t
	}
	t.waiting++
	leaveLocked := func() {
		if t.busy == 0 && t.waiting == 0 {
			delete(g.held, key)
		}
		t.freed.Broadcast()
		g.mu.Unlock()
	}
	for {
		ended := t.ended
		g.mu.Unlock()
		n, err := allowed()
		g.mu.Lock()
		if err != nil || n < 1 {
			t.waiting--
			leaveLocked()
			return nil, false, err
		}
		if t.ended != ended {
			continue // n may be from before what has ended meanwhile
		}
		if t.busy < n {
			t.waiting--
			t.busy++
			g.mu.Unlock()
			return func() {
				g.mu.Lock()
				t.busy--
				t.ended++
				leaveLocked()
			}, true, nil
		}
		t.freed.Wait()
	}
}
