package takeover

import (
	"net/http"
	"strings"
	"testing"
)

// failures is policy's account_failures: how many wrong passwords are looked at
// before a name or an account must wait.
const failures = 5

// waits fails unless the right password is refused at the partner door, unseen.
func (w *world) waits(name, word string) {
	w.Helper()
	before := w.turnedAway("partner")
	w.keptOut("the right password, while there is a wait", name, word)
	if n := w.turnedAway("partner") - before; n != 1 {
		w.Errorf("%s: %d tries were turned away unseen", name, n)
	}
}

// shared are the ways in which the victim's address comes to mean the attacker's
// record as well. Both passwords then open their own user by the address.
var shared = map[string]func(*world){
	"the attacker's record came first": func(w *world) {
		w.sync(squat())
		w.operators("--email", victim, "--verified", "--username", "victor")
	},
	"the attacker's record came later": func(w *world) {
		w.imports("hr", fields{"username": "victor", "email": victim, "emailVerified": true, "password": victimsWord})
		w.sync(squat())
	},
}

// Given an address that means the victim and the attacker's record, when the
// attacker guesses at the victim's password and signs in to their own in
// between, eight times over, then no more guesses are looked at than at an
// address of one user, and the victim's waits like any.
func TestSigningInDoesNotEndTheWaitOfOthers(t *testing.T) {
	for _, c := range []struct{ how, own string }{ // own is by which name the attacker signs in
		{"the attacker's record came first", victim},
		{"the attacker's record came first", "mallory"},
		{"the attacker's record came later", victim},
	} {
		t.Run(c.how+", signing in as "+c.own, func(t *testing.T) {
			inWorld(t, trusted, marked, func(w *world) {
				shared[c.how](w)
				record := w.whose(w.enters("mallory", attackersWord))
				if w.whose(w.enters(victim, victimsWord)) == record {
					w.Fatal("the victim is in the attacker's record")
				}

				looked := 0
				for round := range 8 {
					for range 4 {
						before := w.turnedAway("partner")
						w.keptOut("a guess", victim, wrongWord)
						looked += 1 - (w.turnedAway("partner") - before)
					}
					a := w.tries(c.own, attackersWord)
					var in signedIn
					if round == 0 || c.own != victim { // the address waits from the second round on
						a.JSON(w, http.StatusOK, &in)
						if w.whose(in) != record {
							w.Fatalf("round %d: the attacker's password opens %s", round, w.whose(in))
						}
					}
				}

				if looked != failures {
					w.Errorf("%d guesses of 32 were looked at", looked)
				}
				w.waits(victim, victimsWord)
			})
		})
	}
}

// Given an address that means two users, each opens their own with their own
// password. Tries at it count at its owner, whom the other ends no wait of by
// signing in: the four wrong tries before that count still.
func TestOneOfTwoSignsIn(t *testing.T) {
	inWorld(t, trusted, marked, func(w *world) {
		shared["the attacker's record came first"](w)
		mine, theirs := w.show("victor").ID, w.show("mallory").ID
		if got := w.whose(w.enters(victim, victimsWord)); got != mine {
			w.Errorf("the victim's password opens %s", got)
		}
		for range failures - 1 {
			w.keptOut("a guess", victim, wrongWord)
		}
		if got := w.whose(w.enters(victim, attackersWord)); got != theirs {
			w.Errorf("the attacker's password opens %s", got)
		}
		if n := w.turnedAway("partner"); n != 0 {
			w.Fatalf("%d tries were turned away after four guesses", n)
		}
		w.keptOut("the fifth guess", victim, wrongWord)
		w.waits(victim, victimsWord)
		w.waits(victim, attackersWord)
		w.enters("mallory", attackersWord) // by a name of their own
		w.waits("victor", victimsWord)     // whatever the name, it is one account
	})
}

