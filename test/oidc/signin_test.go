package oidc

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

const (
	email = "ada@example.org"
	word  = "seven-quiet-harbours"
)

var verified = claims{"email": email, "email_verified": true, "given_name": "Ada", "family_name": "Lovelace"}

// Given somebody who never was here, when they sign in with an ID token, then
// they are a user, in the published shape; and the same one ever after,
// whichever kind of token they bring.
func TestFirstSignInMakesAUser(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.send(login("keycloak", "idtoken", w.idp.ID("ada-1", verified)))
		var first signedIn
		a.JSON(t, http.StatusOK, &first)
		want := []string{
			"accessToken", "accessTokenExpiresAt", "clientId", "idToken", "refreshToken", "refreshTokenExpiresAt", "scope", "userId",
		}
		if got := keys(t, a.Text); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
			t.Errorf("members %q", got)
		}
		p := w.show(first.UserID)
		if p.Status != "active" || *p.Profile["email"] != email || *p.Profile["email_verified"] != "true" || *p.Profile["name"] != "Ada Lovelace" ||
			len(p.Identities) != 1 || p.Identities[0].Issuer != w.idp.URL || p.Identities[0].Subject != "ada-1" {
			t.Errorf("made %+v", p)
		}
		if got := w.context(first.AccessToken); got.Status != http.StatusOK || !strings.Contains(got.Text, `"firstName":"Ada"`) {
			t.Errorf("the access token: %d %s", got.Status, got.Text)
		}
		if again := w.byID("ada-1", nil); again.UserID != first.UserID {
			t.Errorf("came back as %s, was %s", again.UserID, first.UserID)
		}
		if access := w.in("keycloak", "accesstoken", w.idp.Access("ada-1", nil, verified)); access.UserID != first.UserID {
			t.Errorf("the access token led to %s", access.UserID)
		}
		if other := w.byID("eve-1", nil); other.UserID == first.UserID {
			t.Error("another subject is the same user")
		}
		var next signedIn
		w.refresh(first.RefreshToken).JSON(t, http.StatusOK, &next)
		if next.UserID != first.UserID || w.context(next.AccessToken).Status != http.StatusOK {
			t.Errorf("refreshed as %s", next.UserID)
		}
		if a := w.refresh(first.RefreshToken); a.Status != http.StatusUnauthorized {
			t.Errorf("a refresh token twice: %d", a.Status)
		}
	})
}

// One person, with one proven e-mail, in both orders: one user, one profile.
func TestSyncAndSignInAreOneUser(t *testing.T) {
	synced := claims{"username": "ada", "email": email, "emailVerified": true, "password": word, "firstName": "Ada", "lastName": "Lovelace"}
	inWorld(t, func(w *world) {
		number := w.sync(synced)
		in := w.byID("ada-1", verified)
		if in.UserID != number || len(w.show(number).Identities) != 1 {
			t.Errorf("signed in as %s, synced as %s: %+v", in.UserID, number, w.show(number))
		}
		if a := w.password(email, word); a.Status != http.StatusOK {
			t.Errorf("the password that a trusted partner vouched for: %d %s", a.Status, a.Text)
		}

		other := claims{"email": "bob@example.org", "email_verified": true}
		in = w.byID("bob-1", other)
		number = w.sync(claims{"username": "bob", "email": "bob@example.org", "emailVerified": true, "password": word})
		if one, two := w.show(in.UserID), w.show(number); one.ID != two.ID {
			t.Errorf("two users: %+v and %+v", one, two)
		}
	})
}

// Given an intruder who signed up with the victim's address and could not prove
// it, when the victim signs in, then nothing of the intruder's opens the
// victim's user.
func TestTheIntruderWasThereFirst(t *testing.T) {
	inWorld(t, func(w *world) {
		theirs := w.sync(claims{"username": "mallory", "email": email, "emailVerified": false, "password": word})
		var before signedIn
		w.password(email, word).JSON(t, http.StatusOK, &before)

		in := w.byID("ada-1", verified)

		victim := w.show(in.UserID)
		if owner := w.show(email); owner.ID != victim.ID || *owner.Profile["email_verified"] != "true" {
			t.Errorf("the address leads to %+v", owner)
		}
		for _, login := range []string{email, "mallory", theirs} {
			var got signedIn
			if a := w.password(login, word); a.Status == http.StatusOK {
				harness.Read(t, a.Text, &got)
				if w.show(got.UserID).ID == victim.ID {
					t.Errorf("the intruder's password opens the victim's user by %s", login)
				}
			}
		}
		if a := w.context(before.AccessToken); a.Status == http.StatusOK && w.show(before.UserID).ID == victim.ID {
			t.Error("the intruder's session lives in the victim's user")
		}
		// The other way about: an unproven word says nothing of the victim's.
		eve := w.byID("eve-1", claims{"email": email, "email_verified": "true"})
		if w.show(eve.UserID).ID == victim.ID || w.show(email).ID != victim.ID {
			t.Error("an unproven address led to its owner")
		}
	})
}

// An e-mail that EDI reserved is claimed by its proof alone.
func TestAReservationForTheEmail(t *testing.T) {
	inWorld(t, func(w *world) {
		ediID := w.reserve(email)
		if w.show(w.byID("eve-1", claims{"email": email}).UserID).ID == w.show(ediID).ID {
			t.Error("a word claimed the reservation")
		}
		in := w.byID("ada-1", verified)
		if p := w.show(ediID); p.ID != w.show(in.UserID).ID || p.Status != "active" {
			t.Errorf("the reservation is %+v", p)
		}
	})
}
