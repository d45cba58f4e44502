package google

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/proof/oidc"
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

// modules gives a folder with the provider and its modules, kept from one run to the
// next.
func modules(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is not installed (Debian's packages: nodejs, npm)")
		}
	}
	sum := sha256.New()
	files := map[string][]byte{}
	for _, name := range []string{"package.json", "package-lock.json", "provider.mjs"} {
		text, err := os.ReadFile(filepath.Join("provider", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = text
		sum.Write(text)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	// Other files, another folder; the mark is made last.
	dir := filepath.Join(cache, "usher-test", "provider-"+hex.EncodeToString(sum.Sum(nil)[:6]))
	mark := filepath.Join(dir, "complete")
	if _, err := os.Stat(mark); err == nil {
		return dir
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// settings are what a provider is started with.
type settings struct {
	SecretBy string            `json:"secretBy"`
	Conform  bool              `json:"conform"` // e-mail and name at userinfo alone
	People   map[string]claims `json:"people"`
}

// provider is a running one.
type provider struct {
	*testing.T
	url string
}

// start starts a provider, which ends with the test.
func start(t *testing.T, s settings) *provider {
	t.Helper()
	given, err := json.Marshal(struct {
		settings
		ClientID     string `json:"clientId"`
		ClientSecret string `json:"clientSecret"`
		RedirectURI  string `json:"redirectURI"`
	}{s, clientID, secret, back})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "provider.mjs")
	cmd.Dir = modules(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // which ends it
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
	})
	if _, err := in.Write(append(given, '\n')); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the provider does not start: %v\n%s", err, &stderr)
	}
	return &provider{t, strings.TrimSpace(line)}
}

// config has usher trust the provider.
func (p *provider) config(log io.Writer) oidc.Config {
	return oidc.Config{
		Issuer: p.url, ClientIDs: []string{clientID}, ClientSecret: secret, Trust: oidc.Google,
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
	return p.follow(to)
}

// follow goes from where a browser is sent until it is sent back.
func (p *provider) follow(to string) url.Values {
	p.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.Fatal(err)
	}
	browser := http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for range 10 {
		req, err := http.NewRequestWithContext(p.Context(), http.MethodGet, to, http.NoBody)
		if err != nil {
			p.Fatal(err)
		}
		res, err := browser.Do(req)
		if err != nil {
			p.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		at, err := res.Location()
		if err != nil {
			p.Fatalf("%s: %s\n%s", to, res.Status, body)
		}
		if to = at.String(); strings.HasPrefix(to, back+"?") {
			return at.Query()
		}
	}
	p.Fatal("the provider sends the browser round and round")
	return nil
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
	req, err := http.NewRequestWithContext(p.Context(), http.MethodPost, p.url+"/token", strings.NewReader(form.Encode()))
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
