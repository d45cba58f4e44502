package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/testpg"
)

func TestMain(m *testing.M) { testpg.Main(m) }

// told is what a command did.
type told struct {
	code     int
	out, err string
}

// usher runs a command that finds only these variables around it.
func usher(t *testing.T, environ []string, args ...string) told {
	t.Helper()
	var out, err bytes.Buffer
	code := run(t.Context(), args, append(environ, "USHER_LOG_LEVEL=error"), &out, &err)
	return told{code, out.String(), err.String()}
}

// made gives variables that name a database, just made.
func made(t *testing.T) []string {
	t.Helper()
	environ := []string{"USHER_DATA=" + filepath.Join(t.TempDir(), "data")}
	done(t, usher(t, environ, "migrate", "up"))
	return environ
}

func done(t *testing.T, got told) string {
	t.Helper()
	if got.code != 0 {
		t.Fatalf("exit %d: %s%s", got.code, got.err, got.out)
	}
	return got.out
}

// refused holds a command against its exit status and parts of what it said.
func refused(t *testing.T, got told, code int, says ...string) {
	t.Helper()
	if got.code != code || got.out != "" {
		t.Errorf("exit %d, want %d; it printed %q and said %s", got.code, code, got.out, got.err)
	}
	for _, s := range says {
		if !strings.Contains(got.err, s) {
			t.Errorf("no %q in %s", s, got.err)
		}
	}
}

// id takes the id out of what a command printed as JSON.
func id(t *testing.T, printed string) string {
	t.Helper()
	var v struct{ ID string }
	if err := json.Unmarshal([]byte(printed), &v); err != nil || v.ID == "" {
		t.Fatalf("%v in %s", err, printed)
	}
	return v.ID
}

// Given somebody who does not know the commands yet, when they ask in whatever
// way, then they are shown what there is.
func TestHelpIsFound(t *testing.T) {
	for _, c := range []struct{ line, shows string }{
		{"", "user create"},
		{"help", "user create"},
		{"--help", "user create"},
		{"-h", "user create"},
		{"help user", "user show"},
		{"user --help", "user show"},
		{"help user show", "<ref>"},
		{"help serve", "usher config"},
		{"version", "usher "},
		{"--version", "usher "},
		{"config", "| `listen` | `USHER_LISTEN` |"},
	} {
		if got := usher(t, nil, strings.Fields(c.line)...); got.code != 0 || !strings.Contains(got.out, c.shows) {
			t.Errorf("usher %s: exit %d\n%s%s", c.line, got.code, got.out, got.err)
		}
	}
}

// Given a line that is no command, then it is wrong use, and the nearest that
// is one is named, with how to use it.
func TestWrongUse(t *testing.T) {
	for _, c := range []struct {
		line string
		says []string
	}{
		{"usr", []string{`unknown command "usr": did you mean user?`, "Try: usher --help"}},
		{"bogus", []string{`unknown command "bogus"`, "Try: usher --help"}},
		{"user", []string{"which command? One of create, show, lock, unlock, erase, list", "Usage: usher user <command>"}},
		{"user shw x", []string{`unknown command "shw": did you mean show?`, "Try: usher user --help"}},
		{"help usr", []string{"did you mean user?"}},
		{"user create", []string{"missing --email", "Usage: usher user create --email", "Try: usher user create --help"}},
		{"user create --emial x", []string{"unknown flag --emial: did you mean --email?"}},
		{"user create --email x --role king", []string{`"operator", "staff" but got "king"`}},
		{"serve --lisen x", []string{"unknown flag --lisen: did you mean --listen?"}},
		{"serve --databse_url=x", []string{"did you mean --database-url?"}},
		{"user list --data", []string{"--data needs a value"}},
		{"user list --data --json", []string{"--data needs a value"}},
		{"user list --limit x", []string{`--limit: a whole number is wanted, not "x"`}},
		{"user list --limit 0", []string{"--limit is 0; it can be 1 to 1000"}},
		{"user list --limit 1001", []string{"--limit is 1001; it can be 1 to 1000"}},
		{"user list --after ada", []string{`--after is "ada"`, "id of a user"}},
		{"user create --email x --verified true", []string{"--verified is a switch: write --verified or --verified=true, not --verified true"}},
		{"user list --json false", []string{"write --json or --json=false"}},
		{"serve --dev true", []string{"--dev is a switch: write --dev or --dev=true"}},
		{"import users --dry-run true f", []string{"write --dry-run or --dry-run=true"}},
		{"merge a", []string{"missing <other>", "Usage: usher merge <into> <other>"}},
		{"merge a b c", []string{"unexpected argument c", "Usage: usher merge <into> <other>"}},
		{"token mint --user a --door edi --ttl soon", []string{`"soon" is not a duration such as 30m or 12h`}},
		{"policy apply no-such-file", []string{"reading the policy file", "no-such-file"}},
		{"user list --log-level loud", []string{"log_level", "debug, info, warn or error"}},
	} {
		refused(t, usher(t, nil, strings.Fields(c.line)...), 2, c.says...)
	}
	for _, args := range [][]string{
		{"user", "show", ""},
		{"explain", " "},
		{"merge", "", "x"},
		{"merge", "x", ""},
		{"token", "mint", "--door", "edi", "--user", ""},
	} {
		refused(t, usher(t, nil, args...), 2, "the user is empty")
	}
}

// Given a name that is near nothing, then nothing is guessed.
func TestNothingIsGuessed(t *testing.T) {
	for _, line := range []string{"foo", "e", "serve --foo x", "user list --qq", "user show --zz q"} {
		got := usher(t, nil, strings.Fields(line)...)
		if refused(t, got, 2, "unknown"); strings.Contains(got.err, "did you mean") {
			t.Errorf("%s: %s", line, got.err)
		}
	}
}

// Given a program that reads JSON, then a refusal, a fault and wrong use are
// JSON too, beside the output and not in it.
func TestErrorsAreJSONForWhoReadsJSON(t *testing.T) {
	environ := made(t)
	for _, c := range []struct {
		line, code, field string
		exit              int
	}{
		{"user show nobody --json", "not_found", "user", 1},
		{"user create --email x --json", "invalid", "email", 1},
		{"user list --limit 0 --json", "usage", "", 2},
		{"usr --json", "usage", "", 2},
		{"user list --json --data ./no-such-folder", "failed", "", 1},
	} {
		got := usher(t, environ, strings.Fields(c.line)...)
		var said shownError
		if err := json.Unmarshal([]byte(got.err), &said); err != nil {
			t.Errorf("%s: %v in %s", c.line, err, got.err)
			continue
		}
		if got.code != c.exit || got.out != "" || said.Error.Code != c.code || said.Error.Field != c.field || said.Error.Message == "" {
			t.Errorf("%s: exit %d, %+v, %q", c.line, got.code, said, got.out)
		}
	}
}

// Given --json, then what succeeds prints JSON, whatever the command.
func TestEveryCommandPrintsJSON(t *testing.T) {
	environ := made(t)
	for _, line := range []string{
		"migrate up", "migrate status", "user create --email ada@example.org --username ada --verified", "user show ada", "user list",
		"user lock ada", "user unlock ada", "explain ada", "group create Readers", "group list", "group add Vetted ada",
		"group remove Vetted ada", "client create --id c", "token mint --door edi --user ada", "policy show", "jobs list", "config",
		"version", "user erase ada",
	} {
		if printed := done(t, usher(t, environ, append(strings.Fields(line), "--json")...)); !json.Valid([]byte(printed)) {
			t.Errorf("%s: %s", line, printed)
		}
	}
}
