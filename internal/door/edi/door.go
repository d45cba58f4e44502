package edi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/account"
	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/user"
)

// Sessions resolves the cookie and renews it.
type Sessions interface {
	// Cookie checks an edi-token; a refusal whatever is wrong with it.
	Cookie(ctx context.Context, jwt string) (session.Live, error)
	// MintCookie makes a fresh token for the same session.
	MintCookie(ctx context.Context, live session.Live) (token string, expires time.Time, err error)
}

// Profiles finds the user of an EDI number; a NotFound refusal for an unknown,
// dead or malformed one.
type Profiles interface {
	FindEDI(ctx context.Context, number string) (user.User, error)
}

// Accounts is a signed-in person's self-service.
type Accounts interface {
	Edit(ctx context.Context, live session.Live, e account.Edit) (user.Profile, error)
	DeleteAtDoor(ctx context.Context, live session.Live, door user.Door) error
}

// Admission makes skeleton profiles.
type Admission interface {
	Reserve(ctx context.Context, r admission.Reservation) (admission.Reserved, error)
}

// Groups answers who is a member, live.
type Groups interface {
	Member(ctx context.Context, u user.ID, kind, name string) (bool, error)
}

// Options are what the door is made of.
type Options struct {
	Sessions  Sessions
	Profiles  Profiles
	Accounts  Accounts
	Admission Admission
	Groups    Groups
	// PublicURL is the base of absolute URLs in answers, as
	// "https://auth.example.org". Its scheme decides whether cookies are Secure.
	PublicURL string
	// StrictReference says whether to answer as the public code of 2025-12
	// where it differs from the document; nil for no.
	StrictReference func() bool
	// Log takes faults; nil for the default logger.
	Log *slog.Logger
	// Now is the clock; nil for the real one.
	Now func() time.Time
}

// Door serves /auth.
type Door struct {
	Options
	base      string
	secure    bool
	crossSite *http.CrossOriginProtection
	avatars   *avatars
	mux       *http.ServeMux
}

// New makes the door. It fails when PublicURL is no absolute http(s) URL.
func New(o Options) (*Door, error) {
	u, err := url.Parse(o.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("edi door: reading the public URL: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("edi door: public URL %q is not an absolute http or https URL", o.PublicURL)
	}
	if o.StrictReference == nil {
		o.StrictReference = func() bool { return false }
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Door{
		Options: o, base: strings.TrimRight(o.PublicURL, "/"), secure: u.Scheme == "https",
		crossSite: http.NewCrossOriginProtection(),
	}
	// A proxy may hand on another Host than the one people type.
	if err := d.crossSite.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
		return nil, fmt.Errorf("edi door: trusting the public URL's origin: %w", err)
	}
	if d.avatars, err = newAvatars(); err != nil {
		return nil, fmt.Errorf("edi door: %w", err)
	}
	d.mux = d.routes()
	return d, nil
}
