package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
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
	// Audience must be aud or among it. Empty: a token with an aud is refused.
	Audience string
	// Typ is what typ must be in the header, exactly. OptionalTyp also takes a
	// token without one.
	Typ         string
	OptionalTyp bool
	// Leeway is how far clocks may differ; at most 60 s.
	Leeway time.Duration
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
		case ES256, RS256:
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
	if c.Leeway < 0 || c.Leeway > maxLeeway || c.MaxAge < 0 {
		return nil, fmt.Errorf("token verifier: leeway is 0 to %v, maximum age not negative", maxLeeway)
	}
	c.Algs = slices.Clone(c.Algs)
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
	keys := v.c.Keys.Candidates(p.kid)
	for _, k := range keys[:min(len(keys), maxCandidates)] {
		// The key's algorithm rules; the header's only has to agree.
		if k.alg == Alg(p.alg) && k.verify(p.signed, p.signature) {
			return nil
		}
	}
	if len(keys) == 0 {
		return refuse("no key of that kid")
	}
	return refuse("signature does not verify")
}

// registered checks and fills in the claims of RFC 7519, section 4.1.
func (v *Verifier) registered(c *Claims) error {
	var err error
	for _, claim := range [...]struct {
		name string
		into *string
	}{{"iss", &c.Issuer}, {"sub", &c.Subject}, {"jti", &c.ID}} {
		if *claim.into, err = c.optionalString(claim.name); err != nil {
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
	case c.NotBefore.After(now.Add(v.c.Leeway)):
		return refuse("nbf is in the future")
	case c.IssuedAt.After(now.Add(v.c.Leeway)):
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
	case v.c.Audience == "":
		return refuse("aud is present")
	}
	var many []string
	if raw[0] == '"' {
		many = make([]string, 1)
		if json.Unmarshal(raw, &many[0]) != nil {
			return refuse("aud is not text")
		}
	} else if json.Unmarshal(raw, &many) != nil {
		return refuse("aud is not text")
	}
	if !slices.Contains(many, v.c.Audience) {
		return refuse("aud is not this verifier's")
	}
	c.Audience = many
	return nil
}

// Claims are what a verified token says. There is no other way to get them.
type Claims struct {
	Issuer, Subject, ID string
	Audience            []string
	Expires             time.Time
	NotBefore, IssuedAt time.Time // zero where absent
	KID                 string
	all                 members
}

// Has tells whether a claim is present, be it null.
func (c Claims) Has(name string) bool {
	_, ok := c.all.get(name)
	return ok
}

// Get decodes a claim into v as encoding/json does, and tells whether it was
// there and fitted. The name matches exactly; a struct would also take
// "Email_Verified" for "email_verified".
func (c Claims) Get(name string, v any) bool {
	raw, ok := c.all.get(name)
	return ok && json.Unmarshal(raw, v) == nil
}

// Text gives a claim that is a JSON string, or "".
func (c Claims) Text(name string) string {
	s, err := c.optionalString(name)
	if err != nil {
		return ""
	}
	return s
}

// True tells whether a claim is the JSON literal true, and not "true" or 1
// (security T11).
func (c Claims) True(name string) bool {
	raw, _ := c.all.get(name)
	return string(raw) == "true"
}

func (c Claims) optionalString(name string) (s string, err error) {
	raw, ok := c.all.get(name)
	if !ok {
		return "", nil
	}
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", refuse("%s is not text", name)
	}
	return s, nil
}

// maxNumericDate is the year 36812: beyond it is a mistake or an attack on
// arithmetic.
const maxNumericDate = 1 << 40

// optionalTime reads a NumericDate (RFC 7519, section 2): a JSON number of
// seconds, a fraction allowed.
func (c Claims) optionalTime(name string) (time.Time, error) {
	raw, ok := c.all.get(name)
	if !ok {
		return time.Time{}, nil
	}
	if raw[0] < '0' || raw[0] > '9' {
		return time.Time{}, refuse("%s is not a time", name)
	}
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || n > maxNumericDate {
		return time.Time{}, refuse("%s is not a time", name)
	}
	whole := int64(n)
	return time.Unix(whole, int64((n-float64(whole))*1e9)).UTC(), nil
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
