package password

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

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
				if err := p.do(t.Context(), work); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() { left <- p.do(ctx, func() { t.Error("ran after it gave up") }) }()
		synctest.Wait()

		if err := p.do(t.Context(), work); !errors.Is(err, ErrBusy) {
			t.Errorf("beyond the queue: %v", err)
		}
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled waiter got %v", err)
		}
		wg.Go(func() {
			if err := p.do(t.Context(), work); err != nil {
				t.Errorf("the room it left: %v", err)
			}
		})
		synctest.Wait()
		close(release)
		wg.Wait()
		if highest.Load() != slots {
			t.Errorf("%d ran at once, want %d", highest.Load(), slots)
		}
		if p.present.Load() != 0 {
			t.Errorf("%d still counted", p.present.Load())
		}
	})
}

func TestPoolSlotSurvivesAPanic(t *testing.T) {
	p := newPool(1)
	func() {
		defer func() { _ = recover() }()
		_ = p.do(t.Context(), func() { panic("x") })
	}()
	if err := p.do(t.Context(), func() {}); err != nil || p.present.Load() != 0 {
		t.Errorf("%v, %d present", err, p.present.Load())
	}
}
