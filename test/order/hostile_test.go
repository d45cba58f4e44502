package order

import (
	"net/http"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

const (
	victimsEmail     = "victor@example.org"
	victimsPassword  = "seven-quiet-harbours"
	intrudersWord    = "i-was-here-before-you"
	intrudersName    = "victor"
	intrudersAddress = "mallory@example.org"
)

// intruder is what the partner's sign-up forwards of somebody who typed an
// address that is not theirs, with a password of their own.
func intruder() map[string]any {
	return map[string]any{
		"username": intrudersName, "email": victimsEmail, "emailVerified": false, "password": intrudersWord, "firstName": "Not Victor",
	}
}

// Given an intruder's user at the partner door under an address they have not
// proven, when an operator who knows the address to be the victim's makes the
// victim, then the victim is a user of their own who owns the address (rule 5:
// what was never proven blocks nobody and never links; an operator joins users
// only for a reason). The intruder's user is still only what the partner made
// of it: its password opens that and nothing of the victim's.
func TestTheIntruderIsThereBeforeAnOperatorMakesTheVictim(t *testing.T) {
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		w := newWorld(t, store)
		theirs := w.sync(intruder())
		before := w.signIn(victimsEmail, intrudersWord)

		victim := w.create("--email", victimsEmail, "--name", "Victor Victim", "--password", victimsPassword, "--verified")

		squat := w.show(theirs.ID)
		if victim.ID == squat.ID || before.UserID != theirs.ID {
			t.Fatalf("the victim is %s, the intruder %s", victim.ID, squat.ID)
		}
		if owner := w.show(victimsEmail); owner.ID != victim.ID || !owner.EmailVerified {
			t.Errorf("the address leads to %s, verified %v; the victim is %s", owner.ID, owner.EmailVerified, victim.ID)
		}
		if rec := w.record(theirs.ID); rec.EmailVerified {
			t.Error("the intruder's user shows the address as verified")
		}
		if text(victim.Profile["name"]) != "Victor Victim" || victim.Profile["given_name"] != nil {
			t.Errorf("the victim's profile is %s", spell(victim.Profile))
		}

		mine := w.signIn(victimsEmail, victimsPassword)
		if w.show(mine.UserID).ID != victim.ID {
			t.Errorf("the victim's password opens %s", mine.UserID)
		}
		if in := w.signIn(victimsEmail, intrudersWord); w.show(in.UserID).ID != squat.ID {
			t.Errorf("the intruder's password opens %s, not the intruder's own user", in.UserID)
		}
		token := w.ediToken(victim.ID)
		if p := w.profile(token.EDIID, token.cookie()); text(p.CommonName) != "Victor Victim" || text(p.Email) != victimsEmail {
			t.Errorf("the victim's EDI profile is %s <%s>", text(p.CommonName), text(p.Email))
		}

		// Now the trusted partner vouches for what the intruder said: its record is
		// the victim's, as one that it brings later is, and no password of it.
		later := intruder()
		later["emailVerified"] = true
		if a := w.put(later); a.Status != http.StatusOK {
			t.Errorf("vouching for an owned address: status %d, wanted 200: %s", a.Status, a.Text)
		}
		if owner := w.show(theirs.ID); owner.ID != victim.ID {
			t.Errorf("the record is %s's, the address %s's", owner.ID, victim.ID)
		}
		w.keptOut(victimsEmail, intrudersWord)
		w.keptOut(intrudersName, intrudersWord)
		w.dead(before)
	})
}

// Given the same intruder, when the partner itself brings the victim under the
// address, verified and with the victim's password, then it is the partner's
// own record of that address, brought up to date (contract partner.md: a match
// keeps its id): the intruder's password and sessions are dead.
func TestTheIntruderIsThereBeforeThePartnerVerifiesTheVictim(t *testing.T) {
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		w := newWorld(t, store)
		theirs := w.sync(intruder())
		opened := w.signIn(victimsEmail, intrudersWord)

		mine := w.sync(map[string]any{
			"email": victimsEmail, "emailVerified": true, "password": victimsPassword,
			"username": "victor.victim", "firstName": "Victor", "lastName": "Victim",
		})

		if mine.ID != theirs.ID || !mine.EmailVerified || text(mine.Username) != "victor.victim" {
			t.Errorf("the partner's record is %+v, and was %s", mine, theirs.ID)
		}
		if n := len(w.users()); n != w.before+1 {
			t.Errorf("%d users, wanted %d", n, w.before+1)
		}
		w.dead(opened)
		w.keptOut(victimsEmail, intrudersWord)
		w.keptOut(intrudersName, intrudersWord)
		w.keptOut("victor.victim", intrudersWord)
		if in := w.signIn(victimsEmail, victimsPassword); in.UserID != mine.ID {
			t.Errorf("the victim signs in as %s, wanted %s", in.UserID, mine.ID)
		}
		if p := w.show(victimsEmail); text(p.Profile["name"]) != "Victor Victim" {
			t.Errorf("the profile is %s", spell(p.Profile))
		}
	})
}

