package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

func testLeases(t *testing.T, open Open) {
	t.Run("a named lease", func(t *testing.T) { testLease(t, open(t)) })
	t.Run("jobs", func(t *testing.T) { testLeaseJobs(t, open(t)) })
	t.Run("jobs of some kinds", func(t *testing.T) { testLeasesOfKinds(t, open(t)) })
	t.Run("no more jobs than asked for", func(t *testing.T) { testLeasesNoMore(t, open(t)) })
	t.Run("jobs by eight workers", func(t *testing.T) { testManyWorkers(t, open(t)) })
}

func testLease(t *testing.T, s store.Store) {
	for i, c := range []struct {
		name, holder string
		lasts        time.Duration
		want         bool
	}{
		{"n", "a", time.Hour, true},
		{"n", "b", time.Hour, false},
		{"m", "b", time.Hour, true},
		{"n", "a", -time.Second, true}, // renewed, and over at once
		{"n", "b", time.Hour, true},
		{"n", "a", time.Hour, false},
	} {
		var held bool
		update(t, s, func(tx store.Tx) (err error) {
			held, err = tx.Lease(c.name, c.holder, tx.Now().Add(c.lasts))
			return err
		})
		same(t, fmt.Sprint("step ", i), c.want, nil, held)
	}
}

func lease(t testing.TB, s store.Store, holder string, lasts time.Duration, n int) (jobs []store.Job) {
	t.Helper()
	update(t, s, func(tx store.Tx) (err error) {
		jobs, err = tx.LeaseJobs(holder, tx.Now().Add(lasts), n)
		return err
	})
	return jobs
}

func testLeaseJobs(t *testing.T, s store.Store) {
	future := time.Now().Add(time.Hour)
	given(t, s,
		store.Job{ID: "1", State: store.JobDue, Due: at(3)}, store.Job{ID: "2", State: store.JobDue, Due: at(1), Attempts: 4},
		store.Job{ID: "3", State: store.JobDue, Due: at(2)}, store.Job{ID: "4", State: store.JobDue, Due: future},
		store.Job{ID: "5", State: store.JobDead, Due: at(1)}, store.Job{ID: "6", State: store.JobDone, Due: at(1)},
	)
	id := func(j store.Job) string { return string(j.ID) }
	first := lease(t, s, "a", time.Hour, 2)
	keys(t, "the two that are due first", first, nil, id, "2", "3")
	if j := first[0]; j.Holder != "a" || j.Attempts != 5 || !j.Until.After(time.Now()) {
		t.Errorf("leased: %+v", j)
	}
	keys(t, "the rest", lease(t, s, "b", -time.Second, 9), nil, id, "1")
	keys(t, "what came back", lease(t, s, "c", time.Hour, 9), nil, id, "1")
	keys(t, "nothing more", lease(t, s, "d", time.Hour, 9), nil, id)
}

// Jobs of kinds that were not asked for wait.
func testLeasesOfKinds(t *testing.T, s store.Store) {
	given(t, s, store.Job{ID: "1", Kind: "mail", State: store.JobDue, Due: at(1)}, store.Job{ID: "2", Kind: "sms", State: store.JobDue, Due: at(2)},
		store.Job{ID: "3", Kind: "webhook", State: store.JobDue, Due: at(3)})
	of := func(kinds ...string) (jobs []store.Job) {
		update(t, s, func(tx store.Tx) (err error) {
			jobs, err = tx.LeaseJobs("a", tx.Now().Add(time.Hour), 9, kinds...)
			return err
		})
		return jobs
	}
	id := func(j store.Job) string { return string(j.ID) }
	keys(t, "of one kind", of("sms"), nil, id, "2")
	keys(t, "of two, one of them taken", of("sms", "webhook"), nil, id, "3")
	keys(t, "of any", of(), nil, id, "1")
}

// However many are due, no more are leased than there is room for.
func testLeasesNoMore(t *testing.T, s store.Store) {
	rows := []any{}
	for i := range 40 {
		rows = append(rows, store.Job{ID: user.ID(fmt.Sprint(i)), State: store.JobDue, Due: at(1)})
	}
	given(t, s, rows...)
	for range 10 {
		if got := lease(t, s, "a", time.Hour, 4); len(got) != 4 {
			t.Fatalf("%d jobs were leased, 4 were asked for", len(got))
		}
	}
}

func testManyWorkers(t *testing.T, s store.Store) {
	rows := []any{}
	for i := range 200 {
		rows = append(rows, store.Job{ID: user.ID(fmt.Sprint(i)), State: store.JobDue, Due: at(1)})
	}
	given(t, s, rows...)
	var mu sync.Mutex
	taken := map[user.ID]int{}
	together(t, 8, func(worker int) error {
		for {
			var jobs []store.Job
			err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) (err error) {
				jobs, err = tx.LeaseJobs(fmt.Sprint(worker), tx.Now().Add(time.Hour), 7)
				return err
			})
			if err != nil {
				return err
			}
			mu.Lock()
			for _, j := range jobs {
				taken[j.ID]++
			}
			done := len(taken) == 200
			mu.Unlock()
			if done || len(jobs) == 0 {
				return nil
			}
		}
	})
	for id, n := range taken {
		if n != 1 {
			t.Errorf("job %s was taken %d times", id, n)
		}
	}
	if left := lease(t, s, "last", time.Hour, 200); len(taken)+len(left) != 200 {
		t.Errorf("%d taken, %d left", len(taken), len(left))
	}
}

// together runs n at once, and fails on the first error.
func together(t testing.TB, n int, fn func(i int) error) {
	t.Helper()
	errs := make(chan error, n)
	begin := make(chan struct{})
	for i := range n {
		go func() {
			<-begin
			errs <- fn(i)
		}()
	}
	close(begin)
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
