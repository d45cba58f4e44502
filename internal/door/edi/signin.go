package edi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/usher-id/usher/internal/edilogin"
	"github.com/usher-id/usher/internal/roundtrip"
	"github.com/usher-id/usher/internal/server"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/user"
)

// SignIns signs people in with OpenID providers; package edilogin does.
type SignIns interface {
	Names() []string
	Start(ctx context.Context, a edilogin.Ask) (edilogin.Going, error)
	Callback(ctx context.Context, provider string, b roundtrip.Answer, live *session.Live) (edilogin.Entered, error)
}

// browserCookie holds the secret of a browser that is at a provider, or has been.
const browserCookie = "usher_signin"

// linking is the login_type that adds a provider to who is signed in (contract
// edi.md, section 6).
const linking = "link"

func (d *Door) signInRoutes(mount func(string, verbs)) {
	mount(edilogin.Home, verbs{http.MethodGet: d.home})
	mount(edilogin.StartPath+"{provider}", verbs{http.MethodGet: d.start})
	mount(edilogin.CallbackPath+"{provider}", verbs{http.MethodGet: d.back})
}

// home says who is signed in, and with what one can be.
func (d *Door) home(w http.ResponseWriter, r *http.Request) {
	p := d.present(r)
	d.renew(w, r, p)
	s := Screen{Says: SaysHome}
	s.Target = r.URL.Query().Get("target")
	if p.err == nil {
		s.who(p.live)
	} else if d.isFault(p.err) {
		d.fail(w, r, s, p.err)
		return
	}
	d.show(w, r, http.StatusOK, s)
}

// start sends a browser to a provider. One that is to be added to who is signed in
// is shown first: only a person who sees it goes on, and no other site in their
// stead.
func (d *Door) start(w http.ResponseWriter, r *http.Request) {
	name, q := r.PathValue("provider"), r.URL.Query()
	a := edilogin.Ask{Provider: name, Target: q.Get("target"), Browser: d.browser(r)}
	s := Screen{}
	s.Link = q.Get("login_type") == linking
	s = s.again(name, a.Target)
	if s.Link {
		p := d.present(r)
		if d.isFault(p.err) {
			d.fail(w, r, s, p.err)
			return
		}
		if p.err != nil {
			d.fail(w, r, s, user.Refuse(user.Unauthenticated, "session"))
			return
		}
		a.To = &p.live
		s.who(p.live)
	}
	going, err := d.SignIns.Start(r.Context(), a)
	if err != nil {
		d.fail(w, r, s, err)
		return
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure follows the public URL's scheme
		Name: server.CookieName(browserCookie, d.base), Value: going.Browser, Path: "/", MaxAge: int(roundtrip.Life.Seconds()),
		HttpOnly: true, Secure: d.secure, SameSite: http.SameSiteLaxMode,
	})
	if a.To != nil {
		s.Says, s.Go = SaysLink, going.To
		d.show(w, r, http.StatusOK, s)
		return
	}
	lead(w, http.StatusFound, going.To)
}

// back takes a browser that comes back from a provider.
func (d *Door) back(w http.ResponseWriter, r *http.Request) {
	name, q := r.PathValue("provider"), r.URL.Query()
	var live *session.Live
	p := d.present(r)
	if d.isFault(p.err) {
		d.fail(w, r, Screen{}.again(name, ""), p.err)
		return
	}
	if p.err == nil {
		live = &p.live
	}
	in, err := d.SignIns.Callback(r.Context(), name, roundtrip.Answer{
		State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), Issuer: q.Get("iss"), Cookie: d.browser(r),
	}, live)
	if err == nil {
		d.setToken(w, in.Token)
		lead(w, http.StatusTemporaryRedirect, in.Next)
		return
	}
	s := Screen{}.again(name, "")
	if failed, ok := errors.AsType[*edilogin.Failed](err); ok {
		s.Link, err = failed.Link, failed.Err
		if s = s.again(name, failed.Target); failed.There {
			d.judge(r.Context(), &s, err)
			lead(w, http.StatusTemporaryRedirect, edilogin.With(failed.Target, "error", signInErrors[s.Says]))
			return
		}
	}
	if live != nil {
		s.who(*live)
	}
	d.fail(w, r, s, err)
}

// browser is the secret in a browser's cookie.
func (d *Door) browser(r *http.Request) string {
	c, err := r.Cookie(server.CookieName(browserCookie, d.base))
	if err != nil {
		return ""
	}
	return c.Value
}

// isFault says whether an error is no refusal.
func (d *Door) isFault(err error) bool {
	_, refused := errors.AsType[*user.Refusal](err)
	return err != nil && !refused
}

// lead sends a browser on. Neither a code nor a token goes along as a referrer, or
// stays in a cache.
func lead(w http.ResponseWriter, status int, to string) {
	h := w.Header()
	h.Set("Location", to)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
}

// fail shows why nobody is in.
func (d *Door) fail(w http.ResponseWriter, r *http.Request, s Screen, err error) {
	status, retryAfter := d.judge(r.Context(), &s, err)
	if retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	d.show(w, r, status, s)
}

// show shows a screen, with the ways to sign in.
func (d *Door) show(w http.ResponseWriter, r *http.Request, status int, s Screen) {
	target := s.Target
	if s.Says == SaysChallenge || s.Says == SaysSignInNow {
		// Who has signed in otherwise can have this provider added.
		target = startPath(s.Provider, s.Target, true)
	}
	for _, name := range d.SignIns.Names() {
		s.Providers = append(s.Providers, Way{name, startPath(name, target, false), startPath(name, "", true)})
	}
	d.Screens(w, r, status, s)
}

// startPath is where a sign-in with a provider begins, or its being added to who is
// signed in.
func startPath(provider, target string, link bool) string {
	q := url.Values{}
	if target != "" && target != edilogin.Home {
		q.Set("target", target)
	}
	if link {
		q.Set("login_type", linking)
	}
	path := edilogin.StartPath + url.PathEscape(provider)
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}
