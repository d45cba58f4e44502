package token_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/token"
	"pgregory.net/rapid"
)

func TestAnyClaimsSurviveSigning(t *testing.T) {
	ring := newRing(t, newKey(t, token.Active))
	v := newVerifier(t, ediConfig(ring))
	rapid.Check(t, func(t *rapid.T) {
		extra := rapid.MapOfN(rapid.StringMatching(`[a-z]{4,9}`), rapid.String(), 0, 30).Draw(t, "claims")
		claims := map[string]any{"iss": issuer, "exp": now.Unix() + 1}
		for k, s := range extra {
			claims[k] = s
		}
		text, err := ring.Sign(claims, "JWT")
		if err != nil {
			return // too long to be accepted back
		}
		c, err := v.Verify(text)
		if err != nil {
			t.Fatal(token.Reason(err))
		}
		for k, s := range extra {
			if c.Text(k) != strings.ToValidUTF8(s, "\ufffd") {
				t.Errorf("%s: %q became %q", k, s, c.Text(k))
			}
		}
	})
}

// maxReason bounds what a refusal puts into a log, in bytes.
const maxReason = 300

// Whatever is accepted was signed, and decodes to what encoding/json sees.
func FuzzVerify(f *testing.F) {
	k, err := token.GenerateKey(token.Active, now)
	if err != nil {
		f.Fatal(err)
	}
	ring := newRing(f, k)
	v := newVerifier(f, ediConfig(ring))
	header := fmt.Sprintf(`{"alg":"ES256","typ":"JWT","kid":%q}`, k.KID)
	f.Add(header, fmt.Sprintf(`{"iss":%q,"exp":%d,"x":[{"a":"\u0061"},null,-1.5e3]}`, issuer, now.Unix()+9))
	f.Add(`{"alg":"none"}`, `{}`)
	f.Add(header, `{"a":1,"\u0061":2}`)
	f.Add(header, `[`)
	f.Add("{\"\":\"\\ud800\"}", `{"exp":1e5,"iss":null}`)
	f.Fuzz(func(t *testing.T, header, payload string) {
		_, _ = v.Verify(header)
		_, _ = v.Verify(header + "." + payload)
		c, err := v.Verify(compact(t, k, header, payload))
		if err != nil {
			if len(token.Reason(err)) > maxReason || c.Has("iss") {
				t.Errorf("the refusal says too much: %q", token.Reason(err))
			}
			return
		}
		var all map[string]json.RawMessage
		if err := json.Unmarshal([]byte(payload), &all); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %q", payload)
		}
		if !c.Expires.After(now) || c.Issuer != issuer {
			t.Errorf("accepted %q", payload)
		}
		for name := range all {
			if !c.Has(name) {
				t.Errorf("claim %q is lost", name)
			}
		}
	})
}

// Nobody but the signer makes a token, of whatever algorithm or purpose.
func FuzzForge(f *testing.F) {
	// What is sealed is FuzzOpen's.
	all := slices.DeleteFunc(purposes(f), func(p purpose) bool { return strings.HasPrefix(p.name, "sealed") })
	made := map[string]bool{}
	for _, p := range all {
		f.Add(p.text)
		made[p.text] = true
	}
	for _, text := range []string{"", "..", "e30.e30.", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA", strings.Repeat("0", 40)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range all {
			err := p.check(text)
			if err == nil && !made[text] {
				t.Errorf("good as %s: %q", p.name, text)
			}
			if reason := token.Reason(err); len(reason) > maxReason {
				t.Errorf("%s: the refusal says too much: %q", p.name, reason)
			}
		}
	})
}

