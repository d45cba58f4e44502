package gqlauth

import (
	"strings"
	"sync"
	"testing"
)

// turnedAway is how many tries a door refused without a look at the password.
func (w town) turnedAway(door string) int {
	w.Helper()
	return int(w.metric("usher_sign_ins_throttled_total", `door="`+door+`"`, `waits="account"`))
}

// waits fails unless the right password is refused at both doors, unseen.
func (w town) waits(email string) {
	w.Helper()
	here, there := w.turnedAway("gqlauth"), w.turnedAway("partner")
	if got := w.tokenAuth(email, good).code("nonFieldErrors"); got != "invalid_credentials" {
		w.Errorf("the right password, while the account must wait: %s", got)
	}
	w.partnerRefused("the right password, while the account must wait", email, good)
	if a, b := w.turnedAway("gqlauth")-here, w.turnedAway("partner")-there; a != 1 || b != 1 {
		w.Errorf("%d turned away here, %d there", a, b)
	}
}

// Given a user of both doors, when a password is guessed five times, by each of
// their names and here and there, then both doors wait, for them alone; who is
// signed in stays so. A password set anew by mail ends the wait.
func TestBothDoorsCountTogether(t *testing.T) {
	inTown(t, func(w town) {
		w.join("ann@example.org", "ann", good)
		w.join("bob@example.org", "bob", good)
		before := w.enter("ann@example.org", good)
		w.partnerEnter("ann@example.org", good)
		guesses := []func() string{
			func() string { return w.tokenAuth("ann@example.org", wrong).code("nonFieldErrors") },
			func() string { return w.tokenAuth("ANN@Example.ORG", wrong).code("nonFieldErrors") },
			func() string {
				return w.do("", "tokenAuth", "", "username", "ann", "password", wrong).code("nonFieldErrors")
			},
		}
		for i, guess := range guesses {
			if got := guess(); got != "invalid_credentials" {
				w.Fatalf("guess %d: %s", i, got)
			}
		}
		w.partnerRefused("a guess", "ann@example.org", wrong)
		if n := w.turnedAway("gqlauth") + w.turnedAway("partner"); n != 0 {
			w.Fatalf("%d turned away after four guesses", n)
		}
		w.partnerRefused("a guess", "ann@example.org", wrong)

		w.waits("ann@example.org")
		if got := w.do(before.Token, "archiveAccount", "", "password", good).code("password"); got != "invalid_password" {
			w.Errorf("a password confirmed meanwhile: %s", got)
		}
		if me := w.me(before.Token); me == nil || me.Archived {
			w.Errorf("who was signed in is now %+v", me)
		}
		w.enter("bob@example.org", good)

		w.do("", "sendPasswordResetEmail", "", "email", "ann@example.org")
		token := w.mailed("ann@example.org", "password-reset")
		if got := w.do("", "passwordReset", "", "token", token, "newPassword1", other, "newPassword2", other); !got.Success {
			w.Fatalf("reset: %+v", got)
		}
		w.enter("ann@example.org", other)
		w.partnerEnter("ann@example.org", other)
	})
}

// Given somebody's login token, when it is used to guess their password by
// every field that confirms one, then each guess counts as a sign-in's, three
// of one request too.
func TestConfirmationsCount(t *testing.T) {
	inTown(t, func(w town) {
		w.join("ann@example.org", "ann", good)
		in := w.enter("ann@example.org", good)
		change := call("passwordChange", "", "oldPassword", wrong, "newPassword1", other, "newPassword2", other)
		second := call("sendSecondaryEmailActivation", "", "email", "ann@example.net", "password", wrong)
		archive := call("archiveAccount", "", "password", wrong)

		var three map[string]outcome
		w.ask(in.Token, "mutation { "+change+" "+second+" "+archive+" }", &three)
		for name, field := range map[string]string{"passwordChange": "oldPassword", "sendSecondaryEmailActivation": "password", "archiveAccount": "password"} {
			if got := three[name].code(field); got != "invalid_password" {
				w.Errorf("%s: %s", name, got)
			}
		}
		if got := w.do(in.Token, "deleteAccount", "", "password", wrong).code("password"); got != "invalid_password" {
			w.Errorf("deleteAccount: %s", got)
		}
		if n := w.turnedAway("gqlauth"); n != 0 {
			w.Fatalf("%d turned away after four guesses", n)
		}
		w.partnerRefused("the fifth guess", "ann@example.org", wrong)
		w.waits("ann@example.org")
		if me := w.me(in.Token); me == nil || me.Archived || me.SecondaryEmail != nil {
			w.Errorf("guesses left %+v", me)
		}
		if got := w.do(in.Token, "passwordChange", "", "oldPassword", good, "newPassword1", other, "newPassword2", other).code("oldPassword"); got != "invalid_password" {
			w.Errorf("the right old password, while the account must wait: %s", got)
		}
	})
}

// Given a user, when a hundred guesses come side by side through both doors,
// then no more than five are looked at.
func TestGuessesSideBySide(t *testing.T) {
	inTown(t, func(w town) {
		w.join("ann@example.org", "ann", good)
		before, wrongOnes := w.hashes(), w.metric("usher_sign_ins_total", `outcome="bad_credential"`)
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				if i%2 == 0 {
					w.partnerRefused("a guess", "ann@example.org", wrong)
					return
				}
				if a := w.post("", "mutation { "+call("tokenAuth", "token", "email", "ann@example.org", "password", wrong)+" }"); !strings.Contains(a.Text, "invalid_credentials") {
					w.Errorf("a guess: %d %s", a.Status, a.Text)
				}
			})
		}
		wg.Wait()
		if n := w.metric("usher_sign_ins_total", `outcome="bad_credential"`) - wrongOnes; n != 100 {
			w.Errorf("%v of 100 guesses were refused", n)
		}
		if n := w.hashes() - before; n < 1 || n > 5 {
			w.Errorf("%d passwords were hashed", n)
		}
		w.waits("ann@example.org")
	})
}
