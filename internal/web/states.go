package web

import (
	"context"
	"net/http"
	"net/netip"
	"time"
)

// StateVisits is what the pages of a state sign-in do (contract sunbird.md, B.8). A
// visit is named by its cookie. Refusals are *user.Refusal:
//
//	BadToken      there is no such visit, or it is over: 410
//	Invalid       Field "phone"; Missing likewise
//	UserLocked    the account is blocked; UserDeleted likewise
//	NotFound      Field "school": it is not known any more
//	Unsupported   Field "country": no texts go there
//	BadCredential a wrong code; Params "remaining": tries left, absent where no
//	              code is alive
//	Forbidden     the visit is at another step: its page is shown
//	Throttled     RetryAfter: a 429
//	Busy          RetryAfter: a 503
//
// Any other error is a fault and becomes a 503.
type StateVisits interface {
	// Look says where a visit stands.
	Look(ctx context.Context, cookie string) (StateVisit, error)
	// Text sends a code to a phone as somebody typed it; Again the one that was sent.
	Text(ctx context.Context, cookie, phone string, by StateAsking) error
	Again(ctx context.Context, cookie string, by StateAsking) error
	// Enter checks a code and says where to go: in, or to the challenge.
	Enter(ctx context.Context, cookie, code string) (next string, err error)
	// Link answers the challenge.
	Link(ctx context.Context, cookie string, yes bool) (next string, err error)
	// Who is signed in, if anybody; SignOut ends that.
	Who(ctx context.Context, r *http.Request) (name string, in bool, err error)
	SignOut(ctx context.Context, r *http.Request) error
}

// StateAsking is who asks for a text message, and in which language: that of the
// page, "en" or "hi".
type StateAsking struct {
	Network netip.Prefix
	Lang    string
}

// StateStep is where a visit stands.
type StateStep string

const (
	StateContact   StateStep = "contact"
	StateCode      StateStep = "code"
	StateChallenge StateStep = "challenge"
	StateDone      StateStep = "done"
)

// StateVisit is a sign-in that is not over, as its pages show it.
type StateVisit struct {
	Step StateStep
	// Name and Organisation are the state's words for who comes, and from where.
	Name, Organisation string
	Typed              string // the phone as it was typed, to be corrected
	Phone              string // masked: a page is seen over shoulders
	// Resend is when another text may be asked for; Until when the code is over.
	Resend, Until time.Time
	Remaining     int    // tries of the code; 0: it is dead; -1: not known
	Origin        string // of where the sign-in ends, where that is another site: scheme://host
}

// States says how the pages of state sign-ins are served.
type States struct {
	Visits StateVisits
	// Cookies by their names: of a visit, and of a browser's session.
	Cookie, Session string
	// Texts are all that the error page's address may say: of invalid credentials, an
	// unknown school, a blocked account, any other trouble, and of what Google keeps
	// back, in this order. {site} in one stands for any name.
	Texts  []string
	Secure bool
	Now    func() time.Time
}
