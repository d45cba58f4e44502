//go:build iamlib

package edi

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

// EnvClient names the src folder of a checkout of iam-lib 0.2.0. With it, and
// -tags iamlib, the client itself runs.
const EnvClient = "USHER_TEST_IAM_LIB"

// clientPython gives a Python that has what the client needs, kept from one run
// to the next. The test fails where the client is not to be had.
func clientPython(t *testing.T) string {
	t.Helper()
	if os.Getenv(EnvClient) == "" {
		t.Fatalf("%s names no checkout of iam-lib, which no package registry has; without -tags iamlib TestCallsOfIAMLib makes its calls", EnvClient)
	}
	if _, err := os.Stat(filepath.Join(os.Getenv(EnvClient), "iam_lib", "api", "client.py")); err != nil {
		t.Fatalf("%s must name the src folder of iam-lib: %v", EnvClient, err)
	}
	pins, err := os.ReadFile("testdata/requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	// Other pins, another folder; the mark is made last.
	sum := sha256.Sum256(pins)
	dir := filepath.Join(cache, "usher-test", "iam-lib-"+hex.EncodeToString(sum[:6]))
	python, mark := filepath.Join(dir, "bin", "python"), filepath.Join(dir, "complete")
	if _, err := os.Stat(mark); err == nil {
		return python
	}
	for _, step := range [][]string{
		{"python3", "-m", "venv", "--clear", dir},
		{python, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "-r", "testdata/requirements.txt"},
	} {
		cmd := exec.CommandContext(t.Context(), step[0], step[1:]...) //nolint:gosec // steps of our own
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", step, err, out)
		}
	}
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return python
}

// outcome is what the client gave back for one call; status 0 where it refused
// by itself.
type outcome struct {
	Name   string
	Status int
	Body   map[string]any
}

func runClient(t *testing.T, python string, given map[string]any) map[string]outcome {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), python, "testdata/client.py") //nolint:gosec // made by clientPython
	cmd.Env = []string{"PYTHONPATH=" + os.Getenv(EnvClient), "PYTHONDONTWRITEBYTECODE=1", "NO_PROXY=*"}
	cmd.Stdin = bytes.NewBufferString(jsonOf(t, given))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("client.py: %v\n%s%s", err, out, &stderr)
	}
	said := map[string]outcome{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var o outcome
		harness.Read(t, lines.Text(), &o)
		said[o.Name] = o
	}
	return said
}

// request is what was sent.
type request struct{ method, path, body, accept, cookie string }

// recorder stands before a server and writes down what is sent to it.
type recorder struct {
	host string

	mu   sync.Mutex
	seen []request
}

func record(t *testing.T, to string) *recorder {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	rec := &recorder{}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target) }}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		rec.mu.Lock()
		rec.seen = append(rec.seen, request{r.Method, r.URL.RequestURI(), string(body), r.Header.Get("Accept"), r.Header.Get("Cookie")})
		rec.mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	rec.host = s.Listener.Addr().String()
	return rec
}

func (r *recorder) requests() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen
}

// publicKey writes the key that a token was signed with to a file, as relying
// parties get it, and names the file.
func (w town) publicKey(token string) string {
	w.Helper()
	var header struct{ Kid string }
	first, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		w.Fatal(err)
	}
	harness.Read(w, string(text), &header)
	var set struct{ Keys []struct{ Kid, X, Y string } }
	harness.Send(w, harness.Ask{Method: "GET", URL: w.Public + "/.well-known/jwks.json"}).JSON(w, 200, &set)
	coordinate := func(s string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			w.Fatal(err)
		}
		return b
	}
	k := slices.IndexFunc(set.Keys, func(k struct{ Kid, X, Y string }) bool { return k.Kid == header.Kid })
	if k < 0 {
		w.Fatalf("key %q is not published", header.Kid)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, coordinate(set.Keys[k].X)...), coordinate(set.Keys[k].Y)...))
	if err != nil {
		w.Fatal(err)
	}
	path := filepath.Join(w.TempDir(), "public.pem")
	if err := os.WriteFile(path, []byte(publicPEM(w.T, key)), 0o600); err != nil {
		w.Fatal(err)
	}
	return path
}

// The client itself sends what calls says, and takes the answers.
func TestIAMLib(t *testing.T) {
	python := clientPython(t)
	inTown(t, func(w town) {
		a := w.about()
		proxy := record(w.T, w.Public)
		said := runClient(w.T, python, map[string]any{
			"host": proxy.host, "key": w.publicKey(a.own.token), "token": a.own.token, "own": a.own.edi, "other": a.other.edi, "group": a.group,
			"idp_uid": a.fill("uid=iam{run},o=EDI,dc=edirepository,dc=org"),
		})
		for _, c := range calls {
			if got, ok := said[c.name]; !ok || got.Status != c.status {
				w.Errorf("%s: the client got %+v, want status %d", c.name, got, c.status)
			}
		}
		if got := said["validate"]; got.Body["subject"] != a.own.edi {
			w.Errorf("the client reads a fresh token as %v", got.Body)
		}
		if got := said["update_profile"].Body["email"]; got != "ann.smith@example.org" {
			w.Errorf("the client got the e-mail %v", got)
		}
		var want, got bytes.Buffer
		for _, c := range calls {
			if c.method != "" {
				fmt.Fprintln(&want, c.method, a.fill(c.path), a.fill(c.body))
			}
		}
		for _, r := range proxy.requests() {
			fmt.Fprintln(&got, r.method, r.path, r.body)
			if r.accept != "*/*" || r.cookie != "edi-token="+a.own.token {
				w.Errorf("%s %s with Accept %q and the cookies %q", r.method, r.path, r.accept, r.cookie)
			}
		}
		if want.String() != got.String() {
			w.Errorf("the client sent\n%swant\n%s", &got, &want)
		}
	})
}
