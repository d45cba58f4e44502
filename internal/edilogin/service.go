package edilogin

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/roundtrip"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// The paths of the door's sign-ins; the latter two have a provider's name behind
// them. Home is where one ends that asked for no other place: the page that says who
// is in.
const (
	Home         = "/auth/ui/signin"
	StartPath    = "/auth/login/"
	CallbackPath = "/auth/callback/"
)

// freshFor is how long after signing in somebody may add another way to do so.
const freshFor = 15 * time.Minute

// Policies gives the policy in force.
type Policies interface{ Current() policy.Policy }

// Service signs people in.
type Service struct {
	Store    store.Store
	Policies Policies
	Sessions *session.Service
	// Trips lead to the providers, by their names.
	Trips map[string]*roundtrip.Trip
	// URL is the base of the door's addresses.
	URL string
	Now func() time.Time
}

// Visits is what the visits of browsers that are at a provider are called.
func Visits(provider string) string { return "edi:" + provider }

// Names are those of the providers.
func (s *Service) Names() []string {
	names := make([]string, 0, len(s.Trips))
	for name := range s.Trips {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Ask is a sign-in that somebody wants.
type Ask struct {
	Provider string
	Target   string // where it ends; empty: Home
	Browser  string // the secret in the browser's cookie, if there is one
	// To is who is signed in and wants the provider added to their own ways in; nil
	// for a sign-in.
	To *session.Live
}

// Going is where a browser goes, and the secret that it has to keep.
type Going struct{ To, Browser string }

// about is what a visit is about.
type about struct {
	Target string  `json:"target"`
	To     user.ID `json:"to,omitempty"` // whom the provider is added to
}

// Start begins a sign-in. Refusals: NotFound of provider, Invalid of target where no
// sign-in may end, Unauthenticated of session for a provider to be added to somebody
// who did not sign in just now, Busy.
func (s *Service) Start(ctx context.Context, a Ask) (g Going, err error) {
	trip, known := s.Trips[a.Provider]
	if !known {
		return g, user.Refuse(user.NotFound, "provider")
	}
	if a.Target == "" {
		a.Target = Home
	}
	if s.place(a.Target) == roundtrip.Nowhere {
		return g, user.Refuse(user.Invalid, "target")
	}
	v := about{Target: a.Target}
	if a.To != nil {
		if !s.fresh(*a.To) {
			return g, user.Refuse(user.Unauthenticated, "session")
		}
		v.To = a.To.User.ID
	}
	g.To, g.Browser, err = trip.Start(ctx, a.Browser, v)
	return g, err
}

func (s *Service) place(target string) roundtrip.Place {
	return roundtrip.Allowed(target, s.URL, s.Policies.Current().EDI.Redirects)
}

// fresh says whether somebody came by a provider just now: what others made for
// them, as an operator, proves nothing of who is here.
func (s *Service) fresh(live session.Live) bool {
	age := s.Now().Sub(live.Session.Proven)
	return age <= freshFor && slices.Equal(live.Session.Methods, methods)
}

// Entered is somebody who is in: their edi-token, and where to go on.
type Entered struct{ Token, Next string }

// Failed is a sign-in that ends without anybody in.
type Failed struct {
	Target string
	// There says that the target is a service of its own, which shows what went wrong
	// itself.
	There bool
	// Link says that it was not a sign-in, but a provider to be added.
	Link bool
	Err  error
}

func (f *Failed) Error() string { return fmt.Sprintf("edilogin: %v", f.Err) }

// Unwrap gives why.
func (f *Failed) Unwrap() error { return f.Err }
