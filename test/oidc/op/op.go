package op

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed package.json package-lock.json provider.mjs
var files embed.FS

// modules gives a folder with the provider and its modules, kept from one run to the
// next.
func modules(t testing.TB) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is not installed (Debian's packages: nodejs, npm)")
		}
	}
	sum := sha256.New()
	texts := map[string][]byte{}
	for _, name := range []string{"package.json", "package-lock.json", "provider.mjs"} {
		text, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = text
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
	for name, text := range texts {
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

// Settings are what a provider is started with.
type Settings struct {
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
	RedirectURI  string `json:"redirectURI"` // the one that is registered
	SecretBy     string `json:"secretBy"`    // as client_secret_basic
	Conform      bool   `json:"conform"`     // e-mail and name at userinfo alone
	// People are whom it knows, by sub, with their claims.
	People map[string]map[string]any `json:"people"`
}

// Provider is a running one.
type Provider struct {
	URL string // its name

	t    testing.TB
	back string
}

// Start starts a provider, which ends with the test.
func Start(t testing.TB, s Settings) *Provider {
	t.Helper()
	given, err := json.Marshal(s) //nolint:gosec // the secret is a test's
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
	return &Provider{strings.TrimSpace(line), t, s.RedirectURI}
}

// Follow goes from where a browser is sent until it is sent back, and gives with what.
// login_hint, in the address, says as whom.
func (p *Provider) Follow(to string) url.Values {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	browser := http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for range 10 {
		req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, to, http.NoBody)
		if err != nil {
			p.t.Fatal(err)
		}
		res, err := browser.Do(req)
		if err != nil {
			p.t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		at, err := res.Location()
		if err != nil {
			p.t.Fatalf("%s: %s\n%s", to, res.Status, body)
		}
		if to = at.String(); strings.HasPrefix(to, p.back+"?") {
			return at.Query()
		}
	}
	p.t.Fatal("the provider sends the browser round and round")
	return nil
}
