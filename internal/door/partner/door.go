package partner

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Feed keeps a source's records of people.
type Feed interface {
	Sync(ctx context.Context, c feed.Caller, in feed.Sync, mode feed.Mode) (feed.Result, error)
	SyncBatch(ctx context.Context, c feed.Caller, in []feed.Sync) ([]feed.BatchResult, error)
	Read(ctx context.Context, source user.Source, number string) (store.Record, error)
	Page(ctx context.Context, source user.Source, after user.ID, limit int) ([]store.Record, error)
	Patch(ctx context.Context, c feed.Caller, number string, in feed.Sync) (feed.Result, error)
	Delete(ctx context.Context, c feed.Caller, number string) (store.Record, error)
	Lock(ctx context.Context, c feed.Caller, number string) (store.Record, error)
	Unlock(ctx context.Context, c feed.Caller, number string) (store.Record, error)
}

// SignIn signs people in, by password or a provider's token, and renews what
// they got.
type SignIn interface {
	Password(ctx context.Context, a signin.Attempt) (signin.SignedIn, error)
	Provider(ctx context.Context, a signin.ProviderAttempt) (signin.SignedIn, error)
	Refresh(ctx context.Context, r signin.Renewal) (signin.SignedIn, error)
}

// Sessions resolves an access token; a refusal when it is dead.
type Sessions interface {
	Access(ctx context.Context, accessToken string) (session.Live, error)
}

// Groups answers who is a member, live.
type Groups interface {
	Member(ctx context.Context, u user.ID, kind, name string) (bool, error)
}

// Options are what the door is made of.
type Options struct {
	Feed     Feed
	SignIn   SignIn
	Sessions Sessions
	Groups   Groups
	// IDToken makes the idToken of a sign-in for the clientId that was sent.
	IDToken func(ctx context.Context, in signin.SignedIn, audience string) (string, error)
	// Providers are the names that clients may send as providerName; without one
	// the login type is unsupported.
	Providers []string
	// Echo makes the bcrypt hash, of cost 6 and prefix $2b$, that a sync's
	// answer carries.
	Echo func(ctx context.Context, plain string) (string, error)
	// EchoPolicy gives the policy partner.echo_password_hash in force: "bcrypt",
	// "marker", or "" for the contract's rule. Nil is "".
	EchoPolicy func() string
	// InternalSecret is what an internal caller must send in
	// X-Usher-Internal-Secret; empty for nothing.
	InternalSecret string
	// Network gives the network a request came from, for throttling; nil takes
	// it from the connection.
	Network func(*http.Request) netip.Prefix
	// BatchIdle is how long a batch may stand still; zero is two minutes.
	BatchIdle time.Duration
	// LineIdle is how long the next piece of a line may take, once the line has
	// begun; zero is 15 seconds.
	LineIdle time.Duration
	// Log takes faults; nil for the default logger.
	Log *slog.Logger
	// Observer watches batches; nil: nobody does.
	Observer Observer
}

// Door serves /api/auth/login, /auth/login, /api/users and /internal/auth.
type Door struct{ Options }

// New makes the door.
func New(o Options) *Door {
	if o.EchoPolicy == nil {
		o.EchoPolicy = func() string { return "" }
	}
	if o.Network == nil {
		o.Network = network
	}
	if o.BatchIdle == 0 {
		o.BatchIdle = 2 * time.Minute
	}
	if o.LineIdle == 0 {
		o.LineIdle = 15 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	return &Door{o}
}

// network is the address of the connection, an IPv6 one widened to the /64
// that one subscriber has.
func network(r *http.Request) netip.Prefix {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	addr, bits := at.Addr().Unmap(), 64
	if addr.Is4() {
		bits = 32
	}
	p, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
