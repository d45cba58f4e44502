package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// maxLeeway bounds how far clocks may differ (security T4).
const maxLeeway = 60 * time.Second

// ErrRefused is the one error of Verify. Reason tells the log why.
var ErrRefused = errors.New("token refused")

type refusal struct{ reason string }

func (refusal) Error() string            { return ErrRefused.Error() }
func (refusal) Is(target error) bool     { return target == ErrRefused }
func refuse(f string, args ...any) error { return refusal{fmt.Sprintf(f, args...)} }

// Reason tells, for the log and never for a client, why a token was refused.
// It holds no part of the token beyond a header member's name.
func Reason(err error) string {
	var r refusal
	if errors.As(err, &r) {
		return r.reason
	}
	return ""
}

// VerifierConfig says what one issuer's tokens for one purpose look like.
type VerifierConfig struct {
	// Algs are all asymmetric, or HS256 alone.
	Algs []Alg
	Keys KeySource
	// Issuer is what iss must be. NoIssuer, for formats that have none, wants
	// iss absent instead.
	Issuer   string
	NoIssuer bool
	// Audience must be aud or among it. NoAudience, for formats that have none,
	// refuses a token with an aud or an azp instead (security T3).
	Audience   string
	NoAudience bool
	// AnyAudience leaves aud and azp to the caller, who must look at both: it is
	// for tokens whose audience is one of several, or an API beside their client.
	AnyAudience bool
	// Parties are the clients that azp may name. Empty: Audience alone. An azp
	// is wanted where aud names several, and always with RequireParty
	// (security T3, T12).
	Parties      []string
	RequireParty bool
	// Typ is what typ must be in the header, exactly. OptionalTyp also takes a
	// token without one.
	Typ         string
	OptionalTyp bool
	// TypClaim, if set, is what the claim typ must be: Keycloak tells an access
	// token ("Bearer") from an ID or refresh token by that alone.
	TypClaim string
	// Leeway is how far clocks may differ; at most 60 s. Ahead is the same for
	// iat and nbf alone, where a token must not outlive its exp and yet be good
	// at a neighbour whose clock is a little behind its maker's.
	Leeway, Ahead time.Duration
	// MaxAge, if set, wants an iat no longer ago than that, whatever exp says.
	MaxAge time.Duration
	// Now is time.Now outside of tests.
	Now func() time.Time
}

// Verifier checks the tokens of one issuer for one purpose (security T1).
type Verifier struct{ c VerifierConfig }

// NewVerifier refuses a configuration that would let tokens choose.
func NewVerifier(c VerifierConfig) (*Verifier, error) {
	if len(c.Algs) == 0 || c.Keys == nil || c.Typ == "" || c.Now == nil {
		return nil, errors.New("token verifier: algorithms, keys, typ and a clock are required")
	}
	for _, a := range c.Algs {
		switch a {
		case ES256, RS256, EdDSA:
		case HS256:
			if len(c.Algs) > 1 {
				return nil, errors.New("token verifier: HS256 goes with no other algorithm")
			}
		default:
			return nil, fmt.Errorf("token verifier: algorithm %q is not supported", a)
		}
	}
	if (c.Issuer == "") != c.NoIssuer {
		return nil, errors.New("token verifier: an issuer, or none said openly")
	}
	if (c.Audience == "") != (c.NoAudience || c.AnyAudience) || c.NoAudience && c.AnyAudience {
		return nil, errors.New("token verifier: an audience, or none said openly")
	}
	if c.Audience == "" && (len(c.Parties) > 0 || c.RequireParty) || slices.Contains(c.Parties, "") {
		return nil, errors.New("token verifier: parties go with an audience, and none is empty")
	}
	if c.Leeway < 0 || c.Leeway > maxLeeway || c.Ahead < 0 || c.Ahead > maxLeeway || c.MaxAge < 0 {
		return nil, fmt.Errorf("token verifier: leeway is 0 to %v, maximum age not negative", maxLeeway)
	}
	c.Ahead = max(c.Ahead, c.Leeway)
	c.Algs, c.Parties = slices.Clone(c.Algs), slices.Clone(c.Parties)
	if len(c.Parties) == 0 && c.Audience != "" {
		c.Parties = []string{c.Audience}
	}
	return &Verifier{c}, nil
}

// NewPEMVerifier is NewVerifier with the one key of a PEM text, whose type
// decides the algorithm; tokens that name a kid are refused.
func NewPEMVerifier(pem []byte, c VerifierConfig) (*Verifier, error) {
	key, err := ParsePublicPEM(pem)
	if err != nil {
		return nil, fmt.Errorf("token verifier: %w", err)
	}
	c.Algs, c.Keys = []Alg{key.alg}, SingleKey(key)
	return NewVerifier(c)
}

