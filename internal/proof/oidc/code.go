package oidc

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/token"
)

// Ways to show a client's secret (OpenID Connect Core 1.0, section 9).
const (
	secretBasic = "client_secret_basic"
	secretPost  = "client_secret_post"
)

// fixed are the parameters of a request for a code that nobody chooses: what is
// asked for, where the answer goes and what it is bound to.
var fixed = []string{
	"client_id", "response_type", "response_mode", "redirect_uri", "state", "nonce", "code_challenge",
	"code_challenge_method", "request", "request_uri", "registration",
}

var (
	// likeChallenge is S256 of a verifier, likeVerifier is one (RFC 7636, section 4).
	likeChallenge = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	likeVerifier  = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)
	// likeCode: RFC 6749, appendix A.11.
	likeCode = regexp.MustCompile(`^[ -~]+$`)
)

// maxCode is far more than any code has, in bytes.
const maxCode = 2048

// defaultScope is what is asked for where nothing is said.
const defaultScope = "openid email profile"

// AuthURL gives where to send a person's browser for a code (OpenID Connect Core
// 1.0, section 3.1.2.1; RFC 7636, S256 alone). state and nonce are random and kept
// in the person's session; challenge is that of the verifier kept there too.
// redirectURI is registered at the issuer. extra adds parameters such as prompt,
// access_type or scope, of which openid always is part; it cannot replace what is
// fixed. It fails with a *user.Refusal of Busy where the issuer cannot be asked.
func (i *Issuer) AuthURL(ctx context.Context, state, nonce, challenge, redirectURI string, extra url.Values) (string, error) {
	switch {
	case i.ClientSecret == "" && !i.Public:
		return "", errors.New("asking for a code: the issuer is configured without a client secret")
	case state == "" || nonce == "" || !likeChallenge.MatchString(challenge) || redirectURI == "":
		return "", errors.New("asking for a code: state, nonce, an S256 challenge and a redirect address are needed")
	}
	k, err := i.sites.current(ctx)
	if err != nil {
		return "", i.unavailable(ctx, err)
	}
	if err := i.fetch.endpoint(k.sites.authorize); err != nil {
		return "", i.faulty(ctx, "authorization_endpoint", err)
	}
	to, err := url.Parse(k.sites.authorize)
	if err != nil {
		return "", i.faulty(ctx, "authorization_endpoint", err)
	}
	q := to.Query() // the issuer's own stay (RFC 6749, section 3.1)
	q.Set("scope", defaultScope)
	for name, values := range extra {
		if slices.Contains(fixed, name) || len(values) != 1 {
			return "", fmt.Errorf("asking for a code: the parameter %q cannot be added", name)
		}
		q.Set(name, values[0])
	}
	if scope := strings.Fields(q.Get("scope")); !slices.Contains(scope, "openid") {
		q.Set("scope", strings.Join(append([]string{"openid"}, scope...), " "))
	}
	for name, value := range map[string]string{
		"client_id": i.ClientIDs[0], "response_type": "code", "redirect_uri": redirectURI, "state": state, "nonce": nonce,
		"code_challenge": challenge, "code_challenge_method": "S256",
	} {
		q.Set(name, value)
	}
	to.RawQuery = q.Encode()
	return to.String(), nil
}

// From says whether an answer to AuthURL that names this issuer, or none where it is
// empty, can be this issuer's: one that is promised has to be there (RFC 9207,
// section 2.4). It fails as Prove does.
func (i *Issuer) From(ctx context.Context, issuer string) error {
	switch issuer {
	case i.Issuer:
		return nil
	case "":
	default:
		return unproven("iss of the answer is another's")
	}
	k, err := i.sites.current(ctx)
	if err != nil {
		return i.unavailable(ctx, err)
	}
	if k.sites.namesItself {
		return unproven("the answer does not say iss")
	}
	return nil
}

// Exchange redeems a code and gives what the ID token proves that it brings. The
// token is judged as Prove does, and must name the nonce, and the first client
// itself in its audience. Where it says no e-mail or no name, userinfo is asked.
// nonce, verifier and redirectURI are those of AuthURL, out of the session. It fails
// as Prove does.
func (i *Issuer) Exchange(ctx context.Context, code, verifier, redirectURI, nonce string) (signin.Proof, error) {
	var none signin.Proof
	c, text, access, err := i.bound(ctx, code, verifier, redirectURI, nonce)
	if err != nil {
		return none, err
	}
	said, err := i.completed(ctx, c, access)
	if err != nil {
		return none, err
	}
	return i.proof(signin.IDToken, idOf(c, text), c.Subject, usable(c), said)
}

