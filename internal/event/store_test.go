package event_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/store/sqlstore"
)

// database opens a real store. Within a bubble it has to be closed before the
// bubble ends.
func database(t *testing.T) *sqlstore.DB {
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
	return db
}

func TestSequencersOnADatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := database(t)
		q1, stop1 := run(t, db, "a")
		q2, stop2 := run(t, db, "b")
		for range 20 {
			appendSome(t, db, 23)
			q1.Wake()
			q2.Wake()
		}
		time.Sleep(5 * time.Second)
		stop1()
		stop2()
		complete(t, db, 460)

		err := db.View(t.Context(), func(r store.Reader) error { return event.Verify(r, 1) })
		if err != nil {
			t.Fatal(err)
		}
		err = db.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
			if err := tx.EraseUserRows("u"); err != nil {
				return err
			}
			return event.Verify(tx, 1)
		})
		if err != nil {
			t.Fatalf("after an erasure: %v", err)
		}
	})
}
