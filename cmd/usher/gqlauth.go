package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/usher-id/usher/internal/account"
	"github.com/usher-id/usher/internal/door/gqlauth"
	"github.com/usher-id/usher/internal/enrol"
	"github.com/usher-id/usher/internal/mailed"
	"github.com/usher-id/usher/internal/member"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/server"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/workgroup"
)

// gqlauthPaths is where the GraphQL door's clients look.
var gqlauthPaths = []string{"/graphql", "/graphql/"}

// djangoKey is the key of the GraphQL door's login tokens and mailed tokens: a
// Django SECRET_KEY, or one that the database keeps.
func (a *app) djangoKey(ctx context.Context) ([]byte, error) {
	if key := a.cfg.Doors.GQLAuth.SecretKey; key != "" {
		return []byte(key), nil
	}
	key, err := a.settings.Secret(ctx, "gqlauth tokens")
	if err != nil {
		return nil, err
	}
	return []byte(hex.EncodeToString(key)), nil
}

// logins make and check the GraphQL door's login tokens.
func (a *app) logins(ctx context.Context) (*django.Logins, error) {
	key, err := a.djangoKey(ctx)
	if err != nil {
		return nil, err
	}
	l, err := django.NewLogins(key, django.Email, time.Now)
	if err != nil {
		return nil, fmt.Errorf("doors.gqlauth.secret_key: %w", err)
	}
	return l, nil
}

// members is what the GraphQL door and the pages behind mailed links are served
// by.
type members struct {
	sessions *session.Service
	signIns  *signin.Service
	enrol    *enrol.Service
	member   *member.Service
	groups   *workgroup.Service
	store    store.Store
	policies interface{ Current() policy.Policy }
}

func (a *app) members(ctx context.Context, signIns *signin.Service) (*members, error) {
	key, err := a.djangoKey(ctx)
	if err != nil {
		return nil, err
	}
	signer, err := django.NewSigner(key, django.Email)
	if err != nil {
		return nil, fmt.Errorf("doors.gqlauth.secret_key: %w", err)
	}
	post, err := mailed.New(signer, a.cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	return &members{
		sessions: a.sessions, signIns: signIns, groups: workgroup.NewService(a.db), store: a.db, policies: a.settings,
		enrol: enrol.New(enrol.Options{
			Store: a.db, Policies: a.settings, Passwords: a.hasher, Post: post, Pace: signIns, Now: time.Now,
		}),
		member: member.New(member.Options{
			Store: a.db, Policies: a.settings, Passwords: a.hasher, SignIn: signIns, Editor: account.New(a.db, a.settings),
			Post: post, Now: time.Now,
		}),
	}, nil
}

func (a *app) gqlauthDoor(m *members) (http.Handler, error) {
	d, err := gqlauth.New(gqlauth.Options{
		Sessions: gqlauthSessions{m}, SignIn: gqlauthSignIn{m}, Accounts: gqlauthAccounts{m},
		Directory: gqlauthDirectory{m}, Groups: gqlauthGroups{m},
		UsersQuery:        func() gqlauth.UsersQuery { return gqlauth.UsersQuery(a.settings.Current().GQLAuth.UsersQuery) },
		CompatEnumeration: func() bool { return a.settings.Current().GQLAuth.CompatEnumeration },
		Explorer:          a.cfg.Dev, PublicURL: a.cfg.PublicURL, Network: server.ClientNetwork, Log: a.log,
	})
	if err != nil {
		return nil, err
	}
	return d.Handler(), nil
}
