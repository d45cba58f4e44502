package job_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// start runs a worker with one handler, for jobs of the kind "k". The test's
// clock is the bubble's; stop waits until the worker has drained.
func start(t *testing.T, s store.Store, holder string, h job.Handler) (w *job.Worker, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w = job.NewWorker(s, map[string]job.Handler{"k": h}, holder, slog.New(slog.DiscardHandler))
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	return w, func() { cancel(); <-done }
}

func TestWorkerCarriesOutJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		var ran atomic.Int32
		w, stop := start(t, m, "a", func(_ context.Context, j store.Job) error {
			if string(j.Payload) != `"hello"` {
				t.Errorf("payload %s", j.Payload)
			}
			ran.Add(1)
			return nil
		})
		defer stop()
		synctest.Wait()
		for range 50 {
			enqueue(t, m, job.New{Kind: "k", Payload: "hello"})
		}
		w.Wake()
		synctest.Wait() // the clock does not move: nothing waits for a poll

		done := jobs(t, m, store.JobDone)
		if len(done) != 50 || ran.Load() != 50 {
			t.Fatalf("%d jobs done in %d runs, want 50 in 50", len(done), ran.Load())
		}
		for _, j := range done {
			if len(j.Payload) != 0 || j.Holder != "" || !j.Until.IsZero() {
				t.Fatalf("a done job keeps %+v", j)
			}
		}
	})
}

func TestIdleWorkerOnlyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		_, stop := start(t, m, "a", nil)
		time.Sleep(time.Hour)
		synctest.Wait()
		stop()
		if m.updates != 0 {
			t.Errorf("%d transactions in an idle hour", m.updates)
		}
	})
}

func TestWorkerWaitsUntilAJobIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		var at time.Time
		_, stop := start(t, m, "a", func(context.Context, store.Job) error { at = time.Now(); return nil })
		defer stop()
		due := time.Now().Add(time.Hour)
		enqueue(t, m, job.New{Kind: "k", Due: due})
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if late := at.Sub(due); late < 0 || late > 2*time.Second {
			t.Errorf("ran %v after it was due", late)
		}
	})
}

func TestWorkerTriesAgainLaterAndLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		var tries []time.Time
		_, stop := start(t, m, "a", func(context.Context, store.Job) error {
			tries = append(tries, time.Now())
			return errors.New("no route\x00" + strings.Repeat("é", 1000))
		})
		defer stop()
		enqueue(t, m, job.New{Kind: "k"})
		time.Sleep(3 * 24 * time.Hour)
		synctest.Wait()

		if len(tries) != 12 {
			t.Fatalf("%d attempts, want 12", len(tries))
		}
		first, all := tries[1].Sub(tries[0]), tries[11].Sub(tries[0])
		if first < 8*time.Second || first > 14*time.Second {
			t.Errorf("the second attempt came after %v", first)
		}
		if all < 36*time.Hour || all > 60*time.Hour {
			t.Errorf("the last attempt came after %v, want about two days", all)
		}
		j := only(t, m, store.JobDead)
		if !strings.HasPrefix(j.LastErr, "no route") || len(j.LastErr) > 600 || !utf8.ValidString(j.LastErr) || strings.Contains(j.LastErr, "\x00") {
			t.Errorf("the error kept is %q", j.LastErr)
		}
		if len(j.Payload) == 0 {
			t.Error("a dead job has lost what it was to do")
		}
		dead, err := []store.Job(nil), error(nil)
		_ = m.View(t.Context(), func(r store.Reader) error { dead, err = job.Dead(r); return nil })
		if err != nil || len(dead) != 1 {
			t.Errorf("Dead lists %d jobs, error %v", len(dead), err)
		}
	})
}

func TestWorkerSucceedsInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		n := 0
		_, stop := start(t, m, "a", func(context.Context, store.Job) error {
			if n++; n < 4 {
				panic("not yet")
			}
			return nil
		})
		defer stop()
		enqueue(t, m, job.New{Kind: "k"})
		time.Sleep(time.Hour)
		synctest.Wait()
		if j := only(t, m, store.JobDone); j.LastErr != "" || j.Attempts != 4 {
			t.Errorf("done after %d attempts with the error %q", j.Attempts, j.LastErr)
		}
	})
}

func TestPermanentErrorsAreNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		n := 0
		_, stop := start(t, m, "a", func(context.Context, store.Job) error {
			n++
			return job.Permanent(errors.New("no such template"))
		})
		defer stop()
		enqueue(t, m, job.New{Kind: "k"})
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if j := only(t, m, store.JobDead); n != 1 || j.LastErr != "no such template" {
			t.Errorf("%d attempts, error %q", n, j.LastErr)
		}
	})
}

func TestUnknownKindsAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		_, stop := start(t, m, "a", nil)
		defer stop()
		enqueue(t, m, job.New{Kind: "of a later release"})
		time.Sleep(5 * time.Second)
		if j := only(t, m, store.JobDue); j.LastErr == "" {
			t.Error("nobody is told that the kind is unknown")
		}
	})
}

