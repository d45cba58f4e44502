package password

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// watcher keeps what it was told.
type watcher struct {
	mu      sync.Mutex
	waited  []time.Duration
	took    []time.Duration
	refused int
}

func (w *watcher) Hashed(waited, took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waited, w.took = append(w.waited, waited), append(w.took, took)
}

func (w *watcher) Refused() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused++
}

// Given one core, when two computations come at once, then the second is told
// to have waited for the first; whoever gives up waiting is not told of at all.
func TestTheObserverIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &Hasher{params: DefaultParams(), pool: newPool(1)}
		var told watcher
		h.Observe(&told)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if err := h.pool.do(t.Context(), one(), func() { time.Sleep(time.Second) }); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		if running, waiting := h.Load(); running != 1 || waiting != 1 {
			t.Errorf("%d run, %d wait", running, waiting)
		}
		gone, leave := context.WithCancel(t.Context())
		wg.Go(func() {
			if err := h.pool.do(gone, one(), func() {}); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		synctest.Wait()
		leave()
		wg.Wait()
		if len(told.took) != 2 || told.waited[0] != 0 || told.waited[1] != time.Second || told.took[0] != time.Second || told.took[1] != time.Second {
			t.Errorf("waited %v, took %v", told.waited, told.took)
		}
		if running, waiting := h.Load(); running+waiting != 0 || told.refused != 0 {
			t.Errorf("%d run, %d wait, %d refused", running, waiting, told.refused)
		}
	})
}

func TestTheObserverIsToldOfRefusals(t *testing.T) {
	h := &Hasher{params: DefaultParams(), pool: newPool(1)}
	var told watcher
	h.Observe(&told)
	h.pool.present.Store(h.pool.limit)
	if err := h.VerifyNone(t.Context(), "x"); !errors.Is(err, ErrBusy) || told.refused != 1 {
		t.Errorf("%v, %d refused", err, told.refused)
	}
}
