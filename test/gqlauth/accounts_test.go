package gqlauth

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

// Given somebody who signed up here, when they have used the mailed link, then
// the password opens the partner door as well, for the same user; before that
// it opens nothing.
func TestWhoSignsUpHereEntersAtThePartnerDoor(t *testing.T) {
	inTown(t, func(w town) {
		w.register("lise@example.org", "lise", good)
		if got := w.tokenAuth("lise@example.org", good).code("nonFieldErrors"); got != "not_verified" {
			w.Errorf("a sign-up that is pending: %s", got)
		}
		if got := w.tokenAuth("lise@example.org", wrong).code("nonFieldErrors"); got != "invalid_credentials" {
			w.Errorf("a wrong password of a sign-up that is pending: %s", got)
		}
		if a := w.partnerLogin("lise@example.org", good); a.Status != http.StatusUnauthorized {
			w.Errorf("a sign-up that is pending enters at the partner door: %d %s", a.Status, a.Text)
		}
		if got := w.do("", "verifyAccount", "", "token", w.mailed("lise@example.org", "activate")); !got.Success {
			w.Fatalf("activation: %+v", got)
		}
		here, there := w.enter("lise@example.org", good), w.partnerEnter("lise@example.org", good)
		if a, b := w.show("lise@example.org"), w.show(there.UserID); a != b || !a.EmailVerified || a.Status != "active" {
			w.Errorf("here %+v, there %+v", a, b)
		}
		if me := w.me(here.Token); me == nil || me.Email != "lise@example.org" || me.Username != "lise" || !me.Verified || me.PK == 0 {
			w.Errorf("me is %+v", me)
		}
	})
}

// Given a user whom the partner brought with a verified address, when they sign
// in here, then they see themselves as the partner told of them, and stay the
// partner's record.
func TestWhoWasSyncedSignsInHere(t *testing.T) {
	inTown(t, func(w town) {
		id := w.synced(map[string]any{
			"username": "cersei", "email": "cersei@example.org", "password": good, "emailVerified": true, "firstName": "Cersei", "lastName": "Lannister",
		})
		in := w.enter("cersei@example.org", good)
		me := w.me(in.Token)
		if me == nil || *me != *in.User || me.PK == 0 || me.Email != "cersei@example.org" || me.FirstName != "Cersei" || me.LastName != "Lannister" || !me.Verified || me.Archived {
			w.Fatalf("me is %+v, signed in as %+v", me, in.User)
		}
		if again := w.enter("cersei@example.org", good); again.User.PK != me.PK {
			w.Errorf("pk %d, then %d", me.PK, again.User.PK)
		}
		if there := w.partnerEnter("cersei", good); there.UserID != id {
			w.Errorf("the partner knows %s, and signs in %s", id, there.UserID)
		}
		if got := w.do(in.Token, "updateAccount", "", "firstName", "Cersei of Casterly Rock"); got.code("firstName") != "max_length" && !got.Success {
			w.Errorf("a new name: %+v", got)
		}
		if got := w.do(in.Token, "updateAccount", "", "firstName", "Louise"); !got.Success {
			w.Errorf("a new name: %+v", got)
		}
		if me := w.me(in.Token); me.FirstName != "Louise" || me.LastName != "Lannister" {
			w.Errorf("after a new first name me is %+v", me)
		}
	})
}

// Given a user whose address the partner does not vouch for, when their
// password is tried here, then whoever has it is told to prove the address
// first, and nobody else learns that there is a user. A sign-up that proves the
// address is another person's, as far as anybody knows.
func TestWhoWasSyncedUnverifiedMustProveTheAddress(t *testing.T) {
	inTown(t, func(w town) {
		id := w.synced(map[string]any{"username": "jaime", "email": "jaime@example.org", "password": good, "emailVerified": false})
		if got := w.tokenAuth("jaime@example.org", wrong).code("nonFieldErrors"); got != "invalid_credentials" {
			w.Errorf("a wrong password: %s", got)
		}
		in := w.tokenAuth("jaime@example.org", good)
		if got := in.code("nonFieldErrors"); (got != "not_verified" && got != "invalid_credentials") || in.Token != "" || in.RefreshToken != "" {
			w.Errorf("the right password: %+v", in)
		}
		w.partnerEnter("jaime@example.org", good)

		w.join("jaime@example.org", "jaime.here", other)
		me := w.me(w.enter("jaime@example.org", other).Token)
		if me == nil || !me.Verified || me.Email != "jaime@example.org" {
			w.Fatalf("me is %+v", me)
		}
		if got := w.tokenAuth("jaime@example.org", good); got.Success {
			w.Error("the password that came with an address nobody proved opens the account of whoever proved it")
		}
		if owner := w.show("jaime@example.org"); !owner.EmailVerified || owner.Status != "active" {
			w.Errorf("the owner of the address is %+v; the partner's record is %+v", owner, w.show(id))
		}
	})
}

