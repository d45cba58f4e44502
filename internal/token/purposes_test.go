package token_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/token"
	"pgregory.net/rapid"
)

// purpose is one use of tokens: a good one, and what tells good ones.
type purpose struct {
	name  string
	text  string
	check func(text string) error
}

// purposes are those that usher has or will have, many of them as close to each
// other as they could come: of one key and but for one member the same.
func purposes(t testing.TB) []purpose {
	t.Helper()
	var all []purpose
	add := func(name string, rules token.VerifierConfig, text string) {
		v := newVerifier(t, rules)
		all = append(all, purpose{name, text, func(text string) error { _, err := v.Verify(text); return err }})
	}
	marshal := func(claims map[string]any) string {
		payload, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		return string(payload)
	}

	// usher's own, of one ring.
	ring := newRing(t, newKey(t, token.Active))
	own := func(claims map[string]any, typ string) string {
		text, err := ring.Sign(claims, typ)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	rules := ediConfig(ring)
	add("edi-token", rules, own(ediClaims(), "JWT"))
	rules.Audience, rules.NoAudience = "app", false
	claims := ediClaims()
	claims["aud"] = "app"
	add("the partner's id token", rules, own(claims, "JWT"))
	rules.Audience, rules.NoAudience, rules.Typ = "", true, "state+jwt"
	add("state", rules, own(ediClaims(), "state+jwt"))

	// The original EDI service's: the same claims and another key, without a kid.
	original := newKey(t, token.Active)
	spki, err := x509.MarshalPKIXPublicKey(&original.Private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	rules = ediConfig(nil)
	rules.OptionalTyp = true
	v, err := token.NewPEMVerifier(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}), rules)
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, purpose{
		"the original's edi-token", compact(t, original, `{"alg":"ES256"}`, marshal(ediClaims())),
		func(text string) error { _, err := v.Verify(text); return err },
	})

	// Two realms of one identity provider with the same keys, two kinds of token.
	provider := newIDP(t, "k")
	rules = idpConfig(keySet(t, set(provider.named("")), token.RS256))
	rules.TypClaim = "Bearer"
	const header = `{"alg":"RS256","typ":"JWT","kid":"k"}`
	add("access token", rules, provider.sign(t, header, idpClaims(change{"typ": "Bearer"})))
	rules.TypClaim = "ID"
	add("ID token", rules, provider.sign(t, header, idpClaims(change{"typ": "ID"})))
	rules.Audience = "usher-admin"
	add("ID token of another client", rules, provider.sign(t, header, idpClaims(change{"typ": "ID", "aud": "usher-admin"})))
	rules.Issuer += "2"
	add("ID token of another realm", rules,
		provider.sign(t, header, idpClaims(change{"typ": "ID", "aud": "usher-admin", "iss": rules.Issuer})))

	// Secrets: one configured, two derived from it by name.
	secret := []byte("a secret of at least thirty-two bytes")
	login, err := token.DeriveKey(secret, "login")
	if err != nil {
		t.Fatal(err)
	}
	reset, err := token.DeriveKey(secret, "reset")
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string][]byte{"gqlauth's login": secret, "derived login": login, "derived reset": reset} {
		k, err := token.NewSecret(key)
		if err != nil {
			t.Fatal(err)
		}
		input := b64.EncodeToString([]byte(`{"typ":"JWT","alg":"HS256"}`)) + "." +
			b64.EncodeToString([]byte(marshal(map[string]any{"email": "a@example.org", "exp": now.Unix() + 300, "origIat": now.Unix()})))
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(input))
		add(name, token.VerifierConfig{
			Algs: []token.Alg{token.HS256}, Keys: token.UnnamedKey(k), NoIssuer: true, NoAudience: true, Typ: "JWT", Now: clock,
		}, input+"."+b64.EncodeToString(mac.Sum(nil)))
	}

	// The same claims as the access token's, of another algorithm.
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwks := set(`{"kty":"OKP","crv":"Ed25519","kid":"k","x":"` + b64.EncodeToString(public) + `"}`)
	rules = idpConfig(keySet(t, jwks, token.EdDSA))
	rules.Algs = []token.Alg{token.EdDSA}
	input := b64.EncodeToString([]byte(`{"alg":"EdDSA","typ":"JWT","kid":"k"}`)) + "." + b64.EncodeToString([]byte(marshal(idpClaims(nil))))
	add("EdDSA", rules, input+"."+b64.EncodeToString(ed25519.Sign(private, []byte(input))))

	// What is looked up by its hash, and what is sealed for a place.
	plain, hash, err := token.NewOpaque(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, purpose{"opaque", plain, func(text string) error {
		if got, err := token.HashOpaque(text); err != nil || string(got) != string(hash[:]) {
			return token.ErrOpaque
		}
		return nil
	}})
	kek := newKEK(t, 1)
	for _, place := range [][]string{{"signing key", "main", "k"}, {"secret", "main", "k"}, {"secret", "maink"}, {"secret", "other", "k"}} {
		all = append(all, purpose{
			"sealed " + strings.Join(place, ", "), hex.EncodeToString(kek.Seal([]byte("x"), place...)),
			func(text string) error {
				raw, err := hex.DecodeString(text)
				if err != nil {
					return err
				}
				_, err = kek.Open(raw, place...)
				return err
			},
		})
	}
	return all
}