// Verify gives the claims if everything holds, else an error that is
// ErrRefused. It costs one signature check, after everything cheaper.
func (v *Verifier) Verify(text string) (Claims, error) {
	p, err := precheck(text)
	if err != nil {
		return Claims{}, refuse("%v", err)
	}
	if err := v.header(p); err != nil {
		return Claims{}, err
	}
	c := Claims{KID: p.kid, all: p.claims}
	if err := v.registered(&c); err != nil {
		return Claims{}, err
	}
	if err := v.signature(p); err != nil {
		return Claims{}, err
	}
	return c, nil
}

func (v *Verifier) header(p parts) error {
	if !slices.Contains(v.c.Algs, Alg(p.alg)) {
		return refuse("alg is not this verifier's")
	}
	if p.typ != v.c.Typ && (p.hasTyp || !v.c.OptionalTyp) {
		return refuse("typ is not this verifier's")
	}
	return nil
}

func (v *Verifier) signature(p parts) error {
	tried := 0
	for _, k := range v.c.Keys.Candidates(p.kid) {
		// The key's algorithm rules; the header's only has to agree.
		if k.alg != Alg(p.alg) {
			continue
		}
		if tried++; tried > maxCandidates {
			break
		}
		if k.verify(p.signed, p.signature) {
			return nil
		}
	}
	if tried == 0 {
		return refuse("no key of that kid and alg")
	}
	return refuse("signature does not verify")
}

// registered checks and fills in the claims of RFC 7519, section 4.1.
func (v *Verifier) registered(c *Claims) error {
	var err error
	for _, claim := range [...]struct {
		name string
		into *string
	}{{"iss", &c.Issuer}, {"sub", &c.Subject}, {"jti", &c.ID}, {"azp", &c.Party}} {
		if *claim.into, err = c.registeredText(claim.name); err != nil {
			return err
		}
	}
	// Present if and only if an issuer is wanted.
	if _, has := c.all.get("iss"); has == v.c.NoIssuer || c.Issuer != v.c.Issuer {
		return refuse("iss is not this verifier's")
	}
	if err := v.audience(c); err != nil {
		return err
	}
	if err := v.party(c); err != nil {
		return err
	}
	if v.c.TypClaim != "" && c.Text("typ") != v.c.TypClaim {
		return refuse("the claim typ is not this verifier's")
	}
	for _, claim := range [...]struct {
		name string
		into *time.Time
	}{{"exp", &c.Expires}, {"nbf", &c.NotBefore}, {"iat", &c.IssuedAt}} {
		if *claim.into, err = c.optionalTime(claim.name); err != nil {
			return err
		}
	}
	now := v.c.Now()
	switch {
	case c.Expires.IsZero():
		return refuse("exp is missing")
	case !now.Before(c.Expires.Add(v.c.Leeway)):
		return refuse("expired")
	case c.NotBefore.After(now.Add(v.c.Ahead)):
		return refuse("nbf is in the future")
	case c.IssuedAt.After(now.Add(v.c.Ahead)):
		return refuse("iat is in the future")
	}
	if v.c.MaxAge > 0 {
		switch {
		case c.IssuedAt.IsZero():
			return refuse("iat is missing")
		case now.Sub(c.IssuedAt) > v.c.MaxAge+v.c.Leeway:
			return refuse("older than allowed")
		}
	}
	return nil
}

func (v *Verifier) audience(c *Claims) error {
	raw, has := c.all.get("aud")
	switch {
	case !has && v.c.Audience == "":
		return nil
	case !has:
		return refuse("aud is missing")
	case v.c.NoAudience:
		return refuse("aud is present")
	}
	var many []string
	if raw[0] == '"' {
		many = make([]string, 1)
		if json.Unmarshal(raw, &many[0]) != nil {
			return refuse("aud is not text")
		}
	} else if json.Unmarshal(raw, &many) != nil || slices.Contains(many, "") { // "" is what null becomes
		return refuse("aud is not text")
	}
	if !v.c.AnyAudience && !slices.Contains(many, v.c.Audience) {
		return refuse("aud is not this verifier's")
	}
	c.Audience = many
	return nil
}

// party checks azp (OpenID Connect Core 1.0, section 3.1.3.7, stricter).
func (v *Verifier) party(c *Claims) error {
	if v.c.AnyAudience {
		return nil
	}
	_, has := c.all.get("azp")
	switch {
	case has && !slices.Contains(v.c.Parties, c.Party):
		return refuse("azp is not this verifier's")
	case !has && (len(c.Audience) > 1 || v.c.RequireParty):
		return refuse("azp is missing")
	}
	return nil
}

// Verifiers are tried in turn: usher's own keys, then the original's.
type Verifiers []*Verifier

// Verify gives the claims of the first that accepts; the reason is the last
// one's.
func (vs Verifiers) Verify(text string) (Claims, error) {
	err := refuse("no verifier")
	for _, v := range vs {
		var c Claims
		if c, err = v.Verify(text); err == nil {
			return c, nil
		}
	}
	return Claims{}, err
}
