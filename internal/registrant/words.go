package registrant

import (
	"context"
	"time"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Door is the channel whose rules hold here.
const Door = user.DoorPortal

// Policies gives the policy in force.
type Policies interface{ Current() policy.Policy }

// Verifier judges the access tokens of one realm; proof/oidc does.
type Verifier interface {
	// Bearer checks by what is known here; Ask has the realm say whether the token
	// still counts. Both fail with *signin.Unproven for a token that is worth
	// nothing, and with a refusal Busy where the realm cannot be asked.
	Bearer(ctx context.Context, text string) (Bearer, error)
	Ask(ctx context.Context, text, subject string) (Person, error)
}

// Bearer is what a realm's access token says by itself.
type Bearer struct {
	Identity user.IdentityKey
	Subject  string // as the realm has it
	// Session names the realm's session that the token belongs to; may be empty.
	Session string
	Issued  time.Time
	Expires time.Time
	// Roles are the roles at usher's client there.
	Roles []string
	Person
}

// Person is what a realm says of somebody.
type Person struct {
	Addresses []admission.Address
	Facts     map[user.Attr]*string
	// Groups are full paths; nil where nothing is said of them.
	Groups []string
}

// Realm is one whose people come here.
type Realm struct {
	Name     string      // "main"
	Source   user.Source // what strands are called
	Issuer   string      // as it stands in iss
	Verifier Verifier
}

// Here is somebody who showed an access token or a page's cookie.
type Here struct {
	session.Live
	State store.ChannelState
}

// Account is what the portal shows of somebody.
type Account struct {
	User user.User
	// Subject is the realm's name of them. Username, Email, First and Last are the
	// realm's; the rest is theirs.
	Subject, Username, Email, First, Last string
	Joined                                time.Time
	Nickname, Language, Picture           string
	// Type is their profile; empty: none. Values are its attributes that have one.
	Type    string
	Values  map[string]string
	Updated time.Time
	// Accepted says that the terms of now were accepted.
	Accepted    bool
	Missing     []string
	Asked       string // the profile that waits for approval
	LinkPending bool
	// Verdict is the last decision on a request of theirs, with its reason.
	Verdict store.Verdict
	Reason  string
}

// Change is what somebody says of themselves; what is nil stays.
type Change struct {
	// Fields by their names in policy, with nickname and language_preference: nil
	// empties one.
	Fields map[string]*string
	// Accepts is their word on the terms.
	Accepts *bool
	// Profile says that a profile was sent, be it empty, and Type which one.
	Profile bool
	Type    *string
}
