package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/usher-id/usher/internal/failpoint"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Handler carries out one job. It has until ctx ends, and may be called again
// for the same job. Its error is kept with the job and logged, so it must not
// hold an address, a link or a secret.
type Handler func(ctx context.Context, j store.Job) error

const (
	slots    = 4
	lease    = time.Minute
	timeout  = 40 * time.Second // leaves room to write the result within the lease
	drain    = 10 * time.Second
	idle     = time.Second
	maxError = 500 // bytes of an error that are kept
)

// Worker carries out jobs, a few at a time. Every process can run one.
type Worker struct {
	store    store.Store
	handlers map[string]Handler
	kinds    []string // that there are handlers for: others' jobs wait for others
	holder   string
	log      *slog.Logger
	told     Observer

	wake chan struct{}
	free chan struct{} // one token a slot
	busy map[user.ID]bool
	mu   sync.Mutex // guards busy
}

// NewWorker makes a worker with a handler for each kind. The holder names
// this process among all that share the database.
func NewWorker(s store.Store, handlers map[string]Handler, holder string, log *slog.Logger) *Worker {
	w := &Worker{
		store: s, handlers: handlers, kinds: slices.Sorted(maps.Keys(handlers)), holder: holder, log: log, told: nobody{},
		wake: make(chan struct{}, 1), free: make(chan struct{}, slots), busy: map[user.ID]bool{},
	}
	for range slots {
		w.free <- struct{}{}
	}
	return w
}

// Wake says that this process has committed jobs. It never blocks.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

var errStopping = errors.New("the worker is stopping")

// Run carries out jobs until ctx ends, and then waits for those that have
// begun: they get a few seconds, after which their context ends and they are
// due again at once. Faults of the store are logged and tried again.
func (w *Worker) Run(ctx context.Context) {
	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	var running sync.WaitGroup

	for ctx.Err() == nil {
		jobs, err := w.take(ctx)
		if err != nil && ctx.Err() == nil {
			w.log.WarnContext(ctx, "taking jobs failed", "err", err)
		}
		for _, j := range jobs {
			running.Go(func() {
				w.do(work, j)
				w.release(j)
				w.Wake() // a slot is free
			})
		}
		if len(jobs) == 0 {
			w.pause(ctx)
		}
	}

	timer := time.AfterFunc(drain, func() { stop(errStopping) })
	defer timer.Stop()
	running.Wait()
}

func (w *Worker) pause(ctx context.Context) {
	t := time.NewTimer(idle)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-w.wake:
	case <-t.C:
	}
}

// take leases as many jobs as there are free slots. Where no job is waiting
// it only reads. The lease counts the attempt, so that a job that brings the
// process down with it is not tried for ever.
func (w *Worker) take(ctx context.Context) ([]store.Job, error) {
	n := len(w.free) // only this goroutine takes tokens
	if n == 0 {
		return nil, nil
	}
	var waiting bool
	err := w.store.View(ctx, func(r store.Reader) error {
		jobs, err := r.Jobs(store.JobDue, 1)
		waiting = len(jobs) > 0
		return err
	})
	if err != nil || !waiting {
		return nil, err
	}
	var leased []store.Job
	err = w.store.Update(ctx, store.Bulk, func(tx store.Tx) error {
		leased = nil
		jobs, err := tx.LeaseJobs(w.holder, tx.Now().Add(lease), n, w.kinds...)
		if err != nil {
			return err
		}
		for _, j := range jobs {
			if w.running(j.ID) {
				continue // outlived its lease and is still at it
			}
			leased = append(leased, j)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for range leased {
		<-w.free // never under the lock, which giving one back needs
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, j := range leased {
		w.busy[j.ID] = true
	}
	return leased, nil
}

func (w *Worker) running(id user.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.busy[id]
}

func (w *Worker) release(j store.Job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.busy, j.ID)
	w.free <- struct{}{}
}

// do runs one job and writes down what came of it.
func (w *Worker) do(ctx context.Context, j store.Job) {
	failpoint.Pass(failpoint.JobLeased)
	begun := time.Now()
	err := w.run(ctx, j)
	took := time.Since(begun)
	failpoint.Pass(failpoint.JobDone)
	stopped := err != nil && errors.Is(context.Cause(ctx), errStopping)
	wait, outcome := delay(j.Attempts), OutcomeDone

	j.Holder, j.Until, j.LastErr = "", time.Time{}, ""
	if err != nil {
		j.LastErr = shorten(err.Error())
	}
	switch {
	case err == nil:
		// What was carried out needs its payload no more, and an erasure in
		// the meantime must not be written over.
		j.State, j.Payload = store.JobDone, nil
	case stopped && !IsPermanent(err):
		j.Attempts--
		wait, outcome = 0, OutcomeStopped
	case IsPermanent(err) || j.Attempts >= maxAttempts:
		j.State, outcome = store.JobDead, OutcomeDead
		w.log.ErrorContext(ctx, "job given up", "job", j.ID, "kind", j.Kind, "attempt", j.Attempts, "err", j.LastErr)
	default:
		outcome = OutcomeAgain
		w.log.WarnContext(ctx, "job failed", "job", j.ID, "kind", j.Kind, "attempt", j.Attempts, "err", j.LastErr)
	}

	w.told.Attempted(w.known(j.Kind), outcome, took, time.Since(j.Created))

	// The result is written even while stopping; where it cannot be, the lease
	// runs out and the job is run again.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	err = w.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		j := j
		if j.State == store.JobDue {
			j.Due = tx.Now().Add(wait)
		}
		if err := forget(tx, &j); err != nil {
			return err
		}
		return store.Put(tx, j)
	})
	failpoint.Pass(failpoint.JobNoted)
	if err != nil {
		w.log.WarnContext(ctx, "writing a job's result failed", "job", j.ID, "kind", j.Kind, "err", err)
	}
}

// forget drops the payload of a job whose user was erased while it ran, which
// the copy in hand still has.
func forget(tx store.Tx, j *store.Job) error {
	if j.User == "" || len(j.Payload) == 0 {
		return nil
	}
	u, err := tx.User(j.User)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("reading the user of job %s: %w", j.ID, err)
	}
	if err != nil || u.Status == user.Deleted {
		j.State, j.Payload = store.JobDone, nil
	}
	return nil
}

// run calls the handler within the time there is; a panic is an error.
func (w *Worker) run(ctx context.Context, j store.Job) (err error) {
	if len(j.Payload) == 0 {
		return nil // its user was erased, and what was to be said with it
	}
	handle, ok := w.handlers[j.Kind]
	if !ok {
		return fmt.Errorf("nobody here carries out %q jobs", j.Kind)
	}
	if j.Attempts > maxAttempts {
		return Permanent(errors.New("the process ended each time this job ran"))
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
			w.told.Panicked()
			w.log.ErrorContext(ctx, "job panicked", "job", j.ID, "kind", j.Kind, "stack", string(debug.Stack()))
		}
	}()
	return handle(ctx, j)
}

// shorten makes an error fit to be kept: a database refuses text with NUL or
// half a character in it.
func shorten(s string) string {
	s = strings.ReplaceAll(s, "\x00", "")
	if len(s) > maxError {
		s = s[:maxError] + "…"
	}
	return strings.ToValidUTF8(s, "")
}
