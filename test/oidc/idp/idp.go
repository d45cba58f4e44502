// Package idp is an OpenID Connect provider for tests: it publishes keys, signs
// what a test wants signed, and fails in the ways a test asks for.
//
//	test ─ New ──> Issuer on 127.0.0.1 ─┬─ Sign, Claims       tokens, right and wrong
//	                                    ├─ Fail, Rotate, Lie  what it publishes
//	                                    └─ Asked              how often it was asked
//	test ─ Google ─> the same under Google's name, behind a proxy with a root of its own
//
// Tests only. Neighbours: internal/proof/oidc and test/oidc use it.
package idp

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Paths of what is published.
const (
	Discovery = "/.well-known/openid-configuration"
	KeySet    = "/keys"
	UserInfo  = "/userinfo"
	TokenInfo = "/tokeninfo"
)

// Client is whom tokens are made for where a test says nothing else.
const Client = "app.example.org"

// Issuer is a running provider.
type Issuer struct {
	URL string // its name

	t      testing.TB
	base   string // of its addresses
	mu     sync.Mutex
	key    jose.JSONWebKey
	number int
	asked  map[string]int
	fails  map[string]http.HandlerFunc
	lies   map[string]any
	people map[string]map[string]any // what userinfo says, by access token
	tokens map[string]map[string]any // what tokeninfo says
}

// New starts one. It is stopped when the test ends.
func New(t testing.TB) *Issuer {
	t.Helper()
	i := &Issuer{t: t}
	server := httptest.NewServer(i)
	t.Cleanup(server.Close)
	i.begin(server.URL)
	return i
}

func (i *Issuer) begin(url string) {
	i.URL, i.base = url, url
	i.asked, i.fails, i.lies = map[string]int{}, map[string]http.HandlerFunc{}, map[string]any{}
	i.people, i.tokens = map[string]map[string]any{}, map[string]map[string]any{}
	i.Rotate()
}

// keys are made once for all tests of a process: they take a while.
var keys = sync.OnceValues(func() (made [2]*rsa.PrivateKey, err error) {
	for n := range made {
		if made[n], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return made, err
		}
	}
	return made, nil
})

// Rotate replaces the signing key by another.
func (i *Issuer) Rotate() {
	i.t.Helper()
	made, err := keys()
	if err != nil {
		i.t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.number++
	i.key = jose.JSONWebKey{Key: made[i.number%2], KeyID: fmt.Sprint("key-", i.number), Algorithm: "RS256", Use: "sig"}
}

// Key is the signing key.
func (i *Issuer) Key() jose.JSONWebKey {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.key
}

// Fail answers a path by fn from now on; nil as it should be.
func (i *Issuer) Fail(path string, fn http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if fn == nil {
		delete(i.fails, path)
		return
	}
	i.fails[path] = fn
}

// Down answers every path with 500; Up ends that.
func (i *Issuer) Down() {
	for _, p := range []string{Discovery, KeySet, UserInfo, TokenInfo} {
		i.Fail(p, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "down", http.StatusInternalServerError) })
	}
}

// Up answers as it should again.
func (i *Issuer) Up() {
	for _, p := range []string{Discovery, KeySet, UserInfo, TokenInfo} {
		i.Fail(p, nil)
	}
}

// Lie changes a member of the discovery document.
func (i *Issuer) Lie(name string, value any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.lies[name] = value
}

// Asked says how often a path was asked for.
func (i *Issuer) Asked(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked[path]
}

// Knows makes userinfo answer an access token with these claims.
func (i *Issuer) Knows(access string, person map[string]any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.people[access] = person
}

// Issued makes tokeninfo answer an opaque access token with this.
func (i *Issuer) Issued(access string, info map[string]any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.tokens[access] = info
}

// ServeHTTP answers.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.asked[r.URL.Path]++
	fail, key := i.fails[r.URL.Path], i.key
	meta := map[string]any{
		"issuer": i.URL, "jwks_uri": i.base + KeySet, "userinfo_endpoint": i.base + UserInfo,
		"id_token_signing_alg_values_supported": []string{"RS256", "none"},
	}
	maps.Copy(meta, i.lies)
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	person, info := i.people[bearer], map[string]any(nil)
	if r.URL.Path == TokenInfo && r.Method == http.MethodPost {
		info = i.tokens[r.PostFormValue("access_token")]
	}
	i.mu.Unlock()
	if fail != nil {
		fail(w, r)
		return
	}
	switch r.URL.Path {
	case Discovery:
		JSON(w, http.StatusOK, meta)
	case KeySet:
		JSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}})
	case UserInfo:
		if person == nil {
			JSON(w, http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
			return
		}
		JSON(w, http.StatusOK, person)
	case TokenInfo:
		if info == nil {
			JSON(w, http.StatusBadRequest, map[string]any{"error": "invalid_token"})
			return
		}
		JSON(w, http.StatusOK, info)
	default:
		http.NotFound(w, r)
	}
}

// JSON writes an answer.
func JSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// Claims are those of an ID token that was made now, changed as told; a nil
// takes a claim out.
func (i *Issuer) Claims(sub string, change map[string]any) map[string]any {
	now := time.Now()
	c := map[string]any{
		"iss": i.URL, "aud": Client, "sub": sub, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "jti": rand.Text(),
	}
	return changed(c, change)
}

func changed(c, change map[string]any) map[string]any {
	for k, v := range change {
		if v == nil {
			delete(c, k)
			continue
		}
		c[k] = v
	}
	return c
}

// Sign makes a token of these claims with the present key.
func (i *Issuer) Sign(claims map[string]any) string {
	i.t.Helper()
	return i.SignAs("JWT", claims)
}

// SignAs is Sign with another typ in the header.
func (i *Issuer) SignAs(typ string, claims map[string]any) string {
	i.t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		i.t.Fatal(err)
	}
	return i.SignText(typ, string(payload))
}

// SignText signs a payload as it stands.
func (i *Issuer) SignText(typ, payload string) string {
	i.t.Helper()
	return Sign(i.t, jose.RS256, i.Key(), typ, payload)
}

// ID is an ID token of a person.
func (i *Issuer) ID(sub string, change map[string]any) string {
	i.t.Helper()
	return i.Sign(i.Claims(sub, change))
}

// Access is an access token of a person whom userinfo knows by these claims.
func (i *Issuer) Access(sub string, change, person map[string]any) string {
	i.t.Helper()
	text := i.SignAs("at+jwt", changed(i.Claims(sub, map[string]any{"aud": "api", "azp": Client}), change))
	i.Knows(text, changed(map[string]any{"sub": sub}, person))
	return text
}

// Sign signs a payload with any key, as go-jose does.
func Sign(t testing.TB, alg jose.SignatureAlgorithm, key any, typ, payload string) string {
	t.Helper()
	opts := &jose.SignerOptions{}
	if typ != "" {
		opts = opts.WithType(jose.ContentType(typ))
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, opts)
	if err != nil {
		t.Fatal(err)
	}
	made, err := s.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	text, err := made.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Reheaded puts another header before a token's payload and signature.
func Reheaded(text, header string) string {
	_, rest, _ := strings.Cut(text, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + rest
}
