package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/token"
)

// endpoints are the issuer's addresses beside that of its key set. Empty: it has
// none. The first two are looked at where they are used, so that a fault in them
// keeps no token from being verified.
type endpoints struct {
	authorize, token string
	userInfo         string
	// secretBy are the ways in which a client may show its secret (RFC 8414, section
	// 2: token_endpoint_auth_methods_supported).
	secretBy []string
	// namesItself: what comes back from authorize says iss (RFC 9207, section 3:
	// authorization_response_iss_parameter_supported).
	namesItself bool
}

// publisher fetches what an issuer publishes.
type publisher struct {
	fetch  *fetcher
	issuer string
	keys   string // where the key set is; empty: where the discovery document says
	now    func() time.Time
}

// everything fetches the issuer's metadata, and the key set where that says that it
// is (OpenID Connect Discovery 1.0, section 4).
func (p publisher) everything(ctx context.Context) (*known, error) {
	k, meta, err := p.discover(ctx)
	if err != nil {
		return nil, err
	}
	at := meta.Text("jwks_uri")
	if err := p.fetch.endpoint(at); err != nil {
		return nil, fmt.Errorf("jwks_uri: %w", err)
	}
	return p.keySet(ctx, at, k)
}

// configuredKeys fetches the key set from where the configuration has it, and no
// metadata.
func (p publisher) configuredKeys(ctx context.Context) (*known, error) {
	return p.keySet(ctx, p.keys, &known{})
}

// metadata fetches the discovery document alone.
func (p publisher) metadata(ctx context.Context) (*known, error) {
	k, _, err := p.discover(ctx)
	return k, err
}

func (p publisher) discover(ctx context.Context) (*known, document, error) {
	body, header, err := p.fetch.get(ctx, strings.TrimSuffix(p.issuer, "/")+"/.well-known/openid-configuration", "")
	if err != nil {
		return nil, nil, err
	}
	meta, err := parse(body)
	if err != nil {
		return nil, nil, err
	}
	if meta.Text("issuer") != p.issuer {
		return nil, nil, errors.New("the discovery document is another issuer's")
	}
	k := p.stamped(header, &known{sites: endpoints{
		authorize: meta.Text("authorization_endpoint"), token: meta.Text("token_endpoint"),
		userInfo: meta.Text("userinfo_endpoint"), secretBy: ways(meta),
		namesItself: meta.True("authorization_response_iss_parameter_supported"),
	}})
	if k.sites.userInfo != "" {
		if err := p.fetch.endpoint(k.sites.userInfo); err != nil {
			return nil, nil, fmt.Errorf("userinfo_endpoint: %w", err)
		}
	}
	return k, meta, nil
}

// ways reads how a client may show its secret. Whoever does not say means the
// Authorization header.
func ways(meta document) []string {
	var all []string
	if raw, says := meta["token_endpoint_auth_methods_supported"]; !says || json.Unmarshal(raw, &all) != nil {
		return []string{secretBasic}
	}
	return all
}

func (p publisher) keySet(ctx context.Context, at string, k *known) (*known, error) {
	body, header, err := p.fetch.get(ctx, at, "")
	if err != nil {
		return nil, err
	}
	if k.keys, err = token.ParseKeySet(body, algs...); err != nil {
		return nil, err
	}
	return p.stamped(header, k), nil
}

// stamped notes how long what was fetched is good.
func (p publisher) stamped(h http.Header, k *known) *known {
	k.at = p.now()
	k.fresh = k.at.Add(maxAge(h))
	return k
}
