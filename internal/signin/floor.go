package signin

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// waitUntil holds an answer back, outside of any transaction and with no place
// among the hashes, for as long as the caller is there. Without a floor nothing
// waits.
func (s *Service) waitUntil(ctx context.Context, t time.Time) {
	d := t.Sub(s.now())
	if !s.floor || d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// pace is how long comparisons take these days, their place in the queue
// included: what a try waits that is turned away without one. Where many sign
// in at once that may be longer than the floor.
type pace struct {
	mu     sync.Mutex
	recent [64]time.Duration
	n      int // how many there were
}

// took adds a comparison.
func (p *pace) took(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.recent[p.n%len(p.recent)] = d
	p.n++
}

// usual draws one of the recent ones, so that waits are spread as comparisons
// are: a mean would lie beside the most of them, and always at the same place.
func (p *pace) usual() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n == 0 {
		return 0
	}
	return p.recent[rand.IntN(min(p.n, len(p.recent)))] //nolint:gosec // nothing is kept secret by it
}

const (
	// reachFor is how long a comparison at a dear hash is remembered, reachMost
	// how much of it at most.
	reachFor  = 10 * time.Minute
	reachMost = 3 * time.Second
)

// reach is how long the longest answer took lately at a hash that is dearer than
// usher's own. No answer comes sooner then: else it would tell by itself that
// the account is there, and where it came from.
type reach struct {
	mu      sync.Mutex
	longest time.Duration
	at      time.Time
}

// took notes an answer at such a hash.
func (r *reach) took(d time.Duration, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d >= r.longest || now.Sub(r.at) > reachFor {
		r.longest, r.at = min(d, reachMost), now
	}
}

func (r *reach) least(now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.at) > reachFor {
		return 0
	}
	return r.longest
}
