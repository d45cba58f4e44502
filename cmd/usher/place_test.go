package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/store/sqlstore"
	"github.com/usher-id/usher/internal/testpg"
)

// everyOther are the commands that work on a database and may not make one.
var everyOther = []string{
	"user create --email ada@example.org", "user show x", "user lock x", "user unlock x", "user erase x", "user list",
	"group create g", "group add g x", "group remove g x", "group list", "client create --id c", "token mint --door edi --user x",
	"policy show", "merge a b", "unmerge x", "explain x", "jobs list", "jobs retry x", "migrate status", "backup b.backup",
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// Given a data folder that was mistyped, when any command but serve and migrate
// up runs, then it says which folder it looked into and leaves nothing there.
func TestOnlyTwoCommandsMakeADatabase(t *testing.T) {
	root := t.TempDir()
	t.Chdir(root)
	for _, line := range everyOther {
		got := usher(t, nil, append(strings.Fields(line), "--data", "mistyped")...)
		refused(t, got, 1, "no database", filepath.Join(root, "mistyped"), "--data", "`usher migrate up`")
		got = usher(t, nil, append(strings.Fields(line), "--data", root)...)
		refused(t, got, 1, "no database", root, "no "+sqlstore.FileName)
	}
	// What a start that was cut short left behind is no database either.
	if err := os.WriteFile(sqlstore.FileName, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, usher(t, nil, "user", "list", "--data", root), 1, "no database", root)
	if got := names(t, root); len(got) != 1 || got[0] != sqlstore.FileName {
		t.Errorf("left behind: %v", got)
	}
}

// Given no database, when migrate up runs, then there is one with its key, and
// every command works on it.
func TestMigrateUpMakesADatabase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	environ := []string{"USHER_DATA=" + dir}
	if got := done(t, usher(t, environ, "migrate", "up")); !strings.Contains(got, dir) {
		t.Errorf("which one? %s", got)
	}
	if got := names(t, dir); strings.Join(got, " ") != sqlstore.FileName+" usher.key" {
		t.Errorf("made: %v", got)
	}
	done(t, usher(t, environ, "user", "list"))
	done(t, usher(t, environ, "migrate", "up"))
}

// The same on PostgreSQL, where the database is there before its tables are.
func TestOnlyTwoCommandsMakeTables(t *testing.T) {
	dir := t.TempDir()
	environ := []string{"USHER_DATA=" + dir, "USHER_DATABASE_URL=" + testpg.Start(t)}
	for _, line := range everyOther {
		got := usher(t, environ, strings.Fields(line)...)
		refused(t, got, 1, "no tables", "database_url", "`usher migrate up`")
		if strings.Contains(got.err, "postgres://") {
			t.Errorf("%s shows the database's password: %s", line, got.err)
		}
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
	done(t, usher(t, environ, "migrate", "up"))
	done(t, usher(t, environ, "user", "list"))
}

// Given a database with secrets, when its key is gone, then every command says
// so and how to mend it, and no new key is made; with the key all is as before.
func TestAMissingKeyIsNotReplaced(t *testing.T) {
	each := map[string]func(*testing.T) []string{
		"sqlite":   func(*testing.T) []string { return nil },
		"postgres": func(t *testing.T) []string { return []string{"USHER_DATABASE_URL=" + testpg.Start(t)} },
	}
	for name, database := range each {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			environ := append(database(t), "USHER_DATA="+dir)
			done(t, usher(t, environ, "migrate", "up"))
			done(t, usher(t, environ, "user", "create", "--email", "ada@example.org"))
			path, aside := filepath.Join(dir, "usher.key"), filepath.Join(t.TempDir(), "usher.key")
			if err := os.Rename(path, aside); err != nil {
				t.Fatal(err)
			}
			for _, line := range []string{"user list", "policy show", "serve --listen 127.0.0.1:0 --internal-listen 127.0.0.1:0"} {
				refused(t, usher(t, environ, strings.Fields(line)...), 1, path+" is missing", "backup", "USHER_KEY_FILE", "USHER_KEY")
			}
			done(t, usher(t, environ, "migrate", "up")) // needs no key
			if _, err := os.Stat(path); !os.IsNotExist(err) {
				t.Error("a key was made")
			}
			done(t, usher(t, environ, "user", "show", "ada@example.org", "--key-file", aside))
		})
	}
}

// Given the key of another database, then its path is named, and that nothing
// was changed is true.
func TestAWrongKeyIsSaid(t *testing.T) {
	environ, other := made(t), made(t)
	done(t, usher(t, environ, "user", "list"))
	strange := filepath.Join(strings.TrimPrefix(other[0], "USHER_DATA="), "usher.key")
	refused(t, usher(t, environ, "user", "list", "--key-file", strange), 1, strange, "not the one", "USHER_KEY")
	got := usher(t, environ, "user", "list", "--key", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
	refused(t, got, 1, "USHER_KEY", "not the one")
	if strings.Contains(got.err, "MDEyMz") {
		t.Errorf("the key is shown: %s", got.err)
	}
	open := filepath.Join(t.TempDir(), "open.key")
	if err := os.WriteFile(open, bytes.Repeat([]byte("a"), 64), 0o644); err != nil {
		t.Fatal(err)
	}
	refused(t, usher(t, environ, "user", "list", "--key-file", open), 1, "chmod 600 "+open)
	done(t, usher(t, environ, "user", "list"))
}

// Given something else where the database should be, then it is named and left
// as it is.
func TestWhatIsNoDatabaseIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, sqlstore.FileName)
	if err := os.WriteFile(path, []byte("a letter to a friend"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"user list", "migrate up", "serve --listen 127.0.0.1:0 --internal-listen 127.0.0.1:0"} {
		args := strings.Fields(line)
		refused(t, usher(t, nil, append(args, "--data", dir)...), 1, path+" is not a database")
		refused(t, usher(t, nil, append(args, "--data", path)...), 1, path+" is a file; it must be a folder")
		refused(t, usher(t, nil, append(args, "--data", filepath.Join(path, "x"))...), 1, "data: cannot look into "+path, "not a directory")
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "a letter to a friend" || len(names(t, dir)) != 1 {
		t.Errorf("%q, %v, beside %v", text, err, names(t, dir))
	}
}

// Given a place where no folder can be made, then the folder and the key that
// names another are said. Root may write anywhere but into the kernel's files.
func TestAFolderThatCannotBeMade(t *testing.T) {
	root, why := t.TempDir(), "permission denied"
	if os.Geteuid() == 0 {
		root, why = "/proc", "no such file or directory"
	} else if err := os.Chmod(root, 0o500); err != nil { //nolint:gosec // a folder, which is entered
		t.Fatal(err)
	}
	dir := filepath.Join(root, "usher-data")
	refused(t, usher(t, nil, "migrate", "up", "--data", dir), 1, "cannot make the folder "+dir, why, "--data")
}
