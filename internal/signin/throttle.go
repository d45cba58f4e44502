package signin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
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

// sharedKey is for a name that means several users. Nothing but time ends its
// waits, so that it knows no total.
func (s *Service) sharedKey(n string) string { return sharedName + s.nameKey(n) }

const sharedName = "shared "

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

// counters are those that a try meets: that of its account, or of the name
// that is nobody's, and that of its network.
type counters struct {
	account, network store.Throttle
	at               time.Time // when they were read
}

// counters reads both in one query.
func (s *Service) counters(ctx context.Context, account, network string) (counters, error) {
	var c counters
	err := s.store.View(ctx, func(r store.Reader) error {
		ts, err := r.Throttles(account, network)
		if err != nil {
			return fmt.Errorf("reading counters: %w", err)
		}
		c = counters{account: pick(ts, account), network: pick(ts, network), at: s.now()}
		return nil
	})
	return c, err
}

// pick gives the counter of a key, or one that has counted nothing.
func pick(ts []store.Throttle, key string) store.Throttle {
	for _, t := range ts {
		if t.Key == key {
			return t
		}
	}
	return store.Throttle{Key: key}
}

// networkWait says for how long the network is refused; zero when it is not.
func (c counters) networkWait() time.Duration { return max(c.network.Until.Sub(c.at), 0) }

// left says how many tries may be checked side by side: as many as the account
// has before it must wait, none while it or the network does.
func (c counters) left(lim policy.Limits) int {
	switch {
	case c.networkWait() > 0, c.account.Until.After(c.at):
		return 0
	case c.account.Total >= lim.AccountTotal && !strings.HasPrefix(c.account.Key, sharedName):
		return 0
	case c.account.Failures >= lim.AccountFailures:
		return 1 // the wait is over: one at a time
	default:
		return lim.AccountFailures - c.account.Failures
	}
}

// Forgive ends the waits of an account: its password was set anew by whoever
// the account is.
func Forgive(tx store.Tx, u user.ID) error {
	if err := store.Delete(tx, store.Throttle{Key: accountKey(u)}); err != nil {
		return fmt.Errorf("clearing a counter: %w", err)
	}
	return nil
}

// fail counts a failure against an account, or a name that is nobody's, and
// against the network it came from. An empty account is not counted. It gives
// the account's counter as it is then.
func fail(tx store.Tx, lim policy.Limits, account, network string) (store.Throttle, error) {
	var counted store.Throttle
	ts, err := tx.Throttles(account, network)
	if err != nil {
		return counted, fmt.Errorf("reading counters: %w", err)
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
		t := pick(ts, c.key)
		if t.Since.IsZero() {
			t.Since = now
		}
		t = count(t, now, c.limit, c.window)
		if c.key == account {
			counted = t
		}
		if err := store.Put(tx, t); err != nil {
			return counted, fmt.Errorf("counting a failure: %w", err)
		}
	}
	return counted, nil
}
