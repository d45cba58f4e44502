package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/door/portal"
	"github.com/usher-id/usher/internal/effect/keycloak"
	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/proof/oidc"
	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/roundtrip"
	"github.com/usher-id/usher/internal/server"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/internal/web"
)

// mainRealm is what the realm of doors.portal is called.
const mainRealm = "main"

// realmPeople is what the portal's door, pages and jobs are served by.
type realmPeople struct {
	people   *registrant.Service
	follower *registrant.Follower // nil where usher may not ask the realm
	issuer   *oidc.Issuer
}

// realm is the portal's; nil where none is configured.
func (a *app) realm() (*realmPeople, error) {
	p := a.cfg.Doors.Portal
	if !p.Enabled || p.Issuer == "" || p.ClientID == "" {
		return nil, nil
	}
	trust := oidc.Attesting
	if p.Authoritative {
		trust = oidc.Authoritative
	}
	source := user.SourceOf(user.DoorPortal, mainRealm)
	issuer, err := oidc.New(oidc.Config{
		Issuer: p.Issuer, ClientIDs: []string{p.ClientID}, Public: true, Trust: trust, Source: source,
		Purpose: string(user.DoorPortal), Log: a.log, Now: time.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("doors.portal: %w", err)
	}
	people := &registrant.Service{
		Store: a.db, Policies: a.settings, Log: a.log, Now: time.Now, PublicURL: a.cfg.PublicURL, Site: a.site(),
		Realms: []registrant.Realm{{Name: mainRealm, Source: source, Issuer: p.Issuer, Verifier: issuer}},
		Direct: p.AdminClientID != "",
	}
	follower, err := a.follower(people)
	return &realmPeople{people, follower, issuer}, err
}

func (a *app) portalDoor() http.Handler {
	o := portal.Options{Policies: a.settings, Log: a.log, PublicURL: a.cfg.PublicURL}
	if a.portal != nil {
		o.People, o.Browser, o.Logout = a.portal.people, a.portalBrowser(a.portal), a.portal.loggedOut
	}
	return portal.New(o).Handler()
}

// follower keeps up with the portal's realm; nil where nobody may.
func (a *app) follower(people *registrant.Service) (*registrant.Follower, error) {
	if !people.Direct {
		return nil, nil
	}
	p := a.cfg.Doors.Portal
	admin, err := keycloak.New(keycloak.Config{
		Issuer: p.Issuer, ClientID: p.ClientID, AdminClientID: p.AdminClientID, AdminClientSecret: p.AdminClientSecret,
	})
	if err != nil {
		return nil, usageError{fmt.Errorf("doors.portal: %w", err)}
	}
	return &registrant.Follower{
		Service: people, Realm: people.Realms[0], Desk: realmDesk{admin}, Holder: hex.EncodeToString(random(8)),
	}, nil
}

// realmDesk is a realm's admin API as package registrant asks it.
type realmDesk struct{ *keycloak.Admin }

// Standing implements registrant.Desk.
func (d realmDesk) Standing(ctx context.Context, subject string) (st registrant.Standing, err error) {
	u, err := d.User(ctx, subject)
	if errors.Is(err, keycloak.ErrUnknown) {
		return registrant.Standing{Gone: true}, nil
	}
	if err != nil {
		return st, err
	}
	st.Enabled = u.Enabled
	if st.Groups, err = d.Groups(ctx, subject); err != nil {
		return st, err
	}
	st.Roles, err = d.Roles(ctx, subject, st.Groups)
	return st, err
}

// Join implements registrant.Desk: what the realm does not know stays so.
func (d realmDesk) Join(ctx context.Context, subject, path string) error {
	err := d.Admin.Join(ctx, subject, path)
	if errors.Is(err, keycloak.ErrUnknown) {
		return job.Permanent(err)
	}
	return err
}

// Changes implements registrant.Desk.
func (d realmDesk) Changes(ctx context.Context, since time.Time) ([]registrant.Happened, error) {
	all, err := d.Admin.Changes(ctx, since)
	out := make([]registrant.Happened, len(all))
	for i, c := range all {
		out[i] = registrant.Happened{At: c.At, Subject: c.Subject, Session: c.Session, LoggedOut: c.LoggedOut}
	}
	return out, err
}

// Cookies of the portal's pages.
const (
	portalCookie     = "usher_portal"
	portalTripCookie = "usher_portal_signin"
)

// browsers signs browsers in at the realm. What is asked for tells signing in from
// registering (OpenID Connect Initiating User Registration 1.0, section 4).
func (a *app) browsers(p *realmPeople) *registrant.Browsers {
	trip := func(extra url.Values) *roundtrip.Trip {
		return &roundtrip.Trip{Store: a.db, Provider: codeFlow{p.issuer, extra}, Kind: "portal " + mainRealm, Back: a.cfg.PublicURL + web.PortalCallback}
	}
	return &registrant.Browsers{
		Service: p.people, SignIn: trip(nil), Register: trip(url.Values{"prompt": {"create"}}), Sessions: a.sessions,
		Exchange: func(ctx context.Context, x roundtrip.Exchange) (string, error) {
			return p.issuer.ExchangeAccess(ctx, x.Code, x.Verifier, x.RedirectURI, x.Nonce)
		},
	}
}

// portalPages are the portal's; nil where no realm is configured.
func (a *app) portalPages() *web.Portal {
	if a.portal == nil {
		return nil
	}
	return &web.Portal{
		People: a.browsers(a.portal), Rules: func() policy.Channel { return a.settings.Current().Portal },
		Session: server.CookieName(portalCookie, a.cfg.PublicURL), Trip: server.CookieName(portalTripCookie, a.cfg.PublicURL),
		Secure: strings.HasPrefix(a.cfg.PublicURL, "https:"),
		Site:   a.portal.people.SiteName,
		Realm:  origin(a.cfg.Doors.Portal.Issuer),
		SignedOut: func(back string) string {
			p := a.cfg.Doors.Portal
			return p.Issuer + "/protocol/openid-connect/logout?" + url.Values{
				"client_id": {p.ClientID}, "post_logout_redirect_uri": {a.cfg.PublicURL + back},
			}.Encode()
		},
		Avatar: func(acct registrant.Account) string { return portal.Avatar(a.cfg.PublicURL, acct) },
	}
}

// portalBrowser gives the API who a page's cookie signs in, to requests of this site
// alone.
func (a *app) portalBrowser(p *realmPeople) func(*http.Request) (registrant.Here, bool, error) {
	browsers, name := a.browsers(p), server.CookieName(portalCookie, a.cfg.PublicURL)
	protection := http.NewCrossOriginProtection()
	return func(r *http.Request) (registrant.Here, bool, error) {
		c, err := r.Cookie(name)
		if err != nil || protection.Check(r) != nil {
			return registrant.Here{}, false, nil //nolint:nilerr // nobody's, then
		}
		return browsers.Who(r.Context(), c.Value)
	}
}

// loggedOut takes over a log-out that the realm tells of by a logout token.
func (p *realmPeople) loggedOut(ctx context.Context, token string) error {
	l, err := p.issuer.LogoutToken(ctx, token)
	if err := roundtrip.Unproven(err); err != nil {
		return err
	}
	return p.people.End(ctx, p.people.Realms[0], l.Identity, l.Session)
}

// origin is an address without its path.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// portalInside answers other services.
func (a *app) portalInside() http.Handler {
	people := &registrant.Service{Store: a.db, Policies: a.settings, Log: a.log, Now: time.Now}
	if a.portal != nil {
		people = a.portal.people
	}
	return portal.Inside{
		Completeness: func(ctx context.Context, ref string) (registrant.Completeness, error) {
			u, err := a.directory.Resolve(ctx, ref)
			if err != nil {
				return registrant.Completeness{}, err
			}
			return people.Completeness(ctx, u.ID)
		},
		Secret: a.cfg.Doors.Partner.InternalSecret,
		Door:   portal.New(portal.Options{Policies: a.settings, Log: a.log, PublicURL: a.cfg.PublicURL}),
	}
}
