package takeover

import (
	"strings"
	"testing"
)

const (
	victim = "victim@example.org"
	atHome = "mallory@evil.example" // the attacker's own mailbox
)

// claims are the ways in which a record that names the victim's identity says
// whose it is otherwise.
var claims = map[string]struct {
	email    string
	verified bool
}{
	"an address of its own":              {atHome, false},
	"an address of its own, verified":    {atHome, true},
	"the victim's address":               {victim, false},
	"the victim's address, and verified": {victim, true},
}

// Given a source that is not trusted and names a stranger's identity in a record
// with a password, when that person arrives, then they are a user of their own:
// the source's word bound nobody, and what it says later binds nobody either.
func TestAnUntrustedSourceNamesAStrangersIdentity(t *testing.T) {
	for _, mark := range []string{marked, unmarked} {
		t.Run(mark, func(t *testing.T) {
			inWorld(t, untrusted, mark, func(w *world) {
				for what, c := range claims {
					id := strings.ReplaceAll(strings.ReplaceAll(what, " ", "-"), ",", "")
					w.bindsNobody(what, "mal-"+id, "v-"+id, id+c.email, id+victim, c.verified)
				}
			})
		})
	}
}

func (w *world) bindsNobody(what, name, subject, theirs, victims string, verified bool) {
	w.Helper()
	record := fields{
		"username": name, "email": theirs, "emailVerified": verified, "password": attackersWord, "identities": w.naming(subject),
	}
	if got := w.sync(record); !strings.Contains(got, "identities") {
		w.Errorf("%s: not taken is %q", what, got)
	}
	before := w.enters(name, attackersWord)
	if n := len(w.show(before.UserID).Identities); n != 0 {
		w.Errorf("%s: the record has %d identities", what, n)
	}

	in := w.arrives(subject, victims)

	mine, their := w.whose(in), w.whose(before)
	if mine == their {
		w.Fatalf("%s: the victim is in the attacker's record", what)
	}
	w.opensNot(name, attackersWord, mine)
	w.opensNot(victims, attackersWord, mine)
	w.conflicts(what+": the same again", record)
	w.conflicts(what+": the identity alone", fields{"username": name, "identities": w.naming(subject)})
	w.sync(fields{"username": name, "password": attackersWord + "-2", "firstName": "Evil", "isActive": false})
	p := w.show(in.UserID)
	if again := w.arrives(subject, victims); w.whose(again) != mine || !w.lives(in) || p.Locked || p.Profile["given_name"] != nil || len(p.Identities) != 1 {
		w.Errorf("%s: the victim comes back as %s, was %s: %+v", what, w.whose(again), mine, p)
	}
	w.opensNot(name, attackersWord+"-2", mine)
}

// Given a trusted source's record that names somebody's identity, with a
// password and a session of whoever knew it, when that person arrives, then the
// record is theirs, the session is dead, and the password is what the trusted
// source vouched for: it opens the user and sets nothing new any more.
func TestATrustedSourceNamesAnIdentity(t *testing.T) {
	for _, mark := range []string{marked, unmarked} {
		t.Run(mark, func(t *testing.T) {
			inWorld(t, trusted, mark, func(w *world) {
				for what, c := range claims {
					id := strings.ReplaceAll(strings.ReplaceAll(what, " ", "-"), ",", "")
					w.isTakenOver(what, "ann-"+id, "v-"+id, id+c.email, id+victim, c.verified)
				}
			})
		})
	}
}

func (w *world) isTakenOver(what, name, subject, theirs, victims string, verified bool) {
	w.Helper()
	got := w.sync(fields{
		"username": name, "email": theirs, "emailVerified": verified, "password": attackersWord, "identities": w.naming(subject),
	})
	if got != "" {
		w.Errorf("%s: not taken is %q", what, got)
	}
	before := w.enters(name, attackersWord)
	record := w.whose(before)

	in := w.arrives(subject, victims)

	if mine := w.whose(in); mine != record {
		w.Fatalf("%s: arrived as %s, the record is %s", what, mine, record)
	}
	w.dead(what+": the session from before", before)
	if !w.lives(in) {
		w.Errorf("%s: the session of who arrived is dead", what)
	}
	if told := w.CLI("explain", in.UserID); !strings.Contains(told, "1: a source named the identity, and whoever it names is here now") {
		w.Errorf("%s: explained as %s", what, told)
	}
	if after := w.enters(name, attackersWord); w.whose(after) != record {
		w.Errorf("%s: the password that the source vouched for opens %s", what, w.whose(after))
	}
	if got := w.sync(fields{"username": name, "password": attackersWord + "-2"}); !strings.Contains(got, "password") {
		w.Errorf("%s: a password of the source's, now that somebody is there: not taken is %q", what, got)
	}
	w.keptOut(what+": the password that was not taken", name, attackersWord+"-2")
	if !w.lives(in) || w.whose(w.arrives(subject, victims)) != record {
		w.Errorf("%s: the person lost the record again", what)
	}
}

// Given somebody who signed in with a provider, when a source then names their
// identity in a record with a password, then an untrusted one is refused, and a
// trusted one's record is theirs without that password. Their session lives.
func TestASourceNamesSomebodyWhoIsThere(t *testing.T) {
	inWorlds(t, func(w *world, trust, _ string) {
		in := w.arrives("ann-1", victim)
		record := fields{"username": "ann", "email": atHome, "emailVerified": true, "password": attackersWord, "identities": w.naming("ann-1")}
		if trust == untrusted {
			w.conflicts("an untrusted source", record)
		} else {
			record["email"] = victim
			if got := w.sync(record); !strings.Contains(got, "password") {
				w.Errorf("a trusted source: not taken is %q", got)
			}
			if got := w.show("ann"); got.ID != w.whose(in) {
				w.Errorf("the record is %s's", got.ID)
			}
		}
		w.keptOut("the source's password", "ann", attackersWord)
		w.keptOut("the source's password", victim, attackersWord)
		if !w.lives(in) || w.whose(w.arrives("ann-1", victim)) != w.whose(in) {
			w.Error("who was there is not any more")
		}
	})
}
