package job_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/store/sqlstore"
)

// database opens a real store, to be closed with the bubble it is opened in.
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

func TestWorkersOnADatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := database(t)
		for range 30 {
			enqueue(t, db, job.New{Kind: "k", Payload: "good"})
		}
		enqueue(t, db, job.New{Kind: "k", Key: "once", Payload: "bad"})
		enqueue(t, db, job.New{Kind: "k", Key: "once", Payload: "bad"})
		var good, bad atomic.Int32
		h := func(_ context.Context, j store.Job) error {
			if string(j.Payload) == `"bad"` {
				bad.Add(1)
				return errors.New("no route")
			}
			good.Add(1)
			return nil
		}
		_, stop1 := start(t, db, "a", h)
		_, stop2 := start(t, db, "b", h)
		time.Sleep(time.Minute) // attempts at once, after some 10 s, and after some 30 s more
		stop1()
		stop2()
		if good.Load() != 30 || len(jobs(t, db, store.JobDone)) != 30 {
			t.Errorf("%d runs for 30 jobs, %d done", good.Load(), len(jobs(t, db, store.JobDone)))
		}
		if j := only(t, db, store.JobDue); bad.Load() != 3 || j.Attempts != 3 || j.LastErr != "no route" || !j.Due.After(time.Now()) {
			t.Errorf("after %d runs the bad job is %+v", bad.Load(), j)
		}
	})
}

func TestDeadAndRetryOnADatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := database(t)
		enqueue(t, db, job.New{Kind: "k"})
		fail := true
		w, stop := start(t, db, "a", func(context.Context, store.Job) error {
			if fail {
				return job.Permanent(errors.New("no such template"))
			}
			return nil
		})
		defer stop()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		dead := only(t, db, store.JobDead)

		fail = false
		err := db.Update(t.Context(), store.Interactive, func(tx store.Tx) error { return job.Retry(tx, dead.ID) })
		if err != nil {
			t.Fatal(err)
		}
		w.Wake()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if j := only(t, db, store.JobDone); j.ID != dead.ID || len(j.Payload) != 0 {
			t.Errorf("the retried job is %+v", j)
		}
	})
}
