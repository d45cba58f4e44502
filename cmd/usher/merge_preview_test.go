package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// Given two users, when an operator asks what a merge would come to, then it is
// told what would move, what would not and whose passwords would open the one
// user, and nothing is written; the merge itself then does that.
func TestADryMergeSaysWhatWouldMove(t *testing.T) {
	environ := made(t)
	create := func(args ...string) string {
		return id(t, done(t, usher(t, environ, append([]string{"user", "create", "--json", "--email"}, args...)...)))
	}
	ada := create("ada@example.org", "--username", "ada", "--verified", "--password", "C3rs3i#L4nnist3r")
	bob := create("bob@example.org", "--username", "bob", "--verified", "--password", "J41m3#L4nnist3r", "--role", "staff")
	file := fileOf(t, "users.ndjson", `{"email":"bob@example.org","emailVerified":true,"username":"bob.hr","roles":["clerk"],"identities":[{"issuer":"https://orcid.org","subject":"0000-0002-1825-0097"}]}`+"\n")
	done(t, usher(t, environ, "import", "users", "--source", "hr", file))
	done(t, usher(t, environ, "group", "create", "Readers"))
	done(t, usher(t, environ, "group", "add", "Readers", bob))
	done(t, usher(t, environ, "user", "lock", bob, "--reason", "spam"))
	before := done(t, usher(t, environ, "explain", bob))

	said := done(t, usher(t, environ, "merge", ada, bob, "--dry-run"))
	for _, part := range []string{
		bob + " would go into " + ada + "; nothing was written\n",
		"\nStrands that would move", "operator\n", "partner:hr\n",
		"\nNames that would lead there\n", bob, "username          bob\n", "partner.username  bob.hr\n", "identity          0000-0002-1825-0097 at https://orcid.org\n",
		"\nAddresses that would move\n  email             bob@example.org\n",
		"\nGroups that the one user would be in\n  Readers\n",
		"\nRoles that are not carried over\n", "  role:staff\n",
		"\nLocks that would hold\n  locked by operator since ", ": spam\n",
		"\nPasswords that would open the one user: any of\n  that of the user that stays, by operator\n  that of the user that goes, by operator\n",
		"\nSessions of both would end\n",
	} {
		if !strings.Contains(said, part) {
			t.Errorf("no %q in\n%s", part, said)
		}
	}
	if after := done(t, usher(t, environ, "explain", bob)); after != before {
		t.Errorf("something was written: %s", after)
	}
	var as struct {
		DryRun bool `json:"dry_run"`
		Moves  shownMove
	}
	if err := json.Unmarshal([]byte(done(t, usher(t, environ, "merge", ada, bob, "--dry-run", "--json"))), &as); err != nil ||
		!as.DryRun || len(as.Moves.Strands) < 2 || len(as.Moves.LeftOut) == 0 || len(as.Moves.Passwords) != 2 || as.Moves.Passwords[0].User == as.Moves.Passwords[1].User {
		t.Errorf("%+v, %v", as, err)
	}
	done(t, usher(t, environ, "merge", ada, bob))
	is := done(t, usher(t, environ, "user", "show", ada))
	for part, want := range map[string]bool{"bob.hr": true, "group   Readers": true, "0000-0002-1825-0097": true, ": spam": true, "role:staff": false} {
		if strings.Contains(is, part) != want {
			t.Errorf("%q is %t in\n%s", part, !want, is)
		}
	}
}
