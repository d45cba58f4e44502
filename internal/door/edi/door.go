package edi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/account"
	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/group"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Sessions resolves the cookie and renews it.
type Sessions interface {
	// Cookie checks an edi-token; a refusal whatever is wrong with it.
	Cookie(ctx context.Context, jwt string) (session.Live, error)
	// MintCookie makes a fresh token for the same session.
	MintCookie(ctx context.Context, live session.Live) (token string, expires time.Time, err error)
}

// Profiles finds users.
type Profiles interface {
	// FindEDI finds the user of an EDI number; a NotFound refusal for an
	// unknown, dead or malformed one.
	FindEDI(ctx context.Context, number string) (user.User, error)
	// SearchEDI finds those whose name, e-mail or number begins so.
	SearchEDI(ctx context.Context, typed string, limit int) ([]store.Found, error)
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

// Groups answers who is a member, live, and keeps the groups that people make.
// Refusals name "group" or "profile" as what was not found.
type Groups interface {
	Member(ctx context.Context, u user.ID, kind, name string) (bool, error)
	Make(ctx context.Context, c group.Caller, d group.Details) (number string, err error)
	Read(ctx context.Context, c group.Caller, number string) (group.Shown, error)
	Change(ctx context.Context, c group.Caller, number string, ch group.Change) error
	Dissolve(ctx context.Context, c group.Caller, number string) error
	Join(ctx context.Context, c group.Caller, number, profile string) (added bool, err error)
	Part(ctx context.Context, c group.Caller, number, profile string) error
	SearchOwn(ctx context.Context, typed string, limit int) ([]group.Shown, error)
}

// Mint begins a session for a user at this door and makes its edi-token.
type Mint func(ctx context.Context, u user.ID) (token string, err error)

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
	// TokenKey, where it is set, lets whoever presents it have a token for any
	// profile from Mint. It must have at least 32 characters.
	TokenKey string
	Mint     Mint
	// SignIns signs people in with providers, and Screens shows what becomes of it;
	// nil for neither.
	SignIns SignIns
	Screens Screens
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
	if o.TokenKey != "" && (len(o.TokenKey) < minTokenKey || o.Mint == nil) {
		return nil, fmt.Errorf("edi door: a token key needs at least %d characters, and Mint", minTokenKey)
	}
	if (o.SignIns == nil) != (o.Screens == nil) {
		return nil, errors.New("edi door: sign-ins need screens, and screens sign-ins")
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
