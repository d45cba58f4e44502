package crash

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/test/harness"
)

// faults is how often each fault comes.
const faults = "USHER_CRASH_FAULTS"

// answered is within what every request is answered, whatever the database
// does.
const answered = 25 * time.Second

// town is a database server with a way to it that can be made bad.
type town struct {
	*testing.T
	pg  *testpg.Server
	way *line
}

// Given writers, when the database is slow, silent, turns everybody away, has no
// place left or is locked by somebody else, then each request is answered soon,
// with 503 where it was not done; once that is over usher goes on by itself
// within five seconds, and nothing that it acknowledged is lost.
func TestServesAgainAfterPostgreSQLWasBad(t *testing.T) {
	t.Parallel() // most of it is waiting
	pg := testpg.Own(t)
	at, err := url.Parse(pg.URL())
	if err != nil {
		t.Fatal(err)
	}
	w := town{t, pg, newLine(t, at.Host)}
	at.Host = w.way.Addr().String()
	o := settled(t, harness.Options{DatabaseURL: at.String()})
	c := newCrew(t, harness.Start(t, o), o, size(t, writers, 8))
	for _, f := range []struct {
		name  string
		begin func(town) (end func())
		// down says that nothing can be done meanwhile.
		down bool
	}{
		{"slow", func(w town) func() { w.way.become(slow); return func() { w.way.become(fine) } }, false},
		{"silent", func(w town) func() { w.way.become(silent); return func() { w.way.become(fine) } }, true},
		{"refusing", func(w town) func() { w.way.become(shut); return func() { w.way.become(fine) } }, true},
		{"exhausted", town.exhaust, true},
		{"locked", town.lock, true},
	} {
		var slowest, back time.Duration
		for round := range size(t, faults, 1) {
			halt := c.write(whenUnavailable)
			time.Sleep(200 * time.Millisecond)
			end := f.begin(w)
			slowest = max(slowest, c.askAll(f.down))
			end()
			back = max(back, c.serves(5*time.Second))
			halt()
			c.check(fmt.Sprintf("%s, %d", f.name, round+1))
			if t.Failed() {
				return
			}
		}
		t.Logf("%s: answered after at most %v, back after at most %v", f.name, slowest.Round(time.Millisecond), back.Round(time.Millisecond))
	}
	c.finish()
}

// askAll sends some of every kind at once and gives how long the last answer
// took.
func (c *crew) askAll(down bool) (slowest time.Duration) {
	c.t.Helper()
	var (
		mu  sync.Mutex
		all sync.WaitGroup
	)
	begun := time.Now()
	for i := range 40 {
		asks := []harness.Ask{
			c.get("/api/users/" + c.anybody),
			c.put(fmt.Sprintf("bad%d-%d", i, c.serial.Add(1))),
			c.login("nobody", "x"),
			{Method: "GET", URL: c.Public + "/auth/v1/profile/" + c.all[0].edi, Cookie: c.all[0].cookie},
		}
		all.Go(func() {
			a := asks[i%len(asks)]
			got, err := send(c.t.Context(), a)
			took := time.Since(begun)
			mu.Lock()
			slowest = max(slowest, took)
			mu.Unlock()
			well := got.Status == 503 && got.Header.Get("Retry-After") != "" ||
				!down && (got.Status == 200 || got.Status == 401 && a.Method == "POST")
			if err != nil || took > answered || !well {
				c.t.Errorf("%s %s, after %v: status %d, Retry-After %q, %v: %s", a.Method, a.URL, took, got.Status, got.Header.Get("Retry-After"), err, got.Text)
			}
		})
	}
	all.Wait()
	return slowest
}

// exhaust takes every place at the server, those of usher's first.
func (w town) exhaust() (end func()) {
	w.Helper()
	var held []*pgx.Conn
	w.way.become(shut)
	for {
		conn, err := pgx.Connect(w.Context(), w.pg.URL())
		if err != nil {
			break // none is left, not even one that is kept for a superuser
		}
		held = append(held, conn)
	}
	if len(held) < 100 {
		w.Fatalf("only %d places were taken", len(held))
	}
	w.way.become(fine)
	return func() {
		for _, conn := range held {
			_ = conn.Close(context.Background())
		}
	}
}

// lock keeps everybody from what usher reads with every request.
func (w town) lock() (end func()) {
	w.Helper()
	conn, err := pgx.Connect(w.Context(), w.pg.URL())
	if err != nil {
		w.Fatal(err)
	}
	for _, statement := range []string{"BEGIN", "LOCK TABLE users IN ACCESS EXCLUSIVE MODE"} {
		if _, err := conn.Exec(w.Context(), statement); err != nil {
			w.Fatal(err)
		}
	}
	return func() { _ = conn.Close(context.Background()) }
}
