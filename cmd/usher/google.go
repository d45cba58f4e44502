package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/usher-id/usher/internal/config"
	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/proof/oidc"
	"github.com/usher-id/usher/internal/providerlogin"
	"github.com/usher-id/usher/internal/roundtrip"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/user"
)

// googleConfig is Google, or what stands in for it, as one door asks it; false
// where no client is configured.
func (a *app) googleConfig(door user.Door, source user.Source) (oidc.Config, bool) {
	g := a.cfg.Doors.Sunbird.Google
	c := oidc.Config{
		Issuer: g.Issuer, ClientIDs: g.ClientIDs, ClientSecret: g.ClientSecret, JWKSURL: g.JWKSURL, CrossCheck: g.TokenInfoURL, Trust: oidc.Google,
		Source: source, Purpose: string(door), Log: a.log, Now: time.Now,
	}
	if g.Issuer != config.GoogleIssuer && g.JWKSURL == config.GoogleJWKSURL {
		c.JWKSURL = "" // its discovery says where
	}
	return c, len(g.ClientIDs) > 0
}

// google is Google's sign-in at the Sunbird door; nil where no client is
// configured.
func (a *app) google(people *onboarding.Service) (*providerlogin.Service, error) {
	c, ok := a.googleConfig(user.DoorSunbird, user.SourceOf(user.DoorSunbird, "google"))
	if !ok {
		return nil, nil
	}
	issuer, err := oidc.New(c)
	if err != nil {
		return nil, fmt.Errorf("doors.sunbird.google: %w", err)
	}
	return &providerlogin.Service{
		Store: a.db, Policies: a.settings, Prover: issuer, People: people, Sessions: a.sessions, PublicURL: a.cfg.PublicURL,
		// As the portal asks for (contract sunbird.md, B.3): consent each time, and access
		// while nobody is there.
		Trip: &roundtrip.Trip{
			Store: a.db, Kind: providerlogin.Visits, Back: a.cfg.PublicURL + providerlogin.CallbackPath,
			Provider: codeFlow{issuer, url.Values{"prompt": {"consent"}, "access_type": {"offline"}}},
		},
	}, nil
}

// codeFlow asks a provider as package roundtrip does, with parameters of its own.
type codeFlow struct {
	*oidc.Issuer
	extra url.Values
}

// AuthURL implements roundtrip.Provider.
func (f codeFlow) AuthURL(ctx context.Context, q roundtrip.Asking) (string, error) {
	return f.Issuer.AuthURL(ctx, q.State, q.Nonce, q.Challenge, q.RedirectURI, f.extra)
}

// Exchange implements roundtrip.Provider.
func (f codeFlow) Exchange(ctx context.Context, x roundtrip.Exchange) (signin.Proof, error) {
	return f.Issuer.Exchange(ctx, x.Code, x.Verifier, x.RedirectURI, x.Nonce)
}
