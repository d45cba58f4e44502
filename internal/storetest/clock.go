package storetest

import (
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/store/sqlstore"
	"github.com/usher-id/usher/internal/testpg"
)

// Clock is moved by hand, and only forward.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock is a clock that stands at a time.
func NewClock(at time.Time) *Clock { return &Clock{now: at} }

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves it.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// EachAt is Each over stores that a clock of the test's drives.
func EachAt(t *testing.T, fn func(*testing.T, store.Store, *Clock)) {
	t.Helper()
	open := func(t *testing.T, o sqlstore.Options) (*sqlstore.DB, *Clock) {
		t.Helper()
		c := NewClock(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))
		o.Clock = c.Now
		db, err := sqlstore.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		return db, c
	}
	t.Run("sqlite", func(t *testing.T) {
		db, c := open(t, sqlstore.Options{Data: t.TempDir()})
		fn(t, db, c)
	})
	t.Run("sqlite run twice", func(t *testing.T) {
		db, c := open(t, sqlstore.Options{Data: t.TempDir()})
		fn(t, Twice(db), c)
	})
	t.Run("postgres", func(t *testing.T) {
		db, c := open(t, sqlstore.Options{URL: testpg.Start(t)})
		fn(t, db, c)
	})
}
