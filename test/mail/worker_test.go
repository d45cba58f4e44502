package mail

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/effect/mail"
	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/user"
)

// post is a post office: a store, and a sender to a server.
type post struct {
	t      *testing.T
	store  store.Store
	sender *mail.Sender
	stop   func() // ends the worker, and waits until it has
}

func open(t *testing.T, db store.Store, s *server) *post {
	t.Helper()
	sender, err := mail.NewSender(transport(t, options(s)))
	if err != nil {
		t.Fatal(err)
	}
	return &post{t: t, store: db, sender: sender}
}

// work runs a worker until the test ends or stop is called.
func (p *post) work(holder string) {
	p.t.Helper()
	handlers := map[string]job.Handler{job.KindMail: p.sender.Handle}
	w := job.NewWorker(p.store, handlers, holder, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(p.t.Context())
	ended := make(chan struct{})
	go func() { w.Run(ctx); close(ended) }()
	p.stop = func() {
		cancel()
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			p.t.Error("the worker does not end")
		}
	}
	p.t.Cleanup(p.stop)
}

// queue queues n mails, one after another.
func (p *post) queue(n int) {
	p.t.Helper()
	p.update(func(tx store.Tx) error {
		for i := range n {
			err := job.Enqueue(tx, job.New{Kind: job.KindMail, Payload: job.Mail{
				To: fmt.Sprintf("reader%d@example.org", i), Template: "verify", Lang: "de-AT",
				Data: map[string]string{"link": "https://id.example.org/v?token=s3cret", "until": "2026-03-02T11:30:00Z"},
			}})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (p *post) update(fn func(store.Tx) error) {
	p.t.Helper()
	if err := p.store.Update(p.t.Context(), store.Interactive, fn); err != nil {
		p.t.Fatal(err)
	}
}

func (p *post) jobs(state store.JobState) (jobs []store.Job) {
	p.t.Helper()
	err := p.store.View(p.t.Context(), func(r store.Reader) (err error) {
		jobs, err = r.Jobs(state, 1000)
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return jobs
}

// until waits for something to come true.
func (p *post) until(what string, true func() bool) {
	p.t.Helper()
	for end := time.Now().Add(30 * time.Second); !true(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("%s: never", what)
		}
	}
}

// tried says whether every job has been tried, and waits to be again.
func (p *post) tried() bool {
	p.t.Helper()
	for _, j := range p.jobs(store.JobDue) {
		if j.LastErr == "" || j.Holder != "" || j.Due.Before(time.Now()) {
			return false
		}
	}
	return true
}

// again waits until every job was tried, and spares the wait until the next
// attempt: with no worker about, everything becomes due, and a new one starts.
func (p *post) again(holder string) {
	p.t.Helper()
	p.until("every job tried", p.tried)
	p.stop()
	p.update(func(tx store.Tx) error {
		jobs, err := tx.Jobs(store.JobDue, 1000)
		if err != nil {
			return err
		}
		for _, j := range jobs {
			j.Due = tx.Now()
			if err := store.Put(tx, j); err != nil {
				return err
			}
		}
		return nil
	})
	p.work(holder)
}

// settle goes on until no job is due any more.
func (p *post) settle() {
	p.t.Helper()
	for len(p.jobs(store.JobDue)) > 0 {
		p.again("settling")
	}
}

// copies counts the mails that the server took, by Message-ID.
func copies(t *testing.T, s *server) map[string]int {
	t.Helper()
	n := map[string]int{}
	for _, m := range s.mails() {
		n[m.id(t)]++
	}
	return n
}

func messageID(j store.Job) string { return "<" + string(j.ID) + "@example.org>" }

func TestNothingIsLostWhateverTheServerDoes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db store.Store) {
		// Each list is of another length, so that they meet in many ways.
		s := start(t, &server{starttls: true, script: script{
			"connect":  {"421 busy", "", "", drop, "", "", "", ""},
			"STARTTLS": {"", "", "454 not now", ""},
			"MAIL":     {"", "451 later", "", drop, ""},
			"RCPT":     {"451 greylisted", "451 greylisted", "450 greylisted", "", "", drop, ""},
			".":        {"451 queue full", "", drop, takes, "", takes, "", "452 disk full", ""},
		}})
		p := open(t, db, s)
		const mails = 25
		p.queue(mails)
		p.work("a")
		p.settle()
		done, sent, twice := p.jobs(store.JobDone), copies(t, s), 0
		if len(done) != mails || len(sent) != mails || len(p.jobs(store.JobDead)) != 0 {
			t.Fatalf("%d jobs done, %d mails arrived, %d given up", len(done), len(sent), len(p.jobs(store.JobDead)))
		}
		for _, j := range done {
			n := sent[messageID(j)]
			if n < 1 || n > 2 || len(j.Payload) != 0 || j.LastErr != "" {
				t.Errorf("%d copies of job %+v", n, j)
			}
			twice += n - 1
		}
		if twice > 2 {
			t.Errorf("%d mails came again, though 2 answers were lost", twice)
		}
	})
}

func TestGreylistingIsWaitedOut(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db store.Store) {
		s := start(t, &server{starttls: true, script: script{"RCPT": {"451 4.7.1 <reader0@example.org> greylisted", "451 still", ""}}})
		p := open(t, db, s)
		p.queue(1)
		p.work("a")
		for attempt := 1; attempt <= 2; attempt++ {
			p.until("an attempt noted", func() bool {
				jobs := p.jobs(store.JobDue)
				return len(jobs) == 1 && jobs[0].Attempts == attempt && jobs[0].Holder == ""
			})
			j := p.jobs(store.JobDue)[0]
			if !strings.Contains(j.LastErr, "451") || strings.Contains(j.LastErr, "reader0") || j.Due.Before(time.Now()) {
				t.Errorf("after attempt %d: %+v", attempt, j)
			}
			if n := len(s.mails()); n != 0 {
				t.Errorf("%d mails after attempt %d", n, attempt)
			}
			p.again("a")
		}
		p.settle()
		done := p.jobs(store.JobDone)
		if len(done) != 1 || done[0].Attempts != 3 || copies(t, s)[messageID(done[0])] != 1 {
			t.Errorf("done %+v, arrived %v", done, copies(t, s))
		}
		if m := s.mails()[0]; !strings.Contains(m.text, "Best=C3=A4tigen Sie") && !strings.Contains(m.text, "best=C3=A4tigen") {
			t.Errorf("the mail is not in the reader's language:\n%s", m.text)
		}
	})
}

