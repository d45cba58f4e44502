package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/store/sqlstore"
)

// Given an address that nobody proved and no other name, when a password is
// given with it, then it is said beside the user that they cannot sign in yet.
func TestAPasswordThatOpensNothingYet(t *testing.T) {
	environ := made(t)
	for _, c := range []struct {
		args string
		told bool
	}{
		{"--email a@example.org --password C3rs3i#L4nnist3r", true},
		{"--email b@example.org --password C3rs3i#L4nnist3r --verified", false},
		{"--email c@example.org --password C3rs3i#L4nnist3r --username cersei", false},
		{"--email d@example.org", false},
	} {
		got := usher(t, environ, append([]string{"user", "create"}, strings.Fields(c.args)...)...)
		if done(t, got); strings.Contains(got.err, "before it is proven") != c.told || strings.Contains(got.err, "--verified") != c.told {
			t.Errorf("%s: %q", c.args, got.err)
		}
	}
}

// Given a client's secret that can be guessed, or a name that cannot be seen,
// then there is no such client.
func TestClientsThatAreRefused(t *testing.T) {
	environ := made(t)
	for _, secret := range []string{"x", "fifteen-letters"} {
		refused(t, usher(t, environ, "client", "create", "--id", "shop", "--secret", secret), 1, "--secret is refused", "16 or more")
	}
	for _, name := range []string{"shop\nroot", "shop\x1b[2K", "shop\u202e", "\u0000"} {
		refused(t, usher(t, environ, "client", "create", "--id", name), 1, "--id is refused", "not seen")
	}
	done(t, usher(t, environ, "client", "create", "--id", "shop", "--secret", "sixteen-letters!"))
	done(t, usher(t, environ, "client", "create", "--id", "public"))
}

// standardInput is what commands read instead of it, for this test.
func standardInput(t *testing.T, text string) {
	t.Helper()
	f, err := os.Open(fileOf(t, "stdin", text))
	if err != nil {
		t.Fatal(err)
	}
	was := os.Stdin
	os.Stdin = f
	t.Cleanup(func() { os.Stdin = was; f.Close() })
}

// wide is a text as some editors save it.
func wide(text string) string {
	var b strings.Builder
	b.WriteString("\xff\xfe")
	for _, c := range []byte(text) {
		b.Write([]byte{c, 0})
	}
	return b.String()
}

// Given a policy by standard input, then it is applied; given one in UTF-16, or
// none, then it is said what to do.
func TestWhereAPolicyComesFrom(t *testing.T) {
	environ := made(t)
	standardInput(t, "limits: {account_failures: 3}\n")
	done(t, usher(t, environ, "policy", "apply", "-"))
	if got := done(t, usher(t, environ, "policy", "show")); !strings.Contains(got, "account_failures: 3") {
		t.Errorf("%s", got)
	}
	for text, says := range map[string]string{"": "standard input is empty", wide("limits: {}"): "standard input is in UTF-16; save it in UTF-8", "limit: {}": "did you mean limits?"} {
		standardInput(t, text)
		refused(t, usher(t, environ, "policy", "apply", "-"), 2, says)
	}
	file := fileOf(t, "policy.yaml", wide("limits: {}"))
	refused(t, usher(t, environ, "policy", "apply", file), 2, file+" is in UTF-16; save it in UTF-8")
}

// Given a file in UTF-16, then an import says to save it otherwise, and nothing
// of going on.
func TestAnImportOfUTF16IsNotGoneOnWith(t *testing.T) {
	environ := made(t)
	for _, name := range []string{"users.ndjson", "users.csv"} {
		got := usher(t, environ, "import", "users", fileOf(t, name, wide(`{"email":"a@example.org"}`+"\n")))
		refused(t, got, 2, "save it in UTF-8")
		if strings.Contains(got.err, "--resume") || strings.Contains(got.err, "ended after") {
			t.Errorf("%s: %s", name, got.err)
		}
	}
}

// Given a place that a backup cannot go to, then it is named, and no file of
// usher's own making is.
func TestWhereABackupCannotGo(t *testing.T) {
	environ, dir := made(t), t.TempDir()
	missing := filepath.Join(dir, "nowhere")
	refused(t, usher(t, environ, "backup", dir), 2, dir+" is a folder: name a file in it, such as "+filepath.Join(dir, "usher.backup"))
	refused(t, usher(t, environ, "backup", dir, "--force"), 2, "is a folder")
	got := usher(t, environ, "backup", filepath.Join(missing, "usher.backup"))
	refused(t, got, 2, "there is no folder "+missing)
	if strings.Contains(got.err, ".usher-backup-") {
		t.Errorf("names a file that is nobody's: %s", got.err)
	}
	file := fileOf(t, "file", "")
	refused(t, usher(t, environ, "backup", filepath.Join(file, "usher.backup")), 2, file+" is a file")
}

func TestEndedSessions(t *testing.T) {
	for n, want := range map[int64]string{0: "There were no sessions to end", 1: "1 session has ended: people sign in again", 2: "2 sessions have ended: people sign in again"} {
		if got := endedSessions(n); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}

// PostgreSQL keeps what it acknowledged unless synchronous_commit is off; what
// standbys have is asked only where there are synchronous ones.
func TestWhatPostgreSQLWaitsFor(t *testing.T) {
	for _, c := range []struct {
		is, standbys string
		want         condition
	}{
		{"on", "", well},
		{"remote_apply", "", well},
		{"remote_write", "", well},
		{"local", "", well},
		{"off", "", ill},
		{"on", "*", well},
		{"remote_apply", "*", well},
		{"remote_write", "*", well},
		{"local", "*", warn},
		{"off", "*", ill},
	} {
		d := &doctor{}
		d.commits(c.is, []sqlstore.Trait{{Name: synchronousStandbys, Is: c.standbys}})
		if len(d.all) != 1 || d.all[0].State != c.want || !strings.Contains(d.all[0].Says, c.is) || (c.want == well) != (d.all[0].Do == "") {
			t.Errorf("%s with standbys %q: %+v", c.is, c.standbys, d.all)
		}
	}
}
