package sunbird

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/otp"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// People takes people in and tells who is known; package onboarding does.
type People interface {
	Create(ctx context.Context, f onboarding.Form) (onboarding.Made, error)
	CreateProven(ctx context.Context, f onboarding.Form, idToken string) (onboarding.Made, error)
	Show(ctx context.Context, k onboarding.Key) (onboarding.Shown, error)
	Exists(ctx context.Context, k onboarding.Key) (onboarding.Shown, bool, error)
	Block(ctx context.Context, id, by string) error
	Unblock(ctx context.Context, id, by string) error
}

// Codes sends and checks one-time codes; package otp does.
type Codes interface {
	Send(ctx context.Context, r otp.Request) error
	Verify(ctx context.Context, to otp.To, purpose, text string) (otp.Tried, error)
}

// Callers says whose a token is: a caller of this door's, or BadToken.
type Callers interface {
	Caller(ctx context.Context, token string) (store.Caller, error)
	// Operator says who an access token signs in, if that is an operator; BadToken
	// otherwise.
	Operator(ctx context.Context, token string) (string, error)
}

// Policies gives the policy in force.
type Policies interface{ Current() policy.Policy }

// Options are what the door is made of.
type Options struct {
	People   People
	Codes    Codes
	Callers  Callers
	States   States
	Google   Google // nil where no client is configured
	Policies Policies
	Log      *slog.Logger
	Network  func(*http.Request) netip.Prefix
	Now      func() time.Time
	// PublicURL is the base of absolute URLs; its scheme says whether cookies are
	// Secure. Site is what messages call the service.
	PublicURL, Site string
}

// Door serves the Sunbird API.
type Door struct{ Options }

// New makes the door.
func New(o Options) *Door { return &Door{o} }

// Paths are where the door's clients look, on the shared mux.
func Paths() []string {
	return []string{
		"/v1/user/", "/v2/user/", "/v1/otp/", "/v1/sso/", "/api/user/", "/api/otp/", "/google/auth", "/google/auth/", "/sso/sign-in/success",
	}
}

// Handler serves every route in both forms of its path (contract B.2).
func (d *Door) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]handler{
		"POST /v1/user/create":              d.create,
		"POST /v2/user/create":              d.create,
		"POST /v1/user/verifyAndCreate":     d.verifyAndCreate,
		"GET /v1/user/get/{key}/{value}":    d.get,
		"GET /v1/user/exists/{key}/{value}": d.exists,
		"GET /v2/user/exists/{key}/{value}": d.exists,
		"POST /v1/user/block":               d.block,
		"POST /v1/user/unblock":             d.unblock,
		"POST /v1/otp/generate":             d.generate,
		"POST /v1/otp/verify":               d.verify,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				d.failed(w, r, r.URL.Path, err)
			}
		})
	}
	d.stateRoutes(mux)
	d.googleRoutes(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		d.bad(w, r, r.URL.Path, failure{code: notFound, err: "RESOURCE_NOT_FOUND", msg: "Requested resource not found"})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path, ok := servicePath(r.URL.Path); ok {
			inner := *r.URL
			inner.Path, inner.RawPath = path, ""
			r2 := r.WithContext(r.Context())
			r2.URL = &inner
			r = r2
		}
		mux.ServeHTTP(w, r)
	})
}

// handler answers, or says what went wrong.
type handler func(w http.ResponseWriter, r *http.Request) error

// servicePath turns /api/user/v2/create into /v2/user/create.
func servicePath(p string) (string, bool) {
	rest, ok := strings.CutPrefix(p, "/api/")
	if !ok {
		return p, false
	}
	group, rest, ok := strings.Cut(rest, "/")
	version, rest, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 || len(version) < 2 || version[0] != 'v' {
		return p, false
	}
	return "/" + version + "/" + group + "/" + rest, true
}

// caller is who speaks, if it is one that this door knows: an unknown key is the
// gateway's, and means nobody.
func (d *Door) caller(r *http.Request) (store.Caller, bool, error) {
	token, ok := bearer(r)
	if !ok {
		return store.Caller{}, false, nil
	}
	c, err := d.Callers.Caller(r.Context(), token)
	if refused(err, user.BadToken) {
		return store.Caller{}, false, nil
	}
	return c, err == nil, err
}

func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != "" && len(token) <= maxToken
}

// maxToken is longer than any token of a caller or a session.
const maxToken = 4096

// administrator is who may block and unblock: a caller that may administer, or an
// operator by an access token, as Bearer or x-authenticated-user-token.
func (d *Door) administrator(r *http.Request) (string, error) {
	c, known, err := d.caller(r)
	if err != nil {
		return "", err
	}
	if known {
		if !c.MayAdminister {
			return "", notAllowed
		}
		return c.Name, nil
	}
	tokens := []string{r.Header.Get("X-Authenticated-User-Token")}
	if t, ok := bearer(r); ok {
		tokens = append(tokens, t)
	}
	for _, t := range tokens {
		if t == "" || len(t) > maxToken {
			continue
		}
		who, err := d.Callers.Operator(r.Context(), t)
		if err == nil {
			return who, nil
		}
		if !refused(err, user.BadToken) {
			return "", err
		}
	}
	return "", notAuthorised
}
