package gqlauth

import (
	"net/http"
	"strings"

	"github.com/usher-id/usher/internal/user"
)

// noField is the key of errors that concern no field.
const noField = "nonFieldErrors"

// form says what a mutation's errors mean: the same code is one thing to
// somebody who signs in and another to somebody who is signed in.
type form uint8

const (
	// open takes no session: mailed tokens, refresh tokens, sign-in, addresses.
	open form = iota
	// registering makes an account.
	registering
	// own changes the caller's account.
	own
	// byToken is open, and says everything of no field.
	byToken
)

// wire is what the original says (contract section 4). {name} stands for a
// parameter of the refusal. An empty field is the refusal's own, else at.
type wire struct{ code, message, at string }

const (
	unavailable  = "The service is unavailable. Try again later."
	throttled    = "Too many requests. Try again later."
	noPermission = "You do not have permission to perform this action"
)

var (
	unauthenticated    = wire{"unauthenticated", "Unauthenticated.", noField}
	invalidToken       = wire{"invalid_token", "Invalid token.", noField}
	expiredToken       = wire{"expired_token", "Expired token.", noField}
	invalidCredentials = wire{"invalid_credentials", "Please, enter valid credentials.", noField}
	invalidPassword    = wire{"invalid_password", "Invalid password.", ""}
	emailTaken         = wire{"unique", "A user with that email already exists.", ""}
	invalidValue       = wire{"invalid", "Enter a valid value.", ""}
)

// sayings maps every code. Throttled and Busy are answers of HTTP instead.
var sayings = map[user.Code]wire{
	user.Invalid:         invalidValue,
	user.Malformed:       invalidValue,
	user.Unsupported:     invalidValue,
	user.AlreadyMember:   invalidValue,
	user.NotMember:       invalidValue,
	user.NotUndoable:     invalidValue,
	user.Missing:         {"required", "This field is required.", ""},
	user.TooLarge:        {"max_length", "Ensure this value has at most {max} characters (it has {length}).", ""},
	user.Unauthenticated: unauthenticated,
	user.Forbidden:       {"permission_denied", noPermission, noField},
	user.NotFound:        invalidToken, // of a signed token whose user is gone
	user.BadToken:        invalidToken,
	user.InUse:           emailTaken,
	user.Conflict:        emailTaken,
	user.Challenge:       emailTaken,
	user.UntrustedSource: emailTaken,
	user.UserLocked:      invalidCredentials,
	user.UserDeleted:     invalidCredentials,
	user.BadCredential:   invalidCredentials,
	user.InvalidClient:   invalidCredentials,
	user.WeakPassword:    {"password_too_common", "This password is too common.", ""},
	user.Throttled:       {"throttled", throttled, noField},
	user.Busy:            {"unavailable", unavailable, noField},
}

// reasons has what is said where Params["why"] says more than the code.
var reasons = map[string]wire{
	WhyTooSimilar:  {"password_too_similar", "The password is too similar to the {to}.", ""},
	WhyTooShort:    {"password_too_short", "This password is too short. It must contain at least {min} characters.", ""},
	WhyTooCommon:   {"password_too_common", "This password is too common.", ""},
	WhyNumeric:     {"password_entirely_numeric", "This password is entirely numeric.", ""},
	WhyMismatch:    {"password_mismatch", "The two password fields didn\u2019t match.", ""},
	WhyExpired:     expiredToken,
	WhyNotVerified: {"not_verified", "Please verify your account.", noField},
	WhyVerified:    {"already_verified", "Account already verified.", ""},
	WhyPasswordSet: {"password_already_set", "Password already set for account.", noField},
	WhyNoSecondary: {"secondary_email_required", "You need to setup a secondary email to proceed.", noField},
	WhySecondary:   emailTaken,
}

// ofFields has what is said of certain fields.
var ofFields = map[user.Code]map[string]wire{
	user.Invalid: {
		"email":    {"invalid", "Enter a valid email address.", ""},
		"username": {"invalid", "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.", ""},
	},
	user.BadCredential: {"password": invalidPassword, "oldPassword": invalidPassword},
}

// registered has what is said of a taken name where an account is made.
var registered = map[string]wire{
	"email":    {"unique", "User with this Email already exists.", ""},
	"username": {"unique", "User with this Username already exists.", ""},
}

