package order

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

// unhurried is a policy in which nobody is kept waiting: what a test asks for must
// be refused for what it is.
func unhurried(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(path, []byte("limits: {account_failures: 1000, account_total: 1000, address_mails: 1000}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// mallory is an intruder who came first through every door.
type mallory struct {
	own    person   // a user of theirs, with an address of theirs
	in     member   // signed in there
	squat  record   // the partner's, under the victim's address
	opened signedIn // by it
	// What was mailed to the victim because of them: links of sign-ups, of a reset
	// that was asked for, and of a second address.
	signUps []string
	second  string
}

// mailed is how many links the victim got before they came.
func (m mallory) mailed() int { return len(m.signUps) + 1 }

// comeFirst does at every door what somebody can who knows the victim's address
// and has not its mailbox. One of their users has proven another address, the rest
// nothing.
func (w *world) comeFirst() (m mallory) {
	t := w.t
	t.Helper()
	w.register(intrudersAddress, "mallory", intrudersWord)
	if got := w.activate(w.links(intrudersAddress, 1)[0]); !got.Success {
		t.Fatalf("the intruder's own link: %+v", got.Errors)
	}
	m.in, m.own = w.tokenAuth(intrudersAddress, intrudersWord), w.show(intrudersAddress)
	if got := w.mutateAs(m.in.Token, fmt.Sprintf("sendSecondaryEmailActivation(email: %q, password: %q)", victimsEmail, intrudersWord)); !got.Success {
		t.Fatalf("asking for a second address: %+v", got.Errors)
	}
	m.second = w.links(victimsEmail, 1)[0]

	token := w.ediToken(m.own.ID)
	if a := harness.Send(t, harness.Ask{
		Method: http.MethodPut, URL: w.Public + "/auth/v1/profile/" + token.EDIID, Cookie: token.cookie(), Body: map[string]string{"email": victimsEmail},
	}); a.Status != http.StatusOK {
		t.Fatalf("a contact e-mail: status %d: %s", a.Status, a.Text)
	}

	m.squat = w.sync(intruder())
	m.opened = w.signIn(victimsEmail, intrudersWord)

	for _, name := range []string{"intruder", "intruder2"} {
		w.register(victimsEmail, name, intrudersWord)
	}
	w.says(w.tokenAuth(victimsEmail, intrudersWord).form, "not_verified")
	if got := w.mutate(fmt.Sprintf("sendPasswordResetEmail(email: %q)", victimsEmail)); !got.Success {
		t.Fatalf("asking for a reset: %+v", got.Errors)
	}
	m.signUps = w.links(victimsEmail, 4)[1:]
	return m
}

// Given an intruder who came first at every door, with sign-ups that were never
// proven and one that was, of another address, when the victim comes, by whatever
// doors and in whatever order, then the victim is in sole control. The intruder
// has what they had proven, and nothing else.
func TestTheIntruderComesFirstAtEveryDoor(t *testing.T) {
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		policy := unhurried(t)
		for _, order := range permutations([]string{"partner", "gqlauth", "edi"}) {
			t.Run(fmt.Sprint(order), func(t *testing.T) {
				w := newWorld(t, store, "--policy", policy)
				m := w.comeFirst()
				for _, door := range order {
					switch door {
					case "partner":
						w.sync(map[string]any{"username": "victor.victim", "email": victimsEmail, "emailVerified": true, "password": victimsPassword})
					case "gqlauth":
						w.register(victimsEmail, "victim", victimsPassword)
						if got := w.activate(w.links(victimsEmail, m.mailed()+1)[m.mailed()]); !got.Success {
							t.Fatalf("the victim's link: %+v", got.Errors)
						}
					case "edi":
						w.CLI("group", "add", "Vetted", w.reserve(victimsEmail))
					}
				}
				w.isAlone(m)
			})
		}
	})
}

// isAlone asserts that the victim is in sole control of the address, before and
// after the intruder asks for a reset that the victim then uses.
func (w *world) isAlone(m mallory) {
	t := w.t
	t.Helper()
	victim, in := w.show(victimsEmail), w.tokenAuth(victimsEmail, victimsPassword)
	if !in.Success || in.User.Username != "victim" || !in.User.Verified || w.me(in.Token) != "victim" {
		t.Fatalf("the victim signs in as %+v", in)
	}
	if victim.Status != "active" || !victim.EmailVerified || victim.ID == m.own.ID {
		t.Fatalf("the address leads to %+v", victim)
	}
	if at := w.signIn(victimsEmail, victimsPassword); w.show(at.UserID).ID != victim.ID {
		t.Error("the partner door lets the victim in as somebody else")
	}
	w.opensNothing(m, victim)

	// Whoever asks, the link goes to the mailbox.
	before := len(w.links(victimsEmail, m.mailed()+1))
	if got := w.mutate(fmt.Sprintf("sendPasswordResetEmail(email: %q)", victimsEmail)); !got.Success {
		t.Errorf("asking for a reset: %+v", got.Errors)
	}
	const anew = "osmium-and-iridium"
	if got := w.reset(w.links(victimsEmail, before+1)[before], anew); !got.Success {
		t.Errorf("the reset: %+v", got.Errors)
	}
	if n := len(w.links(intrudersAddress, 1)); n != 1 {
		t.Errorf("%d links were mailed to the intruder, wanted the one of their own sign-up", n)
	}
	if again := w.tokenAuth(victimsEmail, anew); again.User.PK != in.User.PK {
		t.Errorf("after the reset the victim is %+v", again)
	}
	if w.me(in.Token) != "" {
		t.Error("a token of before the reset opens")
	}
	w.keptOut(victimsEmail, victimsPassword)
	w.opensNothing(m, victim)
	if !slices.Contains(w.show(victimsEmail).Groups, "Vetted") {
		t.Error("what was granted to the address is not the victim's")
	}
	if got := w.show(victimsEmail); got.ID != victim.ID {
		t.Errorf("the address leads to %s, and led to %s", got.ID, victim.ID)
	}

	// The intruder is who they were before.
	if mine := w.show(intrudersAddress); mine.ID != m.own.ID || slices.Contains(mine.Groups, "Vetted") {
		t.Errorf("the intruder's own address leads to %+v", mine)
	}
	if w.me(m.in.Token) != "mallory" || w.refreshed(m.in.RefreshToken) != "mallory" {
		t.Error("what the intruder had proven is not theirs any more")
	}
}

// opensNothing asserts that no password, link or token of the intruder's reaches
// the victim.
func (w *world) opensNothing(m mallory, victim person) {
	t := w.t
	t.Helper()
	w.says(w.tokenAuth(victimsEmail, intrudersWord).form, "invalid_credentials")
	w.keptOut(victimsEmail, intrudersWord)
	for _, name := range []string{intrudersName, "intruder", "intruder2"} {
		a := w.tryPassword(name, intrudersWord)
		if a.Status == http.StatusUnauthorized {
			continue
		}
		var in signedIn
		if a.JSON(t, http.StatusOK, &in); w.show(in.UserID).ID == victim.ID {
			t.Errorf("the intruder's password opens the victim's user by the name %s", name)
		}
	}
	for _, link := range m.signUps {
		w.says(w.activate(link), "invalid_token")
		w.says(w.reset(link, intrudersWord+"!"), "invalid_token")
	}
	w.says(w.mutate(fmt.Sprintf("verifySecondaryEmail(token: %q)", m.second)), "unique")
	if w.show(m.squat.ID).ID == victim.ID {
		w.dead(m.opened)
	}
}

// refreshed is the username that a refresh token's new login token opens.
func (w *world) refreshed(token string) string {
	w.t.Helper()
	var data struct{ RefreshToken struct{ Token string } }
	w.graphql("", fmt.Sprintf("mutation { refreshToken(refreshToken: %q) { token } }", token), &data)
	return w.me(data.RefreshToken.Token)
}

// Given a victim who is known at every door, when the intruder comes after them,
// then each door answers as it must, and nothing that they do is the victim's.
func TestTheIntruderComesLastAtEveryDoor(t *testing.T) {
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		w := newWorld(t, store, "--policy", unhurried(t))
		w.register(victimsEmail, "victim", victimsPassword)
		if got := w.activate(w.links(victimsEmail, 1)[0]); !got.Success {
			t.Fatalf("the victim's link: %+v", got.Errors)
		}
		in, victim := w.tokenAuth(victimsEmail, victimsPassword), w.show(victimsEmail)

		w.register(victimsEmail, "intruder", intrudersWord) // told nothing
		if a := w.put(intruder()); a.Status != http.StatusConflict {
			t.Errorf("an unverified sync of an owned address: status %d, wanted 409: %s", a.Status, a.Text)
		}
		w.mutate(fmt.Sprintf("resendActivationEmail(email: %q)", victimsEmail))
		w.mutate(fmt.Sprintf("sendPasswordResetEmail(email: %q)", victimsEmail))

		reset := w.links(victimsEmail, 2)
		if len(reset) != 2 {
			t.Errorf("%d links were mailed, wanted the victim's own and that of a reset", len(reset))
		}
		// As at an address that nobody has: or this would tell that somebody does.
		w.says(w.tokenAuth(victimsEmail, intrudersWord).form, "not_verified")
		w.keptOut(victimsEmail, intrudersWord)
		w.keptOut(intrudersName, intrudersWord)
		w.keptOut("intruder", intrudersWord)
		if n := len(w.users()); n != w.before+2 {
			t.Errorf("%d users, wanted the victim and what pends for ever", n-w.before)
		}
		if now := w.show(victimsEmail); now.ID != victim.ID || w.me(in.Token) != "victim" || w.refreshed(in.RefreshToken) != "victim" {
			t.Errorf("the victim is %+v, and was %+v", now, victim)
		}
		var everywhere struct{ Messages []struct{ To string } }
		harness.Send(t, harness.Ask{Method: http.MethodGet, URL: w.Public + "/dev/inbox.json?channel=" + url.QueryEscape("email")}).
			JSON(t, http.StatusOK, &everywhere)
		for _, mail := range everywhere.Messages {
			if mail.To != victimsEmail {
				t.Errorf("a mail went to %s", mail.To)
			}
		}
	})
}
