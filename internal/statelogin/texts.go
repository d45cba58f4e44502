package statelogin

import (
	"errors"

	"github.com/usher-id/usher/internal/user"
)

// What a sign-in that failed says to the person (contract B.3, B.8): the whole list
// of what an error page shows. {site} is what the service is called.
const (
	TextInvalid = "Your account could not be signed in to {site} due to invalid credentials provided. Please try again with valid credentials."
	TextSchool  = "Login failed. Details received from your State seem to be invalid. Contact your State administration for more details"
	TextBlocked = "User account is blocked. Please contact admin"
	TextTrouble = "Your account could not be signed in to {site} due to technical issue. Please try again after some time"
	TextGoogle  = "Your account could not be created on {site} due to your Google Security settings"
)

// Texts lists them.
func Texts() []string { return []string{TextInvalid, TextSchool, TextBlocked, TextTrouble, TextGoogle} }

// TextFor says what a person is told of a failure.
func TextFor(err error) string {
	no, ok := errors.AsType[*user.Refusal](err)
	if !ok {
		return TextTrouble
	}
	switch {
	case no.Code == user.UserLocked, no.Code == user.UserDeleted:
		return TextBlocked
	case no.Code == user.NotFound && no.Field == "school":
		return TextSchool
	case no.Code == user.BadToken, no.Code == user.BadCredential, no.Code == user.Forbidden:
		return TextInvalid
	default:
		return TextTrouble
	}
}
