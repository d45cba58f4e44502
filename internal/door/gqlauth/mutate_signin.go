package gqlauth

import (
	"context"
	"math"
	"strings"
)

type tokenAuthArgs struct {
	Password        string
	Email, Username *string
}

type signedInPayload struct {
	outcome
	Token        *string
	User         *person
	Unarchiving  *bool
	RefreshToken *string
}

// TokenAuth signs in, for the fields that follow in the same document too.
func (*mutation) TokenAuth(ctx context.Context, in tokenAuthArgs) (*signedInPayload, error) {
	x := exchangeOf(ctx)
	if err := x.try(signsIn); err != nil {
		return nil, err
	}
	if (in.Email == nil) == (in.Username == nil) {
		return nil, rawError("Must login with password and one of the following fields ['email', 'username'].")
	}
	got, err := x.door.SignIn.TokenAuth(ctx, x.stranger(), TokenAuth{
		Email: trimmed(in.Email), Username: in.Username, Password: in.Password, Want: wants(ctx),
	})
	out := signedInPayload{Unarchiving: new(false)}
	if err != nil {
		var raw error
		out.outcome, raw = x.conclude(open, err)
		return orNil(&out, raw)
	}
	x.carry(&got.Live)
	v := viewer{signedIn: true, pk: got.User.PK, staff: got.User.Staff}
	out.outcome, out.Unarchiving = succeeded(), &got.Unarchiving
	out.Token, out.RefreshToken = optional(got.Token), optional(got.RefreshToken)
	out.User = show(got.User, asNode, v, false)
	e := x.expander(ctx, Caller{Live: &got.Live, Network: x.network, Lang: x.lang}, v)
	e.people("user.", []*person{out.User})
	return orNil(&out, e.err)
}

type verifyTokenPayload struct {
	outcome
	Payload *genericScalar
}

// VerifyToken shows the claims of a login token.
func (*mutation) VerifyToken(ctx context.Context, in tokenArgs) (*verifyTokenPayload, error) {
	x := exchangeOf(ctx)
	claims, err := x.door.SignIn.VerifyToken(ctx, x.stranger(), in.Token)
	var out verifyTokenPayload
	var raw error
	if out.outcome, raw = x.conclude(byToken, err); err == nil {
		out.Payload = payload(claims)
	}
	return orNil(&out, raw)
}

type refreshTokenArgs struct{ RefreshToken string }

type refreshTokenPayload struct {
	outcome
	Token        *string
	Payload      *genericScalar
	RefreshToken *string
}

// RefreshToken gives a login token for a refresh token.
func (*mutation) RefreshToken(ctx context.Context, in refreshTokenArgs) (*refreshTokenPayload, error) {
	x := exchangeOf(ctx)
	got, err := x.door.SignIn.Refresh(ctx, x.stranger(), strings.TrimSpace(in.RefreshToken), wants(ctx))
	var out refreshTokenPayload
	var raw error
	if out.outcome, raw = x.conclude(byToken, err); err == nil {
		out.Token, out.RefreshToken, out.Payload = optional(got.Token), optional(got.RefreshToken), payload(got.Payload)
	}
	return orNil(&out, raw)
}

type revokeTokenPayload struct {
	outcome
	Revoked *int32
}

// RevokeToken ends a refresh token.
func (*mutation) RevokeToken(ctx context.Context, in refreshTokenArgs) (*revokeTokenPayload, error) {
	x := exchangeOf(ctx)
	at, err := x.door.SignIn.Revoke(ctx, x.stranger(), strings.TrimSpace(in.RefreshToken))
	var out revokeTokenPayload
	var raw error
	if out.outcome, raw = x.conclude(byToken, err); err == nil {
		out.Revoked = new(int32(min(at.Unix(), math.MaxInt32)))
	}
	return orNil(&out, raw)
}
