package sunbird

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/usher-id/usher/internal/providerlogin"
	"github.com/usher-id/usher/internal/roundtrip"
	"github.com/usher-id/usher/internal/server"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/statelogin"
	"github.com/usher-id/usher/internal/user"
)

// Google signs people in by Google; package providerlogin does.
type Google interface {
	Start(ctx context.Context, q providerlogin.Query, browser string) (to, cookie string, err error)
	Callback(ctx context.Context, b roundtrip.Answer) (providerlogin.Entered, error)
	Token(ctx context.Context, idToken, email, client string) (session.Pair, error)
}

func (d *Door) googleRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /google/auth", onlyGET(d.googleStart))
	mux.HandleFunc("GET "+providerlogin.CallbackPath, onlyGET(d.googleBack))
	mux.HandleFunc("POST /google/auth/android", d.googleAndroid)
}

const (
	googleCookie  = "usher_google"
	androidClient = "android" // has no secret
	// library is where the portal sends who asks for nothing (contract B.3).
	library = "/library"
)

// googleStart sends a browser to Google (contract B.3, 1).
func (d *Door) googleStart(w http.ResponseWriter, r *http.Request) {
	if d.Google == nil {
		redirect(w, statelogin.PathError+"?error_message="+url.QueryEscape(d.text(errors.New("no client of Google's is configured"))))
		return
	}
	q := r.URL.Query()
	to, cookie, err := d.Google.Start(r.Context(), providerlogin.Query{
		ClientID: q.Get("client_id"), RedirectURI: q.Get("redirect_uri"), ErrorCallback: q.Get("error_callback"),
		Scope: q.Get("scope"), State: q.Get("state"), ResponseType: q.Get("response_type"), Version: q.Get("version"),
	}, d.googleBrowser(r))
	switch {
	case refused(err, user.Missing), refused(err, user.Invalid):
		redirect(w, library)
	case err != nil:
		d.stateError(w, r, err)
	default:
		d.setCookie(w, server.CookieName(googleCookie, d.PublicURL), cookie, roundtrip.Life)
		redirect(w, to)
	}
}

// googleBrowser is the secret of a browser that is at Google, or has been.
func (d *Door) googleBrowser(r *http.Request) string {
	c, err := r.Cookie(server.CookieName(googleCookie, d.PublicURL))
	if err != nil {
		return ""
	}
	return c.Value
}

// googleBack takes a browser that comes back from Google.
func (d *Door) googleBack(w http.ResponseWriter, r *http.Request) {
	if d.Google == nil {
		redirect(w, library)
		return
	}
	q := r.URL.Query()
	in, err := d.Google.Callback(r.Context(), roundtrip.Answer{
		State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), Issuer: q.Get("iss"), Cookie: d.googleBrowser(r),
	})
	if denied, ok := errors.AsType[*providerlogin.Denied](err); ok {
		d.logFault(r, err)
		redirect(w, d.errorCallback(denied))
		return
	}
	if err != nil {
		d.stateError(w, r, err)
		return
	}
	if in.Token != "" {
		d.setCookie(w, d.sessionCookieName(), in.Token, in.Expires.Sub(d.Now()))
	}
	redirect(w, in.Next)
}

// errorCallback is the portal's address with what it asked for and why it failed
// (contract B.3, 5).
func (d *Door) errorCallback(no *providerlogin.Denied) string {
	u, err := url.Parse(no.ErrorCallback)
	if err != nil {
		return library
	}
	q := u.Query()
	for _, p := range []struct{ name, value string }{
		{"client_id", no.ClientID},
		{"redirect_uri", no.RedirectURI},
		{"scope", no.Scope},
		{"state", no.State},
		{"response_type", no.ResponseType},
		{"version", no.Version},
	} {
		if p.value != "" {
			q.Set(p.name, p.value)
		}
	}
	text := statelogin.TextTrouble
	switch {
	case refused(no.Err, user.UserLocked):
		text = statelogin.TextBlocked
	case refused(no.Err, user.Forbidden), refused(no.Err, user.Missing):
		text = statelogin.TextGoogle
	}
	q.Set("error_message", d.named(text))
	u.RawQuery = q.Encode()
	return u.String()
}

// googleAndroid signs an app in with an ID token (contract B.3, 6).
func (d *Door) googleAndroid(w http.ResponseWriter, r *http.Request) {
	failed := func(status int, msg string) { d.write(w, status, map[string]string{"msg": msg}) }
	const none = "unable to create session"
	var body struct{ EmailID, Platform string }
	raw := http.MaxBytesReader(w, r.Body, maxBody)
	if err := json.NewDecoder(raw).Decode(&body); err != nil {
		failed(http.StatusBadRequest, none)
		return
	}
	token := r.Header.Get("X-Google-Id-Token")
	e, ok := readEmail(body.EmailID)
	if d.Google == nil || token == "" || len(token) > maxIDToken || !ok {
		failed(http.StatusBadRequest, none)
		return
	}
	pair, err := d.Google.Token(r.Context(), token, e.Key(), androidClient)
	switch {
	case refused(err, user.Conflict):
		failed(http.StatusBadRequest, "emailId donot match")
	case refused(err, user.Busy):
		w.Header().Set("Retry-After", "5")
		failed(http.StatusServiceUnavailable, none)
	case err != nil:
		d.logFault(r, err)
		failed(http.StatusBadRequest, none)
	default:
		d.write(w, http.StatusOK, map[string]string{"access_token": pair.Access, "refresh_token": pair.Refresh})
	}
}
