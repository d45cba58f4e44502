package feed

import (
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Caller is who asks a feed operation.
type Caller struct {
	Source user.Source // "partner:__system"
	By     string      // "__system", or the id (snowflake) of the acting user
}

// Opt is a member of a request that may be absent, null, or a value.
type Opt[T any] struct {
	Sent  bool
	Value *T // nil for null
}

// Some makes a member that was sent with a value.
func Some[T any](v T) Opt[T] { return Opt[T]{Sent: true, Value: &v} }

// Null makes a member that was sent as null.
func Null[T any]() Opt[T] { return Opt[T]{Sent: true} }

// Sync is one user as a feed describes it: only what was sent is looked at.
// Values are as they came; feed normalises and refuses.
type Sync struct {
	Number       Opt[string] // snowflake, decimal
	Username     Opt[string]
	Email        Opt[string]
	Verified     Opt[bool]
	Password     Opt[string]
	PasswordHash Opt[string]
	// Facts holds given_name, family_name, locale, phone_number, picture,
	// birthdate, gender: present when sent, nil for null.
	Facts      map[user.Attr]*string
	Roles      Opt[[]string]
	Active     Opt[bool]
	Identities []user.IdentityKey
}

// Change is one field that a sync changes, by its attribute.
type Change struct {
	Attr     user.Attr
	From, To *string
}

// Result is the answer to a sync.
type Result struct {
	Record  store.Record
	Created bool // the record; its user may have been there before
	Changed bool // the record, its password, identities or lock; true where Created
	Changes []Change
	// Ignored names what was not taken, as "password".
	Ignored []string
}
