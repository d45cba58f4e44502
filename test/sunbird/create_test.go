package sunbird

import (
	"net/http"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

// Given people who are known here, elsewhere, or nowhere, then a caller's word and
// a code lead to one user each, and in use is said of those known here alone.
func TestOneUserWhoeverVouches(t *testing.T) {
	inTown(t, func(w town) {
		// Known at another door by an address that a trusted source vouches for.
		partner := harness.Ask{
			Method: http.MethodPut, URL: w.Internal + "/api/users/", Header: http.Header{"X-User-Ctx": {harness.System}},
			Body: map[string]any{"email": "asha@example.org", "emailVerified": true, "username": "asha", "firstName": "Asha"},
		}
		if got := harness.Send(w.T, partner); got.Status != http.StatusOK {
			w.Fatalf("sync: %d %s", got.Status, got.Text)
		}
		before := w.show("asha@example.org")
		if _, code := w.get("email", "asha@example.org"); code != "USER_NOT_FOUND" {
			w.Errorf("known elsewhere alone: %s", code)
		}

		id := w.does("/v2/user/create", w.portal, map[string]any{"firstName": "Asha", "email": "asha@example.org", "emailVerified": true})

		after := w.show("asha@example.org")
		if after.ID != before.ID || w.show(id).ID != before.ID {
			w.Errorf("the caller's word made %s, and she is %s", after.ID, before.ID)
		}
		if s, _ := w.get("email", "ASHA@example.org"); s.ID != id || !s.EmailVerified || len(s.Roles) != 1 || s.Roles[0] != "PUBLIC" {
			w.Errorf("she is shown as %+v", s)
		}
		w.no("/v2/user/create", w.portal, map[string]any{"firstName": "Asha", "email": "asha@example.org", "emailVerified": true}, "EMAIL_IN_USE")

		// By codes: to a mailbox, in the same call.
		mine := w.does("/v1/user/verifyAndCreate", "", map[string]any{
			"firstName": "Meena", "email": "meena@example.org", "verificationSource": "otp", "verificationCode": w.code("email", "meena@example.org"),
		})
		if s, _ := w.get("email", "meena@example.org"); s.ID != mine || !s.EmailVerified {
			w.Errorf("she is shown as %+v", s)
		}
	})
}

// Given a caller whom policy does not let attest, or nobody, then verified flags
// count as absent, and no identity is taken from them.
func TestWhoMayAttest(t *testing.T) {
	inTown(t, func(w town) {
		var made struct{ Token string }
		harness.Read(w.T, w.CLI("caller", "create", "app", "--door", "sunbird", "--json"), &made)
		for name, token := range map[string]string{"nobody": "", "an unknown key": "gateway-key", "a caller who may not": made.Token} {
			w.no("/v2/user/create", token, map[string]any{"firstName": "A", "email": "a@example.org", "emailVerified": true}, "EMAIL_VERIFY_ERROR")
			w.no("/v2/user/create", token, map[string]any{"firstName": "A", "phone": "9876500001", "phoneVerified": true}, "PHONE_VERIFY_ERROR")
			w.no("/v2/user/create", token, map[string]any{"firstName": "A", "phone": "9876500001", "externalIds": []any{}}, "INVALID_REQUEST_PARAMETER")
			if t.Failed() {
				t.Fatal(name)
			}
		}
		for _, v := range []any{"true", 1, map[string]any{}} {
			w.no("/v2/user/create", w.portal, map[string]any{"firstName": "A", "email": "a@example.org", "emailVerified": v}, "EMAIL_VERIFY_ERROR")
		}
		named := []any{map[string]any{"id": "77", "provider": "gj", "idType": "gj"}}
		w.does("/v2/user/create", w.portal, map[string]any{"firstName": "A", "phone": "9876500001", "phoneVerified": true, "externalIds": named})
		w.no("/v2/user/create", w.portal, map[string]any{"firstName": "B", "phone": "9876500002", "phoneVerified": true, "externalIds": named}, "USER_ALREADY_EXISTS")
		w.no("/v2/user/create", w.portal, map[string]any{"firstName": "B", "phone": "9876500002", "phoneVerified": true, "externalIds": append(named, named...)}, "DUPLICATE_EXTERNAL_IDS")
	})
}

// Given a form that is refused for another reason than its code, then the code is
// good afterwards; given wrong ones, then the second ends it.
func TestACodeIsNotLostToAMistake(t *testing.T) {
	inTown(t, func(w town) {
		code := w.code("phone", "9876500010")
		for _, wrong := range []map[string]any{
			{"firstName": "A", "phone": "9876500010", "OTP": code, "channel": "nope"},
			{"firstName": "A", "phone": "9876500010", "OTP": code, "dob": "1.1.2000"},
			{"phone": "9876500010", "OTP": code},
			{"firstName": "A", "phone": "9876500010", "OTP": code, "roles": "PUBLIC"},
			{"firstName": "A", "phone": "9876500010", "OTP": code, "organisationId": w.school, "channel": "other"},
		} {
			if a, status := w.call("/v2/user/create", "", wrong); status != http.StatusBadRequest {
				w.Errorf("%v: %d %+v", wrong, status, a)
			}
		}
		w.does("/v2/user/create", "", map[string]any{"firstName": "A", "phone": "9876500010", "OTP": code, "organisationId": w.school, "channel": "gj"})
		if p := w.show("+919876500010"); len(p.Groups) != 3 {
			w.Errorf("in groups %v, wanted PUBLIC, the channel and the school", p.Groups)
		}

		code = w.code("phone", "9876500011")
		form := map[string]any{"firstName": "A", "phone": "9876500011", "OTP": "000000"}
		w.no("/v2/user/create", "", form, "ERROR_INVALID_OTP")
		w.no("/v2/user/create", "", form, "ERROR_INVALID_OTP")
		form["OTP"] = code
		w.no("/v2/user/create", "", form, "ERROR_INVALID_OTP")
	})
}

// Given somebody who is blocked, then their addresses stay taken, a read says so,
// their codes open nothing, and unblocking lifts no operator's lock.
func TestBlocked(t *testing.T) {
	inTown(t, func(w town) {
		id := w.signUp("9876500020", "Asha")
		var made struct{ Token string }
		harness.Read(w.T, w.CLI("caller", "create", "desk", "--door", "sunbird", "--may-administer", "--json"), &made)
		one := map[string]any{"userId": id}
		w.no("/v1/user/block", "", one, "UNAUTHORIZED_USER")
		w.no("/v1/user/block", w.portal, one, "FORBIDDEN")
		w.no("/v1/user/unblock", made.Token, one, "USER_ALREADY_ACTIVE")
		w.does("/v1/user/block", made.Token, one)
		w.no("/v1/user/block", made.Token, one, "USER_ALREADY_INACTIVE")
		w.no("/v1/user/block", made.Token, map[string]any{"userId": "nobody"}, "USER_NOT_FOUND")
		w.no("/v1/user/block", made.Token, map[string]any{}, "MANDATORY_PARAMETER_MISSING")

		if _, code := w.get("phone", "9876500020"); code != "USER_ACCOUNT_BLOCKED" {
			w.Errorf("a read: %s", code)
		}
		w.no("/v2/user/create", "", map[string]any{"firstName": "A", "phone": "9876500020", "OTP": w.code("phone", "9876500020")}, "PHONE_ALREADY_IN_USE")

		w.CLI("user", "lock", id)
		w.does("/v1/user/unblock", made.Token, one)
		if _, code := w.get("phone", "9876500020"); code != "USER_ACCOUNT_BLOCKED" {
			w.Errorf("an operator's lock was lifted: %s", code)
		}
		w.no("/v1/user/unblock", made.Token, one, "FORBIDDEN")
		w.CLI("user", "unlock", id)
		if s, code := w.get("phone", "9876500020"); s.ID != id {
			w.Errorf("let in again: %s", code)
		}
		w.CLI("user", "erase", id)
		if again := w.signUp("9876500020", "Asha"); again == id {
			w.Error("an erased user came back")
		}
	})
}

// Given names in any script, then the username is made of the name, and can be
// looked up; of two people with one name each has their own.
func TestUsernames(t *testing.T) {
	inTown(t, func(w town) {
		for i, c := range []struct{ name, stem string }{
			{"Amit Kumar", "amitkumar"},
			{"अमित कुमार", "amitkumaar"},
			{"José", "jose"},
			{"😀", "user"},
			{"Amit Kumar", "amitkumar"},
		} {
			phone := "98765010" + string(rune('0'+i/10)) + string(rune('0'+i%10))
			id := w.signUp(phone, c.name)
			s, _ := w.get("phone", phone)
			if len(s.UserName) < 5 || s.UserName[:len(s.UserName)-4] != c.stem && i != 1 || s.FirstName != c.name {
				w.Errorf("%s is called %q", c.name, s.UserName)
			}
			if by, code := w.get("loginId", s.UserName); by.ID != id {
				w.Errorf("by loginId %q: %+v %s", s.UserName, by, code)
			}
		}
		w.no("/v1/user/create", "", map[string]any{"firstName": "A", "phone": "9876501099", "OTP": "111111"}, "MANDATORY_PARAMETER_MISSING")
		taken, _ := w.get("phone", "9876501000")
		code := w.code("phone", "9876501099")
		w.no("/v1/user/create", "", map[string]any{"firstName": "A", "phone": "9876501099", "OTP": code, "userName": taken.UserName}, "USERNAME_IN_USE")
		w.does("/v1/user/create", "", map[string]any{"firstName": "A", "phone": "9876501099", "OTP": code, "userName": "Own.Name"})
		if s, _ := w.get("loginId", "own.name"); s.UserName != "own.name" {
			w.Errorf("a name of their own: %+v", s)
		}
	})
}
