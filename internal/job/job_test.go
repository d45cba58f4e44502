package job_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

func enqueue(t *testing.T, s store.Store, n job.New) {
	t.Helper()
	err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error { return job.Enqueue(tx, n) })
	if err != nil {
		t.Fatalf("queueing: %v", err)
	}
}

func jobs(t *testing.T, s store.Store, state store.JobState) (found []store.Job) {
	t.Helper()
	err := s.View(t.Context(), func(r store.Reader) (err error) {
		found, err = r.Jobs(state, 1000)
		return err
	})
	if err != nil {
		t.Fatalf("reading jobs: %v", err)
	}
	return found
}

// only gives the one job there is, which must be in the given state.
func only(t *testing.T, s store.Store, state store.JobState) store.Job {
	t.Helper()
	found := jobs(t, s, state)
	if len(found) != 1 {
		t.Fatalf("%d jobs are %s, want one", len(found), state)
	}
	return found[0]
}

func TestEnqueueKeepsWhatIsToBeDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		enqueue(t, m, job.New{Kind: job.KindMail, User: "u", Payload: job.Mail{To: "a@example.org", Template: "verify"}})
		j := only(t, m, store.JobDue)
		if j.Kind != "mail" || j.User != "u" || string(j.Payload) != `{"to":"a@example.org","template":"verify"}` {
			t.Errorf("the job is %+v with %s", j, j.Payload)
		}
		if !j.Due.Equal(time.Now()) || !j.Created.Equal(time.Now()) {
			t.Errorf("due %v, created %v; want both now", j.Due, j.Created)
		}
	})
}

func TestEnqueueTwiceWithOneKeyIsOneJob(t *testing.T) {
	m := newMemory()
	enqueue(t, m, job.New{Kind: "mail", Key: "k", Payload: 1})
	enqueue(t, m, job.New{Kind: "mail", Key: "k", Payload: 2})
	if j := only(t, m, store.JobDue); string(j.Payload) != "1" {
		t.Errorf("the second job replaced the first: %s", j.Payload)
	}
	enqueue(t, m, job.New{Kind: "sms", Key: "k"})
	enqueue(t, m, job.New{Kind: "mail"})
	enqueue(t, m, job.New{Kind: "mail"})
	if n := len(jobs(t, m, store.JobDue)); n != 4 {
		t.Errorf("%d jobs, want 4: another kind, and two without a key, are jobs of their own", n)
	}
}

func TestEnqueueTellsOfFaults(t *testing.T) {
	m := newMemory()
	err := m.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
		return job.Enqueue(tx, job.New{Kind: "mail", Payload: make(chan int)})
	})
	if err == nil || len(m.jobs) != 0 {
		t.Errorf("error %v, %d jobs; want an error and none", err, len(m.jobs))
	}
}

func TestRetryMakesADeadJobDueAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		m.jobs["dead"] = store.Job{ID: "dead", Kind: "mail", State: store.JobDead, Attempts: 12, LastErr: "no route"}
		m.jobs["done"] = store.Job{ID: "done", Kind: "mail", State: store.JobDone}
		retry := func(id user.ID) error {
			return m.Update(t.Context(), store.Interactive, func(tx store.Tx) error { return job.Retry(tx, id) })
		}
		if err := retry("dead"); err != nil {
			t.Fatal(err)
		}
		if j := only(t, m, store.JobDue); j.Attempts != 0 || !j.Due.Equal(time.Now()) {
			t.Errorf("the job has %d attempts behind it and is due %v", j.Attempts, j.Due)
		}
		for _, id := range []user.ID{"done", "unknown"} {
			if err := retry(id); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("retrying %q: %v, want not found", id, err)
			}
		}
	})
}

func TestPermanentKeepsTheError(t *testing.T) {
	cause := errors.New("no such mailbox")
	if err := job.Permanent(cause); !errors.Is(err, cause) || err.Error() != cause.Error() {
		t.Errorf("got %v", err)
	}
	if job.Permanent(nil) != nil {
		t.Error("Permanent(nil) is an error")
	}
}
