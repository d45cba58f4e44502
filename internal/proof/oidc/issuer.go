package oidc

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/token"
	"github.com/usher-id/usher/internal/user"
)

// Times of a token. The request that brings it carries no nonce, so it is good
// for a short while and once (security, settled list).
const (
	leeway   = time.Minute
	youngest = 10 * time.Minute // greatest age of iat
	// longestOpaque bounds the life of an access token that does not say when it
	// was made.
	longestOpaque = 24 * time.Hour
	// apart is added to how long a redeemed token is remembered: the database's
	// clock is not this one.
	apart = 5 * time.Minute
)

// retryAfter is what a client is told while the issuer cannot be asked.
const retryAfter = pause

// Config says whose tokens are verified.
type Config struct {
	Issuer string // exactly as it stands in iss, slash and all
	// ClientIDs are whom tokens may have been made for; at least one. The first is
	// who asks in the code flow.
	ClientIDs []string
	// ClientSecret is the first client's; empty: there is no code flow.
	ClientSecret string
	// Public says that the first client has no secret: the code flow goes by PKCE
	// alone.
	Public bool
	// JWKSURL is where the key set is; empty: where the discovery document says.
	// Where it is set, ID tokens are verified without that document.
	JWKSURL string
	Trust   Trust
	// TokenInfo says whom an opaque access token was made for, as Google's
	// tokeninfo does; empty: opaque ones are refused.
	TokenInfo string
	// CrossCheck is asked about each ID token that was verified here, by POST, and
	// must say the same of whom it is and whom it is for; empty: nobody is. It sends
	// the token away, and a service that does not answer keeps everybody out.
	CrossCheck string
	Source     user.Source // what strands are called
	// Purpose is what the tokens are good for, as a door's name: one token can
	// be used once for each.
	Purpose string
	Log     *slog.Logger
	Now     func() time.Time
}

// Issuer verifies the tokens of one issuer. It is a signin.Prover.
type Issuer struct {
	Config
	fetch *fetcher
	// keys and sites are one, but for a configured key set.
	keys, sites *remote
}

var _ signin.Prover = (*Issuer)(nil)

// New asks nobody: the issuer may be down.
func New(c Config) (*Issuer, error) {
	u, err := url.Parse(c.Issuer)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("issuer %q is not a web address", c.Issuer)
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return nil, fmt.Errorf("issuer %q: https, or http on this machine", c.Issuer)
	case len(c.ClientIDs) == 0 || slices.Contains(c.ClientIDs, ""):
		return nil, errors.New("an issuer needs client ids, and none is empty")
	case c.Source == "" || c.Purpose == "" || c.Log == nil || c.Now == nil:
		return nil, errors.New("an issuer needs a source, a purpose, a log and a clock")
	}
	switch c.Trust {
	case Attesting, Authoritative, Google:
	default:
		return nil, fmt.Errorf("trust %q is not known", c.Trust)
	}
	if known, err := normal.NewIdentity(c.Issuer, "0"); err == nil && known.Issuer == normal.IssuerGoogle &&
		(c.Issuer != normal.IssuerGoogle || c.Trust != Google) {
		return nil, fmt.Errorf("issuer %q: Google is %s, and has a rule of its own", c.Issuer, normal.IssuerGoogle)
	}
	f := newFetcher(u, c.TokenInfo, c.JWKSURL, c.CrossCheck)
	if c.TokenInfo != "" {
		if err := f.endpoint(c.TokenInfo); err != nil {
			return nil, fmt.Errorf("tokeninfo %q: %w", c.TokenInfo, err)
		}
	}
	if c.CrossCheck != "" {
		if err := configured(c.CrossCheck); err != nil {
			return nil, fmt.Errorf("tokeninfo %q: %w", c.CrossCheck, err)
		}
	}
	p := publisher{fetch: f, issuer: c.Issuer, keys: c.JWKSURL, now: c.Now}
	out := &Issuer{Config: c, fetch: f, keys: &remote{load: p.everything, issuer: c.Issuer, now: c.Now, log: c.Log}}
	out.sites = out.keys
	if c.JWKSURL != "" {
		if err := configured(c.JWKSURL); err != nil {
			return nil, fmt.Errorf("key set %q: %w", c.JWKSURL, err)
		}
		out.keys = &remote{load: p.configuredKeys, issuer: c.Issuer, now: c.Now, log: c.Log}
		out.sites = &remote{load: p.metadata, issuer: c.Issuer, now: c.Now, log: c.Log}
	}
	return out, nil
}