// Given somebody known by another door, when they sign up here and use the
// mailed link, then they are the same user, whose password stays what it was.
func TestASignUpJoinsWhoOwnsTheAddress(t *testing.T) {
	inTown(t, func(w town) {
		id := w.synced(map[string]any{"username": "arya", "email": "arya@example.org", "password": good, "emailVerified": true})
		there := w.partnerEnter("arya@example.org", good)
		w.register("arya@example.org", "arya.here", other)
		if got := w.do("", "verifyAccount", "", "token", w.mailed("arya@example.org", "activate")); !got.Success {
			w.Fatalf("activation: %+v", got)
		}
		if got := w.tokenAuth("arya@example.org", other); got.Success {
			w.Error("the password of the sign-up opens the account")
		}
		w.enter("arya@example.org", good)
		if now := w.partnerEnter("arya@example.org", good); now.UserID != id || there.UserID != id {
			w.Errorf("the partner's %s signs in as %s, then %s", id, there.UserID, now.UserID)
		}
		if a, b := w.show(id), w.show("arya@example.org"); a.ID != b.ID {
			w.Errorf("two users: %+v and %+v", a, b)
		}
	})
}

// Given somebody who owns an address, when strangers sign up here with it, and
// with passwords of their own, then the owner enters as before, and each of them
// is told to prove the address or is nobody.
func TestPendingSignUpsKeepTheOwnerIn(t *testing.T) {
	inTown(t, func(w town) {
		w.CLI("user", "create", "--email", "vera@example.org", "--password", good, "--verified")
		for i := range 5 {
			w.register("vera@example.org", fmt.Sprintf("vera%d", i), fmt.Sprintf("%s-%d", other, i))
		}
		hashed := w.hashes()
		in := w.enter("vera@example.org", good)
		if n := w.hashes() - hashed; n > 4 {
			w.Errorf("%d passwords were hashed for one sign-in", n)
		}
		if me := w.me(in.Token); me == nil || !me.Verified {
			w.Errorf("me is %+v", me)
		}
		w.partnerEnter("vera@example.org", good)
		for i := range 5 {
			got := w.tokenAuth("vera@example.org", fmt.Sprintf("%s-%d", other, i))
			if code := got.code("nonFieldErrors"); got.Token != "" || (code != "not_verified" && code != "invalid_credentials") {
				w.Errorf("sign-up %d enters: %+v", i, got)
			}
		}
		w.partnerRefused("a sign-up's password", "vera@example.org", other+"-0")
		w.enter("vera@example.org", good)
	})
}