// ExchangeAccess redeems a code and gives the access token that came with an ID token
// which Exchange would take. It fails as Prove does.
func (i *Issuer) ExchangeAccess(ctx context.Context, code, verifier, redirectURI, nonce string) (string, error) {
	_, _, access, err := i.bound(ctx, code, verifier, redirectURI, nonce)
	if err == nil && access == "" {
		err = i.faulty(ctx, "token_endpoint", errors.New("the answer has no access token"))
	}
	return access, err
}

// bound redeems a code, and judges the ID token that it brings.
func (i *Issuer) bound(ctx context.Context, code, verifier, redirectURI, nonce string) (c token.Claims, text, access string, err error) {
	switch {
	case i.ClientSecret == "" && !i.Public:
		return c, "", "", errors.New("redeeming a code: the issuer is configured without a client secret")
	case nonce == "" || redirectURI == "" || !likeVerifier.MatchString(verifier):
		return c, "", "", errors.New("redeeming a code: nonce, a verifier and a redirect address are needed")
	case len(code) > maxCode || !likeCode.MatchString(code):
		return c, "", "", unproven("not the form of a code")
	}
	answer, err := i.redeem(ctx, url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier}, "redirect_uri": {redirectURI},
	})
	if err != nil {
		return c, "", "", err
	}
	if text = answer.Text("id_token"); text == "" {
		return c, "", "", i.faulty(ctx, "token_endpoint", errors.New("the answer has no ID token"))
	}
	if c, err = i.idClaims(ctx, text); err != nil {
		return c, "", "", err
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(c.Text("nonce")), []byte(nonce)) != 1:
		err = unproven("nonce is not ours")
	case !slices.Contains(c.Audience, i.ClientIDs[0]):
		err = unproven("aud is another client of ours")
	}
	return c, text, answer.Text("access_token"), err
}

// redeem asks the token endpoint (RFC 6749, section 4.1.3), as a client whose secret
// goes where the issuer wants it.
func (i *Issuer) redeem(ctx context.Context, form url.Values) (document, error) {
	k, err := i.sites.current(ctx)
	if err != nil {
		return nil, i.unavailable(ctx, err)
	}
	if err := i.fetch.endpoint(k.sites.token); err != nil {
		return nil, i.faulty(ctx, "token_endpoint", err)
	}
	var authorise func(*http.Request)
	switch {
	case i.ClientSecret == "":
		form.Set("client_id", i.ClientIDs[0]) // RFC 6749, section 4.1.3; PKCE shows whose it is
	case slices.Contains(k.sites.secretBy, secretBasic):
		authorise = func(r *http.Request) {
			// Encoded first (RFC 6749, section 2.3.1).
			r.SetBasicAuth(url.QueryEscape(i.ClientIDs[0]), url.QueryEscape(i.ClientSecret))
		}
	case slices.Contains(k.sites.secretBy, secretPost):
		form.Set("client_id", i.ClientIDs[0])
		form.Set("client_secret", i.ClientSecret)
	default:
		return nil, i.faulty(ctx, "token_endpoint", errors.New("it takes no client secret"))
	}
	body, err := i.fetch.post(ctx, k.sites.token, form, authorise)
	if s, ok := errors.AsType[statusError](err); ok && s.status == http.StatusBadRequest && s.code == "invalid_grant" {
		return nil, unproven("the code is not taken")
	}
	if err != nil {
		return nil, i.faulty(ctx, "token_endpoint", err)
	}
	answer, err := parse(body)
	if err != nil {
		return nil, i.faulty(ctx, "token_endpoint", err)
	}
	return answer, nil
}

// completed has userinfo say what the ID token does not: a provider may keep either
// to itself until it is asked.
func (i *Issuer) completed(ctx context.Context, c token.Claims, access string) (claims, error) {
	named := c.Text("name") != "" || c.Text("given_name") != ""
	if access == "" || named && c.Text("email") != "" {
		return c, nil
	}
	k, err := i.sites.current(ctx)
	if err != nil {
		return nil, i.unavailable(ctx, err)
	}
	if k.sites.userInfo == "" {
		return c, nil
	}
	who, err := i.userInfo(ctx, k.sites.userInfo, access, c.Subject)
	if err != nil {
		return nil, err
	}
	out := parted{address: c, rest: c}
	if c.Text("email") == "" {
		out.address = who
	}
	if !named {
		out.rest = who
	}
	return out, nil
}

// parted takes the address, and all that says what it is worth, from one side and
// the rest from another.
type parted struct{ address, rest claims }

// Text implements claims.
func (p parted) Text(name string) string {
	if name == "email" || name == "hd" {
		return p.address.Text(name)
	}
	return p.rest.Text(name)
}

// True implements claims.
func (p parted) True(name string) bool { return p.address.True(name) }
