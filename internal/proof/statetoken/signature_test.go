package statetoken_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/usher-id/usher/internal/proof/statetoken"
)

// A signature by the right key does not mend a header that could choose how it is
// checked.
func TestHeadersThatAreRefused(t *testing.T) {
	w := newWorld(t)
	for _, header := range []string{
		`{"typ":"JWT","alg":"none"}`, `{"typ":"JWT","alg":"None"}`, `{"typ":"JWT","alg":""}`, `{"typ":"JWT"}`,
		`{"typ":"JWT","alg":"HS256"}`, `{"typ":"JWT","alg":"RS384"}`, `{"typ":"JWT","alg":"RS512"}`,
		`{"typ":"JWT","alg":"PS256"}`, `{"typ":"JWT","alg":"ES256"}`, `{"typ":"JWT","alg":"rs256"}`,
		`{"typ":"JWT","alg":"RS256 "}`, `{"typ":"JWT","alg":["RS256"]}`, `{"typ":"JWT","alg":null}`,
		`{"typ":"at+jwt","alg":"RS256"}`, `{"typ":"jwt","alg":"RS256"}`, `{"typ":"","alg":"RS256"}`, `{"typ":1,"alg":"RS256"}`,
		`{"alg":"RS256","kid":"rj"}`, `{"alg":"RS256","kid":"GJ"}`, `{"alg":"RS256","kid":"gj "}`, `{"alg":"RS256","kid":"../gj"}`,
		`{"alg":"RS256","kid":"gj' OR '1'='1"}`, `{"alg":"RS256","kid":["gj"]}`, `{"alg":"RS256","kid":1}`, `{"alg":"RS256","kid":null}`,
		`{"alg":"RS256","kid":"` + strings.Repeat("g", 129) + `"}`,
		`{"alg":"RS256","jku":"https://evil.example.org/keys"}`, `{"alg":"RS256","x5u":"https://evil.example.org/cert"}`,
		`{"alg":"RS256","jwk":{"kty":"RSA","n":"AQAB","e":"AQAB"}}`, `{"alg":"RS256","x5c":["AA"]}`, `{"alg":"RS256","x5t":"AA"}`,
		`{"alg":"RS256","crit":["exp"],"exp":1}`, `{"alg":"RS256","crit":[]}`, `{"alg":"RS256","zip":"DEF"}`,
		`{"alg":"RS256","b64":false}`, `{"alg":"RS256","cty":"JWT"}`,
		`{"alg":"RS256","alg":"RS256"}`, `{"alg":"none","\u0061lg":"RS256"}`, `{"ALG":"RS256"}`, `{"alg":"RS256","kid":"rj","kid":"gj"}`,
		`["RS256"]`, `null`, ``, `{"alg":"RS256"`, `{"alg":"RS256"}{}`, "\ufeff" + head, "{\"alg\":\"RS256\",\"x\":\"\xff\"}",
	} {
		w.refuses(header, w.signed(0, header, w.payload(nil)), statetoken.InvalidSignature)
	}
	// The name of a member is the sender's to choose, and stays out of the record.
	_, err := w.verifier.Verify(t.Context(), w.signed(0, `{"alg":"RS256","secret-word":1}`, w.payload(nil)))
	if err == nil || strings.Contains(err.Error(), "secret-word") {
		t.Errorf("%v", err)
	}
}

func TestPayloadsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	good := w.payload(nil)
	twice := func(member string) string { return strings.TrimSuffix(good, "}") + "," + member + "}" }
	for what, payload := range map[string]string{
		"state_id twice": twice(`"state_id":"gj"`), "sub twice": twice(`"sub":"2"`), "iss twice": twice(`"iss":"gj"`),
		"exp twice": twice(`"exp":9999999999`), "sub twice by an escape": twice(`"su\u0062":"2"`), "twice within": twice(`"x":{"a":1,"a":2}`),
		"half a surrogate pair": twice(`"x":"\ud800"`), "not UTF-8": twice("\"x\":\"\xff\""), "deep": twice(`"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40)),
		"a list": "[" + good + "]", "a text": `"x"`, "null": "null", "nothing": "", "two": good + good, "more behind": good + "x", "half": good[:len(good)/2],
		"huge": twice(`"x":"` + strings.Repeat("x", 8<<10) + `"`),
	} {
		w.refuses(what, w.signed(0, head, payload), statetoken.InvalidSignature)
	}
	w.proves("as large as may be", w.token(claims{"x": strings.Repeat("x", 5000)}))
}

// Nobody but the issuer signs for it.
func TestSignaturesThatAreRefused(t *testing.T) {
	w := newWorld(t)
	good := w.token(nil)
	public := &w.keys[0].PublicKey
	pkix, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{
		"another issuer's key":      w.signed(1, head, w.payload(nil)),
		"another's key, called its": w.signed(1, `{"alg":"RS256","kid":"rj"}`, w.payload(nil)),
		"a stranger's key":          w.signed(2, head, w.payload(nil)),
		"the signature of another":  good[:strings.LastIndexByte(good, '.')] + w.token(claims{"jti": "2"})[strings.LastIndexByte(w.token(claims{"jti": "2"}), '.'):],
		"no signature":              good[:strings.LastIndexByte(good, '.')+1],
		"no signature and no dot":   good[:strings.LastIndexByte(good, '.')],
		"none of alg none":          input(`{"alg":"none"}`, w.payload(nil)) + ".",
		"a signature of alg none":   input(`{"alg":"none"}`, w.payload(nil)) + ".AA",
		"one part more":             good + ".AA",
		"a space behind":            good + " ",
		"a line break behind":       good + "\n",
		"padding":                   good + "==",
		"a line break within":       good[:20] + "\n" + good[20:],
		"of another alphabet":       strings.NewReplacer("-", "+", "_", "/").Replace(good) + "+",
		"nothing":                   "",
		"dots":                      "..",
		"many dots":                 strings.Repeat(".", 9000),
		"endless":                   strings.Repeat("a", 1<<20),
		"opaque":                    "ya29.opaque",
		"JSON":                      `{"payload":"e30","signatures":[]}`,
	}
	for what, secret := range map[string][]byte{
		"the key's DER": pkix, "the key's PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix}),
		"the key's PKCS #1": x509.MarshalPKCS1PublicKey(public), "the modulus": public.N.Bytes(), "nothing": nil,
	} {
		texts["HS256 by "+what] = mac(secret, `{"typ":"JWT","alg":"HS256"}`, w.payload(nil))
		texts["HS256 called RS256 by "+what] = mac(secret, head, w.payload(nil))
	}
	in := input(`{"typ":"JWT","alg":"RS512"}`, w.payload(nil))
	sum := sha512.Sum512([]byte(in))
	rs512, err := rsa.SignPKCS1v15(nil, w.keys[0], crypto.SHA512, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	texts["RS512 by the issuer"] = in + "." + b64.EncodeToString(rs512)
	for what, text := range texts {
		w.refuses(what, text, statetoken.InvalidSignature)
	}
}

// Two keys hold side by side until the older one's time is over.
func TestKeysAreRotated(t *testing.T) {
	w := newWorld(t)
	old, fresh := w.token(nil), w.signed(2, head, w.payload(claims{"jti": "2"}))
	w.refuses("before", fresh, statetoken.InvalidSignature)
	end := start.Add(time.Minute)
	w.issuers["gj"] = statetoken.Issuer{ISS: "gj", Channels: []string{"gj"}, Keys: []statetoken.Key{
		{Public: &w.keys[0].PublicKey, Until: end}, {Public: &w.keys[2].PublicKey},
	}}
	w.proves("the old key, within the overlap", old)
	w.proves("the new key", fresh)
	w.now = end.Add(-time.Nanosecond)
	w.proves("the old key, to the last", old)
	w.now = end
	w.refuses("the old key, after its end", old, statetoken.InvalidSignature)
	w.proves("the new key, after", fresh)
	w.issuers["gj"] = statetoken.Issuer{ISS: "gj", Channels: []string{"gj"}}
	w.refuses("no key at all", fresh, statetoken.InvalidSignature)
}

// A weak key in the store signs for nobody.
func TestWeakKeysAreNoKeys(t *testing.T) {
	w := newWorld(t)
	t.Setenv("GODEBUG", "rsa1024min=0")
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	w.keys = append(w.keys, small)
	w.issuers["gj"] = statetoken.Issuer{ISS: "gj", Channels: []string{"gj"}, Keys: []statetoken.Key{
		{Public: &small.PublicKey}, {}, {Public: &rsa.PublicKey{}},
	}}
	w.refuses("1024 bits", w.signed(3, head, w.payload(nil)), statetoken.InvalidSignature)
}

// Whatever becomes of a token on its way, it is refused: a flipped bit, a cut at
// either end, a part left out or moved.
func TestDamagedTokens(t *testing.T) {
	w := newWorld(t)
	good := w.token(nil)
	w.proves("the token itself", good)
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(good)
		switch rapid.IntRange(0, 3).Draw(t, "damage") {
		case 0:
			text[rapid.IntRange(0, len(text)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		case 1:
			text = text[:rapid.IntRange(0, len(text)-1).Draw(t, "end")]
		case 2:
			text = text[rapid.IntRange(1, len(text)).Draw(t, "from"):]
		default:
			at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			text = fmt.Appendf(nil, "%s%s%s", text[:at], rapid.StringMatching(`[ -~]{1,4}`).Draw(t, "put in"), text[at:])
		}
		if string(text) == good {
			return
		}
		if c, err := w.verifier.Verify(w.Context(), string(text)); err == nil {
			t.Fatalf("%q proves %+v", text, c)
		}
	})
}
