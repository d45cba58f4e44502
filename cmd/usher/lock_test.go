package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/config"
)

// Given a server on a folder, when a second one is started there, then it is
// refused by the folder's name, and who is in its way; commands go on working.
func TestAFolderHasOneServer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	environ := []string{"USHER_DATA=" + dir}
	first, err := place{&config.Config{Data: dir}, creating}.hold()
	if err != nil {
		t.Fatal(err)
	}
	serve := []string{"serve", "--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0"}
	refused(t, usher(t, environ, serve...), 1, "another usher serve, process "+strconv.Itoa(os.Getpid())+", runs on the folder "+dir, "SQLite takes one server")
	done(t, usher(t, environ, "migrate", "up"))
	done(t, usher(t, environ, "user", "create", "--email", "ada@example.org"))
	if err := first.release(); err != nil {
		t.Fatal(err)
	}
	// What a server that was killed leaves is a file, and not a lock.
	if text := readFile(t, filepath.Join(dir, lockName)); strings.TrimSpace(text) != strconv.Itoa(os.Getpid()) {
		t.Errorf("left %q", text)
	}
	serving(t, environ, "--dev")
	serving(t, environ, "--dev")
}

// Given PostgreSQL, then any number of servers may run, and no folder is made.
func TestPostgreSQLTakesSeveralServers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	at := place{&config.Config{Data: dir, DatabaseURL: "postgres://usher@db.internal/usher"}, creating}
	for range 2 {
		held, err := at.hold()
		if err != nil {
			t.Fatal(err)
		}
		defer held.release()
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a folder was made")
	}
}

// Given a lock file with anything in it, then only a process's number is shown.
func TestHolder(t *testing.T) {
	for text, want := range map[string]string{"": "", "42\n": ", process 42,", "\x1b[2J": "", "-1": "", "0": "", "12 13": ""} {
		f, err := os.Open(fileOf(t, "lock", text))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got := holder(f); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