// A token of each purpose is good for that one and for no other.
func TestPurposesAreSeparate(t *testing.T) {
	all := purposes(t)
	for _, by := range all {
		for _, of := range all {
			err := by.check(of.text)
			if good := by.name == of.name; good != (err == nil) {
				t.Errorf("%s, checked as %s: %v %s", of.name, by.name, err, token.Reason(err))
			}
		}
	}
}

// No text but the one that was made is good: not with a bit flipped, not cut,
// not with anything added. Unused bits of the last base64 character, for one,
// would give a token four texts.
func TestEveryBitFlipAndTruncationIsRefused(t *testing.T) {
	for _, p := range purposes(t) {
		if err := p.check(p.text); err != nil {
			t.Fatalf("%s: %v %s", p.name, err, token.Reason(err))
		}
		sealed := strings.HasPrefix(p.name, "sealed")
		for i := range len(p.text) {
			if p.check(p.text[:i]) == nil {
				t.Errorf("%s: good when cut to %d of %d", p.name, i, len(p.text))
			}
			for bit := range 8 {
				text := []byte(p.text)
				text[i] ^= 1 << bit
				if sealed && strings.EqualFold(string(text), p.text) {
					continue // hex in the other case is this test's doing
				}
				if p.check(string(text)) == nil {
					t.Errorf("%s: good with bit %d of byte %d flipped", p.name, bit, i)
				}
			}
		}
		for _, more := range []string{"\n", "=", ".", "A", " ", "\x00"} {
			if p.check(p.text+more) == nil || p.check(more+p.text) == nil {
				t.Errorf("%s: good with %q added", p.name, more)
			}
		}
	}
}

// Parts of good tokens put together make no other good one.
func TestSplicedTokensAreRefused(t *testing.T) {
	var parts [3][]string
	good := map[string]bool{}
	all := purposes(t)
	for _, p := range all {
		good[p.text] = true
		if cut := strings.Split(p.text, "."); len(cut) == 3 {
			for i := range parts {
				parts[i] = append(parts[i], cut[i])
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		var cut [3]string
		for i := range cut {
			cut[i] = rapid.SampledFrom(parts[i]).Draw(t, "part")
		}
		text := strings.Join(cut[:], ".")
		if good[text] {
			return
		}
		for _, p := range all {
			if err := p.check(text); err == nil {
				t.Errorf("good as %s: %s", p.name, text)
			}
		}
	})
}

// Time is what the claims and the leeway say, to the second and for any of them.
func TestTimes(t *testing.T) {
	ring := newRing(t, newKey(t, token.Active))
	rapid.Check(t, func(t *rapid.T) {
		second := rapid.Int64Range(-100, 100)
		leeway, maxAge := rapid.Int64Range(0, 60).Draw(t, "leeway"), rapid.Int64Range(0, 100).Draw(t, "maximum age")
		exp, nbf, iat := second.Draw(t, "exp"), second.Draw(t, "nbf"), second.Draw(t, "iat")
		rules := ediConfig(ring)
		rules.Leeway, rules.MaxAge = time.Duration(leeway)*time.Second, time.Duration(maxAge)*time.Second
		v, err := token.NewVerifier(rules)
		if err != nil {
			t.Fatal(err)
		}
		text, err := ring.Sign(map[string]any{
			"iss": issuer, "exp": now.Unix() + exp, "nbf": now.Unix() + nbf, "iat": now.Unix() + iat,
		}, "JWT")
		if err != nil {
			t.Fatal(err)
		}
		want := exp+leeway > 0 && nbf <= leeway && iat <= leeway && (maxAge == 0 || -iat <= maxAge+leeway)
		_, err = v.Verify(text)
		if want != (err == nil) || err != nil && !errors.Is(err, token.ErrRefused) {
			t.Errorf("exp %d, nbf %d, iat %d: %v %s", exp, nbf, iat, err, token.Reason(err))
		}
	})
}
