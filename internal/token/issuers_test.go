package token_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/token"
)

// idp is another issuer, as Keycloak or Google are: it signs with RS256 and
// shows its keys as a JWK Set.
type idp struct {
	private *rsa.PrivateKey
	kid     string
}

func newIDP(t testing.TB, kid string) idp {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return idp{private, kid}
}

func (i idp) jwk(more string) string {
	return fmt.Sprintf(`{"kty":"RSA","n":%q,"e":"AQAB"%s}`, b64.EncodeToString(i.private.N.Bytes()), more)
}

func (i idp) named(more string) string { return i.jwk(fmt.Sprintf(`,"kid":%q%s`, i.kid, more)) }

func set(keys ...string) []byte { return []byte(`{"keys":[` + strings.Join(keys, ",") + `]}`) }

func (i idp) sign(t testing.TB, header string, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	input := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString(payload)
	digest := sha256.Sum256([]byte(input))
	sig, err := rsa.SignPKCS1v15(nil, i.private, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + b64.EncodeToString(sig)
}

func keySet(t testing.TB, text []byte, algs ...token.Alg) token.KeySet {
	t.Helper()
	s, err := token.ParseKeySet(text, algs...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const idpIssuer = "https://idp.example.org/realms/main"

func idpConfig(keys token.KeySource) token.VerifierConfig {
	return token.VerifierConfig{
		Algs: []token.Alg{token.RS256}, Keys: keys, Issuer: idpIssuer, Audience: "usher", Typ: "JWT",
		Leeway: 30 * time.Second, Now: clock,
	}
}

func idpClaims(more map[string]any) map[string]any {
	c := map[string]any{"iss": idpIssuer, "sub": "f:1", "aud": "usher", "iat": now.Unix(), "exp": now.Unix() + 300}
	maps.Copy(c, more)
	return c
}

type change = map[string]any

// Given an issuer whose tokens many clients ask for, then only those are good
// that were made for usher's own.
func TestWhomATokenWasMadeFor(t *testing.T) {
	issuer := newIDP(t, "k")
	plain := idpConfig(keySet(t, set(issuer.named("")), token.RS256))
	listed, required, access := plain, plain, plain
	listed.Parties = []string{"web", "app"}
	required.RequireParty = true
	access.TypClaim = "Bearer"
	anybody := plain
	anybody.Audience, anybody.AnyAudience = "", true
	for _, tc := range []struct {
		name   string
		rules  token.VerifierConfig
		claims change
		reason string // empty: accepted
	}{
		{"left to the caller, another audience", anybody, change{"aud": "account", "azp": "evil"}, ""},
		{"left to the caller, several", anybody, change{"aud": []string{"account", "usher"}}, ""},
		{"left to the caller, a number in the audience", anybody, change{"aud": []any{"usher", 1}}, "aud"},
		{"left to the caller, azp a list", anybody, change{"azp": []string{"usher"}}, "azp"},
		{"our audience", plain, nil, ""},
		{"our audience, in a list", plain, change{"aud": []string{"usher"}}, ""},
		{"among others, asked for by us", plain, change{"aud": []string{"account", "usher"}, "azp": "usher"}, ""},
		{"among others", plain, change{"aud": []string{"account", "usher"}}, "azp is missing"},
		{"twice", plain, change{"aud": []string{"usher", "usher"}}, "azp is missing"},
		{"asked for by another", plain, change{"azp": "evil"}, "azp"},
		{"asked for by nobody", plain, change{"azp": nil}, "azp"},
		{"asked for by an empty name", plain, change{"azp": ""}, "azp"},
		{"asked for by a list", plain, change{"azp": []string{"usher"}}, "azp"},
		{"another audience, asked for by us", plain, change{"aud": "account", "azp": "usher"}, "aud"},
		{"an empty audience", plain, change{"aud": ""}, "aud"},
		{"no one in the audience", plain, change{"aud": []string{}}, "aud"},
		{"null in the audience", plain, change{"aud": []any{"usher", nil}}, "aud"},
		{"a number in the audience", plain, change{"aud": []any{"usher", 1}}, "aud"},
		{"the audience an object", plain, change{"aud": map[string]any{"usher": true}}, "aud"},
		{"asked for by one of the list", listed, change{"azp": "app"}, ""},
		{"the list takes the place of the audience", listed, change{"azp": "usher"}, "azp"},
		{"the list wants no azp of a lone audience", listed, nil, ""},
		{"azp wanted and there", required, change{"azp": "usher"}, ""},
		{"azp wanted", required, nil, "azp is missing"},
		{"an access token", access, change{"typ": "Bearer"}, ""},
		{"an ID token", access, change{"typ": "ID"}, "claim typ"},
		{"a refresh token", access, change{"typ": "Refresh"}, "claim typ"},
		{"typ in a list", access, change{"typ": []string{"Bearer"}}, "claim typ"},
		{"of no type", access, nil, "claim typ"},
		{"a subject with NUL", plain, change{"sub": "a\x00"}, "sub has control"},
		{"a name with a newline", plain, change{"jti": "a\n"}, "jti has control"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := issuer.sign(t, `{"alg":"RS256","typ":"JWT","kid":"k"}`, idpClaims(tc.claims))
			v := newVerifier(t, tc.rules)
			if tc.reason != "" {
				mustRefuse(t, v, text, tc.reason)
				return
			}
			c, err := v.Verify(text)
			if err != nil {
				t.Fatal(token.Reason(err))
			}
			if azp, _ := tc.claims["azp"].(string); c.Party != azp {
				t.Errorf("party %q", c.Party)
			}
		})
	}
	for name, spoil := range map[string]func(*token.VerifierConfig){
		"parties without an audience":      func(c *token.VerifierConfig) { c.Audience, c.Parties = "", []string{"web"} },
		"a party wanted without audience":  func(c *token.VerifierConfig) { c.Audience, c.RequireParty = "", true },
		"an empty party":                   func(c *token.VerifierConfig) { c.Parties = []string{"web", ""} },
		"a secret beside a public key":     func(c *token.VerifierConfig) { c.Algs = []token.Alg{token.RS256, token.HS256} },
		"a secret beside an Edwards curve": func(c *token.VerifierConfig) { c.Algs = []token.Alg{token.HS256, token.EdDSA} },
	} {
		c := plain
		spoil(&c)
		if _, err := token.NewVerifier(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A token without a kid is tried with the keys of its algorithm, ten at most.
func TestTokensWithoutAKeysName(t *testing.T) {
	var ec []string
	for range 12 {
		k := newKey(t, token.Next)
		ec = append(ec, strings.TrimSuffix(strings.TrimPrefix(string(newRing(t, k).JWKS()), `{"keys":[`), `]}`))
	}
	signer := newIDP(t, "k")
	const unnamed = `{"alg":"RS256","typ":"JWT"}`
	text := signer.sign(t, unnamed, idpClaims(nil))
	both := []token.Alg{token.ES256, token.RS256}
	for name, tc := range map[string]struct {
		keys []string
		good bool
	}{
		"the only key":                 {[]string{signer.named("")}, true},
		"a key without a name":         {[]string{signer.jwk("")}, true},
		"behind keys of another kind":  {append(ec[:12:12], signer.named("")), true},
		"behind another of its kind":   {[]string{newIDP(t, "a").named(""), signer.named("")}, true},
		"another key of its kind only": {[]string{newIDP(t, "a").named("")}, false},
	} {
		rules := idpConfig(keySet(t, set(tc.keys...), both...))
		rules.Algs = both
		if _, err := newVerifier(t, rules).Verify(text); (err == nil) != tc.good {
			t.Errorf("%s: %v", name, token.Reason(err))
		}
	}
	// Ten of its kind that do not fit, then the one that does.
	public, err := token.NewPublicKey(token.RS256, &signer.private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := token.NewPublicKey(token.RS256, &newIDP(t, "a").private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for n, good := range map[int]bool{9: true, 10: false} {
		many := keys{}
		for range n {
			many = append(many, wrong)
		}
		if _, err := newVerifier(t, idpConfig(append(many, public))).Verify(text); (err == nil) != good {
			t.Errorf("behind %d: %v", n, token.Reason(err))
		}
	}
	// The verifier's algorithms rule, whatever keys there are.
	rules := idpConfig(keySet(t, set(ec[0], signer.named("")), both...))
	rules.Algs = []token.Alg{token.ES256}
	mustRefuse(t, newVerifier(t, rules), text, "alg is not this verifier's")
	// A kid that is there selects, also where a key without a name would fit.
	mustRefuse(t, newVerifier(t, idpConfig(keySet(t, set(signer.jwk("")), token.RS256))),
		signer.sign(t, `{"alg":"RS256","typ":"JWT","kid":"k"}`, idpClaims(nil)), "no key")
}

// keys is a source that does not look at kid.
type keys []token.PublicKey

func (k keys) Candidates(string) []token.PublicKey { return k }

func TestKeySetsThatAreRefused(t *testing.T) {
	a := newIDP(t, "a")
	oct := `{"kty":"oct","kid":"s","alg":"HS256","k":"` + strings.Repeat("A", 43) + `"}`
	fifty := func(n int) (many []string) {
		for range n {
			many = append(many, oct)
		}
		return many
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err == nil {
		small := idp{weak, "w"}
		refuseSet(t, "1024 bits", set(small.named("")))
	}
	n := b64.EncodeToString(a.private.N.Bytes())
	even := a.private.N.Bytes()
	even[len(even)-1] &^= 1
	for name, text := range map[string][]byte{
		"nothing": nil, "a list": []byte(`[]`), "no keys": []byte(`{}`), "null": []byte(`{"keys":null}`), "empty": set(),
		"keys an object":        []byte(`{"keys":{}}`),
		"a member twice":        []byte(`{"keys":[],"keys":[` + a.named("") + `]}`),
		"a key's member twice":  set(a.named(`,"kid":"b"`)),
		"not UTF-8":             set(a.named(",\"x\":\"\xff\"")),
		"256 KB and more":       set(a.named(`,"x":"` + strings.Repeat("x", 256<<10) + `"`)),
		"51 keys":               set(append(fifty(50), a.named(""))...),
		"two of one name":       set(a.named(""), newIDP(t, "a").named("")),
		"a secret":              set(oct),
		"a private key":         set(a.named(`,"d":"AQAB"`)),
		"a key for encryption":  set(a.named(`,"use":"enc"`)),
		"a key that encrypts":   set(a.named(`,"key_ops":["encrypt"]`)),
		"key_ops as text":       set(a.named(`,"key_ops":"verify"`)),
		"another algorithm":     set(a.named(`,"alg":"RS512"`)),
		"a secret's algorithm":  set(a.named(`,"alg":"HS256"`)),
		"alg null":              set(a.named(`,"alg":null`)),
		"a kid of 129":          set(idp{a.private, strings.Repeat("k", 129)}.named("")),
		"a kid that is none":    set(a.jwk(`,"kid":1`)),
		"exponent 1":            set(`{"kty":"RSA","n":"` + n + `","e":"AQ"}`),
		"exponent 65536":        set(`{"kty":"RSA","n":"` + n + `","e":"AQAA"}`),
		"exponent 2^31+1":       set(`{"kty":"RSA","n":"` + n + `","e":"gAAAAQ"}`),
		"exponent of 5 bytes":   set(`{"kty":"RSA","n":"` + n + `","e":"AAABAAE"}`),
		"padded":                set(`{"kty":"RSA","n":"` + n + `","e":"AQAB="}`),
		"no modulus":            set(`{"kty":"RSA","e":"AQAB"}`),
		"an even modulus":       set(`{"kty":"RSA","n":"` + b64.EncodeToString(even) + `","e":"AQAB"}`),
		"16384 bits":            set(`{"kty":"RSA","n":"` + b64.EncodeToString(append([]byte{0xff}, make([]byte, 2047)...)) + `","e":"AQAB"}`),
		"not asked for":         newRing(t, newKey(t, token.Active)).JWKS(),
		"a short x":             set(`{"kty":"EC","crv":"P-256","x":"AA","y":"` + strings.Repeat("A", 43) + `"}`),
		"a point off the curve": set(`{"kty":"EC","crv":"P-256","x":"` + strings.Repeat("A", 43) + `","y":"` + strings.Repeat("A", 43) + `"}`),
		"another curve":         set(`{"kty":"OKP","crv":"X25519","x":"` + strings.Repeat("A", 43) + `"}`),
	} {
		refuseSet(t, name, text)
	}
	// What is no use is passed over, for the sake of what is.
	mixed := keySet(t, set(`1`, oct, a.named(`,"d":"AQ"`), newIDP(t, "e").named(`,"use":"enc","alg":"RSA-OAEP"`), a.named(`,"use":"sig","alg":"RS256"`)), token.RS256)
	if got := mixed.Candidates(""); len(got) != 1 || got[0].Alg() != token.RS256 || len(mixed.Candidates("e")) != 0 {
		t.Errorf("%d keys of a mixed set", len(got))
	}
}

func refuseSet(t *testing.T, name string, text []byte) {
	t.Helper()
	if s, err := token.ParseKeySet(text, token.RS256); !errors.Is(err, token.ErrKeySet) || len(s.Candidates("")) > 0 {
		t.Errorf("%s: %v", name, err)
	}
}

func TestUshersOwnKeySetReadsBack(t *testing.T) {
	active, next := newKey(t, token.Active), newKey(t, token.Next)
	ring := newRing(t, active, next)
	text, err := ring.Sign(ediClaims(), "JWT")
	if err != nil {
		t.Fatal(err)
	}
	others := keySet(t, ring.JWKS(), token.ES256)
	if _, err := newVerifier(t, ediConfig(others)).Verify(text); err != nil {
		t.Error(token.Reason(err))
	}
	if len(others.Candidates(next.KID)) != 1 || len(others.Candidates("")) != 2 || len(others.Candidates("x")) != 0 {
		t.Error("keys are missing or too many")
	}
}

func TestEdDSA(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwks := set(`{"kty":"OKP","crv":"Ed25519","kid":"e","x":"` + b64.EncodeToString(public) + `"}`)
	rules := idpConfig(keySet(t, jwks, token.EdDSA))
	rules.Algs = []token.Alg{token.EdDSA}
	payload, _ := json.Marshal(idpClaims(nil))
	sign := func(header string) string {
		input := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString(payload)
		return input + "." + b64.EncodeToString(ed25519.Sign(private, []byte(input)))
	}
	v := newVerifier(t, rules)
	if _, err := v.Verify(sign(`{"alg":"EdDSA","typ":"JWT","kid":"e"}`)); err != nil {
		t.Error(token.Reason(err))
	}
	mustRefuse(t, v, sign(`{"alg":"Ed25519","typ":"JWT","kid":"e"}`), "alg")
	for alg, key := range map[token.Alg]crypto.PublicKey{
		token.EdDSA: public[:31], token.ES256: public, token.RS256: &rsa.PublicKey{}, token.HS256: public,
	} {
		if _, err := token.NewPublicKey(alg, key); err == nil {
			t.Errorf("a %T was taken for %s", key, alg)
		}
	}
}