// say turns one refusal into an error of the wire.
func say(f form, no *user.Refusal) (field string, err fieldError) {
	w, at := choose(f, no), no.Field
	if w.at != "" {
		at = w.at
	}
	if at == "" || f == byToken {
		at = noField
	}
	return at, fieldError{Message: fill(w.message, no.Params), Code: w.code}
}

func choose(f form, no *user.Refusal) wire {
	if f == own && no.Code == user.BadToken { // of the session, which has ended
		return unauthenticated
	}
	if w, ok := reasons[no.Params["why"]]; ok {
		return w
	}
	taken := no.Code == user.InUse || no.Code == user.Challenge || no.Code == user.Conflict
	if w, ok := registered[no.Field]; ok && f == registering && taken {
		return w
	}
	if w, ok := ofFields[no.Code][no.Field]; ok {
		return w
	}
	if w, ok := sayings[no.Code]; ok {
		return w
	}
	return invalidValue
}

func fill(text string, params map[string]string) string {
	for name, value := range params {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

// refusals gives the refusals in err, in order; false if any of it is a fault.
func refusals(err error) ([]*user.Refusal, bool) {
	switch e := err.(type) { //nolint:errorlint // taken apart one level at a time, or a join would lose all but its first
	case *user.Refusal:
		return []*user.Refusal{e}, true
	case interface{ Unwrap() error }:
		return refusals(e.Unwrap())
	case interface{ Unwrap() []error }:
		var all []*user.Refusal
		for _, one := range e.Unwrap() {
			some, ok := refusals(one)
			if !ok {
				return nil, false
			}
			all = append(all, some...)
		}
		return all, len(all) > 0
	}
	return nil, false
}

// judge turns an error of the domain into the errors of a form. What is no
// form's error, a throttle or a fault, becomes the raw error of the field and
// the status of the answer.
func (x *exchange) judge(f form, err error) (*fieldErrors, error) {
	all, ok := refusals(err)
	if !ok {
		return nil, x.fault(err)
	}
	errs := &fieldErrors{}
	for _, no := range all {
		if raw := x.overloaded(no); raw != nil {
			return nil, raw
		}
		errs.add(say(f, no))
	}
	return errs, nil
}

// rawError is what a field without a form says of why it is null: a sentence of
// the original's, for the client.
type rawError string

func (e rawError) Error() string { return string(e) }

// raw turns an error of the domain into the error of a field that has no form.
// text says what the refusals of that field mean.
func (x *exchange) raw(err error, text func(no *user.Refusal) string) error {
	all, ok := refusals(err)
	if !ok {
		return x.fault(err)
	}
	no := all[0]
	if raw := x.overloaded(no); raw != nil {
		return raw
	}
	if text != nil {
		if s := text(no); s != "" {
			return rawError(s)
		}
	}
	switch no.Code {
	case user.Unauthenticated, user.BadToken, user.Forbidden, user.UserLocked, user.UserDeleted:
		return rawError(noPermission)
	case user.TooLarge:
		if no.Field == "" { // a set, not a value
			x.end(errTooManyObjects)
		}
	}
	_, said := say(open, no)
	return rawError(said.Message)
}

// overloaded answers with HTTP's own status what no client can mend at once.
func (x *exchange) overloaded(no *user.Refusal) error {
	switch no.Code {
	case user.Throttled:
		x.become(http.StatusTooManyRequests, no.RetryAfter)
		return rawError(throttled)
	case user.Busy:
		x.become(http.StatusServiceUnavailable, no.RetryAfter)
		return rawError(unavailable)
	}
	return nil
}

// fault notes that something went wrong in usher and says so, without saying
// what.
func (x *exchange) fault(err error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.faultLocked(err)
}

func (x *exchange) faultLocked(err error) error {
	if x.ctx.Err() == nil { // else the client has gone or the time is up
		x.door.Log.ErrorContext(x.ctx, "gqlauth door", "error", err)
	}
	x.becomeLocked(http.StatusServiceUnavailable, 0)
	return rawError(unavailable)
}

func (x *exchange) become(status, retryAfter int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.becomeLocked(status, retryAfter)
}

// becomeLocked sets the answer's status; of several the highest counts.
func (x *exchange) becomeLocked(status, retryAfter int) {
	x.status = max(x.status, status)
	x.retryAfter = max(x.retryAfter, retryAfter, 1)
}
