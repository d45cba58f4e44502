package user

import "fmt"

// Code is a reason for a refusal. Each door maps every one of them; Codes
// lists them for the test that proves it.
type Code string

const (
	Invalid         Code = "invalid"          // a field's value is refused
	Missing         Code = "missing"          // a field is not there
	Malformed       Code = "malformed"        // the input cannot be read
	Unauthenticated Code = "unauthenticated"  // nobody is signed in
	Forbidden       Code = "forbidden"        // somebody is, and may not
	NotFound        Code = "not_found"        // no such user, group or client
	Conflict        Code = "conflict"         // matches lead to different users
	InUse           Code = "in_use"           // a name or address is another's
	Challenge       Code = "challenge"        // prove the existing account first
	UserLocked      Code = "locked"           // kept out by somebody
	UserDeleted     Code = "deleted"          // closed, and does not come back by itself
	BadCredential   Code = "bad_credential"   //nolint:gosec // unknown user or wrong password, not said which
	InvalidClient   Code = "invalid_client"   // unknown client, or not its secret
	BadToken        Code = "bad_token"        // expired, used, revoked or not ours
	Throttled       Code = "throttled"        // too many tries from a network or client
	Busy            Code = "busy"             // the hashing queue is full
	WeakPassword    Code = "weak_password"    // too short, too long or too common
	TooLarge        Code = "too_large"        // more than is taken at once
	Unsupported     Code = "unsupported"      // a type or format nobody serves
	AlreadyMember   Code = "already_member"   // in the group already
	NotMember       Code = "not_member"       // not in the group
	UntrustedSource Code = "untrusted_source" // the source may not speak for this user
	NotUndoable     Code = "not_undoable"     // a later entry stands on this one
)

// Codes lists every code.
func Codes() []Code {
	return []Code{
		Invalid, Missing, Malformed, Unauthenticated, Forbidden, NotFound, Conflict, InUse, Challenge,
		UserLocked, UserDeleted, BadCredential, InvalidClient, BadToken, Throttled, Busy, WeakPassword,
		TooLarge, Unsupported, AlreadyMember, NotMember, UntrustedSource, NotUndoable,
	}
}

// Refusal is a decision not to do what was asked. It is an answer, not a
// fault: nothing went wrong in usher.
type Refusal struct {
	Code   Code
	Field  string
	Params map[string]string
	// RetryAfter is in seconds; zero where trying again is of no use.
	RetryAfter int
}

// Error makes a refusal an error; doors take it out again with errors.As.
func (r *Refusal) Error() string {
	if r.Field != "" {
		return fmt.Sprintf("refused: %s (%s)", r.Code, r.Field)
	}
	return "refused: " + string(r.Code)
}

// Refuse makes a refusal. Params come in pairs.
func Refuse(c Code, field string, params ...string) *Refusal {
	r := &Refusal{Code: c, Field: field}
	for i := 0; i+1 < len(params); i += 2 {
		if r.Params == nil {
			r.Params = map[string]string{}
		}
		r.Params[params[i]] = params[i+1]
	}
	return r
}