// Given somebody signed in at three doors, when they change the password here,
// then every session of before has ended at once, at all of them, and the old
// password opens none; the one that goes on is the answer's.
func TestANewPasswordEndsEverySession(t *testing.T) {
	inTown(t, func(w town) {
		w.join("lise@example.org", "lise", good)
		first, second := w.enter("lise@example.org", good), w.enter("lise@example.org", good)
		there := w.partnerEnter("lise@example.org", good)
		edi := w.ediToken("lise@example.org")
		if w.partnerContext(there) != http.StatusOK || w.ediProfile(edi) != http.StatusOK {
			w.Fatal("the other doors do not know the user")
		}
		changed := w.do(first.Token, "passwordChange", "token refreshToken", "oldPassword", good, "newPassword1", other, "newPassword2", other)
		if !changed.Success || w.me(changed.Token) == nil {
			w.Fatalf("changing the password: %+v", changed)
		}
		for name, in := range map[string]outcome{"the session that changed it": first, "another": second} {
			if me := w.me(in.Token); me != nil {
				w.Errorf("%s is still signed in as %+v", name, me)
			}
			if got := w.do("", "verifyToken", "", "token", in.Token).code("nonFieldErrors"); got != "invalid_token" {
				w.Errorf("the login token of %s: %s", name, got)
			}
			if got := w.do("", "refreshToken", "token", "refreshToken", in.RefreshToken).code("nonFieldErrors"); got != "invalid_token" {
				w.Errorf("the refresh token of %s: %s", name, got)
			}
		}
		if got := w.partnerContext(there); got != http.StatusUnauthorized {
			w.Errorf("the partner's access token: %d", got)
		}
		if got := w.partnerRefresh(there); got != http.StatusUnauthorized {
			w.Errorf("the partner's refresh token: %d", got)
		}
		if got := w.ediProfile(edi); got != http.StatusUnauthorized {
			w.Errorf("the edi-token: %d", got)
		}
		if got := w.do("", "refreshToken", "token refreshToken", "refreshToken", changed.RefreshToken); !got.Success || w.me(got.Token) == nil {
			w.Errorf("the new session's refresh token: %+v", got)
		}
		if got := w.tokenAuth("lise@example.org", good).code("nonFieldErrors"); got != "invalid_credentials" {
			w.Errorf("the old password here: %s", got)
		}
		w.partnerRefused("the old password", "lise@example.org", good)
		w.enter("lise@example.org", other)
		w.partnerEnter("lise@example.org", other)
	})
}

// Given a forgotten password, when it is reset by the mailed token, then the
// same is true, and the token is used up.
func TestAResetEndsEverySession(t *testing.T) {
	inTown(t, func(w town) {
		w.join("lise@example.org", "lise", good)
		in, there := w.enter("lise@example.org", good), w.partnerEnter("lise@example.org", good)
		for range 2 {
			w.do("", "sendPasswordResetEmail", "", "email", "lise@example.org")
		}
		used := w.mailed("lise@example.org", "password-reset")
		reset := func() outcome {
			return w.do("", "passwordReset", "", "token", used, "newPassword1", other, "newPassword2", other)
		}
		if got := reset(); !got.Success {
			w.Fatalf("reset: %+v", got)
		}
		if got := reset().code("nonFieldErrors"); got != "invalid_token" {
			w.Errorf("the token a second time: %s", got)
		}
		if me := w.me(in.Token); me != nil {
			w.Errorf("the login token still is %+v", me)
		}
		if a, b := w.partnerContext(there), w.partnerRefresh(there); a != http.StatusUnauthorized || b != http.StatusUnauthorized {
			w.Errorf("the partner's tokens: %d, %d", a, b)
		}
		if got := w.do("", "passwordReset", "", "token", w.mailed("lise@example.org", "password-reset"), "newPassword1", good, "newPassword2", good).code("nonFieldErrors"); got != "invalid_token" {
			w.Errorf("the other token that was out: %s", got)
		}
		w.enter("lise@example.org", other)
	})
}

// Given somebody who archives the account here, then refresh tokens are dead
// and the login token lives on; a wrong password reopens nothing, the right one
// does, and says so.
func TestAnArchivedAccountReopens(t *testing.T) {
	inTown(t, func(w town) {
		w.join("lise@example.org", "lise", good)
		in := w.enter("lise@example.org", good)
		if got := w.do(in.Token, "archiveAccount", "", "password", good); !got.Success {
			w.Fatalf("archive: %+v", got)
		}
		if me := w.me(in.Token); me == nil || !me.Archived {
			w.Errorf("me is %+v", me)
		}
		if got := w.do("", "refreshToken", "token", "refreshToken", in.RefreshToken).code("nonFieldErrors"); got != "invalid_token" {
			w.Errorf("the refresh token: %s", got)
		}
		if got := w.show("lise@example.org").Status; got != "archived" {
			w.Errorf("an operator sees %s", got)
		}
		w.tokenAuth("lise@example.org", wrong)
		w.partnerRefused("a wrong password", "lise@example.org", wrong)
		if got := w.show("lise@example.org").Status; got != "archived" {
			w.Errorf("after wrong passwords an operator sees %s", got)
		}
		if again := w.enter("lise@example.org", good); !again.Unarchiving || again.User.Archived {
			w.Errorf("the right password: %+v", again)
		}
		if again := w.enter("lise@example.org", good); again.Unarchiving {
			w.Error("it reopens twice")
		}
	})
}

