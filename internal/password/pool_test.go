package password

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func one() expense { return DefaultParams().expense() }

// Given all slots taken and the queue full, when one more comes it is refused
// at once; when a queued one gives up it leaves at once and makes room.
func TestPoolBoundsBothRunningAndWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const slots = 3
		p := newPool(slots)
		release := make(chan struct{})
		var running, highest atomic.Int64
		work := func() {
			n := running.Add(1)
			for {
				h := highest.Load()
				if n <= h || highest.CompareAndSwap(h, n) {
					break
				}
			}
			<-release
			running.Add(-1)
		}
		var wg sync.WaitGroup
		for range slots + queue - 1 {
			wg.Go(func() {
				if err := p.do(t.Context(), one(), work); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() { left <- p.do(ctx, one(), func() { t.Error("ran after it gave up") }) }()
		synctest.Wait()

		if err := p.do(t.Context(), one(), work); !errors.Is(err, ErrBusy) {
			t.Errorf("beyond the queue: %v", err)
		}
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled waiter got %v", err)
		}
		wg.Go(func() {
			if err := p.do(t.Context(), one(), work); err != nil {
				t.Errorf("the room it left: %v", err)
			}
		})
		synctest.Wait()
		close(release)
		wg.Wait()
		if highest.Load() != slots {
			t.Errorf("%d ran at once, want %d", highest.Load(), slots)
		}
		if p.present.Load() != 0 || p.due.Load() != 0 {
			t.Errorf("%d still counted, %d due", p.present.Load(), p.due.Load())
		}
	})
}

// Given a full queue, whoever is refused is told to wait for what is in it:
// longer where the hashes are dear.
func TestBusyCallersAreToldHowLongTheQueueTakes(t *testing.T) {
	for work, want := range map[float64]time.Duration{
		1:  2 * time.Second,  // 66 hashes of 50 ms on two cores
		20: 34 * time.Second, // twenty times as long
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPool(2)
			release := make(chan struct{})
			var wg sync.WaitGroup
			for range 2 + queue {
				wg.Go(func() { _ = p.do(t.Context(), expense{work: work}, func() { <-release }) })
			}
			synctest.Wait()
			err := p.do(t.Context(), one(), func() {})
			if busy, ok := errors.AsType[*BusyError](err); !ok || busy.RetryAfter != want {
				t.Errorf("at %g default hashes each: %v, want %v", work, err, want)
			}
			close(release)
			wg.Wait()
		})
	}
}

// Given many cores, no more than two large hashes are computed at once, and
// others pass them by.
func TestPoolBoundsTheMemoryOfLargeHashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(16)
		release := make(chan struct{})
		var running atomic.Int64
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				_ = p.do(t.Context(), expense{work: 5, memory: 100 << 20}, func() { running.Add(1); <-release })
			})
		}
		synctest.Wait()
		if running.Load() != 2 {
			t.Errorf("%d large ones run at once", running.Load())
		}
		passed := false
		if err := p.do(t.Context(), expense{work: 1, memory: 64 << 20}, func() { passed = true }); err != nil || !passed {
			t.Errorf("a small one: %v", err)
		}
		close(release)
		wg.Wait()
		if running.Load() != 10 || p.due.Load() != 0 {
			t.Errorf("%d ran in the end, %d due", running.Load(), p.due.Load())
		}
	})
}

func TestPoolSlotSurvivesAPanic(t *testing.T) {
	p := newPool(1)
	func() {
		defer func() { _ = recover() }()
		_ = p.do(t.Context(), one(), func() { panic("x") })
	}()
	if err := p.do(t.Context(), one(), func() {}); err != nil || p.present.Load() != 0 {
		t.Errorf("%v, %d present", err, p.present.Load())
	}
}
