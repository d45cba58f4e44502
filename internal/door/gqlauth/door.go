package gqlauth

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"time"

	graphql "github.com/graph-gophers/graphql-go"
	gqlerrors "github.com/graph-gophers/graphql-go/errors"
	"github.com/graph-gophers/graphql-go/log"
)

//go:embed schema.graphql
var sdl string

// UsersQuery says who may ask for users (policy users_query).
type UsersQuery string

// The values of users_query.
const (
	UsersPublic        UsersQuery = "public"        // anybody, and users shows e-mails
	UsersAuthenticated UsersQuery = "authenticated" // whoever is signed in
	UsersStaff         UsersQuery = "staff"
)

// Options are what the door is made of.
type Options struct {
	Sessions  Sessions
	SignIn    SignIn
	Accounts  Accounts
	Directory Directory
	Groups    Groups
	// UsersQuery gives the policy users_query in force; nil, or a value that is
	// none, stands for UsersAuthenticated.
	UsersQuery func() UsersQuery
	// CompatEnumeration gives the policy compat_enumeration: whether register and
	// resendActivationEmail say that an address is known. Nil is no.
	CompatEnumeration func() bool
	// Explorer serves a page to try queries on, to browsers; for development.
	Explorer bool
	// PublicURL is where people reach the door, as "https://auth.example.org": the
	// origin from which a cookie is accepted besides the request's own host.
	PublicURL string
	// Network gives the network a request came from, for throttling; nil takes
	// the address of the connection.
	Network func(*http.Request) netip.Prefix
	// QueryDeadline and MutationDeadline bound a request; zero is 2 and 10
	// seconds.
	QueryDeadline, MutationDeadline time.Duration
	// Log takes faults; nil for the default logger.
	Log *slog.Logger
}

// Door serves /graphql.
type Door struct {
	Options
	schema    *graphql.Schema
	crossSite *http.CrossOriginProtection
}

// New makes the door. It fails when PublicURL is no absolute http(s) URL.
func New(o Options) (*Door, error) {
	u, err := url.Parse(o.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("gqlauth door: reading the public URL: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("gqlauth door: public URL %q is not an absolute http or https URL", o.PublicURL)
	}
	if o.UsersQuery == nil {
		o.UsersQuery = func() UsersQuery { return UsersAuthenticated }
	}
	if o.CompatEnumeration == nil {
		o.CompatEnumeration = func() bool { return false }
	}
	if o.Network == nil {
		o.Network = network
	}
	if o.QueryDeadline == 0 {
		o.QueryDeadline = 2 * time.Second
	}
	if o.MutationDeadline == 0 {
		o.MutationDeadline = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	d := &Door{Options: o, crossSite: http.NewCrossOriginProtection()}
	// A proxy may hand on another Host than the one people type.
	if err := d.crossSite.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
		return nil, fmt.Errorf("gqlauth door: trusting the public URL's origin: %w", err)
	}
	d.schema, err = graphql.ParseSchema(sdl, &root{}, append(limits(),
		graphql.UseFieldResolvers(), graphql.UseStringDescriptions(),
		graphql.PanicHandler(panics{}),
		graphql.Logger(log.LoggerFunc(func(ctx context.Context, value any) {
			d.Log.ErrorContext(ctx, "gqlauth door: panic", "panic", value, "stack", string(debug.Stack()))
		})),
	)...)
	if err != nil {
		return nil, fmt.Errorf("gqlauth door: reading the schema: %w", err)
	}
	return d, nil
}

// limits are the engine's own, which stand behind the guard's.
func limits() []graphql.SchemaOpt {
	return []graphql.SchemaOpt{
		graphql.MaxDepth(maxIntrospectionDepth), graphql.MaxSelections(maxSelections + 1),
		graphql.OverlapValidationLimit(maxOverlaps),
	}
}

const internalError = "Internal server error."

// panics keeps what a panic says from the client.
type panics struct{}

func (panics) MakePanicError(context.Context, any) *gqlerrors.QueryError {
	// An error of its own marks it as a resolver's, unlike the engine's.
	return &gqlerrors.QueryError{Message: internalError, ResolverError: rawError(internalError)}
}

// network is the address of the connection, an IPv6 one widened to the /56
// that one subscriber has.
func network(r *http.Request) netip.Prefix {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	addr, bits := at.Addr().Unmap(), 56
	if addr.Is4() {
		bits = 32
	}
	p, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