func TestAnotherWorkerTakesOverFromOneThatDied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		enqueue(t, m, job.New{Kind: "k"})
		// Given a process that took the job and ended.
		err := m.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
			_, err := tx.LeaseJobs("dead", tx.Now().Add(time.Minute), 1)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		var at time.Time
		began := time.Now()
		_, stop := start(t, m, "b", func(context.Context, store.Job) error { at = time.Now(); return nil })
		defer stop()
		time.Sleep(time.Hour)
		synctest.Wait()
		if wait := at.Sub(began); wait < time.Minute || wait > 62*time.Second {
			t.Errorf("taken over after %v, want when the lease had run out", wait)
		}
		only(t, m, store.JobDone)
	})
}

func TestAJobThatEndsEveryProcessIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		m.jobs["j"] = store.Job{ID: "j", Kind: "k", State: store.JobDue, Attempts: 12, Payload: []byte("{}")}
		_, stop := start(t, m, "a", func(context.Context, store.Job) error {
			t.Error("it was run once more")
			return nil
		})
		defer stop()
		time.Sleep(5 * time.Second)
		only(t, m, store.JobDead)
	})
}

func TestTwoWorkersShareTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		for range 40 {
			enqueue(t, m, job.New{Kind: "k"})
		}
		var ran atomic.Int32
		h := func(context.Context, store.Job) error { ran.Add(1); time.Sleep(time.Second); return nil }
		_, stop1 := start(t, m, "a", h)
		_, stop2 := start(t, m, "b", h)
		time.Sleep(time.Minute)
		stop1()
		stop2()
		if ran.Load() != 40 || len(jobs(t, m, store.JobDone)) != 40 {
			t.Errorf("%d runs for 40 jobs, %d done", ran.Load(), len(jobs(t, m, store.JobDone)))
		}
	})
}

func TestASlowJobKeepsNobodyWaitingAndIsNotTakenTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		var slow atomic.Int32
		enqueue(t, m, job.New{Kind: "k", Payload: "slow"})
		_, stop := start(t, m, "a", func(_ context.Context, j store.Job) error {
			if string(j.Payload) == `"slow"` { // and deaf to its deadline
				slow.Add(1)
				time.Sleep(10 * time.Minute)
			}
			return nil
		})
		defer stop()
		time.Sleep(time.Second)
		for range 20 {
			enqueue(t, m, job.New{Kind: "k", Payload: "quick"})
		}
		time.Sleep(5 * time.Second)
		if n := len(jobs(t, m, store.JobDone)); n != 20 {
			t.Errorf("%d of 20 quick jobs are done", n)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if slow.Load() != 1 {
			t.Errorf("the slow job was begun %d times by the process that had it", slow.Load())
		}
	})
}

func TestHandlersEndBeforeTheirLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		var limit time.Duration
		_, stop := start(t, m, "a", func(ctx context.Context, j store.Job) error {
			end, ok := ctx.Deadline()
			if !ok || !end.Before(j.Until) {
				t.Errorf("ends %v, lease %v", end, j.Until)
			}
			began := time.Now()
			<-ctx.Done()
			limit = time.Since(began)
			return nil
		})
		defer stop()
		enqueue(t, m, job.New{Kind: "k"})
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if limit == 0 {
			t.Error("the handler's context never ended")
		}
		only(t, m, store.JobDone)
	})
}

func TestStoppingWaitsForWhatHasBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		enqueue(t, m, job.New{Kind: "k"})
		_, stop := start(t, m, "a", func(ctx context.Context, _ store.Job) error {
			select {
			case <-time.After(5 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		time.Sleep(time.Second)
		stop()
		only(t, m, store.JobDone)
	})
}

func TestStoppingHandsBackWhatTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		enqueue(t, m, job.New{Kind: "k"})
		_, stop := start(t, m, "a", func(ctx context.Context, _ store.Job) error {
			<-ctx.Done()
			return ctx.Err()
		})
		time.Sleep(time.Second)
		began := time.Now()
		stop()
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("stopping took %v", took)
		}
		j := only(t, m, store.JobDue)
		if j.Attempts != 0 || j.Holder != "" || j.Due.After(time.Now()) {
			t.Errorf("handed back as %+v; want due now, free and without an attempt", j)
		}
	})
}

func TestAFaultOfTheStoreIsWaitedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		enqueue(t, m, job.New{Kind: "k"})
		m.down = store.ErrUnavailable
		_, stop := start(t, m, "a", func(context.Context, store.Job) error { return nil })
		defer stop()
		time.Sleep(time.Minute)
		m.mu.Lock()
		tries := m.updates
		m.down = nil
		m.mu.Unlock()
		if tries < 2 || tries > 100 {
			t.Errorf("%d tries in a minute", tries)
		}
		time.Sleep(5 * time.Second)
		only(t, m, store.JobDone)
	})
}

func TestErasureStaysErased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		m.users["u"] = user.User{ID: "u", Status: user.Active}
		enqueue(t, m, job.New{Kind: "k", User: "u", Payload: "personal"})
		runs := 0
		_, stop := start(t, m, "a", func(context.Context, store.Job) error {
			runs++
			// While it runs, the user is erased, and with it the payload.
			m.mu.Lock()
			m.users["u"] = user.User{ID: "u", Status: user.Deleted}
			for id, j := range m.jobs {
				j.Payload = nil
				m.jobs[id] = j
			}
			m.mu.Unlock()
			return errors.New("no route")
		})
		defer stop()
		time.Sleep(time.Hour)
		synctest.Wait()
		if j := only(t, m, store.JobDone); len(j.Payload) != 0 || runs != 1 {
			t.Errorf("after %d runs the payload is %s", runs, j.Payload)
		}
	})
}
