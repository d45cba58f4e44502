package takeover

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// squat is a record with the victim's address, for which nobody vouches.
func squat() fields {
	return fields{"username": "mallory", "email": victim, "emailVerified": false, "password": attackersWord}
}

// proofs are the ways in which the victim proves the address.
var proofs = map[string]func(*world) (user string){
	"by a provider that keeps the mailbox": func(w *world) string {
		return w.whose(w.arrives("victor-1", victim))
	},
	"by a mailed link": func(w *world) string {
		w.registers(victim, "victor", victimsWord)
		w.does("verifyAccount", fmt.Sprintf("token: %q", w.mailed(victim)))
		return w.show(victim).ID
	},
}

// Given a source's record with the victim's address unverified, and the password
// of whoever made it, when the victim proves the address, then the victim is a
// user of their own and the record has lost the address. Whatever the source
// says of its record from then on, it says of that record alone.
func TestARecordThatNobodyVouchesForIsNotTakenOver(t *testing.T) {
	for _, trust := range []string{untrusted, trusted} {
		for how, prove := range proofs {
			t.Run(trust+" source, proven "+how, func(t *testing.T) {
				inWorld(t, trust, marked, func(w *world) {
					w.sync(squat())
					before := w.enters("mallory", attackersWord)
					record := w.whose(before)

					mine := prove(w)

					if mine == record {
						w.Fatal("the victim is in the attacker's record")
					}
					if owner := w.show(victim); owner.ID != mine {
						w.Errorf("the address leads to %s, the victim is %s", owner.ID, mine)
					}
					w.keptOut("the attacker's password", victim, attackersWord)
					w.saysTheWorst(mine, record, before)
				})
			})
		}
	}
}

// saysTheWorst has the source say of its record whatever could reach the victim,
// were they one user.
func (w *world) saysTheWorst(mine, record string, before signedIn) {
	w.Helper()
	was := w.show(mine)
	w.sync(fields{"username": "mallory", "firstName": "Evil"})
	w.put(fields{"username": "mallory", "roles": []string{"sysadmin"}}) // refused where the source is not trusted
	w.sync(fields{"username": "mallory", "identities": w.naming("mallory-1")})
	if got := w.whose(w.arrives("mallory-1", atHome)); got == mine {
		w.Error("an identity that the record got later opens the victim's user")
	}
	w.sync(fields{"username": "mallory", "password": attackersWord + "-2"})
	w.opensNot("mallory", attackersWord+"-2", mine)
	w.opensNot(victim, attackersWord+"-2", mine)
	if w.lives(before) {
		w.Error("the attacker's session outlived the change of their password")
	}
	w.sync(fields{"username": "mallory", "isActive": false})
	switch p := w.show(mine); {
	case p.Locked || p.Status != was.Status || !slices.Equal(p.Groups, was.Groups):
		w.Errorf("the victim was %+v, is %+v", was, p)
	case p.Profile["given_name"] != nil:
		w.Errorf("the victim is called %s", *p.Profile["given_name"])
	case !w.show(record).Locked:
		w.Error("the source's record is not locked")
	}
	if in := w.arrives("victor-1", victim); w.whose(in) != mine || !w.lives(in) {
		w.Errorf("the victim came back as %s, was %s", w.whose(in), mine)
	}
}

// Without the mark a provider's word proves no address: the victim is a user of
// their own then too, and the record keeps a claim that opens nothing.
func TestARecordBesideAnAddressThatIsNotProven(t *testing.T) {
	for _, trust := range []string{untrusted, trusted} {
		t.Run(trust, func(t *testing.T) {
			inWorld(t, trust, unmarked, func(w *world) {
				w.sync(squat())
				before := w.enters("mallory", attackersWord)
				in := w.arrives("victor-1", victim)
				mine := w.whose(in)
				if mine == w.whose(before) {
					w.Fatal("the victim is in the attacker's record")
				}
				w.opensNot(victim, attackersWord, mine)
				w.saysTheWorst(mine, w.whose(before), before)
			})
		})
	}
}

// Given a record that lost its address to whoever proved it, when a trusted
// source comes to vouch for the address, then the record goes into its owner:
// the password stays behind and its sessions are dead. Vouching by a source that
// is not trusted is refused.
func TestATrustedSourceComesToVouch(t *testing.T) {
	vouching := fields{"username": "mallory", "emailVerified": true}
	for how, prove := range proofs {
		t.Run("proven "+how, func(t *testing.T) {
			inWorld(t, trusted, marked, func(w *world) {
				w.sync(squat())
				before := w.enters("mallory", attackersWord)
				mine := prove(w)
				in := w.arrives("victor-1", victim)

				w.sync(vouching)

				if got := w.show("mallory"); got.ID != mine || w.show(before.UserID).ID != mine || w.show(victim).ID != mine {
					w.Errorf("the record is %s's, the address %s's, the victim %s", got.ID, w.show(victim).ID, mine)
				}
				if told := w.CLI("explain", victim); !strings.Contains(told, "3: a trusted source's record goes into the owner of its address") {
					w.Errorf("explained as %s", told)
				}
				for _, name := range []string{"mallory", before.UserID, victim} {
					w.keptOut("the record's password", name, attackersWord)
				}
				w.dead("the record's session", before)
				if !w.lives(in) || w.whose(w.arrives("victor-1", victim)) != mine {
					w.Error("the owner of the address lost their own user")
				}
				if got := w.sync(fields{"username": "mallory", "password": attackersWord + "-2"}); !strings.Contains(got, "password") {
					w.Errorf("a new password of the source's: not taken is %q", got)
				}
				w.keptOut("the new password", "mallory", attackersWord+"-2")
			})
		})
	}
	t.Run("a source that is not trusted", func(t *testing.T) {
		inWorld(t, untrusted, marked, func(w *world) {
			w.sync(squat())
			mine := w.whose(w.arrives("victor-1", victim))
			w.conflicts("vouching", vouching)
			if w.show("mallory").ID == mine {
				w.Error("the record is the victim's")
			}
			w.opensNot("mallory", attackersWord, mine)
		})
	})
}

// Given a record at an address of its own, when a trusted source moves it to an
// address that somebody else owns, or brings identities along, then that is
// challenged, and both users stay as they were.
func TestARecordThatMovesToAnOwnedAddress(t *testing.T) {
	inWorld(t, trusted, marked, func(w *world) {
		in := w.arrives("victor-1", victim)
		w.sync(fields{"username": "mallory", "email": atHome, "emailVerified": false, "password": attackersWord})
		w.sync(fields{"username": "eve", "email": "eve@evil.example", "emailVerified": true, "password": attackersWord})
		for _, name := range []string{"mallory", "eve"} {
			before := w.enters(name, attackersWord)
			w.conflicts(name+" moves", fields{"username": name, "email": victim, "emailVerified": true})
			if again := w.enters(name, attackersWord); w.whose(again) != w.whose(before) || !w.lives(before) || w.whose(again) == w.whose(in) {
				w.Errorf("%s was %s, is %s", name, w.whose(before), w.whose(again))
			}
		}
		w.sync(fields{"username": "sam", "email": "sam@example.org", "emailVerified": false, "password": attackersWord})
		sam := w.arrives("sam-1", "sam@example.org")
		w.conflicts("identities beside", fields{"username": "sam", "emailVerified": true, "identities": w.naming("sam-2")})
		if w.show("sam").ID == w.whose(sam) {
			w.Error("a record that brings an identity went into the owner of its address")
		}
		if owner := w.show(victim); owner.ID != w.whose(in) || !w.lives(in) {
			w.Errorf("the address is %s's", owner.ID)
		}
	})
}
