package main

import (
	"database/sql"
	"encoding/json"
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
	environ = []string{"USHER_DATA=" + dir, "USHER_LISTEN=127.0.0.1:0", "USHER_PUBLIC_URL=https://id.example.org"}
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
				environ = append(environ, c.env)
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
