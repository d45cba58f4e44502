package oidc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/signin"
)

// maxOpaque is far more than any opaque token has.
const maxOpaque = 4096

// opaque has the issuer say what an opaque access token is. By itself it says
// nothing of whom it was made for, and one made for another client would sign
// in to usher whoever that client's owner can get hold of.
func (i *Issuer) opaque(ctx context.Context, text string) (signin.Proof, error) {
	var none signin.Proof
	switch {
	case i.TokenInfo == "":
		return none, unproven("opaque, and there is nobody to ask about it")
	case len(text) > maxOpaque || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return none, unproven("not the form of an access token")
	}
	k, err := i.sites.current(ctx)
	if err != nil {
		return none, i.unavailable(ctx, err)
	}
	body, err := i.fetch.post(ctx, i.TokenInfo, url.Values{"access_token": {text}}, nil)
	if err != nil {
		return none, i.refusedBy(ctx, "tokeninfo", err)
	}
	info, err := parse(body)
	if err != nil {
		return none, i.faulty(ctx, "tokeninfo", err)
	}
	until, why := i.judge(info)
	if why != "" {
		return none, unproven("%s", why)
	}
	subject, said := info.Text("sub"), claims(tokenInfo{info, i.Trust})
	if k.sites.userInfo != "" {
		who, err := i.userInfo(ctx, k.sites.userInfo, text, subject)
		if err != nil {
			return none, err
		}
		if who.Text("email") != "" {
			said = who
		} else {
			said = both{who, said}
		}
	}
	// Not by the text: nobody knows how many texts the issuer takes for one token.
	id := "opaque\x00" + subject + "\x00" + info.Text("aud") + "\x00" + strconv.FormatInt(until.Unix(), 10)
	return i.proof(signin.AccessToken, id, subject, until, said)
}

// crossCheck has tokeninfo confirm an ID token that was verified already.
func (i *Issuer) crossCheck(ctx context.Context, text, subject string) error {
	if i.CrossCheck == "" {
		return nil
	}
	body, err := i.fetch.post(ctx, i.CrossCheck, url.Values{"id_token": {text}}, nil)
	if err != nil {
		return i.refusedBy(ctx, "tokeninfo", err)
	}
	info, err := parse(body)
	if err != nil {
		return i.faulty(ctx, "tokeninfo", err)
	}
	if _, why := i.judge(info); why != "" {
		return unproven("%s", why)
	}
	if info.Text("sub") != subject {
		return unproven("tokeninfo says another subject")
	}
	return nil
}

// judge checks what tokeninfo says of whom and until when.
func (i *Issuer) judge(info document) (until time.Time, why string) {
	ours := func(id string) bool { return slices.Contains(i.ClientIDs, id) }
	now := i.Now()
	until, ok := seconds(info["exp"])
	switch {
	case info["error"] != nil, info["active"] != nil && !info.True("active"):
		return until, "tokeninfo does not know it"
	case info["iss"] != nil && info.Text("iss") != i.Issuer:
		return until, "iss is not this issuer's"
	case !ours(info.Text("aud")):
		return until, "aud is not ours"
	case info["azp"] != nil && !ours(info.Text("azp")):
		return until, "azp is not ours"
	case info.Text("sub") == "":
		return until, "sub is missing"
	case !ok:
		return until, "exp is missing"
	case !now.Before(until):
		return until, "expired"
	case until.After(now.Add(longestOpaque)):
		return until, "lives too long"
	}
	return until, ""
}

// seconds reads a time that is a JSON number, or a text of one as Google's is.
func seconds(raw json.RawMessage) (time.Time, bool) {
	text := strings.Trim(string(raw), `"`)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 || n > 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(n, 0).UTC(), true
}

// tokenInfo reads what tokeninfo says of the person. Google's writes every value
// as text, "true" too; from anybody else only true is true (security T11).
type tokenInfo struct {
	document
	trust Trust
}

// True implements claims.
func (t tokenInfo) True(name string) bool {
	return t.document.True(name) || t.trust == Google && t.Text(name) == "true"
}

// both takes from the second what the first does not say.
type both struct {
	first  document
	second claims
}

// Text implements claims.
func (b both) Text(name string) string {
	if b.first[name] != nil {
		return b.first.Text(name)
	}
	return b.second.Text(name)
}

// True implements claims. What is verified is the address, so both come from
// where the address does.
func (b both) True(name string) bool {
	if name != "email_verified" && b.first[name] != nil {
		return b.first.True(name)
	}
	return b.second.True(name)
}

// userInfo asks whose an access token is (OpenID Connect Core 1.0, section
// 5.3). The subject must be the token's own (section 5.3.4).
func (i *Issuer) userInfo(ctx context.Context, at, text, subject string) (document, error) {
	body, _, err := i.fetch.get(ctx, at, text)
	if err != nil {
		return nil, i.refusedBy(ctx, "userinfo", err)
	}
	d, err := parse(body)
	if err != nil {
		return nil, i.faulty(ctx, "userinfo", err)
	}
	if d.Text("sub") != subject {
		return nil, unproven("userinfo is about somebody else")
	}
	return d, nil
}

// refusedBy tells an issuer that does not want the token from one that cannot
// be asked.
func (i *Issuer) refusedBy(ctx context.Context, what string, err error) error {
	if s, ok := errors.AsType[statusError](err); ok {
		switch s.status {
		case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
			return unproven("%s refuses it", what)
		}
	}
	return i.faulty(ctx, what, err)
}

func (i *Issuer) faulty(ctx context.Context, what string, err error) error {
	if ctx.Err() == nil {
		i.Log.Warn("the identity provider cannot be asked", "issuer", i.Issuer, "what", what, "error", err)
	}
	return i.unavailable(ctx, err)
}

// header reads a token's header to choose between two verifiers, each of which
// looks at it again.
func header(part string) (document, error) {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil, fmt.Errorf("reading a header: %w", err)
	}
	return parse(raw)
}
