package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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

// Given a group that is called as one of usher's own, then whoever makes it is
// told, a command that could mean both names both, and --kind says which.
func TestGroupsOfOneName(t *testing.T) {
	environ := made(t)
	done(t, usher(t, environ, "user", "create", "--email", "ada@example.org", "--username", "ada"))
	plain := usher(t, environ, "group", "create", "Vetted")
	if done(t, plain); !strings.Contains(plain.err, `2 groups are called "Vetted"`) {
		t.Errorf("not told: %q", plain.err)
	}
	own := strings.Fields(plain.out)[0]
	refused(t, usher(t, environ, "group", "add", "Vetted", "ada"), 1, "2 groups", own+"  group", "  system", "--kind")
	if got := done(t, usher(t, environ, "group", "add", "Vetted", "ada", "--kind", "system")); !strings.Contains(got, "system  Vetted") {
		t.Errorf("%s", got)
	}
	if got := done(t, usher(t, environ, "group", "add", own, "ada")); !strings.Contains(got, "group  Vetted") {
		t.Errorf("%s", got)
	}
	refused(t, usher(t, environ, "group", "add", "Vetted", "ada", "--kind", "role"), 1, "there is no group")
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
