package sunbird

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/otp"
	"github.com/usher-id/usher/internal/server"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/statelogin"
	"github.com/usher-id/usher/internal/user"
)

// States keeps state sign-ins; package statelogin does.
type States interface {
	Begin(ctx context.Context, token string, by statelogin.Asking) (statelogin.Begun, error)
	Verify(ctx context.Context, cookie string, to otp.To, code string) (otp.Tried, error)
	Contact(ctx context.Context, cookie, phone string) (next string, err error)
	Follow(ctx context.Context, handle string) (statelogin.Entered, error)
	Client(ctx context.Context, id, secret string) error
	Open(ctx context.Context, id string) error
	Collect(ctx context.Context, handle, client string) (session.Pair, error)
	Renew(ctx context.Context, refresh, client string) (session.Pair, error)
}

func (d *Door) stateRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /v2/user/session/create", onlyGET(d.begin))
	mux.HandleFunc("GET /v1/sso/contact/verified", onlyGET(d.contactVerified))
	mux.HandleFunc("GET /sso/sign-in/success", onlyGET(d.follow))
	mux.HandleFunc("GET /v1/sso/success/redirect", onlyGET(d.follow))
	mux.HandleFunc("GET /v1/sso/create/session", onlyGET(d.collect))
	mux.HandleFunc("POST /v1/sso/refresh/session", d.renew)
}

// onlyGET keeps HEAD from doing what GET does here: each of these is done once.
func onlyGET(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			w.Header().Set("Allow", http.MethodGet)
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		h(w, r)
	}
}

// maxStateToken is longer than any state's token.
const maxStateToken = 8 << 10

// begin takes a state's token (contract B.8).
func (d *Door) begin(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("token")
	if token == "" || len(token) > maxStateToken {
		d.stateError(w, r, user.Refuse(user.BadToken, "token"))
		return
	}
	begun, err := d.States.Begin(r.Context(), token, d.asking(r))
	if err != nil {
		d.stateError(w, r, err)
		return
	}
	if begun.Cookie != "" {
		d.setCookie(w, d.stateCookieName(), begun.Cookie, 30*time.Minute)
	}
	redirect(w, begun.Next)
}

func (d *Door) asking(r *http.Request) statelogin.Asking {
	return statelogin.Asking{Network: d.Network(r), Lang: r.Header.Get("Accept-Language")}
}

// contactVerified lets in whose phone a code has confirmed in this visit.
func (d *Door) contactVerified(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	value := q.Get("value")
	if q.Get("type") != "phone" {
		d.stateError(w, r, user.Refuse(user.Forbidden, "type"))
		return
	}
	p, ok := readAnyPhone(strings.TrimSpace(value))
	if !ok {
		d.stateError(w, r, user.Refuse(user.Forbidden, "phone"))
		return
	}
	next, err := d.States.Contact(r.Context(), d.stateCookie(r), p.Key())
	if err != nil {
		d.stateError(w, r, err)
		return
	}
	redirect(w, next)
}

// follow opens a browser's session from a success address.
func (d *Door) follow(w http.ResponseWriter, r *http.Request) {
	in, err := d.States.Follow(r.Context(), r.URL.Query().Get("id"))
	if err != nil {
		d.stateError(w, r, err)
		return
	}
	d.setCookie(w, d.sessionCookieName(), in.Token, in.Expires.Sub(d.Now()))
	redirect(w, in.Next)
}

// collect gives a confidential client the tokens of a success address.
func (d *Door) collect(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if named := r.URL.Query().Get("clientId"); !ok || named != "" && named != id {
		d.noTokens(w, r, http.StatusUnauthorized, user.Refuse(user.InvalidClient, "clientId"))
		return
	}
	if err := d.States.Client(r.Context(), id, secret); err != nil {
		d.noTokens(w, r, http.StatusUnauthorized, err)
		return
	}
	pair, err := d.States.Collect(r.Context(), r.URL.Query().Get("id"), id)
	if err != nil {
		d.noTokens(w, r, http.StatusBadRequest, err)
		return
	}
	d.write(w, http.StatusOK, map[string]string{"access_token": pair.Access, "refresh_token": pair.Refresh})
}

// renew trades a refresh token: {"request":{"refresh_token":…}}, of a confidential
// client with its secret, of an app that signed in with an ID token without one.
func (d *Door) renew(w http.ResponseWriter, r *http.Request) {
	f, err := readBody(w, r)
	if err != nil {
		d.failed(w, r, r.URL.Path, err)
		return
	}
	client := androidClient
	if id, secret, ok := r.BasicAuth(); ok {
		if err := d.States.Client(r.Context(), id, secret); err != nil {
			d.noTokens(w, r, http.StatusUnauthorized, err)
			return
		}
		client = id
	} else if err := d.States.Open(r.Context(), client); err != nil {
		d.noTokens(w, r, http.StatusUnauthorized, err)
		return
	}
	token, err := longText(f, "refresh_token")
	if err != nil {
		d.failed(w, r, r.URL.Path, err)
		return
	}
	pair, err := d.States.Renew(r.Context(), token, client)
	if err != nil {
		d.noTokens(w, r, http.StatusBadRequest, err)
		return
	}
	d.write(w, http.StatusOK, map[string]string{"access_token": pair.Access, "refresh_token": pair.Refresh})
}

func (d *Door) noTokens(w http.ResponseWriter, r *http.Request, status int, err error) {
	d.logFault(r, err)
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="usher"`)
	}
	d.write(w, status, map[string]string{"error": d.text(err)})
}

// stateError sends a browser to the page that says what went wrong.
func (d *Door) stateError(w http.ResponseWriter, r *http.Request, err error) {
	d.logFault(r, err)
	if no, ok := errors.AsType[*user.Refusal](err); ok {
		d.Log.InfoContext(r.Context(), "a sign-in was refused", "path", r.URL.Path, "code", no.Code, "field", no.Field, "why", no.Params["why"])
	}
	redirect(w, statelogin.PathError+"?error_message="+url.QueryEscape(d.text(err)))
}

// text is what a person is told.
func (d *Door) text(err error) string { return d.named(statelogin.TextFor(err)) }

func (d *Door) named(text string) string { return strings.ReplaceAll(text, "{site}", d.site()) }

// logFault writes down what is nobody's mistake but usher's.
func (d *Door) logFault(r *http.Request, err error) {
	if _, ok := errors.AsType[*user.Refusal](err); !ok && r.Context().Err() == nil {
		d.Log.Error("a sign-in failed", "door", string(user.DoorSunbird), "route", r.Pattern, "err", err)
	}
}

func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusFound)
}

// Cookie names. Where usher is reached by https they are bound to the host.
const (
	StateCookie   = "usher_state"
	SessionCookie = "usher_session"
)

func (d *Door) stateCookieName() string   { return server.CookieName(StateCookie, d.PublicURL) }
func (d *Door) sessionCookieName() string { return server.CookieName(SessionCookie, d.PublicURL) }

func (d *Door) stateCookie(r *http.Request) string {
	c, err := r.Cookie(d.stateCookieName())
	if err != nil {
		return ""
	}
	return c.Value
}

func (d *Door) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever usher is reached by https
		Name: name, Value: value, Path: "/", MaxAge: int(life.Seconds()), HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(d.PublicURL, "https:"),
	})
}
