package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// size is a number that the environment may raise.
func size(t *testing.T, variable string, short int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return short
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, not a number above 0", variable, text)
	}
	return n
}

const (
	rounds  = "USHER_CRASH_ROUNDS"
	writers = "USHER_CRASH_WRITERS"
	stops   = "USHER_CRASH_STOPS"
)

// Given writers at both listeners, when the program is killed at any moment
// and started again, then everything it acknowledged is there and nothing is
// there by halves.
func TestKilledProgramKeepsWhatItAcknowledged(t *testing.T) {
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		short, longest := 12, 700*time.Millisecond
		if store == harness.Postgres {
			short, longest = 5, 1500*time.Millisecond // its first connections take a part of that
		}
		n := size(t, rounds, short)
		o := settled(t, store.Empty(t))
		c := newCrew(t, harness.Start(t, o), o, size(t, writers, 8))
		for round := range n {
			halt := c.write(whenKilled)
			time.Sleep(50*time.Millisecond + rand.N(longest)) //nolint:gosec // any moment will do
			c.Kill()
			halt()
			c.Again()
			c.check(fmt.Sprint("round ", round+1))
			if t.Failed() {
				return
			}
		}
		c.finish()
	})
}

// Given writers, when PostgreSQL crashes and comes back, then all are told to
// come back while it is away, usher goes on by itself within five seconds, and
// nothing that it acknowledged is lost.
func TestServesAgainAfterPostgreSQLCrashed(t *testing.T) {
	pg := testpg.Own(t)
	o := settled(t, harness.Options{DatabaseURL: pg.URL()})
	c := newCrew(t, harness.Start(t, o), o, size(t, writers, 8))
	var slowest time.Duration
	for round := range size(t, stops, 3) {
		halt := c.write(whenUnavailable)
		time.Sleep(rand.N(500 * time.Millisecond)) //nolint:gosec // any moment will do
		if err := pg.Stop("immediate"); err != nil {
			t.Fatal(err)
		}
		c.refused(50)
		if err := pg.Start(); err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, c.serves(5*time.Second))
		time.Sleep(200 * time.Millisecond)
		halt()
		c.check(fmt.Sprint("stop ", round+1))
		if t.Failed() {
			return
		}
	}
	t.Logf("the longest way back after a start: %v", slowest.Round(time.Millisecond))
	c.finish()
}

// settled gives the server a folder that the test knows, and a public URL that
// survives a start on other ports: the issuer of EDI tokens is derived from it.
func settled(t *testing.T, o harness.Options) harness.Options {
	t.Helper()
	if o.Data == "" {
		o.Data = t.TempDir()
	}
	o.Env = append(o.Env, "USHER_PUBLIC_URL=http://127.0.0.1")
	return o
}

// refused asks for and writes things that only the database knows; each must
// be told to come back.
func (c *crew) refused(times int) {
	c.t.Helper()
	for i := range times {
		for _, a := range []harness.Ask{
			c.get("/api/users/" + c.anybody),
			c.put(fmt.Sprintf("down%d-%d", i, c.serial.Add(1))),
			{Method: "POST", URL: c.Public + "/auth/v1/profile", Cookie: c.all[0].cookie, Body: map[string]any{"idp_uid": "uid=down,o=EDI,dc=edirepository,dc=org"}},
			c.login("nobody", "x"),
		} {
			got, err := send(c.t.Context(), a)
			if err != nil || got.Status != 503 || got.Header.Get("Retry-After") == "" {
				c.t.Errorf("%s %s without a database: status %d, Retry-After %q, %v: %s",
					a.Method, a.URL, got.Status, got.Header.Get("Retry-After"), err, got.Text)
			}
		}
	}
}

// serves waits until a write and a read succeed.
func (c *crew) serves(within time.Duration) time.Duration {
	c.t.Helper()
	begun := time.Now()
	for {
		wrote, err := send(c.t.Context(), c.put(fmt.Sprint("again", c.serial.Add(1))))
		if err == nil && wrote.Status == 200 {
			read, err := send(c.t.Context(), c.get("/api/users/"+c.anybody))
			if err == nil && read.Status == 200 {
				return time.Since(begun)
			}
		}
		if time.Since(begun) > within {
			c.t.Fatalf("no service %v after the database: %d %v %s", within, wrote.Status, err, wrote.Text)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// crew is a server with those who write to it.
type crew struct {
	*harness.Server
	t       *testing.T
	o       harness.Options
	all     []*writer
	admin   string // an access token of an administrator
	anybody string // the administrator's id
	serial  counter
	last    int64 // the newest event whose chain was verified
	acked   counter
	unsure  counter
}

// newCrew makes an administrator, and for each writer a vetted person of the
// EDI door.
func newCrew(t *testing.T, s *harness.Server, o harness.Options, n int) *crew {
	t.Helper()
	c := &crew{Server: s, t: t, o: o}
	body := c.put("chief")
	body.Body.(map[string]any)["roles"] = []string{"sysadmin"}
	body.Body.(map[string]any)["password"] = secret
	var made struct{ ID string }
	harness.Send(t, body).JSON(t, 200, &made)
	c.anybody = made.ID
	var in struct{ AccessToken string }
	harness.Send(t, c.login("chief", secret)).JSON(t, 200, &in)
	c.admin = in.AccessToken
	for i := range n {
		w := &writer{crew: c, n: i, profiles: map[string]string{}}
		mail := fmt.Sprintf("writer%d@example.org", i)
		s.CLI("user", "create", "--email", mail, "--name", "before", "--verified")
		var edi struct {
			Token string
			EDIID string `json:"edi_id"`
		}
		harness.Read(t, s.CLI("token", "mint", "--door", "edi", "--ttl", "24h", "--user", mail, "--json"), &edi)
		s.CLI("group", "add", "Vetted", mail)
		w.cookie, w.edi, w.name = "edi-token="+edi.Token, edi.EDIID, "before"
		if err := w.signIn(whenKilled); err != nil {
			t.Fatal(err)
		}
		c.all = append(c.all, w)
	}
	return c
}

// write has everybody write until halt is called, which waits for the last.
func (c *crew) write(f fault) (halt func()) {
	ctx, cancel := context.WithCancel(c.t.Context())
	var wg sync.WaitGroup
	for _, w := range c.all {
		wg.Go(func() { w.work(ctx, f) })
	}
	return func() { cancel(); wg.Wait() }
}
