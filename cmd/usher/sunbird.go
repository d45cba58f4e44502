package main

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/usher-id/usher/internal/door/sunbird"
	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/otp"
	"github.com/usher-id/usher/internal/proof/statetoken"
	"github.com/usher-id/usher/internal/providerlogin"
	"github.com/usher-id/usher/internal/server"
	"github.com/usher-id/usher/internal/statelogin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// arrivals is what the Sunbird door and the pages of its sign-ins are served by.
type arrivals struct {
	codes  *otp.Service
	people *onboarding.Service
	states *statelogin.Service
	google *providerlogin.Service // nil where no client is configured
}

// oneTimeCodes keeps the codes, whose secret the database has.
func (a *app) oneTimeCodes(ctx context.Context) (*otp.Service, error) {
	secret, err := a.settings.Secret(ctx, "one-time codes")
	if err != nil {
		return nil, err
	}
	return otp.New(otp.Options{Store: a.db, Policies: a.settings, Secret: secret, Dev: a.cfg.Dev, Now: time.Now}), nil
}

func (a *app) arrivals(codes *otp.Service) (*arrivals, error) {
	people := &onboarding.Service{Store: a.db, Policies: a.settings, Codes: codes}
	tokens, err := statetoken.New(statetoken.Config{
		Keys:    stateKeys{a},
		Longest: func() time.Duration { return time.Duration(a.settings.Current().Sunbird.StateWindow) },
		Now:     time.Now,
	})
	if err != nil {
		return nil, err
	}
	google, err := a.google(people)
	if err != nil {
		return nil, err
	}
	return &arrivals{
		codes: codes, people: people, google: google,
		states: &statelogin.Service{
			Store: a.db, Policies: a.settings, Tokens: stateTokens{tokens, a}, Codes: codes, People: people, Sessions: a.sessions,
			PublicURL: a.cfg.PublicURL, Site: a.site(), Now: time.Now,
		},
	}, nil
}

// site is what messages call the service where policy says nothing.
func (a *app) site() string {
	if u, err := url.Parse(a.cfg.PublicURL); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return "usher"
}

func (a *app) sunbirdDoor(in *arrivals) http.Handler {
	o := sunbird.Options{
		People: sunbirdPeople{in.people, in.google}, Codes: in.codes, Callers: sunbirdCallers{a}, States: in.states,
		Policies: a.settings, Log: a.log, Network: server.ClientNetwork, Now: time.Now, PublicURL: a.cfg.PublicURL, Site: a.site(),
	}
	if in.google != nil {
		o.Google = in.google
	}
	return sunbird.New(o).Handler()
}

// sunbirdPeople takes people in, by Google too where it is configured.
type sunbirdPeople struct {
	*onboarding.Service
	google *providerlogin.Service
}

// CreateProven implements sunbird.People.
func (p sunbirdPeople) CreateProven(ctx context.Context, f onboarding.Form, idToken string) (onboarding.Made, error) {
	if p.google == nil {
		return onboarding.Made{}, user.Refuse(user.BadToken, "token", "why", "doors.sunbird.google.client_ids is not set")
	}
	return p.google.Create(ctx, f, idToken)
}

// sunbirdCallers says who speaks at the door.
type sunbirdCallers struct{ a *app }

// Caller implements sunbird.Callers.
func (c sunbirdCallers) Caller(ctx context.Context, token string) (store.Caller, error) {
	return c.a.callers().Of(ctx, user.DoorSunbird, token, time.Now())
}

// Operator implements sunbird.Callers.
func (c sunbirdCallers) Operator(ctx context.Context, token string) (string, error) {
	live, err := c.a.sessions.Access(ctx, token)
	if err != nil {
		return "", err
	}
	in, err := c.a.groups.Member(ctx, live.User.ID, user.GroupRole, user.RoleOperator)
	if err != nil {
		return "", err
	}
	if !in {
		return "", user.Refuse(user.BadToken, "token")
	}
	return string(live.User.ID), nil
}

// stateKeys finds issuers for package statetoken.
type stateKeys struct{ a *app }

// Issuer implements statetoken.Keys.
func (k stateKeys) Issuer(ctx context.Context, iss string) (statetoken.Issuer, error) {
	found, err := k.a.callers().Issuer(ctx, user.DoorSunbird, iss)
	if no, ok := errors.AsType[*user.Refusal](err); ok && no.Code == user.NotFound {
		return statetoken.Issuer{}, statetoken.ErrUnknownIssuer
	}
	if err != nil {
		return statetoken.Issuer{}, err
	}
	out := statetoken.Issuer{ISS: found.ISS, Channels: found.Channels}
	for _, key := range found.Keys {
		public, err := x509.ParsePKIXPublicKey(key.Public)
		if err != nil {
			return out, fmt.Errorf("reading the key %s: %w", key.Fingerprint, err)
		}
		if rsaKey, ok := public.(*rsa.PublicKey); ok {
			out.Keys = append(out.Keys, statetoken.Key{Public: rsaKey, Until: key.Until})
		}
	}
	return out, nil
}

// stateTokens verifies states' tokens for package statelogin, and writes down why
// one is refused.
type stateTokens struct {
	*statetoken.Verifier
	a *app
}

// Verify implements statelogin.Tokens.
func (t stateTokens) Verify(ctx context.Context, text string) (statelogin.Claims, error) {
	c, err := t.Verifier.Verify(ctx, text)
	if no, ok := errors.AsType[*statetoken.Unproven](err); ok {
		t.a.log.InfoContext(ctx, "a state's token was refused", "why", no.Why, "detail", no.Detail)
		return statelogin.Claims{}, user.Refuse(user.BadToken, "token", "why", string(no.Why))
	}
	return statelogin.Claims{
		Issuer: c.Issuer, Subject: c.Subject, Channel: c.Channel, School: c.School, Name: c.Name, RedirectURI: c.RedirectURI,
		Phone: c.Phone, Roles: c.Roles, Once: c.Once, Until: c.Until,
	}, err
}