// A key set gives keys of the algorithms asked for, or an error.
func FuzzParseKeySet(f *testing.F) {
	f.Add(newRing(f, newKey(f, token.Active), newKey(f, token.Next)).JWKS())
	for _, text := range []string{
		`{"keys":[]}`, `{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"oct","k":"AAAA"},null,7,[]]}`,
		`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"` + strings.Repeat("A", 43) + `","kid":"\u0000","key_ops":["verify"]}]}`,
		`{"keys":[{"kty":"EC","crv":"P-256","x":"","y":"","alg":"ES256","use":"sig"}]}`,
	} {
		f.Add([]byte(text))
	}
	signed := "a.b"
	f.Fuzz(func(t *testing.T, text []byte) {
		algs := []token.Alg{token.ES256, token.RS256}
		set, err := token.ParseKeySet(text, algs...)
		if err != nil {
			if !errors.Is(err, token.ErrKeySet) || len(err.Error()) > maxReason || len(set.Candidates("")) > 0 {
				t.Errorf("%d keys, %v", len(set.Candidates("")), err)
			}
			return
		}
		found := set.Candidates("")
		if len(found) == 0 || len(found) > 50 || !json.Valid(text) {
			t.Errorf("%d keys", len(found))
		}
		for _, k := range found {
			if !slices.Contains(algs, k.Alg()) {
				t.Errorf("a key for %s", k.Alg())
			}
		}
		rules := idpConfig(set)
		rules.Algs = algs
		if _, err := newVerifier(t, rules).Verify(signed); err == nil {
			t.Error("accepted what nobody signed")
		}
	})
}

// A public key fits its algorithm, and its text is not one with more behind it.
func FuzzParsePublicPEM(f *testing.F) {
	for _, key := range []any{&newKey(f, token.Active).Private.PublicKey, &newIDP(f, "").private.PublicKey, ed25519.PublicKey(make([]byte, 32))} {
		spki, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
		f.Add(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Headers: map[string]string{"a": "b"}, Bytes: spki[1:]}))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := token.ParsePublicPEM(text)
		if err != nil {
			return
		}
		if a := key.Alg(); a != token.ES256 && a != token.RS256 && a != token.EdDSA {
			t.Errorf("a key for %q", a)
		}
		if _, err := token.ParsePublicPEM(append(text, "\n-----BEGIN PUBLIC KEY-----\n"...)); err == nil {
			t.Error("accepted with more behind it")
		}
	})
}

// A key encryption key comes of nothing but 32 bytes, and does not show itself.
func FuzzParseKEK(f *testing.F) {
	for _, text := range []string{
		"", strings.Repeat("0", 64), strings.Repeat("ab", 32), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
		"__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA", " \n", "thirty-two characters as a secret",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		kek, err := token.ParseKEK(text)
		if err != nil {
			if !errors.Is(err, token.ErrKEK) || len(err.Error()) > maxReason {
				t.Error(err)
			}
			return
		}
		if text = strings.TrimSpace(text); len(text) < 43 || strings.Contains(fmt.Sprintf("%v %+v %#v", kek, kek, kek), text) {
			t.Errorf("a key of %q", text)
		}
		if plain, err := kek.Open(kek.Seal([]byte("x"), "a"), "a"); err != nil || string(plain) != "x" {
			t.Error("sealed and not opened")
		}
	})
}

// What was not sealed here, for this place, does not open, neither alone nor as
// a key's record.
func FuzzOpen(f *testing.F) {
	kek := newKEK(f, 1)
	k := newKey(f, token.Active)
	rec, err := k.Record(kek, "main")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(rec.Wrapped, rec.PublicJWK)
	f.Add(kek.Seal([]byte("x"), "a"), []byte(`{}`))
	f.Add([]byte{}, []byte(`null`))
	f.Add(make([]byte, 37), []byte(`{"kty":"EC"}`))
	f.Fuzz(func(t *testing.T, sealed, public []byte) {
		for _, place := range []string{"", "b"} {
			if _, err := kek.Open(sealed, place); !errors.Is(err, token.ErrTampered) && !errors.Is(err, token.ErrWrongKEK) {
				t.Errorf("%q: %v", place, err)
			}
		}
		r := rec
		r.Wrapped, r.PublicJWK = sealed, public
		got, err := r.Open(kek, "main")
		if err == nil && (!bytes.Equal(sealed, rec.Wrapped) || !got.Private.Equal(k.Private)) {
			t.Error("another record opens")
		}
		if err != nil && !errors.Is(err, token.ErrTampered) && !errors.Is(err, token.ErrWrongKEK) {
			t.Error(err)
		}
	})
}

// An opaque token has one text.
func FuzzHashOpaque(f *testing.F) {
	for _, text := range []string{"", strings.Repeat("0", 40), strings.Repeat("F", 40), strings.Repeat("f", 41), strings.Repeat("０", 13) + "0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		hash, err := token.HashOpaque(text)
		raw, bad := hex.DecodeString(text)
		good := bad == nil && len(raw) == 20 && hex.EncodeToString(raw) == text
		if good != (err == nil) || good != (len(hash) == 32) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
