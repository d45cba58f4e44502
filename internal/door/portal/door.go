package portal

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/user"
)

// People serves the realm's people; package registrant does.
type People interface {
	Enter(ctx context.Context, token string) (registrant.Here, error)
	Look(h registrant.Here) registrant.Account
	Change(ctx context.Context, h registrant.Here, ch registrant.Change) (registrant.Account, error)
}

// Policies gives the policy in force.
type Policies interface{ Current() policy.Policy }

// Options are what the door is made of.
type Options struct {
	People   People // nil: no realm is configured
	Policies Policies
	Log      *slog.Logger
	// Browser gives who a page's cookie signs in; false for nobody. It answers
	// requests of this site alone.
	Browser func(r *http.Request) (registrant.Here, bool, error)
	// Logout takes over a logout token; BadToken for what is none.
	Logout func(ctx context.Context, token string) error
	// PublicURL is the base of absolute URLs.
	PublicURL string
}

// Door serves the portal's API.
type Door struct{ Options }

// New makes the door.
func New(o Options) *Door { return &Door{o} }

// Path is where the apps look; with a slash behind it there is nothing.
const Path = "/api/my-user"

// Paths are where the door's clients look, on the shared mux.
func Paths() []string { return []string{Path, avatarPath, logoutPath} }

const allowed = "GET, PUT, PATCH, HEAD, OPTIONS"

// Handler serves every route.
func (d *Door) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+avatarPath+"{name}", serveAvatar)
	mux.HandleFunc(Path, d.myUser)
	mux.HandleFunc("POST "+logoutPath, d.loggedOut)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.People == nil && r.URL.Path == Path {
			d.say(w, r, http.StatusNotImplemented, "The portal needs a Keycloak realm: set doors.portal.issuer and doors.portal.client_id.")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (d *Door) myUser(w http.ResponseWriter, r *http.Request) {
	here, err := d.caller(r)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		d.answer(w, r, http.StatusOK, d.view(d.People.Look(here)))
	case http.MethodPut, http.MethodPatch:
		d.change(w, r, here)
	case http.MethodOptions:
		w.Header().Set("Allow", allowed)
		d.answer(w, r, http.StatusOK, metadata)
	default:
		w.Header().Set("Allow", allowed)
		d.say(w, r, http.StatusMethodNotAllowed, d.texts(r).notAllowed(r.Method))
	}
}

// metadata is what OPTIONS tells.
var metadata = object{
	{"name", "My User"},
	{"description", ""},
	{"renders", []string{"application/json"}},
	{"parses", []string{"application/json", "application/x-www-form-urlencoded", "multipart/form-data"}},
}

func (d *Door) change(w http.ResponseWriter, r *http.Request, here registrant.Here) {
	t := d.texts(r)
	sent, err := readBody(r, t)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	ch, faults := d.check(sent, here.State.Profile.Type, t)
	if len(faults) > 0 {
		d.answer(w, r, http.StatusBadRequest, faults)
		return
	}
	after, err := d.People.Change(r.Context(), here, ch)
	if no, ok := errors.AsType[*user.Refusal](err); ok && no.Code == user.Invalid && no.Field == "profile_type" {
		d.answer(w, r, http.StatusBadRequest, object{{"profile_type", "incorrect value"}})
		return
	}
	if err != nil {
		d.failed(w, r, err)
		return
	}
	d.answer(w, r, http.StatusOK, d.view(after))
}

// failed answers what went wrong. Every failure to authenticate is 403: the apps
// renew their token and try again on that (contract portal.md, Auth).
func (d *Door) failed(w http.ResponseWriter, r *http.Request, err error) {
	if f, ok := errors.AsType[*failure](err); ok {
		d.answer(w, r, f.status, f.body)
		return
	}
	t := d.texts(r)
	no, ok := errors.AsType[*user.Refusal](err)
	if !ok {
		d.Log.ErrorContext(r.Context(), "the portal door failed", "error", err)
		w.Header().Set("Retry-After", "5")
		d.say(w, r, http.StatusServiceUnavailable, t.unavailable)
		return
	}
	status, text := http.StatusForbidden, t.badToken
	switch no.Code {
	case user.BadToken, user.Unauthenticated, user.BadCredential, user.InvalidClient, user.UserLocked, user.UserDeleted, user.Challenge:
	case user.Busy, user.Throttled:
		status, text = http.StatusServiceUnavailable, t.unavailable
		w.Header().Set("Retry-After", strconv.Itoa(max(no.RetryAfter, 1)))
	case user.Forbidden, user.UntrustedSource:
		text = t.forbidden
	case user.NotFound, user.NotMember:
		status, text = http.StatusNotFound, t.notFound
	case user.TooLarge:
		status, text = http.StatusRequestEntityTooLarge, t.tooLarge
	case user.Invalid, user.Missing, user.Malformed, user.Conflict, user.InUse, user.WeakPassword, user.Unsupported, user.AlreadyMember, user.NotUndoable:
		status, text = http.StatusBadRequest, t.malformed
	}
	d.say(w, r, status, text)
}

func (d *Door) say(w http.ResponseWriter, r *http.Request, status int, text string) {
	d.answer(w, r, status, object{{"detail", text}})
}

func (d *Door) answer(w http.ResponseWriter, r *http.Request, status int, body object) {
	doc, err := json.Marshal(body)
	if err != nil {
		d.Log.ErrorContext(r.Context(), "writing an answer", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Language, Authorization, Cookie")
	h.Set("Content-Language", d.texts(r).lang)
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(doc)
	}
}
