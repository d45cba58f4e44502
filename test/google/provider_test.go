package google

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/proof/oidc"
	"github.com/usher-id/usher/test/oidc/op"
)

const (
	clientID = "792-app.apps.example.org"
	secret   = "s3cret:with/signs %&+"
	back     = "https://usher.example.org/google/auth/callback"
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	// challenge is the verifier's (RFC 7636, appendix B).
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	nonce     = "n-0S6_WzA2Mj"
	state     = "af0ifjsldkj"
)

type claims = map[string]any

// settings are what a provider is started with.
type settings struct {
	secretBy string
	conform  bool // e-mail and name at userinfo alone
	people   map[string]claims
}

// provider is a running one.
type provider struct {
	*testing.T
	*op.Provider
}

// start starts a provider, which ends with the test.
func start(t *testing.T, s settings) *provider {
	t.Helper()
	return &provider{t, op.Start(t, op.Settings{
		ClientID: clientID, ClientSecret: secret, RedirectURI: back, SecretBy: s.secretBy, Conform: s.conform, People: s.people,
	})}
}

// config has usher trust the provider.
func (p *provider) config(log io.Writer) oidc.Config {
	return oidc.Config{
		Issuer: p.URL, ClientIDs: []string{clientID}, ClientSecret: secret, Trust: oidc.Google,
		Source: "google", Purpose: "sunbird", Log: slog.New(slog.NewTextHandler(log, nil)), Now: time.Now,
	}
}

func (p *provider) issuer(change ...func(*oidc.Config)) *oidc.Issuer {
	p.Helper()
	c := p.config(io.Discard)
	for _, fn := range change {
		fn(&c)
	}
	i, err := oidc.New(c)
	if err != nil {
		p.Fatal(err)
	}
	return i
}

// visit goes where usher sends a person's browser, as somebody, and gives what the
// provider sends back with.
func (p *provider) visit(i *oidc.Issuer, sub string) url.Values {
	p.Helper()
	to, err := i.AuthURL(p.Context(), state, nonce, challenge, back, url.Values{"login_hint": {sub}, "prompt": {"consent"}})
	if err != nil {
		p.Fatal(err)
	}
	return p.Follow(to)
}

// code is a code for somebody, new.
func (p *provider) code(i *oidc.Issuer, sub string) string {
	p.Helper()
	answer := p.visit(i, sub)
	if answer.Get("code") == "" || answer.Get("state") != state {
		p.Fatalf("the provider answers %v", answer)
	}
	return answer.Get("code")
}

// tokens redeems a code as an app does that hands on the ID token.
func (p *provider) tokens(i *oidc.Issuer, sub string) (id, access string) {
	p.Helper()
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {p.code(i, sub)}, "redirect_uri": {back}, "code_verifier": {verifier},
	}
	req, err := http.NewRequestWithContext(p.Context(), http.MethodPost, p.URL+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		p.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(clientID), url.QueryEscape(secret))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var answer struct {
		ID     string `json:"id_token"`
		Access string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.ID == "" {
		p.Fatalf("%s: %+v, %v", res.Status, answer, err)
	}
	return answer.ID, answer.Access
}
