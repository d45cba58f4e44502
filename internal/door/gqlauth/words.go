package gqlauth

import (
	"context"
	"encoding/json"
	"net/netip"
	"time"

	"github.com/usher-id/usher/internal/session"
)

// How the domain refuses, in all of the interfaces below.
//
// A refusal is a *user.Refusal. Where a form has several errors they come
// joined by errors.Join, in the order of the form's fields. Field is the key of
// the wire: the camel-case name of the argument (email, username, password,
// password1, password2, oldPassword, newPassword1, newPassword2, firstName,
// lastName), or empty for what concerns no field. Params["why"] is one of the
// constants below where a code alone does not say it:
//
//	required                    Missing, Field
//	malformed e-mail, username  Invalid, Field "email" or "username"
//	too long                    TooLarge, Field, "max", "length" in characters
//	address or name taken       InUse, Field; WhySecondary where it is somebody's
//	                            second address. Any other field or none: of the
//	                            address in a mailed token
//	password rules              WeakPassword, Field "password2" or
//	                            "newPassword2", why; WhyTooSimilar with "to",
//	                            WhyTooShort with "min"
//	wrong password, signed in   BadCredential, Field "password" or "oldPassword"
//	sign-in failed              BadCredential, no Field, also for an unknown,
//	                            locked or throttled account
//	dead token                  BadToken; WhyExpired for one that was good
//	not verified yet            Forbidden, WhyNotVerified
//	verified already            Conflict, WhyVerified; Field "email" where asked
//	                            for by address
//	password set already        Conflict, WhyPasswordSet
//	no second address           Missing, WhyNoSecondary
//	too many tries              Throttled with RetryAfter: per network only
//
// Any other error is a fault and becomes a 503. All methods are called with a
// deadline and may be called from several goroutines at once.
const (
	WhyTooSimilar  = "too_similar" // "to": username, first name, last name, email, email address
	WhyTooShort    = "too_short"   // "min": characters
	WhyTooCommon   = "too_common"
	WhyNumeric     = "entirely_numeric"
	WhyMismatch    = "mismatch" // the two password fields differ
	WhyExpired     = "expired"
	WhyNotVerified = "not_verified"
	WhyVerified    = "already_verified"
	WhyPasswordSet = "password_already_set"
	WhyNoSecondary = "secondary_email_required"
	WhySecondary   = "secondary"
)

// Caller is who asks.
type Caller struct {
	// Live is nil while nobody is signed in. Methods that change something look
	// again, in their transaction, whether it is alive (session.Again).
	Live *session.Live
	// Network is what throttles count a stranger by; invalid if not known.
	Network netip.Prefix
	// Lang is the language that the client would rather have, of mails too: a BCP
	// 47 tag, or empty.
	Lang string
}

// SignedIn says whether somebody is.
func (c Caller) SignedIn() bool { return c.Live != nil }

// Sessions resolves login tokens.
type Sessions interface {
	// JWT checks a login token, and gives the user that it found with it; a
	// refusal whatever is wrong. Archived and unverified users are let in, locked
	// and deleted ones are not.
	JWT(ctx context.Context, token string) (session.Live, User, error)
}

// SignIn signs in and keeps the tokens (contract section 6).
type SignIn interface {
	// TokenAuth signs in by password. An archived account is reopened.
	TokenAuth(ctx context.Context, c Caller, in TokenAuth) (SignedIn, error)
	// VerifyToken gives the claims of a login token, as a JSON object in the
	// order they stand in the token. It asks for signature, expiry and epoch, not
	// for the user.
	VerifyToken(ctx context.Context, c Caller, token string) (json.RawMessage, error)
	// Refresh gives a login token for a refresh token.
	Refresh(ctx context.Context, c Caller, refreshToken string, want Want) (Refreshed, error)
	// Revoke ends a refresh token and says when.
	Revoke(ctx context.Context, c Caller, refreshToken string) (time.Time, error)
}

// Want says which tokens the client selected: a refresh token is made only for
// those who read it.
type Want struct{ Refresh bool }

// TokenAuth is a try to sign in, by exactly one of Email and Username.
type TokenAuth struct {
	Email, Username *string
	Password        string
	Want            Want
}

// SignedIn is what a sign-in gives.
type SignedIn struct {
	Token        string
	RefreshToken string // empty unless wanted
	// Live signs in the fields that follow in the same document.
	Live        session.Live
	User        User
	Unarchiving bool // the account had been archived
}

// Refreshed is what a refresh token gives.
type Refreshed struct {
	Token        string
	RefreshToken string          // empty unless wanted
	Payload      json.RawMessage // the claims of Token
}

