package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Given what is not there or cannot be, then each refusal says in a sentence
// what it was about and what to do next.
func TestRefusalsAreSentences(t *testing.T) {
	environ := made(t)
	create := func(args ...string) string {
		return id(t, done(t, usher(t, environ, append([]string{"user", "create", "--json", "--email"}, args...)...)))
	}
	ada := create("ada@example.org", "--username", "ada", "--verified")
	bob := create("bob@example.org", "--username", "bob")
	cleo := create("cleo@example.org")
	done(t, usher(t, environ, "user", "erase", "bob"))
	merge := id(t, done(t, usher(t, environ, "merge", "ada", cleo, "--json")))
	done(t, usher(t, environ, "unmerge", merge))
	done(t, usher(t, environ, "client", "create", "--id", "shop"))
	for _, c := range []struct {
		line string
		says []string
	}{
		{"user show nobody", []string{`no user is known as "nobody"`, "usher user list"}},
		{"token mint --door edi --user nobody", []string{`no user is known as "nobody"`}},
		{"token mint --door edi --user ada --ttl 5000h", []string{"--ttl is refused", "at most 720h"}},
		{"user create --email ada", []string{"--email is refused: no @"}},
		{"user create --email ada@example.org", []string{"that of user " + ada, "--reason"}},
		{"user create --email x@example.org --username ada", []string{`the username "ada" is taken by user ` + ada}},
		{"user create --email x@example.org --password short", []string{"--password is refused", "8"}},
		{"jobs retry nope", []string{`no job with the id "nope"`, "usher jobs list"}},
		{"unmerge nope", []string{`nothing to undo with the id "nope"`, "usher explain REF"}},
		{"unmerge " + merge, []string{"cannot be undone", "undone already"}},
		{"merge ada ada@example.org", []string{"both names lead to the same user, " + ada}},
		{"merge ada nobody", []string{`no user is known as "nobody"`}},
		{"merge " + bob + " ada", []string{"the user " + bob + " is deleted", "nothing can be merged into it"}},
		{"merge ada " + bob, []string{"the user " + bob + " is deleted", "nothing left to merge"}},
		{"client create --id shop", []string{`a client "shop" already`}},
		{"group create Vetted --kind system", []string{"a group of that kind and name already"}},
		{"group add Vettd ada", []string{`there is no group "Vettd"`, "usher group list"}},
		{"group add Vetted nobody", []string{`no user is known as "nobody"`}},
		{"group remove Vetted ada", []string{"the user is not in that group"}},
	} {
		refused(t, usher(t, environ, strings.Fields(c.line)...), 1, c.says...)
	}
	refused(t, usher(t, environ, "group", "add", "ada", "Vetted"), 2, "the group comes first, then the user")
}

// Given a name that could be taken for the house, then no user is created.
func TestReservedUsernames(t *testing.T) {
	environ := made(t)
	for _, name := range []string{"admin", "Root", "operator", "administrator", "system", "support", "usher", "adm1n"} {
		refused(t, usher(t, environ, "user", "create", "--email", "x@example.org", "--username", name), 1, "--username is refused", "reserved")
	}
	if got := done(t, usher(t, environ, "user", "list")); got != "no users\n" {
		t.Errorf("created all the same: %s", got)
	}
}

