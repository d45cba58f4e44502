package crash

import (
	"bufio"
	"database/sql"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/test/harness"
)

// postOffice is a mail server on this machine that takes everything.
type postOffice struct {
	net.Listener
	mu    sync.Mutex
	taken map[string]int // by Message-ID
}

func openPostOffice(t *testing.T) *postOffice {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	o := &postOffice{Listener: l, taken: map[string]int{}}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go o.serve(conn)
		}
	}()
	return o
}

// serve speaks as much SMTP (RFC 5321) as a mail needs.
func (o *postOffice) serve(conn net.Conn) {
	defer conn.Close()
	say := func(s string) { fmt.Fprint(conn, s+"\r\n") }
	say("220 post office")
	id, inMail := "", false
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		line := lines.Text()
		switch verb, _, _ := strings.Cut(strings.ToUpper(line), " "); {
		case inMail && line == ".":
			o.mu.Lock()
			o.taken[id]++
			o.mu.Unlock()
			inMail = false
			say("250 taken")
		case inMail:
			if found, ok := strings.CutPrefix(line, "Message-ID: "); ok {
				id = found
			}
		case verb == "DATA":
			inMail = true
			say("354 go on")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

// mails are how many were taken, and how many of them more than once.
func (o *postOffice) mails() (different, again int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, n := range o.taken {
		different++
		again += n - 1
	}
	return different, again
}

// Whatever point on the way of a mail it dies at: everybody who was to be told
// is told, nobody more than twice, and whoever is can see that it is one mail.
func diesMailing(t *testing.T, store harness.Store, binary string) {
	const people = 6
	office := openPostOffice(t)
	o := settled(t, store.Empty(t))
	o.Binary = binary
	o.Env = append(
		o.Env, "USHER_MAIL_SMTP_HOST=127.0.0.1", "USHER_MAIL_SMTP_TLS=none", "USHER_MAIL_FROM=usher@example.org",
		fmt.Sprintf("USHER_MAIL_SMTP_PORT=%d", office.Addr().(*net.TCPAddr).Port),
	)
	o.Production = true
	s := harness.Start(t, o)
	c := &crew{Server: s, t: t, o: o}
	told, died := 0, 0
	for _, p := range withMail() {
		for round := range size(t, deaths, 1) {
			var emails []string
			for i := range people {
				email := fmt.Sprintf("%s-%d-%d@example.org", strings.ReplaceAll(string(p), ".", "-"), round, i)
				s.CLI("user", "create", "--email", email, "--verified")
				emails = append(emails, email)
			}
			s.Stop()
			s.Env(arm(p, 1+round%people))
			s.Again()
			// A partner says of each that it knows them: their mailbox is told.
			for _, email := range emails {
				a := c.put(strings.TrimSuffix(email, "@example.org"))
				_, _ = send(t.Context(), a) // it may die of the first mail
			}
			diedAt(t, p, s.Dies(time.Minute))
			died++
			c.leasesEnd()
			s.Env()
			s.Again()
			for _, email := range emails {
				harness.Send(t, c.put(strings.TrimSuffix(email, "@example.org"))).JSON(t, 200, &struct{}{})
			}
			told += people
			c.until(func() bool { n, _ := office.mails(); return n >= told })
		}
	}
	different, again := office.mails()
	t.Logf("%d deaths, %d mails, %d of them twice", died, different, again)
	if different != told || again > died*4 { // four are under way at once
		t.Errorf("%d mails arrived and %d again, want %d and at most 4 a death", different, again, told)
	}
	office.mu.Lock()
	defer office.mu.Unlock()
	for id, n := range office.taken {
		if n > 2 || id == "" {
			t.Errorf("mail %q arrived %d times", id, n)
		}
	}
}

// leasesEnd has the minute pass after which the jobs of a program that died are
// another's.
func (c *crew) leasesEnd() {
	c.t.Helper()
	driver, at := "pgx", c.o.DatabaseURL
	if at == "" {
		driver, at = "sqlite", "file:"+c.o.Data+"/usher.db?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, at)
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(c.t.Context(), "UPDATE jobs SET until = 1 WHERE until > 0"); err != nil {
		c.t.Fatal(err)
	}
}

// until waits for something that happens by itself. PostgreSQL may carry out
// what a program sent as it died, so that a job is leased once more, for a
// minute.
func (c *crew) until(done func() bool) {
	c.t.Helper()
	for end := time.Now().Add(150 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatal("it did not happen within two minutes and a half")
		}
	}
}