func TestARefusalForGoodIsADeadLetter(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db store.Store) {
		s := start(t, &server{starttls: true, script: script{"RCPT": {"550 5.1.1 <reader0@example.org> unknown", ""}}})
		p := open(t, db, s)
		p.queue(1)
		p.work("a")
		p.until("a dead letter", func() bool { return len(p.jobs(store.JobDead)) == 1 })

		var dead []store.Job
		err := db.View(t.Context(), func(r store.Reader) (err error) { dead, err = job.Dead(r); return err })
		if err != nil || len(dead) != 1 || dead[0].Attempts != 1 || s.seen("RCPT") != 1 {
			t.Fatalf("%+v, %v, %d tries", dead, err, s.seen("RCPT"))
		}
		if want := `sending the mail "verify": the recipient: 550 5.1.1 <(address)> unknown`; dead[0].LastErr != want {
			t.Errorf("the reason is %q, want %q", dead[0].LastErr, want)
		}

		p.update(func(tx store.Tx) error { return job.Retry(tx, dead[0].ID) })
		p.settle()
		if done := p.jobs(store.JobDone); len(done) != 1 || copies(t, s)[messageID(dead[0])] != 1 {
			t.Errorf("tried again: %+v, arrived %v", done, copies(t, s))
		}
	})
}

func TestWhatNeverGoesIsGivenUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db store.Store) {
		s := start(t, &server{starttls: true, script: script{"MAIL": {"550 you may not send"}}})
		p := open(t, db, s)
		p.queue(1)
		p.work("a")
		p.settle()
		dead := p.jobs(store.JobDead)
		if len(dead) != 1 || dead[0].Attempts != 12 || s.seen("MAIL") != 12 || !strings.Contains(dead[0].LastErr, "550 you may not send") {
			t.Errorf("after %d tries: %+v", s.seen("MAIL"), dead)
		}
	})
}

func TestALostAnswerMeansOneCopyMore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db store.Store) {
		s := start(t, &server{starttls: true, script: script{".": {takes, ""}}})
		p := open(t, db, s)
		p.queue(1)
		p.work("a")
		p.settle()
		done := p.jobs(store.JobDone)
		if len(done) != 1 || copies(t, s)[messageID(done[0])] != 2 || len(s.mails()) != 2 {
			t.Errorf("done %+v, arrived %v; want two of one Message-ID", done, copies(t, s))
		}
	})
}

// A process that ends between the server's answer and the note of it leaves
// nothing behind but its lease.
func TestAProcessThatEndsAfterTheAnswerMeansOneCopyMore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db store.Store) {
		s := start(t, &server{starttls: true})
		p := open(t, db, s)
		p.queue(1)
		var leased []store.Job
		p.update(func(tx store.Tx) (err error) {
			leased, err = tx.LeaseJobs("a process that ends", tx.Now().Add(-time.Second), 1) // its lease is over already
			return err
		})
		if len(leased) != 1 {
			t.Fatal("no job to lease")
		}
		if err := p.sender.Handle(t.Context(), leased[0]); err != nil || len(s.mails()) != 1 {
			t.Fatalf("%v, %d mails", err, len(s.mails()))
		}

		p.work("another")
		p.settle()
		done := p.jobs(store.JobDone)
		if len(done) != 1 || done[0].Attempts != 2 || copies(t, s)[messageID(leased[0])] != 2 || len(s.mails()) != 2 {
			t.Errorf("done %+v, arrived %v; want two of one Message-ID", done, copies(t, s))
		}
	})
}

func TestStoppingWaitsForTheAnswer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db store.Store) {
		whole, goOn := make(chan struct{}), make(chan struct{})
		s := start(t, &server{starttls: true, atEnd: func() { close(whole); <-goOn }})
		p := open(t, db, s)
		p.queue(1)
		p.work("a")
		<-whole
		stopped := make(chan struct{})
		go func() { p.stop(); close(stopped) }()
		time.Sleep(20 * time.Millisecond) // the stop is under way
		close(goOn)
		<-stopped
		if done := p.jobs(store.JobDone); len(done) != 1 || len(s.mails()) != 1 {
			t.Errorf("done %+v, %d mails", done, len(s.mails()))
		}
	})
}

func TestAServerThatWasAwayGetsWhatWaited(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db store.Store) {
		s := start(t, &server{starttls: true})
		p := open(t, db, s)
		address := s.listener.Addr().String()
		_ = s.listener.Close()
		p.queue(8)
		p.work("a")
		p.until("every job tried", p.tried)
		s.listen(t, address)
		p.settle()
		ids := map[user.ID]bool{}
		for _, j := range p.jobs(store.JobDone) {
			ids[j.ID] = copies(t, s)[messageID(j)] == 1
		}
		if len(ids) != 8 || len(s.mails()) != 8 {
			t.Errorf("%v done, %d mails", ids, len(s.mails()))
		}
	})
}

// Two processes and many mails: each goes once.
func TestTwoProcessesSendEachMailOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db store.Store) {
		s := start(t, &server{starttls: true})
		a, b := open(t, db, s), open(t, db, s)
		a.queue(40)
		a.work("a")
		b.work("b")
		a.until("all done", func() bool { return len(a.jobs(store.JobDone)) == 40 })
		if len(s.mails()) != 40 || len(copies(t, s)) != 40 {
			t.Errorf("%d mails, %d of them different", len(s.mails()), len(copies(t, s)))
		}
	})
}
