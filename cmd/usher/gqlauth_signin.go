package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/door/gqlauth"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

type gqlauthSessions struct{ *members }

// JWT resolves a login token.
func (m gqlauthSessions) JWT(ctx context.Context, token string) (session.Live, gqlauth.User, error) {
	if token == "" {
		return session.Live{}, gqlauth.User{}, user.Refuse(user.Unauthenticated, "")
	}
	got, err := m.sessions.Login(ctx, token)
	if err != nil {
		return session.Live{}, gqlauth.User{}, err
	}
	return got.Live, gqlauthUser(got.AccountState), nil
}

type gqlauthSignIn struct{ *members }

// refresh makes a refresh token for whoever wants one.
func (m *members) refresh(w gqlauth.Want) (session.Refresh, error) {
	if !w.Refresh {
		return session.Refresh{}, nil
	}
	return m.sessions.NewRefresh()
}

// TokenAuth signs in. Who has a right password and an unproven sign-up is told
// so, and gets no session.
func (m gqlauthSignIn) TokenAuth(ctx context.Context, c gqlauth.Caller, in gqlauth.TokenAuth) (gqlauth.SignedIn, error) {
	refresh, err := m.refresh(in.Want)
	if err != nil {
		return gqlauth.SignedIn{}, err
	}
	try := signin.Attempt{Password: in.Password, Network: c.Network, By: signin.ByUsername}
	if in.Email != nil {
		try.Login, try.By = *in.Email, signin.ByEmail
	} else if in.Username != nil {
		try.Login = *in.Username
	}
	got, err := m.member.Enter(ctx, try, refresh)
	if err != nil {
		return gqlauth.SignedIn{}, err
	}
	shown := gqlauthUser(got.AccountState)
	token, _, err := m.sessions.SignLogin(got.Session, shown.Email)
	return gqlauth.SignedIn{Token: token, RefreshToken: refresh.Text, Live: got.Live, User: shown, Unarchiving: got.Reopened}, err
}

// VerifyToken gives the claims of a login token.
func (m gqlauthSignIn) VerifyToken(ctx context.Context, _ gqlauth.Caller, token string) (json.RawMessage, error) {
	claims, err := m.sessions.LoginClaims(ctx, token)
	if errors.Is(err, session.ErrExpiredLogin) {
		return nil, user.Refuse(user.BadToken, "", "why", gqlauth.WhyExpired)
	}
	return claims, err
}

// Refresh gives a login token for a refresh token.
func (m gqlauthSignIn) Refresh(ctx context.Context, _ gqlauth.Caller, refreshToken string, want gqlauth.Want) (out gqlauth.Refreshed, err error) {
	next, err := m.refresh(want)
	if err != nil {
		return out, err
	}
	rotate := m.policies.Current().GQLAuth.RotateRefreshTokens
	var (
		live  session.Live
		no    *user.Refusal
		email string
	)
	err = m.store.Update(ctx, store.Narrow, func(tx store.Tx) (err error) {
		if live, no, err = m.sessions.RenewLogin(tx, refreshToken, next, rotate); err != nil || no != nil {
			return err
		}
		st, err := tx.AccountBySession(live.Session.ID)
		if err != nil {
			return fmt.Errorf("reading the account: %w", err)
		}
		if st.Account.PK == 0 {
			return user.Refuse(user.BadToken, "")
		}
		email = session.Mailbox(st.AccountState).Display
		return nil
	})
	if err != nil {
		return out, err
	}
	if no != nil {
		return out, no
	}
	out.RefreshToken = next.Text
	out.Token, out.Payload, err = m.sessions.SignLogin(live.Session, email)
	return out, err
}

// Revoke ends a refresh token.
func (m gqlauthSignIn) Revoke(ctx context.Context, _ gqlauth.Caller, refreshToken string) (at time.Time, err error) {
	var no *user.Refusal
	err = m.store.Update(ctx, store.Narrow, func(tx store.Tx) (err error) {
		at = tx.Now()
		no, err = m.sessions.RevokeLogin(tx, refreshToken)
		return err
	})
	if err == nil && no != nil {
		err = no
	}
	return at, err
}