// Given somebody who came by this door, when they delete the account here, then
// they are erased, at the partner door too: its record was a feed's, and no
// person's own. The address is free again, for a user with other ids.
func TestDeletingHere(t *testing.T) {
	inTown(t, func(w town) {
		id := w.synced(map[string]any{"username": "bran", "email": "bran@example.org", "password": good, "emailVerified": true})
		w.join("bran@example.org", "bran.here", other)
		in := w.enter("bran@example.org", good)
		if got := w.do(in.Token, "deleteAccount", "", "password", good); !got.Success {
			w.Fatalf("delete: %+v", got)
		}
		if me := w.me(in.Token); me != nil {
			w.Errorf("me is %+v", me)
		}
		if got := w.do("", "refreshToken", "token", "refreshToken", in.RefreshToken).code("nonFieldErrors"); got != "invalid_token" {
			w.Errorf("the refresh token: %s", got)
		}
		if got := w.system(http.MethodGet, "/api/users/"+id, nil); got.Status != http.StatusNotFound {
			w.Errorf("the partner reads %d %s", got.Status, got.Text)
		}
		w.partnerRefused("signing in afterwards", "bran", good)

		w.join("lise@example.org", "lise", good)
		before := w.enter("lise@example.org", good)
		erased := w.show("lise@example.org").ID
		if got := w.do(before.Token, "deleteAccount", "", "password", good); !got.Success {
			w.Fatalf("delete: %+v", got)
		}
		if got := w.tokenAuth("lise@example.org", good).code("nonFieldErrors"); got != "invalid_credentials" {
			w.Errorf("signing in afterwards: %s", got)
		}
		w.partnerRefused("signing in afterwards", "lise@example.org", good)
		if got := w.show(erased).Status; got != "deleted" {
			w.Errorf("who came only by this door is %s", got)
		}
		w.join("lise@example.org", "lise.again", other)
		now := w.enter("lise@example.org", other)
		if now.User.PK == before.User.PK || w.show("lise@example.org").ID == erased {
			w.Errorf("the address again: pk %d, and was %d", now.User.PK, before.User.PK)
		}
		if me := w.me(before.Token); me != nil {
			w.Errorf("the login token of before is now %+v", me)
		}
	})
}

// Given a user of both doors, when the partner deletes its record, then its
// door knows them no more, and here they go on: they proved the address
// themselves.
func TestThePartnerDeletes(t *testing.T) {
	inTown(t, func(w town) {
		w.join("rickon@example.org", "rickon", good)
		id := w.synced(map[string]any{"username": "rickon.there", "email": "rickon@example.org", "emailVerified": true})
		in := w.enter("rickon@example.org", good)
		if got := w.system(http.MethodDelete, "/api/users/"+id, nil); got.Status >= 300 {
			w.Fatalf("the partner deletes: %d %s", got.Status, got.Text)
		}
		if me := w.me(in.Token); me == nil || me.PK != in.User.PK || !me.Verified {
			w.Errorf("me is %+v", me)
		}
		w.enter("rickon@example.org", good)

		only := w.synced(map[string]any{"username": "theon", "email": "theon@example.org", "password": good, "emailVerified": true})
		gone := w.enter("theon@example.org", good)
		if got := w.system(http.MethodDelete, "/api/users/"+only, nil); got.Status >= 300 {
			w.Fatalf("the partner deletes: %d %s", got.Status, got.Text)
		}
		if me := w.me(gone.Token); me != nil {
			w.Errorf("whom the partner deleted is %+v here", me)
		}
		if got := w.tokenAuth("theon@example.org", good).code("nonFieldErrors"); got != "invalid_credentials" {
			w.Errorf("whom the partner deleted signs in: %s", got)
		}
	})
}