// Given a victim who owns the address, when the intruder signs up at the
// partner's with it, then an unverified word is refused, and a verified one is
// the trusted partner's about the victim: its strand is added, and the password
// that came with it is nobody's.
func TestTheIntruderComesAfterTheVictim(t *testing.T) {
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		w := newWorld(t, store)
		victim := w.create("--email", victimsEmail, "--name", "Victor Victim", "--password", victimsPassword, "--verified")
		opened := w.signIn(victimsEmail, victimsPassword)

		if a := w.put(intruder()); a.Status != http.StatusConflict {
			t.Errorf("an unverified sign-up with an owned address: status %d, wanted 409: %s", a.Status, a.Text)
		}
		w.keptOut(victimsEmail, intrudersWord)
		w.keptOut(intrudersName, intrudersWord)

		attested := intruder()
		attested["emailVerified"] = true
		a := w.put(attested)
		var rec record
		a.JSON(t, http.StatusOK, &rec)
		if got := a.Header.Get("Usher-Ignored"); got != "password" {
			t.Errorf("Usher-Ignored: %q, wanted password", got)
		}
		if linked := w.show(rec.ID); linked.ID != victim.ID || text(linked.Profile["name"]) == "" {
			t.Errorf("the partner's strand is with %s, wanted %s", linked.ID, victim.ID)
		}
		w.keptOut(victimsEmail, intrudersWord)
		w.keptOut(intrudersName, intrudersWord)
		if access, _ := w.alive(opened); !access {
			t.Error("a source's word ended the victim's session")
		}
		if in := w.signIn(victimsEmail, victimsPassword); w.show(in.UserID).ID != victim.ID {
			t.Errorf("the victim signs in as %s", in.UserID)
		}
	})
}

// Given an intruder who is somebody at the EDI door, when they write the
// victim's address into their profile, before or after the victim exists, then
// it is shown and means nothing: it neither signs in nor links.
func TestAContactEmailNeverLinks(t *testing.T) {
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		w := newWorld(t, store)
		mallory := w.create("--email", intrudersAddress, "--name", "Mallory", "--password", intrudersWord, "--verified")
		token := w.ediToken(mallory.ID)
		claim := func() {
			t.Helper()
			a := harness.Send(t, harness.Ask{
				Method: http.MethodPut, URL: w.Public + "/auth/v1/profile/" + token.EDIID, Cookie: token.cookie(),
				Body: map[string]string{"email": victimsEmail},
			})
			if a.Status != http.StatusOK {
				t.Fatalf("status %d: %s", a.Status, a.Text)
			}
			if p := w.profile(token.EDIID, token.cookie()); text(p.Email) != victimsEmail {
				t.Errorf("the profile shows %s", text(p.Email))
			}
		}

		claim()
		w.keptOut(victimsEmail, intrudersWord)
		rec := w.sync(map[string]any{
			"email": victimsEmail, "emailVerified": true, "username": "victor.victim", "password": victimsPassword,
		})
		claim()

		victim := w.show(rec.ID)
		if victim.ID == mallory.ID {
			t.Fatal("the victim was linked to the intruder by a contact e-mail")
		}
		if by := w.show(victimsEmail); by.ID != victim.ID {
			t.Errorf("the address leads to %s, wanted %s", by.ID, victim.ID)
		}
		w.keptOut(victimsEmail, intrudersWord)
		if in := w.signIn(victimsEmail, victimsPassword); in.UserID != rec.ID {
			t.Errorf("the victim signs in as %s, wanted %s", in.UserID, rec.ID)
		}
		if in := w.signIn(intrudersAddress, intrudersWord); w.show(in.UserID).ID != mallory.ID {
			t.Error("the intruder's own address no longer leads to the intruder")
		}
	})
}