// Given a user whom an operator made under a username, and a partner's record
// under the same one, then each opens their own account with their own password,
// whichever was there first.
func TestTwoUsersOfOneUsername(t *testing.T) {
	partners := fields{"username": "victor", "email": atHome, "emailVerified": true, "password": attackersWord}
	for how, given := range map[string]func(*world) person{
		"the operator's first": func(w *world) person {
			p := w.operators("--email", victim, "--verified", "--username", "victor")
			w.sync(partners)
			return p
		},
		"the partner's first": func(w *world) person {
			w.sync(partners)
			return w.operators("--email", victim, "--verified", "--username", "victor")
		},
	} {
		t.Run(how, func(t *testing.T) {
			inWorld(t, untrusted, marked, func(w *world) {
				mine := given(w).ID
				theirs := w.whose(w.enters(atHome, attackersWord))
				if mine == theirs {
					w.Fatal("the two are one user")
				}
				for _, c := range []struct{ name, word, user string }{
					{"victor", victimsWord, mine},
					{"victor", attackersWord, theirs},
					{"VICTOR", victimsWord, mine},
					{victim, victimsWord, mine},
					{atHome, attackersWord, theirs},
				} {
					if got := w.whose(w.enters(c.name, c.word)); got != c.user {
						w.Errorf("%s with %s opens %s, wanted %s", c.name, c.word, got, c.user)
					}
				}
				w.keptOut("the attacker's password", victim, attackersWord)
				w.keptOut("the victim's password", atHome, victimsWord)

				// Guesses at the name count together, whoever signs in between.
				for range failures - 1 {
					w.keptOut("a guess", "victor", wrongWord)
				}
				w.enters("victor", attackersWord)
				w.keptOut("the fifth guess", "victor", wrongWord)
				w.waits("victor", victimsWord)
				w.enters(victim, victimsWord)
			})
		})
	}
}

// guesses a wrong password by the victim's address, and says whether the door
// looked at it.
func (w *world) guesses(door string) bool {
	w.Helper()
	before := w.turnedAway(door)
	if door == "partner" {
		w.keptOut("a guess", victim, wrongWord)
	} else if got := w.tokenAuth(victim, wrongWord); !strings.Contains(got, "invalid_credentials") {
		w.Errorf("a guess: %s", got)
	}
	return w.turnedAway(door) == before
}

// Given a victim who has been at both doors, when an attacker tries to register
// with the address and to sign in between guesses, then both doors together look
// at no more guesses than one of them alone.
func TestBothDoorsShareTheVictimsCounter(t *testing.T) {
	inWorld(t, trusted, marked, func(w *world) {
		w.operators("--email", victim, "--verified")
		if got := w.tokenAuth(victim, victimsWord); !strings.Contains(got, `"success":true`) {
			t.Fatalf("the victim at the GraphQL door: %s", got)
		}
		w.enters(victim, victimsWord)
		w.tryToRegister(victim, "mallory", attackersWord)

		looked := 0
		for range 4 {
			for _, door := range []string{"gqlauth", "partner"} {
				if w.guesses(door) {
					looked++
				}
			}
			// Right for the sign-up that pends beside the victim, it is no guess, and
			// ends nothing.
			w.keepsOutOfGraphQL(attackersWord)
		}

		if looked != failures {
			w.Errorf("%d guesses of 8 were looked at", looked)
		}
		w.waits(victim, victimsWord)
		w.keepsOutOfGraphQL(victimsWord)
	})
}

// Given a victim whom only the partner door has seen, when the attacker
// registers with the address and signs in to that pending sign-up between
// guesses, then its password neither opens anything nor ends the wait of either
// door.
func TestAPendingSignUpEndsNoWait(t *testing.T) {
	inWorld(t, trusted, marked, func(w *world) {
		w.operators("--email", victim, "--verified")
		w.enters(victim, victimsWord)
		w.registers(victim, "mallory", attackersWord)

		looked := map[string]int{}
		for range 8 {
			for _, door := range []string{"gqlauth", "partner"} {
				if w.guesses(door) {
					looked[door]++
				}
				w.keepsOutOfGraphQL(attackersWord)
				w.keptOut("a sign-up that nobody proved", victim, attackersWord)
			}
		}

		for door, n := range looked {
			if n > failures {
				w.Errorf("the %s door looked at %d guesses of 8", door, n)
			}
		}
		w.waits(victim, victimsWord)
		w.keepsOutOfGraphQL(victimsWord)
	})
}

// keepsOutOfGraphQL fails where a password gives a token by the victim's address.
func (w *world) keepsOutOfGraphQL(word string) {
	w.Helper()
	if got := w.tokenAuth(victim, word); !strings.Contains(got, `"success":false`) || !strings.Contains(got, `"token":null`) {
		w.Errorf("the GraphQL door says %s", got)
	}
}
