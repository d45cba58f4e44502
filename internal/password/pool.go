package password

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// queue is how many computations may wait for a core. At 45 ms each on two
// cores the last of them starts after about a second and a half.
const queue = 64

// ErrBusy is what errors.Is finds in a *BusyError.
var ErrBusy = errors.New("password hashing is busy")

// BusyError says that the queue is full. Callers answer 503 with Retry-After.
type BusyError struct {
	// RetryAfter is in whole seconds.
	RetryAfter time.Duration
}

func (e *BusyError) Error() string { return fmt.Sprintf("%v, retry after %v", ErrBusy, e.RetryAfter) }

// Is makes errors.Is(err, ErrBusy) true.
func (e *BusyError) Is(target error) bool { return target == ErrBusy }

// pool bounds how many computations run at once, and how many may wait.
// Without the bound each request in flight would hold its own 19 MiB.
type pool struct {
	slots chan struct{}
	// present counts those that run and those that wait.
	present atomic.Int64
	limit   int64
	busy    *BusyError
}

func newPool(concurrency int) *pool {
	const perHash = 50 * time.Millisecond
	drained := time.Duration(queue/concurrency) * perHash
	return &pool{
		slots: make(chan struct{}, concurrency),
		limit: int64(concurrency) + queue,
		busy:  &BusyError{RetryAfter: drained.Truncate(time.Second) + time.Second},
	}
}

// do runs fn on the caller's goroutine once a slot is free, first come first
// served. fn itself cannot be interrupted; waiting for it can.
func (p *pool) do(ctx context.Context, fn func()) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("queue for a password hash: %w", err)
	}
	if p.present.Add(1) > p.limit {
		p.present.Add(-1)
		return p.busy
	}
	defer p.present.Add(-1)
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("queue for a password hash: %w", ctx.Err())
	}
	defer func() { <-p.slots }()
	fn()
	return nil
}
