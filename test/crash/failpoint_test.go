package crash

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/failpoint"
	"github.com/usher-id/usher/test/harness"
)

// deaths is how often the program dies at each point.
const deaths = "USHER_CRASH_DEATHS"

// atStart are the points that a start passes on an empty database, and no
// request later.
func atStart() []failpoint.Point {
	return []failpoint.Point{
		failpoint.SQLiteWriter, failpoint.MigrateBegin, failpoint.MigrateStep, failpoint.MigrateEnd, failpoint.KeyAbsent, failpoint.KeyWritten, failpoint.Listening,
	}
}

// withMail are the points that only a mail passes.
func withMail() []failpoint.Point {
	return []failpoint.Point{
		failpoint.JobLeased, failpoint.JobDone, failpoint.JobNoted, failpoint.SMTPConnect, failpoint.SMTPData, failpoint.SMTPTaken,
	}
}

// reached says whether a kind of database passes a point.
func reached(store harness.Store, p failpoint.Point) bool {
	of, _, _ := strings.Cut(string(p), ".")
	return of != "sqlite" && of != "postgres" || of == string(store)
}

func arm(p failpoint.Point, pass int) string {
	return fmt.Sprintf("USHER_TEST_FAILPOINTS=%s=kill@%d", p, pass)
}

func diedAt(t *testing.T, p failpoint.Point, said string) {
	t.Helper()
	if !strings.Contains(said, "failpoint: "+string(p)+"\n") {
		t.Fatalf("did not die at %s:\n%s", p, said)
	}
}

// Given a program that dies at one point of its way, when it is started again,
// then it makes good what is missing and has lost nothing.
func TestDiesAtEachPoint(t *testing.T) {
	t.Parallel()
	binary := harness.Tagged(t, "failpoint")
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		for name, dies := range map[string]func(*testing.T, harness.Store, string){
			"of a start": diesStarting, "of a write": diesWriting, "of a mail": diesMailing,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel() // most of it is waiting for a start
				dies(t, store, binary)
			})
		}
	})
}

// Whatever point of a write it dies at, be it the first or a later time that it
// passes there: everything it acknowledged is there, and nothing by halves.
func diesWriting(t *testing.T, store harness.Store, binary string) {
	others := slices.Concat(atStart(), withMail())
	o := settled(t, store.Empty(t))
	o.Binary = binary
	c := newCrew(t, harness.Start(t, o), o, size(t, writers, 8))
	died := 0
	for _, p := range failpoint.All() {
		if !reached(store, p) || slices.Contains(others, p) {
			continue
		}
		for round := range size(t, deaths, 1) {
			c.Stop()
			// A start passes some points too; the first write comes later.
			c.Env(arm(p, passes(p, round)))
			c.Again()
			halt := c.write(whenKilled)
			said := c.Dies(2 * time.Minute)
			halt()
			diedAt(t, p, said)
			died++
			c.Env()
			c.Again()
			c.check(fmt.Sprintf("%s, death %d", p, round+1))
			if t.Failed() {
				return
			}
		}
	}
	t.Logf("%d deaths", died)
	c.finish()
}

// passes is at which pass of a point the program dies: where it is passed in
// every write, somewhere among the first few hundred.
func passes(p failpoint.Point, round int) int {
	switch p {
	case failpoint.SQLiteTrim, failpoint.SQLiteTrimmed, failpoint.PostgresAgain:
		return 1
	case failpoint.EventsNumber, failpoint.EventsNumbered, failpoint.BatchSynced, failpoint.BatchAnswered:
		return 3 + round
	default:
		return 60 + 37*round
	}
}

// Whatever point of its first start it dies at: the next start makes good what
// is missing, once, and serves.
func diesStarting(t *testing.T, store harness.Store, binary string) {
	for _, p := range atStart() {
		if !reached(store, p) {
			continue
		}
		o := settled(t, store.Empty(t))
		o.Binary = binary
		armed := o
		armed.Env = append(slices.Clone(o.Env), arm(p, 1))
		diedAt(t, p, harness.Fails(t, armed))
		c := newCrew(t, harness.Start(t, o), o, 2)
		halt := c.write(whenUnavailable)
		time.Sleep(200 * time.Millisecond)
		halt()
		c.check(string(p))
		c.finish()
		c.Stop()
	}
}

// An ordinary build has no points, whatever the environment says.
func TestAnOrdinaryBuildDiesAtNone(t *testing.T) {
	if failpoint.Enabled {
		t.Fatal("the tests themselves are built with failpoints")
	}
	s := harness.Start(t, harness.Options{Env: []string{arm(failpoint.Listening, 1)}})
	if !s.Alive() {
		t.Error("it died")
	}
}
