package password

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	// queue is how many computations may wait for a core. At 45 ms each on two
	// cores the last of them starts after about a second and a half; where all
	// are imported ones at the limit of their costs, after half a minute.
	queue = 64
	// largest is how many large computations run at once, however many cores
	// there are: together they hold up to 256 MiB.
	largest = 2
)

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
	large chan struct{} // taken before a slot, by large computations
	// present counts those that run and those that wait, due the time that
	// they take of one core, roughly.
	present atomic.Int64
	due     atomic.Int64
	limit   int64
	told    Observer
}

func newPool(concurrency int) *pool {
	return &pool{
		slots: make(chan struct{}, concurrency),
		large: make(chan struct{}, largest),
		limit: int64(concurrency) + queue,
		told:  nobody{},
	}
}

// perHash is what a hash with DefaultParams takes, rounded up.
const perHash = 50 * time.Millisecond

// do runs fn on the caller's goroutine once a slot is free, first come first
// served. fn itself cannot be interrupted; waiting for it can.
func (p *pool) do(ctx context.Context, takes expense, fn func()) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("queue for a password hash: %w", err)
	}
	came := time.Now()
	if p.present.Add(1) > p.limit {
		p.present.Add(-1)
		p.told.Refused()
		return p.busy()
	}
	defer p.present.Add(-1)
	due := int64(takes.work * float64(perHash))
	p.due.Add(due)
	defer p.due.Add(-due)
	if takes.large() {
		leave, err := enter(ctx, p.large)
		if err != nil {
			return err
		}
		defer leave()
	}
	leave, err := enter(ctx, p.slots)
	if err != nil {
		return err
	}
	defer leave()
	begun := time.Now()
	fn()
	p.told.Hashed(begun.Sub(came), time.Since(begun))
	return nil
}

func enter(ctx context.Context, room chan struct{}) (leave func(), err error) {
	select {
	case room <- struct{}{}:
		return func() { <-room }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("queue for a password hash: %w", ctx.Err())
	}
}

// busy says to come back when all who are here now have been served.
func (p *pool) busy() *BusyError {
	drained := time.Duration(p.due.Load()) / time.Duration(cap(p.slots))
	return &BusyError{RetryAfter: drained.Truncate(time.Second) + time.Second}
}
