package gqlauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/usher-id/usher/internal/user"
)

func TestEveryCodeIsMapped(t *testing.T) {
	for _, code := range user.Codes() {
		w, ok := sayings[code]
		if !ok || w.code == "" || w.message == "" {
			t.Errorf("%s is not mapped", code)
		}
	}
	if len(sayings) != len(user.Codes()) {
		t.Errorf("%d codes mapped, there are %d", len(sayings), len(user.Codes()))
	}
}

// TestErrorsOfTheWire is section 4 of the contract.
func TestErrorsOfTheWire(t *testing.T) {
	for _, c := range []struct {
		form form
		no   *user.Refusal
		want string
	}{
		{own, user.Refuse(user.Unauthenticated, ""), `{"nonFieldErrors":[{"message":"Unauthenticated.","code":"unauthenticated"}]}`},
		{own, user.Refuse(user.BadToken, ""), `{"nonFieldErrors":[{"message":"Unauthenticated.","code":"unauthenticated"}]}`},
		{own, user.Refuse(user.Forbidden, "", "why", WhyNotVerified), `{"nonFieldErrors":[{"message":"Please verify your account.","code":"not_verified"}]}`},
		{open, user.Refuse(user.Forbidden, "", "why", WhyNotVerified), `{"nonFieldErrors":[{"message":"Please verify your account.","code":"not_verified"}]}`},
		{open, user.Refuse(user.BadCredential, ""), `{"nonFieldErrors":[{"message":"Please, enter valid credentials.","code":"invalid_credentials"}]}`},
		{open, user.Refuse(user.UserLocked, ""), `{"nonFieldErrors":[{"message":"Please, enter valid credentials.","code":"invalid_credentials"}]}`},
		{own, user.Refuse(user.BadCredential, "password"), `{"password":[{"message":"Invalid password.","code":"invalid_password"}]}`},
		{own, user.Refuse(user.BadCredential, "oldPassword"), `{"oldPassword":[{"message":"Invalid password.","code":"invalid_password"}]}`},
		{byToken, user.Refuse(user.BadToken, "token"), `{"nonFieldErrors":[{"message":"Invalid token.","code":"invalid_token"}]}`},
		{open, user.Refuse(user.NotFound, "user"), `{"nonFieldErrors":[{"message":"Invalid token.","code":"invalid_token"}]}`},
		{open, user.Refuse(user.BadToken, "", "why", WhyExpired), `{"nonFieldErrors":[{"message":"Expired token.","code":"expired_token"}]}`},
		{byToken, user.Refuse(user.Conflict, "", "why", WhyVerified), `{"nonFieldErrors":[{"message":"Account already verified.","code":"already_verified"}]}`},
		{open, user.Refuse(user.Conflict, "email", "why", WhyVerified), `{"email":[{"message":"Account already verified.","code":"already_verified"}]}`},
		{own, user.Refuse(user.InUse, "email"), `{"email":[{"message":"A user with that email already exists.","code":"unique"}]}`},
		{byToken, user.Refuse(user.InUse, "email"), `{"nonFieldErrors":[{"message":"A user with that email already exists.","code":"unique"}]}`},
		{registering, user.Refuse(user.InUse, "email"), `{"email":[{"message":"User with this Email already exists.","code":"unique"}]}`},
		{registering, user.Refuse(user.Challenge, "email"), `{"email":[{"message":"User with this Email already exists.","code":"unique"}]}`},
		{registering, user.Refuse(user.InUse, "email", "why", WhySecondary), `{"email":[{"message":"A user with that email already exists.","code":"unique"}]}`},
		{registering, user.Refuse(user.InUse, "username"), `{"username":[{"message":"User with this Username already exists.","code":"unique"}]}`},
		{own, user.Refuse(user.Missing, "", "why", WhyNoSecondary), `{"nonFieldErrors":[{"message":"You need to setup a secondary email to proceed.","code":"secondary_email_required"}]}`},
		{open, user.Refuse(user.Conflict, "", "why", WhyPasswordSet), `{"nonFieldErrors":[{"message":"Password already set for account.","code":"password_already_set"}]}`},
		{registering, user.Refuse(user.Missing, "password1"), `{"password1":[{"message":"This field is required.","code":"required"}]}`},
		{registering, user.Refuse(user.Invalid, "email"), `{"email":[{"message":"Enter a valid email address.","code":"invalid"}]}`},
		{registering, user.Refuse(user.Invalid, "username"), `{"username":[{"message":"Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.","code":"invalid"}]}`},
		{own, user.Refuse(user.TooLarge, "firstName", "max", "25", "length", "30"), `{"firstName":[{"message":"Ensure this value has at most 25 characters (it has 30).","code":"max_length"}]}`},
		{open, user.Refuse(user.WeakPassword, "newPassword2", "why", WhyMismatch), `{"newPassword2":[{"message":"The two password fields didn’t match.","code":"password_mismatch"}]}`},
		{registering, user.Refuse(user.WeakPassword, "password2", "why", WhyTooSimilar, "to", "email address"), `{"password2":[{"message":"The password is too similar to the email address.","code":"password_too_similar"}]}`},
		{registering, user.Refuse(user.WeakPassword, "password2", "why", WhyTooShort, "min", "8"), `{"password2":[{"message":"This password is too short. It must contain at least 8 characters.","code":"password_too_short"}]}`},
		{registering, user.Refuse(user.WeakPassword, "password2", "why", WhyTooCommon), `{"password2":[{"message":"This password is too common.","code":"password_too_common"}]}`},
		{registering, user.Refuse(user.WeakPassword, "password2", "why", WhyNumeric), `{"password2":[{"message":"This password is entirely numeric.","code":"password_entirely_numeric"}]}`},
	} {
		t.Run(fmt.Sprint(c.no, c.no.Params), func(t *testing.T) {
			x := &exchange{}
			errs, raw := x.judge(c.form, fmt.Errorf("doing it: %w", c.no))
			if raw != nil {
				t.Fatal(raw)
			}
			got, err := errs.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestErrorsOfSeveralFieldsKeepTheirOrder(t *testing.T) {
	err := fmt.Errorf("registering: %w", errors.Join(
		user.Refuse(user.Invalid, "username"),
		user.Refuse(user.WeakPassword, "password2", "why", WhyTooShort, "min", "8"),
		user.Refuse(user.Invalid, "email"),
		user.Refuse(user.WeakPassword, "password2", "why", WhyNumeric),
	))
	errs, raw := (&exchange{}).judge(registering, err)
	if raw != nil {
		t.Fatal(raw)
	}
	got, _ := json.Marshal(errs)
	want := `{"username":[{"message":"Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.","code":"invalid"}],` +
		`"password2":[{"message":"This password is too short. It must contain at least 8 characters.","code":"password_too_short"},{"message":"This password is entirely numeric.","code":"password_entirely_numeric"}],` +
		`"email":[{"message":"Enter a valid email address.","code":"invalid"}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAFaultAmongRefusalsIsAFault(t *testing.T) {
	for _, err := range []error{
		errors.New("the disk is full"),
		errors.Join(user.Refuse(user.Invalid, "email"), errors.New("the disk is full")),
	} {
		if _, ok := refusals(err); ok {
			t.Errorf("%v was taken for a refusal", err)
		}
	}
}
