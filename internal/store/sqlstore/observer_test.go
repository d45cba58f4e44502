package sqlstore

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/testpg"
)

// onBoth runs a test on a database of each kind.
func onBoth(t *testing.T, test func(t *testing.T, db *DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, opened(t, Options{Data: t.TempDir()})) })
	t.Run("postgres", func(t *testing.T) { test(t, opened(t, Options{URL: testpg.Start(t)})) })
}

// Given jobs and events in every state, when they are counted, then each state
// has its own, and the oldest says since when.
func TestCensus(t *testing.T) {
	onBoth(t, func(t *testing.T, db *DB) {
		empty, err := db.Census(t.Context())
		if err != nil || empty.Bytes < 1000 {
			t.Fatalf("%+v %v", empty, err)
		}
		if empty.Bytes = 0; empty != (Census{}) {
			t.Errorf("an empty database has %+v", empty)
		}
		first := time.UnixMicro(1_700_000_000_000_000).UTC()
		must(t, db.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
			for i, state := range []store.JobState{store.JobDue, store.JobDue, store.JobDead, store.JobDone, store.JobDue} {
				j := store.Job{ID: tx.NewID(), Kind: "k", State: state, Due: first.Add(-time.Duration(i) * time.Second), Created: first}
				if err := store.Insert(tx, j); err != nil {
					return err
				}
			}
			for i := range 3 {
				e := store.Event{ID: tx.NewID(), Kind: "k", At: first.Add(time.Duration(i) * time.Minute)}
				if i == 0 {
					e.Seq = 40
				}
				if err := store.Insert(tx, e); err != nil {
					return err
				}
			}
			return tx.IndexedTo(15)
		}))
		got, err := db.Census(t.Context())
		must(t, err)
		got.Bytes = 0
		want := Census{
			JobsDue: 3, JobsSince: first.Add(-4 * time.Second), JobsDead: 1,
			Unnumbered: 2, EventSince: first.Add(time.Minute), Unindexed: 25,
		}
		if got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

func TestCensusOfAClosedDatabase(t *testing.T) {
	onBoth(t, func(t *testing.T, db *DB) {
		must(t, db.Close())
		if c, err := db.Census(t.Context()); !errors.Is(err, store.ErrUnavailable) || c != (Census{}) {
			t.Errorf("%+v %v", c, err)
		}
	})
}

// watcher keeps what it was told.
type watcher struct {
	mu       sync.Mutex
	viewed   []error
	updated  map[store.Lane][]error
	commits  []int
	negative bool
}

func (w *watcher) Viewed(took time.Duration, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.viewed, w.negative = append(w.viewed, err), w.negative || took < 0
}

func (w *watcher) Updated(l store.Lane, took time.Duration, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.updated[l], w.negative = append(w.updated[l], err), w.negative || took < 0
}

func (w *watcher) Retried(store.Lane) {}

func (w *watcher) Committed(n int, took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.commits, w.negative = append(w.commits, n), w.negative || took < 0
}

func TestTheObserverIsTold(t *testing.T) {
	onBoth(t, func(t *testing.T, db *DB) {
		w := &watcher{updated: map[store.Lane][]error{}}
		db.Observe(w)
		refused := errors.New("refused")
		must(t, db.View(t.Context(), func(store.Reader) error { return nil }))
		must(t, db.Update(t.Context(), store.Bulk, func(tx store.Tx) error {
			return store.Put(tx, store.Secret{Name: "s", Wrapped: []byte("w"), Created: tx.Now()})
		}))
		if err := db.Update(t.Context(), store.Interactive, func(store.Tx) error { return refused }); !errors.Is(err, refused) {
			t.Fatal(err)
		}
		s := db.Stats()
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.viewed) != 1 || w.viewed[0] != nil {
			t.Errorf("views: %v", w.viewed)
		}
		if u := w.updated[store.Bulk]; len(u) != 1 || u[0] != nil {
			t.Errorf("bulk updates: %v", u)
		}
		if u := w.updated[store.Interactive]; len(u) != 1 || !errors.Is(u[0], refused) {
			t.Errorf("interactive updates: %v", u)
		}
		// What was refused is not committed.
		if s.Postgres != (len(w.commits) == 0) || !s.Postgres && (len(w.commits) != 1 || w.commits[0] != 1) || w.negative {
			t.Errorf("commits: %v on %+v", w.commits, s)
		}
		if s.Postgres && s.Pool.MaxOpenConnections != pgConns || s.Interactive+s.Bulk != 0 {
			t.Errorf("%+v", s)
		}
	})
}
