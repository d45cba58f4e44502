package main

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/config"
	"github.com/usher-id/usher/internal/door/edi"
	"github.com/usher-id/usher/internal/edilogin"
	"github.com/usher-id/usher/internal/proof/oidc"
	"github.com/usher-id/usher/internal/roundtrip"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/internal/web"
)

// ediURL is the base of the EDI door's addresses: public_url, under the door's own
// host where it has one.
func (a *app) ediURL() string {
	host := a.cfg.Doors.EDI.Host
	u, err := url.Parse(a.cfg.PublicURL)
	if host == "" || err != nil {
		return a.cfg.PublicURL
	}
	if port := u.Port(); port != "" {
		host = net.JoinHostPort(host, port)
	}
	u.Host = host
	return u.String()
}

// ediSignIns is the EDI door's sign-in with providers; nil where none is configured.
func (a *app) ediSignIns() (*edilogin.Service, error) {
	configured := a.cfg.Doors.EDI.Providers
	if len(configured) == 0 {
		return nil, nil
	}
	s := &edilogin.Service{
		Store: a.db, Policies: a.settings, Sessions: a.sessions, URL: a.ediURL(), Now: time.Now,
		Trips: make(map[string]*roundtrip.Trip, len(configured)),
	}
	for name, p := range configured {
		c := oidc.Config{
			Issuer: p.Issuer, ClientIDs: []string{p.ClientID}, ClientSecret: p.ClientSecret, Trust: oidc.Attesting,
			Source: user.SourceOf(user.DoorEDI, name), Purpose: string(user.DoorEDI), Log: a.log, Now: time.Now,
		}
		switch {
		case p.Issuer == config.GoogleIssuer:
			c.Trust = oidc.Google
		case p.Authoritative:
			c.Trust = oidc.Authoritative
		}
		issuer, err := oidc.New(c)
		if err != nil {
			return nil, fmt.Errorf("doors.edi.providers.%s: %w", name, err)
		}
		s.Trips[name] = &roundtrip.Trip{
			Store: a.db, Kind: edilogin.Visits(name), Back: s.URL + edilogin.CallbackPath + name,
			Provider: codeFlow{issuer, url.Values{"scope": {strings.Join(p.Scope, " ")}}},
		}
	}
	return s, nil
}

// ediIssuers are the names of the providers by their issuers, for edi-tokens.
func ediIssuers(d config.EDIDoor) map[string]string {
	names := make(map[string]string, len(d.Providers))
	for name, p := range d.Providers {
		names[p.Issuer] = name
	}
	return names
}

// ediScreens shows what becomes of a sign-in.
func ediScreens(pages *web.Pages) edi.Screens {
	return func(w http.ResponseWriter, r *http.Request, status int, s edi.Screen) {
		shown := web.SignIn{
			Says: string(s.Says), Provider: s.Provider, In: s.In, Number: s.Number, Name: s.Name, Again: s.Again, Go: s.Go, Link: s.Link,
		}
		for _, way := range s.Providers {
			shown.Ways = append(shown.Ways, web.SignInWay(way))
		}
		pages.SignIn(w, r, status, shown)
	}
}
