package main

import (
	"bufio"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/store/sqlstore"
	"github.com/usher-id/usher/internal/testpg"
)

// states are what the doctor found, the worst of each check.
func states(t *testing.T, got told) map[string]condition {
	t.Helper()
	var all []finding
	if err := json.Unmarshal([]byte(got.out), &all); err != nil {
		t.Fatalf("%v in %s%s", err, got.out, got.err)
	}
	worst := map[condition]int{well: 0, warn: 1, ill: 2}
	m := map[string]condition{}
	for _, f := range all {
		if f.Says == "" || f.State == warn && f.Do == "" {
			t.Errorf("says too little: %+v", f)
		}
		if worst[f.State] >= worst[m[f.Check]] {
			m[f.Check] = f.State
		}
	}
	return m
}

// change does something to the database behind usher.
func change(t *testing.T, dir, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, sqlstore.FileName))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	res, err := db.ExecContext(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%s changed nothing: %v", statement, err)
	}
}

// settled gives a folder with a database in use.
func settled(t *testing.T) (dir string, environ []string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	environ = []string{"USHER_DATA=" + dir, "USHER_LISTEN=127.0.0.1:0", "USHER_PUBLIC_URL=https://id.example.org", "USHER_TRUSTED_PROXIES=127.0.0.1"}
	done(t, usher(t, environ, "migrate", "up"))
	done(t, usher(t, environ, "user", "create", "--email", "ada@example.org", "--verified"))
	return dir, environ
}