// Prove implements signin.Prover.
func (i *Issuer) Prove(ctx context.Context, text string, kind signin.TokenKind) (signin.Proof, error) {
	switch {
	case kind == signin.IDToken:
		return i.idToken(ctx, text)
	case kind != signin.AccessToken:
		return signin.Proof{}, unproven("the kind is not known")
	case isJWT(text):
		return i.accessToken(ctx, text)
	default:
		return i.opaque(ctx, text)
	}
}

// isJWT tells a JWT by how its header has to begin: opaque tokens may have dots
// too.
func isJWT(text string) bool { return strings.HasPrefix(text, "eyJ") && strings.Count(text, ".") >= 2 }

func unproven(f string, args ...any) error { return &signin.Unproven{Why: fmt.Sprintf(f, args...)} }

// unavailable is what a client is told of a fault at the issuer. One who has
// gone is told nothing.
func (i *Issuer) unavailable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	r := user.Refuse(user.Busy, "provider")
	r.RetryAfter = int(retryAfter / time.Second)
	return r
}

// verify checks a token's form, header, issuer, times and signature. A kid that
// nobody knows is asked for once more, as far as the pause allows.
func (i *Issuer) verify(ctx context.Context, text string, typ string) (token.Claims, error) {
	return i.verifyWith(ctx, func(k *known) (token.Claims, bool, error) { return i.verifyBy(k, text, typ, youngest) })
}

// verifyWith has a check made by the keys of now.
func (i *Issuer) verifyWith(ctx context.Context, check func(*known) (token.Claims, bool, error)) (token.Claims, error) {
	k, err := i.keys.current(ctx)
	if err != nil {
		return token.Claims{}, i.unavailable(ctx, err)
	}
	c, missed, err := check(k)
	if missed {
		if k, err = i.keys.refresh(ctx, k); err != nil {
			return token.Claims{}, i.unavailable(ctx, err)
		}
		c, _, err = check(k)
	}
	if errors.Is(err, token.ErrRefused) {
		return token.Claims{}, unproven("%s", token.Reason(err))
	}
	return c, err
}

func (i *Issuer) verifyBy(k *known, text, typ string, most time.Duration) (c token.Claims, missed bool, err error) {
	keys := &asked{KeySet: k.keys}
	v, err := token.NewVerifier(token.VerifierConfig{
		Algs: algs, Keys: keys, Issuer: i.Issuer, AnyAudience: true, Typ: typ, OptionalTyp: typ == typJWT,
		Leeway: leeway, MaxAge: most, Now: i.Now,
	})
	if err != nil {
		return c, false, fmt.Errorf("setting up a verifier: %w", err)
	}
	c, err = v.Verify(text)
	return c, keys.missed, err
}

// asked notes that a token named a key that the set does not have.
type asked struct {
	token.KeySet
	missed bool
}

// Candidates implements token.KeySource.
func (a *asked) Candidates(kid string) []token.PublicKey {
	found := a.KeySet.Candidates(kid)
	a.missed = kid != "" && len(found) == 0
	return found
}

// proof puts together what a token proves. id is what names the token among
// those of this issuer.
func (i *Issuer) proof(kind signin.TokenKind, id, subject string, until time.Time, c claims) (signin.Proof, error) {
	name, err := normal.NewIdentity(i.Issuer, subject)
	if err != nil || strings.ContainsFunc(subject, unicode.IsControl) {
		return signin.Proof{}, unproven("sub is not one of this issuer's")
	}
	return signin.Proof{
		Source: i.Source, Identity: user.IdentityKey{Issuer: name.Issuer, Subject: name.Subject},
		Addresses: address(c, i.Trust), Facts: facts(c),
		Once:  sha256.Sum256([]byte(strings.Join([]string{"redeemed", i.Purpose, string(kind), i.Issuer, id}, "\x00"))),
		Until: until.Add(apart),
	}, nil
}