// Given somebody signed in, when an operator locks them, then they are nobody
// here at once, and unlocking lets them in again.
func TestALockHoldsHere(t *testing.T) {
	inTown(t, func(w town) {
		w.join("lise@example.org", "lise", good)
		in := w.enter("lise@example.org", good)
		w.CLI("user", "lock", "lise@example.org")
		w.until("the login token of somebody locked is nobody's", func() bool { return w.me(in.Token) == nil })
		if got := w.tokenAuth("lise@example.org", good).code("nonFieldErrors"); got != "invalid_credentials" {
			w.Errorf("signing in while locked: %s", got)
		}
		if got := w.do("", "refreshToken", "token", "refreshToken", in.RefreshToken).code("nonFieldErrors"); got != "invalid_token" {
			w.Errorf("refreshing while locked: %s", got)
		}
		w.CLI("user", "unlock", "lise@example.org")
		w.enter("lise@example.org", good)
	})
}

// Given a link mailed to a second address, when one request under one login
// token verifies it, swaps the two and removes what is second then, as the front
// end's dialog does, then all three happen, though the first changes what the
// token is about.
func TestVerifySwapAndRemoveInOneRequest(t *testing.T) {
	inTown(t, func(w town) {
		w.join("old@example.org", "lise", good)
		in := w.enter("old@example.org", good)
		if got := w.do(in.Token, "sendSecondaryEmailActivation", "", "email", "new@example.org", "password", good); !got.Success {
			w.Fatalf("asking for a second address: %+v", got)
		}
		token := w.mailed("new@example.org", "activate")
		var got map[string]outcome
		w.ask(in.Token, "mutation { "+call("verifySecondaryEmail", "", "token", token)+" "+
			call("swapEmails", "", "password", good)+" "+call("removeSecondaryEmail", "", "password", good)+" }", &got)
		for _, name := range []string{"verifySecondaryEmail", "swapEmails", "removeSecondaryEmail"} {
			if !got[name].Success {
				w.Errorf("%s: %+v", name, got[name])
			}
		}
		again := w.enter("new@example.org", good)
		if me := w.me(again.Token); me == nil || me.Email != "new@example.org" || me.SecondaryEmail != nil || me.PK != in.User.PK {
			w.Errorf("me is %+v", me)
		}
		if got := w.tokenAuth("old@example.org", good); got.Success {
			w.Error("the address that was removed signs in")
		}
		w.partnerEnter("new@example.org", good)
		w.partnerRefused("the address that was removed", "old@example.org", good)
	})
}

// ediToken is an edi-token, and whose.
type ediToken struct {
	Token string
	EDI   string `json:"edi_id"`
}

func (w town) ediToken(ref string) (e ediToken) {
	w.Helper()
	harness.Read(w, w.CLI("token", "mint", "--door", "edi", "--user", ref, "--json"), &e)
	return e
}

// ediProfile says how the EDI door takes it.
func (w town) ediProfile(e ediToken) int {
	w.Helper()
	return harness.Send(w, harness.Ask{Method: http.MethodGet, URL: w.Public + "/auth/v1/profile/" + e.EDI, Cookie: "edi-token=" + e.Token}).Status
}

// Given an address that is known and one that is not, when somebody signs up with
// each, then nothing they can ask afterwards tells which is which.
func TestASignUpTellsNothingAfterwards(t *testing.T) {
	inTown(t, func(w town) {
		w.join("known@example.org", "known", good)
		for i, address := range []string{"known@example.org", "unknown@example.org"} {
			name := fmt.Sprint("stranger", i)
			w.register(address, name, "iridium-and-osmium")
			if got := w.tokenAuth(address, "iridium-and-osmium").code("nonFieldErrors"); got != "not_verified" {
				w.Errorf("%s, their own password: %s", address, got)
			}
			again := w.do("", "register", "", "email", "x"+address, "username", name, "password1", good, "password2", good)
			if got := again.code("username"); got != "unique" {
				w.Errorf("%s, the name again: %s", address, got)
			}
			if got := w.do("", "resendActivationEmail", "", "email", address); !got.Success {
				w.Errorf("%s, the link again: %+v", address, got)
			}
		}
		for _, address := range []string{"known@example.org", "unknown@example.org"} {
			got := w.do("", "register", "", "email", address, "username", "known", "password1", "short", "password2", "other")
			if len(got.Errors["email"]) > 0 || len(got.Errors["username"]) != 1 || len(got.Errors["password2"]) != 1 {
				w.Errorf("%s, with much else wrong: %+v", address, got)
			}
		}
		w.enter("known@example.org", good)
		w.partnerEnter("known@example.org", good)
	})
}