func TestDoctor(t *testing.T) {
	dir, environ := settled(t)
	for _, args := range [][]string{{"doctor", "--json"}, {"doctor", "--full", "--json"}} {
		got := usher(t, environ, args...)
		if got.code != 0 {
			t.Errorf("a sound one: exit %d %s", got.code, got.out)
		}
		for check, s := range states(t, got) {
			if s != well && check != "mail" {
				t.Errorf("%v: %s is %s in %s", args, check, s, got.out)
			}
		}
	}
	if got := usher(t, environ, "doctor"); got.code != 0 || !strings.Contains(got.out, "0 wrong") {
		t.Errorf("as text: exit %d %s", got.code, got.out)
	}
	before := names(t, dir)
	for _, c := range []struct {
		name  string
		do    func(t *testing.T, dir string)
		env   string
		full  bool
		check string
		state condition
	}{
		{name: "development mode", env: "USHER_DEV=true", check: "mode", state: warn},
		{name: "plain http", env: "USHER_PUBLIC_URL=http://id.example.org", check: "public_url", state: warn},
		{name: "everybody a proxy", env: "USHER_TRUSTED_PROXIES=10.0.0.1,0.0.0.0/0", check: "proxies", state: ill},
		{name: "no proxy for TLS", env: "USHER_TRUSTED_PROXIES=", check: "proxies", state: warn},
		{name: "internal for others", env: "USHER_INTERNAL_LISTEN=0.0.0.0:0 USHER_DOORS_PARTNER_INTERNAL_SECRET=" + strings.Repeat("s", 32), check: "internal", state: warn},
		{name: "mail in the clear", env: "USHER_MAIL_SMTP_HOST=mail.example.org USHER_MAIL_FROM=id@example.org USHER_MAIL_SMTP_TLS=opportunistic", check: "mail", state: warn},
		{name: "an old signing key", do: func(t *testing.T, dir string) { change(t, dir, `UPDATE signing_keys SET activated = 1`) }, check: "key", state: warn},
		{name: "a newer usher's tables", do: func(t *testing.T, dir string) {
			change(t, dir, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`)
		}, check: "schema", state: ill},
		{name: "tables of an older usher", do: func(t *testing.T, dir string) {
			change(t, dir, `DELETE FROM goose_db_version WHERE version_id = (SELECT MAX(version_id) FROM goose_db_version)`)
		}, check: "schema", state: warn},
		{name: "no database", do: func(t *testing.T, dir string) { rename(t, filepath.Join(dir, sqlstore.FileName)) }, check: "database", state: ill},
		{name: "a mail server that is away", env: "USHER_MAIL_SMTP_HOST=127.0.0.1 USHER_MAIL_SMTP_PORT=1 USHER_MAIL_FROM=id@example.org", full: true, check: "mail server", state: ill},
		{name: "readable by all", do: func(t *testing.T, dir string) { chmod(t, filepath.Join(dir, sqlstore.FileName), 0o644) }, check: "files", state: warn},
		{name: "another key", env: "USHER_KEY=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", check: "key", state: ill},
		{name: "no key", do: func(t *testing.T, dir string) { rename(t, filepath.Join(dir, "usher.key")) }, check: "key", state: ill},
		{name: "an event that was changed", do: func(t *testing.T, dir string) {
			change(t, dir, `UPDATE events SET seq = 1, chain = 'AA', body_hash = 'AA' WHERE id = (SELECT MIN(id) FROM events)`)
		}, check: "events", state: ill},
		{name: "a user who is gone", do: func(t *testing.T, dir string) { change(t, dir, "DELETE FROM users") }, full: true, check: "content", state: ill},
		{name: "a mail that was given up", do: func(t *testing.T, dir string) {
			change(t, dir, `INSERT INTO jobs (realm, id, kind, key, user_id, payload, state, due, attempts, holder, until, last_err, created)
				VALUES ('main', 'j', 'mail', '', '', '{}', 'dead', 1, 12, '', 0, '550 no', 1)`)
		}, check: "jobs", state: warn},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, environ := settled(t)
			if c.do != nil {
				c.do(t, dir)
			}
			if c.env != "" {
				environ = append(environ, strings.Fields(c.env)...)
			}
			args := []string{"doctor", "--json"}
			if c.full {
				args = append(args, "--full")
			}
			got := usher(t, environ, args...)
			if s := states(t, got)[c.check]; s != c.state {
				t.Errorf("%s is %q, want %s: %s", c.check, s, c.state, got.out)
			}
			if (got.code != 0) != (c.state == ill) {
				t.Errorf("exit %d", got.code)
			}
		})
	}
	if after := names(t, dir); strings.Join(before, " ") != strings.Join(after, " ") {
		t.Errorf("the folder had %v, and has %v", before, after)
	}

	pg := append(environ, "USHER_DATABASE_URL="+testpg.Start(t), "USHER_KEY_FILE="+filepath.Join(t.TempDir(), "k"))
	done(t, usher(t, pg, "migrate", "up"))
	done(t, usher(t, pg, "user", "create", "--email", "ada@example.org"))
	got := usher(t, pg, "doctor", "--full", "--json")
	if got.code != 0 || states(t, got)["database"] != well {
		t.Errorf("on PostgreSQL: exit %d %s", got.code, got.out)
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil { //nolint:gosec // that is what is to be found
		t.Fatal(err)
	}
}

func rename(t *testing.T, path string) {
	t.Helper()
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
}

// mailServer answers with a greeting and these lines to EHLO, as often as it is
// asked.
func mailServer(t *testing.T, ehlo string) (port string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(c, "220 mail.example.org ESMTP\r\n")
			for lines := bufio.NewScanner(c); lines.Scan(); {
				switch verb := strings.Fields(lines.Text())[0]; verb {
				case "EHLO":
					fmt.Fprint(c, ehlo)
				case "QUIT":
					fmt.Fprint(c, "221 bye\r\n")
				default:
					fmt.Fprint(c, "502 "+verb+"?\r\n")
				}
			}
			_ = c.Close()
		}
	}()
	_, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Given a mail server, when all is looked at, then it is asked, and must do what
// mails need.
func TestDoctorGreetsTheMailServer(t *testing.T) {
	_, environ := settled(t)
	port := mailServer(t, "250-mail.example.org\r\n250 SIZE 1000\r\n")
	environ = append(environ, "USHER_MAIL_FROM=id@example.org", "USHER_MAIL_SMTP_HOST=127.0.0.1", "USHER_MAIL_SMTP_PORT="+port)
	for tls, want := range map[string]condition{"none": well, "opportunistic": well, "starttls": ill, "implicit": ill} {
		got := usher(t, append(environ, "USHER_MAIL_SMTP_TLS="+tls), "doctor", "--full", "--json")
		if s := states(t, got)["mail server"]; s != want {
			t.Errorf("%s: %s, want %s: %s", tls, s, want, got.out)
		}
	}
	if s, asked := states(t, usher(t, environ, "doctor", "--json"))["mail server"]; asked {
		t.Errorf("asked without --full: %s", s)
	}
}
