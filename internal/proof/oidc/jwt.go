package oidc

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/token"
)

// Types in the header (RFC 7519, section 5.1; RFC 9068, section 2.1).
const (
	typJWT    = "JWT"
	typAccess = "at+jwt"
)

// idToken verifies an ID token (OpenID Connect Core 1.0, section 3.1.3.7).
func (i *Issuer) idToken(ctx context.Context, text string) (signin.Proof, error) {
	c, err := i.idClaims(ctx, text)
	if err == nil {
		err = i.crossCheck(ctx, text, c.Subject)
	}
	if err != nil {
		return signin.Proof{}, err
	}
	return i.proof(signin.IDToken, idOf(c, text), c.Subject, usable(c), c)
}

// idClaims gives what a good ID token says.
func (i *Issuer) idClaims(ctx context.Context, text string) (token.Claims, error) {
	c, err := i.verify(ctx, text, typJWT)
	if err != nil {
		return token.Claims{}, err
	}
	if why := i.madeFor(c); why != "" {
		return token.Claims{}, unproven("%s", why)
	}
	switch {
	// Keycloak signs all its tokens alike and says which is which in here.
	case c.Has("typ") && c.Text("typ") != "ID":
		return token.Claims{}, unproven("the claim typ is not that of an ID token")
	// A logout token has the same audience (OpenID Connect Back-Channel Logout
	// 1.0, section 2.4).
	case c.Has("events"):
		return token.Claims{}, unproven("it is a logout token")
	case c.Subject == "":
		return token.Claims{}, unproven("sub is missing")
	}
	return c, nil
}

// madeFor checks aud and azp of an ID token (security T3); empty when they are
// ours.
func (i *Issuer) madeFor(c token.Claims) string {
	ours := func(id string) bool { return slices.Contains(i.ClientIDs, id) }
	switch {
	case !slices.ContainsFunc(c.Audience, ours):
		return "aud is not ours"
	case c.Has("azp") && !ours(c.Party):
		return "azp is not ours"
	case len(c.Audience) > 1 && !c.Has("azp"):
		return "several aud and no azp"
	}
	return ""
}

// accessToken verifies an access token that is a JWT, and asks the issuer whose
// it is. An ID token that is passed off as one ends there.
func (i *Issuer) accessToken(ctx context.Context, text string) (signin.Proof, error) {
	typ := typJWT
	if isAccessTyp(text) {
		typ = typAccess
	}
	c, err := i.verify(ctx, text, typ)
	if err != nil {
		return signin.Proof{}, err
	}
	if why := i.issuedTo(c); why != "" {
		return signin.Proof{}, unproven("%s", why)
	}
	switch {
	case c.Has("typ") && c.Text("typ") != "Bearer":
		return signin.Proof{}, unproven("the claim typ is not that of an access token")
	case c.Has("events"), c.Has("at_hash"):
		return signin.Proof{}, unproven("it is no access token")
	case c.Subject == "":
		return signin.Proof{}, unproven("sub is missing")
	}
	k, err := i.sites.current(ctx)
	if err != nil {
		return signin.Proof{}, i.unavailable(ctx, err)
	}
	if k.sites.userInfo == "" {
		return signin.Proof{}, unproven("the issuer has no userinfo endpoint")
	}
	said, err := i.userInfo(ctx, k.sites.userInfo, text, c.Subject)
	if err != nil {
		return signin.Proof{}, err
	}
	return i.proof(signin.AccessToken, idOf(c, text), c.Subject, usable(c), said)
}

// isAccessTyp tells which of the two types the verifier is to insist on.
func isAccessTyp(text string) bool {
	head, _, _ := strings.Cut(text, ".")
	h, err := header(head)
	return err == nil && h.Text("typ") == typAccess
}

// issuedTo checks which client an access token was made for: azp, or client_id
// (RFC 9068, section 2.2). Only a token that names neither is judged by its
// audience, which is otherwise an API's.
func (i *Issuer) issuedTo(c token.Claims) string {
	ours := func(id string) bool { return slices.Contains(i.ClientIDs, id) }
	switch {
	case c.Has("azp") && !ours(c.Party):
		return "azp is not ours"
	case c.Has("client_id") && !ours(c.Text("client_id")):
		return "client_id is not ours"
	case c.Has("azp"), c.Has("client_id"):
		return ""
	case len(c.Audience) == 1 && ours(c.Audience[0]):
		return ""
	}
	return "it names no client of ours"
}

// idOf names a token by what its signature covers, never by its text: the
// signature itself may have more than one (security T7).
func idOf(c token.Claims, text string) string {
	if c.ID != "" {
		return "jti\x00" + c.ID
	}
	return "signed\x00" + text[:strings.LastIndexByte(text, '.')]
}

// usable is when a token stops being taken.
func usable(c token.Claims) time.Time {
	end := c.Expires
	if old := c.IssuedAt.Add(youngest); old.Before(end) {
		end = old
	}
	return end.Add(leeway)
}
