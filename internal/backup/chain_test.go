package backup_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/backup"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/store/sqlstore"
)

// numbered gives a database with n events in their chain, and one that has no
// number yet.
func numbered(t *testing.T, n int) *sqlstore.DB {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), sqlstore.Options{Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	happen := func(n int) {
		err := db.Update(t.Context(), store.Bulk, func(tx store.Tx) error {
			for i := range n {
				if err := event.Append(tx, event.New{Kind: event.UserChanged, User: "u", Actor: "ops", Body: map[string]int{"n": i}}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	happen(n)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		event.NewSequencer(db, "test", slog.New(slog.DiscardHandler)).Run(ctx)
	}()
	for last := 0; last < n; time.Sleep(time.Millisecond) {
		err := db.View(t.Context(), func(r store.Reader) error {
			e, err := r.LastEvent()
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			last = int(e.Seq)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	stop()
	<-ended
	happen(1)
	return db
}

// meddled changes the events of a database on their way into a backup.
type meddled struct {
	*sqlstore.DB
	events func(columns []string, rows [][]any) [][]any
}

func (m meddled) Export(ctx context.Context, to sqlstore.Sink) error {
	k := &keeping{Sink: to, events: m.events}
	if err := m.DB.Export(ctx, k); err != nil {
		return err
	}
	return k.flush()
}

// keeping holds the events back until all are there.
type keeping struct {
	sqlstore.Sink
	events  func(columns []string, rows [][]any) [][]any
	columns []string
	rows    [][]any
}

func (k *keeping) Table(name string, columns []string) error {
	if err := k.flush(); err != nil {
		return err
	}
	if name == sqlstore.EventsTable {
		k.columns = columns
	}
	return k.Sink.Table(name, columns)
}

func (k *keeping) Row(values []any) error {
	if k.columns == nil {
		return k.Sink.Row(values)
	}
	k.rows = append(k.rows, slices.Clone(values))
	return nil
}

func (k *keeping) flush() error {
	if k.columns == nil {
		return nil
	}
	for _, r := range k.events(k.columns, k.rows) {
		if err := k.Sink.Row(r); err != nil {
			return err
		}
	}
	k.columns, k.rows = nil, nil
	return nil
}

// Given a database whose events were changed behind usher, then its backup is
// whole and says where the chain breaks.
func TestTheChainOfTheEvents(t *testing.T) {
	const n = 600 // more than are held at once
	db := numbered(t, n)
	set := func(column string, at int, to any) func([]string, [][]any) [][]any {
		return func(columns []string, rows [][]any) [][]any {
			rows[at][slices.Index(columns, column)] = to // the first has no number
			return rows
		}
	}
	for name, c := range map[string]struct {
		events func(columns []string, rows [][]any) [][]any
		breaks int64 // 0: it holds
	}{
		"as it is":        {func(_ []string, rows [][]any) [][]any { return rows }, 0},
		"none":            {func([]string, [][]any) [][]any { return nil }, 0},
		"one erased":      {set("body", 300, ""), 0},
		"the unnumbered":  {set("body", 0, `{"n":7}`), 0},
		"a body":          {set("body", 300, `{"n":7}`), 300},
		"the first":       {set("actor", 1, "nobody"), 1},
		"the last":        {set("kind", n, "nothing"), n},
		"the first gone":  {func(_ []string, rows [][]any) [][]any { return slices.Delete(rows, 1, 2) }, 1},
		"one gone":        {func(_ []string, rows [][]any) [][]any { return slices.Delete(rows, 256, 257) }, 256},
		"another gone":    {func(_ []string, rows [][]any) [][]any { return slices.Delete(rows, 257, 258) }, 257},
		"one twice":       {func(_ []string, rows [][]any) [][]any { return slices.Insert(rows, 500, rows[499]) }, 500},
		"the last twice":  {func(_ []string, rows [][]any) [][]any { return append(rows, rows[n]) }, n + 1},
		"another's chain": {set("chain", 400, "00"), 400},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := backup.Verify(bytes.NewReader(written(t, meddled{db, c.events})))
			if err != nil {
				t.Fatal(err)
			}
			broken, ok := errors.AsType[*event.BrokenError](v.Events)
			switch {
			case c.breaks == 0 && v.Events != nil:
				t.Error(v.Events)
			case c.breaks > 0 && (!ok || broken.Seq != c.breaks):
				t.Errorf("breaks at %v, not at %d", v.Events, c.breaks)
			}
		})
	}
}
