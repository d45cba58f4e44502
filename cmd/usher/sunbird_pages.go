package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/door/sunbird"
	"github.com/usher-id/usher/internal/server"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/statelogin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/internal/web"
)

// statePaths is where the pages of the Sunbird door are.
var statePaths = []string{"/sign-in/sso/", "/sso/", "/resources", "/assets/"}

// statePages are the pages of state sign-ins.
func (a *app) statePages(in *arrivals) *web.States {
	return &web.States{
		Visits: stateVisits{in.states, a}, Texts: statelogin.Texts(), Now: time.Now,
		Cookie:  server.CookieName(sunbird.StateCookie, a.cfg.PublicURL),
		Session: server.CookieName(sunbird.SessionCookie, a.cfg.PublicURL),
		Secure:  strings.HasPrefix(a.cfg.PublicURL, "https:"),
	}
}

// stateVisits is what the pages do.
type stateVisits struct {
	states *statelogin.Service
	a      *app
}

// Look implements web.StateVisits.
func (v stateVisits) Look(ctx context.Context, cookie string) (web.StateVisit, error) {
	found, err := v.states.Look(ctx, cookie)
	if err != nil {
		return web.StateVisit{}, err
	}
	pol := v.a.settings.Current()
	out := web.StateVisit{
		Step: web.StateStep(found.Step), Name: found.Name, Organisation: found.Channel, Typed: found.Typed,
		Phone: maskPhone(found.Phone), Remaining: found.Remaining,
	}
	if !found.Sent.IsZero() {
		out.Resend, out.Until = found.Sent.Add(time.Duration(pol.Codes.ResendAfter)), found.Sent.Add(time.Duration(pol.Codes.Life))
	}
	if u, err := url.Parse(found.RedirectURI); err == nil && u.Host != "" && statelogin.Allowed(found.RedirectURI, v.a.cfg.PublicURL, pol.Sunbird) {
		out.Origin = u.Scheme + "://" + u.Host
	}
	return out, nil
}

// maskPhone leaves what somebody knows their own number by.
func maskPhone(e164 string) string {
	const shown = 3
	if len(e164) < 2*shown {
		return e164
	}
	return e164[:shown] + strings.Repeat("•", len(e164)-2*shown) + e164[len(e164)-shown:]
}

// Text implements web.StateVisits.
func (v stateVisits) Text(ctx context.Context, cookie, phone string, by web.StateAsking) error {
	return v.states.Text(ctx, cookie, phone, statelogin.Asking(by))
}

// Again implements web.StateVisits.
func (v stateVisits) Again(ctx context.Context, cookie string, by web.StateAsking) error {
	return v.states.Again(ctx, cookie, statelogin.Asking(by))
}

// Enter implements web.StateVisits.
func (v stateVisits) Enter(ctx context.Context, cookie, code string) (string, error) {
	return v.states.Enter(ctx, cookie, code)
}

// Link implements web.StateVisits.
func (v stateVisits) Link(ctx context.Context, cookie string, yes bool) (string, error) {
	return v.states.Link(ctx, cookie, yes)
}

// Who implements web.StateVisits.
func (v stateVisits) Who(ctx context.Context, r *http.Request) (string, bool, error) {
	live, in, err := v.session(ctx, r)
	if err != nil || !in {
		return "", false, err
	}
	p := live.User.Profile
	if name := strings.TrimSpace(p.Text(user.GivenName) + " " + p.Text(user.FamilyName)); name != "" {
		return name, true, nil
	}
	return p.Text(user.Name), true, nil
}

// SignOut implements web.StateVisits.
func (v stateVisits) SignOut(ctx context.Context, r *http.Request) error {
	live, in, err := v.session(ctx, r)
	if err != nil || !in {
		return err
	}
	return v.a.db.Update(ctx, store.Interactive, func(tx store.Tx) error {
		return session.End(tx, live.Session, session.Ending{Actor: string(live.User.ID), Door: user.DoorSunbird, Why: session.SignedOut})
	})
}

func (v stateVisits) session(ctx context.Context, r *http.Request) (session.Live, bool, error) {
	c, err := r.Cookie(server.CookieName(sunbird.SessionCookie, v.a.cfg.PublicURL))
	if err != nil {
		return session.Live{}, false, nil //nolint:nilerr // nobody is signed in
	}
	live, err := v.a.sessions.Browser(ctx, c.Value)
	if err = unless(err, user.BadToken); err != nil {
		return session.Live{}, false, err
	}
	return live, live.User.ID != "", nil
}