// Accounts are sign-up, mailed tokens and a person's self-service (contract
// section 6). Methods that take a Caller with a session are called only with
// one; they check verified, then the second address, then the password, then
// the form.
type Accounts interface {
	Register(ctx context.Context, c Caller, in Registration) error
	VerifyAccount(ctx context.Context, c Caller, token string) error
	ResendActivation(ctx context.Context, c Caller, email string) error
	SendPasswordReset(ctx context.Context, c Caller, email string) error
	ResetPassword(ctx context.Context, c Caller, in NewPassword) error
	// SetPassword is ResetPassword for a user without a password.
	SetPassword(ctx context.Context, c Caller, in NewPassword) error
	VerifySecondary(ctx context.Context, c Caller, token string) error

	// The rest is for signed-in callers.

	ChangePassword(ctx context.Context, c Caller, in PasswordChange) (PasswordChanged, error)
	Update(ctx context.Context, c Caller, in Update) error
	Archive(ctx context.Context, c Caller, password string) error
	Delete(ctx context.Context, c Caller, password string) error
	SendSecondary(ctx context.Context, c Caller, email, password string) error
	SwapEmails(ctx context.Context, c Caller, password string) error
	RemoveSecondary(ctx context.Context, c Caller, password string) error
}

// Registration is a sign-up as it was typed.
type Registration struct {
	Email, Username      string
	Password1, Password2 string
}

// NewPassword is a password for whoever a mailed token names.
type NewPassword struct {
	Token                string
	Password1, Password2 string
}

// PasswordChange is a signed-in person's.
type PasswordChange struct {
	Old                  string
	Password1, Password2 string
	Want                 Want
}

// PasswordChanged has the tokens of the session that goes on.
type PasswordChanged struct {
	Token        string
	RefreshToken string // empty unless wanted
	Live         session.Live
}

// Update holds what was sent; nil leaves a name as it is.
type Update struct{ FirstName, LastName *string }

// Directory reads users of this door. What a caller may see of others is
// decided here, at the door; it gives all.
type Directory interface {
	// Me is the caller's own; a refusal if the session has ended.
	Me(ctx context.Context, c Caller) (User, error)
	// User is one by pk; a NotFound refusal for an unknown one.
	User(ctx context.Context, c Caller, pk int32) (User, error)
	// Users lists by pk those who match. window is told how many there are and
	// gives the half-open range of them that is wanted, within 0 and total; it
	// may be called again.
	Users(ctx context.Context, c Caller, f Filter, window func(total int) (from, to int)) ([]User, error)
	// UsersByPK gives those who exist, in one query.
	UsersByPK(ctx context.Context, c Caller, pks []int32) (map[int32]User, error)
	// Members gives the members of the groups by pk, by the groups' Ref, in one
	// query; a TooLarge refusal if they are more than limit.
	Members(ctx context.Context, c Caller, groups []string, limit int) (map[string][]User, error)
}

// Filter is a conjunction; nil asks for nothing.
type Filter struct {
	Email, Username                  *string // exact
	UsernameContains, UsernameStarts *string // in any case
	IsActive, IsArchived, IsVerified *bool
	SecondaryEmail                   *string // exact
	// PK is set where the caller may search only for themselves.
	PK *int32
}

// User is what this door shows of a user.
type User struct {
	PK                  int32
	LastLogin           *time.Time
	Staff, Active       bool
	Joined              time.Time
	Email, Username     string
	FirstName, LastName string
	Representative      bool
	Group               string // Ref of the group they are a member of, or empty
	Represents          string // Ref of the group they represent, or empty
	Archived, Verified  bool
	SecondaryEmail      *string
}

// Groups keeps working groups, institutions and research fields (contract
// section 10). Lists are ordered by the age of what they list.
type Groups interface {
	WorkingGroups(ctx context.Context, c Caller) ([]WorkingGroup, error)
	Institutions(ctx context.Context, c Caller) ([]Institution, error)
	ResearchFields(ctx context.Context, c Caller) ([]ResearchField, error)
	// ByRef gives the groups that exist, in one query.
	ByRef(ctx context.Context, c Caller, groups []string) (map[string]WorkingGroup, error)
	// AtInstitutions and InFields give the groups by institution's or field's
	// Ref, in one query; a TooLarge refusal if they are more than limit.
	AtInstitutions(ctx context.Context, c Caller, institutions []string, limit int) (map[string][]WorkingGroup, error)
	InFields(ctx context.Context, c Caller, fields []string, limit int) (map[string][]WorkingGroup, error)
	// Create makes a group that the caller represents and is no member of.
	// Refusals: NotFound "institution" or "field", InUse "name", Conflict
	// "representative" for somebody who represents another, Invalid for a value.
	Create(ctx context.Context, c Caller, in NewGroup) (WorkingGroup, error)
	// Join makes the caller a member; NotFound "workinggroup".
	Join(ctx context.Context, c Caller, in GroupName) (User, error)
}

// WorkingGroup is a group of people at an institution. Ref is what the domain
// knows it by, in User.Group too; ID is its number on the wire.
type WorkingGroup struct {
	Ref, ID, Name  string
	Institution    Institution
	Representative int32 // pk, or 0
	Employees      *int32
	Field          ResearchField
}

// Institution is where groups are.
type Institution struct {
	Ref, ID, Name, City string
	State               *string
	Country             string
}

// ResearchField is what a group works on.
type ResearchField struct{ Ref, ID, Field, Subfield string }

// GroupName names a group as the wire does; Name may be left out.
type GroupName struct {
	Name                       *string
	Institution, City, Country string
}

// NewGroup is a group to be made.
type NewGroup struct {
	GroupName
	Field, Subfield string
	Employees       int32
}