// Given groups that are called as one of usher's own, which whoever makes one is
// told, then the name alone means usher's, and KIND:NAME or --kind another.
func TestGroupsOfOneName(t *testing.T) {
	environ, file := made(t), filepath.Join(t.TempDir(), "users.ndjson")
	// A feed may call its roles as it likes.
	if err := os.WriteFile(file, []byte(`{"email":"ada@example.org","username":"ada","roles":["Vetted","system:Vetted","Readers"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	done(t, usher(t, environ, "import", "users", file))
	plainOne := usher(t, environ, "group", "create", "Vetted")
	if done(t, plainOne); !strings.Contains(plainOne.err, `3 groups are called "Vetted"`) || !strings.Contains(plainOne.err, "means that of kind system") {
		t.Errorf("not told: %q", plainOne.err)
	}
	own := strings.Fields(plainOne.out)[0]
	done(t, usher(t, environ, "group", "create", "Readers"))
	done(t, usher(t, environ, "group", "create", "operator"))
	for _, c := range []struct{ line, in string }{
		{"Vetted ada", "system  Vetted"},
		{"system:Vetted ada", "system  Vetted"},
		{"role:Vetted ada", "role  Vetted"},
		{"role:system:Vetted ada", "role  system:Vetted"},
		{"group:Vetted ada", "group  Vetted"},
		{"Vetted ada --kind group", "group  Vetted"},
		{"Vetted ada --kind role", "role  Vetted"},
		{own + " ada", "group  Vetted"},
		{"Readers ada", "group  Readers"},
		{"operator ada", "role  operator"},
	} {
		if got := done(t, usher(t, environ, append([]string{"group", "add"}, strings.Fields(c.line)...)...)); !strings.Contains(got, c.in) {
			t.Errorf("group add %s: %s", c.line, got)
		}
	}
	refused(t, usher(t, environ, "group", "add", "Vetted", "ada", "--kind", "team"), 1, "there is no group")
	// Two that usher knows nothing of are nobody's choice but the operator's.
	done(t, usher(t, environ, "group", "create", "Physics", "--kind", "team"))
	done(t, usher(t, environ, "group", "create", "Physics", "--kind", "faculty"))
	refused(t, usher(t, environ, "group", "add", "Physics", "ada"), 1, "2 groups", "  team", "  faculty", "KIND:NAME")
	shows := done(t, usher(t, environ, "user", "show", "ada"))
	for _, line := range []string{"system:Vetted", "role:Vetted", "role:system:Vetted", "Vetted", "Readers", "role:operator"} {
		if !strings.Contains(shows, "\n  group   "+line+"\n") {
			t.Errorf("no line of %s in\n%s", line, shows)
		}
	}
	var story shownUser
	if err := json.Unmarshal([]byte(done(t, usher(t, environ, "user", "show", "ada", "--json"))), &story); err != nil ||
		!slices.ContainsFunc(story.Memberships, func(g shownGroup) bool { return g.Kind == "system" && g.Name == "Vetted" }) {
		t.Errorf("%+v, %v", story.Memberships, err)
	}
}

// Given a user whom an operator and a feed keep out, then it is shown by whom,
// since when and why.
func TestALockSaysWhoseItIs(t *testing.T) {
	environ, file := made(t), filepath.Join(t.TempDir(), "users.ndjson")
	if err := os.WriteFile(file, []byte(`{"email":"ada@example.org","username":"ada"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	done(t, usher(t, environ, "import", "users", file))
	if got := done(t, usher(t, environ, "user", "show", "ada")); strings.Contains(got, "locked") {
		t.Errorf("not locked: %s", got)
	}
	got := done(t, usher(t, environ, "user", "lock", "ada", "--reason", "spam"))
	if !regexp.MustCompile(`\n  locked  by operator since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d: spam\n`).MatchString(got) {
		t.Errorf("%s", got)
	}
	l := shownLock{Source: "partner:hr", By: "755243458806280480", Since: time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)}
	if l.String() != "by partner:hr since 2026-11-23 05:00:00, set by 755243458806280480" {
		t.Errorf("%s", l)
	}
}

// Given the built-in policy, when it is shown, then it is all there and can be
// applied; then the file is shown, and with --full the rest too.
func TestThePolicyIsShown(t *testing.T) {
	environ, file := made(t), filepath.Join(t.TempDir(), "policy.yaml")
	builtIn := done(t, usher(t, environ, "policy", "show"))
	if !strings.HasPrefix(builtIn, "# the built-in default") || !strings.Contains(builtIn, "account_failures: 5") {
		t.Errorf("%s", builtIn)
	}
	for version, doc := range []string{builtIn, "limits: {account_failures: 3}\n"} {
		if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
		done(t, usher(t, environ, "policy", "apply", file))
		if got := done(t, usher(t, environ, "policy", "show")); got != "# version "+string(rune('1'+version))+"\n"+doc {
			t.Errorf("%s", got)
		}
	}
	full := done(t, usher(t, environ, "policy", "show", "--full"))
	if !strings.Contains(full, "account_failures: 3") || !strings.Contains(full, "account_total: 100") || !strings.Contains(full, "response_floor: 300ms") {
		t.Errorf("%s", full)
	}
}

// Given as many users as were asked for, then how to go on is said beside the
// list.
func TestAListSaysHowToGoOn(t *testing.T) {
	environ := made(t)
	first := id(t, done(t, usher(t, environ, "user", "create", "--email", "a@example.org", "--json")))
	second := id(t, done(t, usher(t, environ, "user", "create", "--email", "b@example.org", "--json")))
	page := usher(t, environ, "user", "list", "--limit", "1")
	if done(t, page); !strings.HasPrefix(page.out, first) || !strings.Contains(page.err, "usher user list --after "+first) {
		t.Errorf("%q, %q", page.out, page.err)
	}
	page = usher(t, environ, "user", "list", "--after", first)
	if done(t, page); !strings.HasPrefix(page.out, second) || page.err != "" {
		t.Errorf("%q, %q", page.out, page.err)
	}
}
