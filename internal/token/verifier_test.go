package token_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/token"
)

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const issuer = "https://auth.edirepository.org"

func clock() time.Time { return now }

func newKey(t testing.TB, s token.State) token.Key {
	t.Helper()
	k, err := token.GenerateKey(s, now)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newRing(t testing.TB, keys ...token.Key) *token.Ring {
	t.Helper()
	r, err := token.NewRing(keys)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func ediConfig(keys token.KeySource) token.VerifierConfig {
	return token.VerifierConfig{Algs: []token.Alg{token.ES256}, Keys: keys, Issuer: issuer, NoAudience: true, Typ: "JWT", Now: clock}
}

func newVerifier(t testing.TB, c token.VerifierConfig) *token.Verifier {
	t.Helper()
	v, err := token.NewVerifier(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func ediClaims() map[string]any {
	return map[string]any{
		"sub": "EDI-1aac2051383a7a9d2ec1a0ca8fa5d4b4ca7f2dfa", "cn": "Cersei & Co", "email": nil,
		"principals": []string{}, "links": []any{map[string]any{"idpName": "orcid"}},
		"iss": issuer, "hd": "edirepository.org",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(8 * time.Hour).Unix(),
	}
}

var b64 = base64.RawURLEncoding

// compact signs any header and payload text with k, as an attacker without k
// could not, to show that a signature alone does not suffice.
func compact(t testing.TB, k token.Key, header, payload string) string {
	t.Helper()
	input := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(payload))
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, k.Private, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return input + "." + b64.EncodeToString(sig)
}

func mustRefuse(t *testing.T, v interface {
	Verify(string) (token.Claims, error)
}, text, reason string,
) {
	t.Helper()
	c, err := v.Verify(text)
	if !errors.Is(err, token.ErrRefused) || err.Error() != token.ErrRefused.Error() {
		t.Fatalf("got %v, want the opaque refusal", err)
	}
	if c.Subject != "" || c.Has("sub") {
		t.Error("claims were returned with an error")
	}
	if got := token.Reason(err); !strings.Contains(got, reason) {
		t.Errorf("reason is %q, want %q", got, reason)
	}
}

func TestOwnTokenVerifies(t *testing.T) {
	ring := newRing(t, newKey(t, token.Active))
	text, err := ring.Sign(ediClaims(), "JWT")
	if err != nil {
		t.Fatal(err)
	}
	c, err := newVerifier(t, ediConfig(ring)).Verify(text)
	if err != nil {
		t.Fatal(err, token.Reason(err))
	}
	if c.Subject != "EDI-1aac2051383a7a9d2ec1a0ca8fa5d4b4ca7f2dfa" || c.Issuer != issuer ||
		!c.IssuedAt.Equal(now) || !c.Expires.Equal(now.Add(8*time.Hour)) || c.KID == "" {
		t.Errorf("%+v", c)
	}
	if c.Text("cn") != "Cersei & Co" || !c.Has("email") || c.Has("CN") || c.Text("email") != "" {
		t.Error("claims do not read back")
	}
	var principals []string
	if !c.Get("principals", &principals) || principals == nil {
		t.Error("principals do not read back")
	}
}

func TestClaimsThatAreRefused(t *testing.T) {
	k := newKey(t, token.Active)
	v := newVerifier(t, ediConfig(newRing(t, k)))
	header := fmt.Sprintf(`{"alg":"ES256","typ":"JWT","kid":%q}`, k.KID)
	set := func(name string, value any) func(map[string]any) {
		return func(c map[string]any) { c[name] = value }
	}
	without := func(name string) func(map[string]any) { return func(c map[string]any) { delete(c, name) } }
	tests := []struct {
		name   string
		change func(map[string]any)
		reason string
	}{
		{"no exp", without("exp"), "exp is missing"},
		{"exp null", set("exp", nil), "exp is not a time"},
		{"exp as text", set("exp", "9999999999"), "exp is not a time"},
		{"exp true", set("exp", true), "exp is not a time"},
		{"exp negative", set("exp", -1), "exp is not a time"},
		{"exp beyond reckoning", set("exp", json.Number("1e300")), "exp is not a time"},
		{"exp beyond float", set("exp", json.Number("1e999")), "exp is not a time"},
		{"exp zero", set("exp", 0), "expired"},
		{"exp now", set("exp", now.Unix()), "expired"},
		{"nbf ahead", set("nbf", now.Unix()+1), "nbf"},
		{"nbf as text", set("nbf", "0"), "nbf"},
		{"iat ahead", set("iat", now.Unix()+1), "iat"},
		{"no iss", without("iss"), "iss"},
		{"iss null", set("iss", nil), "iss"},
		{"another iss", set("iss", issuer+"/"), "iss"},
		{"iss in a list", set("iss", []string{issuer}), "iss"},
		{"aud present", set("aud", "edi"), "aud"},
		{"aud present and empty", set("aud", []string{}), "aud"},
		{"aud present and null", set("aud", nil), "aud"},
		{"sub a number", set("sub", 7), "sub"},
		{"jti a number", set("jti", 7), "jti"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			claims := ediClaims()
			tt.change(claims)
			payload, err := json.Marshal(claims)
			if err != nil {
				t.Fatal(err)
			}
			mustRefuse(t, v, compact(t, k, header, string(payload)), tt.reason)
		})
	}
	fine := map[string]func(map[string]any){
		"nothing changed":    func(map[string]any) {},
		"exp with fraction":  set("exp", json.Number(fmt.Sprintf("%d.5", now.Unix()))),
		"exp with exponent":  set("exp", json.Number("4e9")),
		"no nbf":             without("nbf"),
		"no iat":             without("iat"),
		"an unknown claim":   set("avatarUrl", map[string]any{"a": 1}),
		"another EXP":        set("EXP", 1),
		"members in a claim": set("links", []any{map[string]any{"a": 1}, map[string]any{"a": 2}}),
	}
	for name, change := range fine {
		t.Run(name, func(t *testing.T) {
			claims := ediClaims()
			change(claims)
			payload, err := json.Marshal(claims)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := v.Verify(compact(t, k, header, string(payload))); err != nil {
				t.Error(token.Reason(err))
			}
		})
	}
}

func TestHeadersThatAreRefused(t *testing.T) {
	k := newKey(t, token.Active)
	other := newKey(t, token.Retiring)
	v := newVerifier(t, ediConfig(newRing(t, k, other)))
	payload, err := json.Marshal(ediClaims())
	if err != nil {
		t.Fatal(err)
	}
	with := func(more string) string {
		return fmt.Sprintf(`{"alg":"ES256","typ":"JWT","kid":%q%s}`, k.KID, more)
	}
	tests := []struct{ name, header, reason string }{
		{"alg none", `{"alg":"none","typ":"JWT"}`, "alg"},
		{"alg None", `{"alg":"None","typ":"JWT"}`, "alg"},
		{"no alg", `{"typ":"JWT"}`, "alg"},
		{"alg empty", `{"alg":"","typ":"JWT"}`, "alg"},
		{"alg null", `{"alg":null,"typ":"JWT"}`, "alg"},
		{"alg in a list", `{"alg":["ES256"],"typ":"JWT"}`, "alg"},
		{"alg in lower case", `{"alg":"es256","typ":"JWT"}`, "alg"},
		{"ES384", `{"alg":"ES384","typ":"JWT"}`, "alg"},
		{"alg twice", `{"alg":"none","alg":"ES256","typ":"JWT"}`, "twice"},
		{"alg twice, one escaped", `{"\u0061lg":"none","alg":"ES256","typ":"JWT"}`, "twice"},
		{"no typ", fmt.Sprintf(`{"alg":"ES256","kid":%q}`, k.KID), "typ"},
		{"another typ", fmt.Sprintf(`{"alg":"ES256","typ":"refresh","kid":%q}`, k.KID), "typ"},
		{"typ in lower case", fmt.Sprintf(`{"alg":"ES256","typ":"jwt","kid":%q}`, k.KID), "typ"},
		{"no kid", `{"alg":"ES256","typ":"JWT"}`, "kid"},
		{"unknown kid", `{"alg":"ES256","typ":"JWT","kid":"x"}`, "kid"},
		{"kid of another key", fmt.Sprintf(`{"alg":"ES256","typ":"JWT","kid":%q}`, other.KID), "signature"},
		{"kid as a path", `{"alg":"ES256","typ":"JWT","kid":"../../../dev/null"}`, "kid"},
		{"kid as SQL", `{"alg":"ES256","typ":"JWT","kid":"' OR 1=1 --"}`, "kid"},
		{"kid a number", `{"alg":"ES256","typ":"JWT","kid":1}`, "kid"},
		{"kid of 129", `{"alg":"ES256","typ":"JWT","kid":"` + strings.Repeat("k", 129) + `"}`, "kid is too long"},
		{"crit", with(`,"crit":["exp"]`), "crit"},
		{"jku", with(`,"jku":"https://attacker.test/jwks"`), "jku"},
		{"jwk", with(`,"jwk":{"kty":"EC"}`), "jwk"},
		{"x5u", with(`,"x5u":"https://attacker.test/x"`), "x5u"},
		{"x5c", with(`,"x5c":["AAAA"]`), "x5c"},
		{"b64", with(`,"b64":false`), "b64"},
		{"zip", with(`,"zip":"DEF"`), "zip"},
		{"cty", with(`,"cty":"JWT"`), "cty"},
		{"a list", `["ES256"]`, "not a JSON object"},
		{"null", `null`, "not a JSON object"},
		{"nothing", ``, "not a JSON object"},
		{"two objects", with("") + with(""), "not a JSON object"},
		{"not UTF-8", with(",\"\xff\":1"), "not a JSON object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mustRefuse(t, v, compact(t, k, tt.header, string(payload)), tt.reason)
		})
	}
	if _, err := v.Verify(compact(t, k, "\n"+with("")+" ", string(payload))); err != nil {
		t.Errorf("white space in JSON: %s", token.Reason(err))
	}
}

func TestPayloadsThatAreRefused(t *testing.T) {
	k := newKey(t, token.Active)
	v := newVerifier(t, ediConfig(newRing(t, k)))
	header := fmt.Sprintf(`{"alg":"ES256","typ":"JWT","kid":%q}`, k.KID)
	good := fmt.Sprintf(`"iss":%q,"sub":"a","exp":%d`, issuer, now.Unix()+60)
	many := ""
	for i := range 40 {
		many += fmt.Sprintf(`,"m%d":%d`, i, i)
	}
	tests := []struct{ name, payload, reason string }{
		{"sub twice", `{` + good + `,"sub":"b"}`, "twice"},
		{"sub twice, one escaped", `{` + good + `,"s\u0075b":"b"}`, "twice"},
		{"twice, deep", `{` + good + `,"x":[{"y":{"a":1,"b":[],"a":2}}]}`, "twice"},
		{"twice, among many", `{` + good + many + `,"m3":0}`, "twice"},
		{"nested too deep", `{` + good + `,"x":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`, "deep"},
		{"nested too deep, objects", `{` + good + `,"x":` + strings.Repeat(`{"x":`, 32) + "1" + strings.Repeat("}", 32) + `}`, "deep"},
		{"a list", `[{` + good + `}]`, "not a JSON object"},
		{"a string", `"x"`, "not a JSON object"},
		{"empty", ``, "not a JSON object"},
		{"more after it", `{` + good + `}x`, "not a JSON object"},
		{"comment", `{` + good + `/**/}`, "not a JSON object"},
		{"not UTF-8", "{" + good + ",\"x\":\"\xc3\x28\"}", "not a JSON object"},
		{"half a surrogate pair", `{` + good + `,"x":["\ud83d"]}`, "surrogate"},
		{"the other half", `{` + good + `,"x":"\uDE00\ud83d"}`, "surrogate"},
		{"two first halves", `{` + good + `,"x":"\ud83d\ud83d"}`, "surrogate"},
		{"a first half and a line break", `{` + good + `,"x":"\ud83d\n"}`, "surrogate"},
		{"half a pair in a name", `{` + good + `,"\ud83d":1}`, "surrogate"},
		{"9 KB", `{` + good + `,"x":"` + strings.Repeat("x", 7000) + `"}`, "8 KB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { mustRefuse(t, v, compact(t, k, header, tt.payload), tt.reason) })
	}
	for _, payload := range []string{
		`{` + good + many + `}`, " {" + good + ` , "x" : [ 1 , { } , [ ] , -1.5e3 , "]\"}" ] } `,
		`{` + good + `,"\ud83d\uDE00":"\\ud83d \ud83d\ude00\u0000\ufffd"}`,
		`{` + good + `,"x":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`,
	} {
		if _, err := v.Verify(compact(t, k, header, payload)); err != nil {
			t.Errorf("%s: %s", payload, token.Reason(err))
		}
	}
}

func TestFormsThatAreRefused(t *testing.T) {
	k := newKey(t, token.Active)
	ring := newRing(t, k)
	v := newVerifier(t, ediConfig(ring))
	good, err := ring.Sign(ediClaims(), "JWT")
	if err != nil {
		t.Fatal(err)
	}
	p := strings.Split(good, ".")
	sig, _ := b64.DecodeString(p[2])
	der := append([]byte{0x30, 68, 2, 32}, sig...)
	for name, text := range map[string]string{
		"empty": "", "dots": "..", "one dot": p[0] + "." + p[1], "four parts": good + ".x",
		"no signature": p[0] + "." + p[1] + ".", "padding": good + "=", "padding of the payload": p[0] + "." + p[1] + "=." + p[2],
		"newline": p[0] + "." + p[1] + ".\n" + p[2], "carriage return at the end": good + "\r\n",
		"space": " " + good, "standard base64": p[0] + "." + p[1] + "." + base64.RawStdEncoding.EncodeToString(bytes.Repeat([]byte{0xfb}, 64)),
		"signature of 63 bytes": p[0] + "." + p[1] + "." + b64.EncodeToString(sig[:63]),
		"signature of 65 bytes": p[0] + "." + p[1] + "." + b64.EncodeToString(append(bytes.Clone(sig), 0)),
		"signature in DER":      p[0] + "." + p[1] + "." + b64.EncodeToString(der),
		"signature of zeros":    p[0] + "." + p[1] + "." + b64.EncodeToString(make([]byte, 64)),
		"JSON serialisation":    `{"payload":"` + p[1] + `","signatures":[]}`,
		"very long":             strings.Repeat("A", 1<<20),
	} {
		t.Run(name, func(t *testing.T) { mustRefuse(t, v, text, "") })
	}
}

func TestVerifierNeedsEverythingFixed(t *testing.T) {
	whole := ediConfig(newRing(t, newKey(t, token.Active)))
	for name, change := range map[string]func(*token.VerifierConfig){
		"algorithms":     func(c *token.VerifierConfig) { c.Algs = nil },
		"alg none":       func(c *token.VerifierConfig) { c.Algs = []token.Alg{"none"} },
		"keys":           func(c *token.VerifierConfig) { c.Keys = nil },
		"issuer":         func(c *token.VerifierConfig) { c.Issuer = "" },
		"issuer, both":   func(c *token.VerifierConfig) { c.NoIssuer = true },
		"audience":       func(c *token.VerifierConfig) { c.NoAudience = false },
		"audience, both": func(c *token.VerifierConfig) { c.Audience = "usher" },
		"any or none":    func(c *token.VerifierConfig) { c.AnyAudience = true },
		"any or one": func(c *token.VerifierConfig) {
			c.AnyAudience, c.NoAudience, c.Audience = true, false, "usher"
		},
		"any, with parties": func(c *token.VerifierConfig) {
			c.AnyAudience, c.NoAudience, c.Parties = true, false, []string{"usher"}
		},
		"large ahead":   func(c *token.VerifierConfig) { c.Ahead = 61 * time.Second },
		"typ":           func(c *token.VerifierConfig) { c.Typ = "" },
		"clock":         func(c *token.VerifierConfig) { c.Now = nil },
		"large leeway":  func(c *token.VerifierConfig) { c.Leeway = 61 * time.Second },
		"negative ages": func(c *token.VerifierConfig) { c.MaxAge = -1 },
	} {
		c := whole
		change(&c)
		if _, err := token.NewVerifier(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestTrueIsTheLiteralAlone(t *testing.T) {
	ring := newRing(t, newKey(t, token.Active))
	v := newVerifier(t, ediConfig(ring))
	for value, want := range map[any]bool{true: true, false: false, "true": false, 1: false, "True": false} {
		claims := ediClaims()
		claims["email_verified"] = value
		text, _ := ring.Sign(claims, "JWT")
		c, err := v.Verify(text)
		if err != nil || c.True("email_verified") != want || c.True("Email_Verified") {
			t.Errorf("%#v: %v, %v", value, c.True("email_verified"), err)
		}
	}
}

// Given two processes whose clocks differ a little, when one made a token just
// now, then the other takes it; but its end is its end.
func TestAheadIsForTheBeginningAlone(t *testing.T) {
	ring := newRing(t, newKey(t, token.Active))
	rules := ediConfig(ring)
	rules.Ahead = 2 * time.Second
	v := newVerifier(t, rules)
	for name, c := range map[string]struct {
		issued, expires time.Duration
		good            bool
	}{
		"made a second ahead":      {time.Second, time.Hour, true},
		"made two seconds ahead":   {2 * time.Second, time.Hour, true},
		"made three seconds ahead": {3 * time.Second, time.Hour, false},
		"ended just now":           {-time.Hour, 0, false},
	} {
		claims := ediClaims()
		claims["iat"], claims["nbf"] = now.Add(c.issued).Unix(), now.Add(c.issued).Unix()
		claims["exp"] = now.Add(c.expires).Unix()
		text, err := ring.Sign(claims, "JWT")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(text); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}
