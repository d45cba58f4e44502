package event

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/usher-id/usher/internal/failpoint"
	"github.com/usher-id/usher/internal/store"
)

const (
	leaseName = "sequencer"
	// leaseFor outlives any pause between two batches; after a crash the next
	// holder waits no longer than this.
	leaseFor = 15 * time.Second
	// idle is how long an event of another process may go unnoticed. An idle
	// round is one read of an empty index range.
	idle = time.Second
	// batch bounds how long one transaction keeps other writers waiting.
	batch = 200
)

// Sequencer numbers events after their commit. Every process runs one, and
// one of them at a time holds the lease.
type Sequencer struct {
	store  store.Store
	holder string
	log    *slog.Logger
	wake   chan struct{}
}

// NewSequencer makes a sequencer. The holder names this process among all that
// share the database.
func NewSequencer(s store.Store, holder string, log *slog.Logger) *Sequencer {
	return &Sequencer{store: s, holder: holder, log: log, wake: make(chan struct{}, 1)}
}

// Wake says that this process has committed events. It never blocks.
func (s *Sequencer) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run numbers events until ctx ends. Faults are logged and tried again.
func (s *Sequencer) Run(ctx context.Context) {
	for ctx.Err() == nil {
		n, held, err := s.round(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.log.WarnContext(ctx, "numbering events failed", "err", err)
			s.pause(ctx, nil)
		case !held: // another process numbers this one's events too
			s.pause(ctx, nil)
		case n < batch:
			s.pause(ctx, s.wake)
		}
	}
}

// pause waits for the next round; a nil wake leaves only the clock.
func (s *Sequencer) pause(ctx context.Context, wake <-chan struct{}) {
	t := time.NewTimer(idle)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-t.C:
	}
}

// round numbers one batch, if there is anything to number and the lease can
// be had.
func (s *Sequencer) round(ctx context.Context) (n int, held bool, err error) {
	var waiting bool
	err = s.store.View(ctx, func(r store.Reader) error {
		events, err := r.Unsequenced(1)
		waiting = len(events) > 0
		return err
	})
	if err != nil || !waiting {
		return 0, true, err
	}
	failpoint.Pass(failpoint.EventsNumber)
	err = s.store.Update(ctx, store.Bulk, func(tx store.Tx) error {
		var err error
		n, held, err = s.number(tx)
		return err
	})
	failpoint.Pass(failpoint.EventsNumbered)
	return n, held, err
}

// number takes the lease in the very transaction that numbers, so that two
// holders cannot both commit.
func (s *Sequencer) number(tx store.Tx) (n int, held bool, err error) {
	held, err = tx.Lease(leaseName, s.holder, tx.Now().Add(leaseFor))
	if err != nil || !held {
		return 0, held, err
	}
	last, err := tx.LastEvent()
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return 0, held, fmt.Errorf("reading the last event: %w", err)
	}
	events, err := tx.Unsequenced(batch)
	if err != nil {
		return 0, held, fmt.Errorf("reading new events: %w", err)
	}
	for i := range events {
		e := &events[i]
		e.Seq = last.Seq + 1
		e.BodyHash = bodyHash(*e)
		e.Chain = link(last.Chain, *e)
		last = *e
	}
	if err := tx.NumberEvents(events); err != nil {
		return 0, held, fmt.Errorf("numbering %d events after %d: %w", len(events), last.Seq, err)
	}
	return len(events), held, nil
}
