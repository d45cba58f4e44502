package job_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/store"
)

// watcher keeps what it was told.
type watcher struct {
	mu     sync.Mutex
	told   []string
	panics int
}

func (w *watcher) Attempted(kind string, o job.Outcome, took, age time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, fmt.Sprintf("%s %s %v %v", kind, o, took, age.Round(time.Hour)))
}

func (w *watcher) Panicked() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.panics++
}

// Given jobs of every fate, then the observer learns of each attempt what it
// came to, and never a kind that only the database knows.
func TestTheObserverIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		for _, payload := range []string{"good", "bad", "hopeless", "panics"} {
			enqueue(t, m, job.New{Kind: "k", Payload: payload})
		}
		enqueue(t, m, job.New{Kind: "of another version", Payload: 1})
		time.Sleep(2 * time.Hour)
		ctx, stop := context.WithCancel(t.Context())
		var told watcher
		w := job.NewWorker(m, map[string]job.Handler{"k": func(_ context.Context, j store.Job) error {
			time.Sleep(time.Second)
			switch string(j.Payload) {
			case `"bad"`:
				return errors.New("later")
			case `"hopeless"`:
				return job.Permanent(errors.New("never"))
			case `"panics"`:
				panic("boom")
			}
			return nil
		}}, "a", slog.New(slog.DiscardHandler))
		w.Observe(&told)
		ended := make(chan struct{})
		go func() { defer close(ended); w.Run(ctx) }()
		time.Sleep(4 * time.Second) // less than the shortest wait for another try
		stop()
		<-ended
		slices.Sort(told.told)
		want := []string{"k again 1s 2h0m0s", "k again 1s 2h0m0s", "k dead 1s 2h0m0s", "k done 1s 2h0m0s", "other again 0s 2h0m0s"}
		if !slices.Equal(told.told, want) || told.panics != 1 {
			t.Errorf("%d panics, %q", told.panics, told.told)
		}
	})
}
