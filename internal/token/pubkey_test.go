package token_test

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"maps"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/token"
)

func TestSymmetricAndAsymmetricNeverMix(t *testing.T) {
	k := newKey(t, token.Active)
	spki, err := x509.MarshalPKIXPublicKey(&k.Private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})
	payload, _ := json.Marshal(ediClaims())
	forge := func(secret []byte) string {
		input := b64.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + b64.EncodeToString(payload)
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(input))
		return input + "." + b64.EncodeToString(mac.Sum(nil))
	}
	v, err := token.NewPEMVerifier(public, token.VerifierConfig{Issuer: issuer, NoAudience: true, Typ: "JWT", Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, v, forge(public), "alg")
	mustRefuse(t, v, forge(spki), "alg")

	if _, err := token.NewVerifier(token.VerifierConfig{
		Algs: []token.Alg{token.ES256, token.HS256}, Keys: newRing(t, k), Issuer: issuer, NoAudience: true, Typ: "JWT", Now: clock,
	}); err == nil {
		t.Error("a verifier of both kinds was made")
	}

	// The other way round: a verifier with a secret takes HS256 and no ES256.
	secret := []byte("a secret of at least thirty-two bytes")
	key, err := token.NewSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	c := ediConfig(token.UnnamedKey(key))
	c.Algs = []token.Alg{token.HS256}
	hs := newVerifier(t, c)
	if _, err := hs.Verify(forge(secret)); err != nil {
		t.Error(token.Reason(err))
	}
	mustRefuse(t, hs, forge(append(secret, 'x')), "signature")
	mustRefuse(t, hs, compact(t, k, `{"alg":"ES256","typ":"JWT"}`, string(payload)), "alg")
}

func TestOriginalsPEMKeyWorksBesideTheRing(t *testing.T) {
	ring := newRing(t, newKey(t, token.Active))
	original := newKey(t, token.Active)
	spki, _ := x509.MarshalPKIXPublicKey(&original.Private.PublicKey)
	pemText := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})
	old, err := token.NewPEMVerifier(pemText, token.VerifierConfig{Issuer: issuer, NoAudience: true, Typ: "JWT", Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	both := token.Verifiers{newVerifier(t, ediConfig(ring)), old}
	payload, _ := json.Marshal(ediClaims())
	theirs := compact(t, original, `{"alg":"ES256","typ":"JWT"}`, string(payload))
	ours, _ := ring.Sign(ediClaims(), "JWT")
	for _, text := range []string{theirs, ours} {
		if _, err := both.Verify(text); err != nil {
			t.Error(token.Reason(err))
		}
	}
	mustRefuse(t, old, compact(t, original, `{"alg":"ES256","typ":"JWT","kid":"x"}`, string(payload)), "kid")
	mustRefuse(t, both, compact(t, newKey(t, token.Active), `{"alg":"ES256","typ":"JWT"}`, string(payload)), "signature")
	mustRefuse(t, token.Verifiers{}, ours, "no verifier")

	for name, text := range map[string][]byte{
		"nothing": nil, "a certificate": bytes.ReplaceAll(pemText, []byte("PUBLIC KEY"), []byte("CERTIFICATE")),
		"more after it": append(bytes.Clone(pemText), "x"...), "half of another": append(bytes.Clone(pemText), "-----BEGIN"...),
		"two keys": append(bytes.Clone(pemText), pemText...), "garbage": []byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
	} {
		if _, err := token.ParsePublicPEM(text); err == nil {
			t.Errorf("PEM with %s was accepted", name)
		}
	}
}

func TestRS256(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	spki, _ := x509.MarshalPKIXPublicKey(&private.PublicKey)
	v, err := token.NewPEMVerifier(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}),
		token.VerifierConfig{Issuer: issuer, Typ: "JWT", Audience: "usher", MaxAge: 10 * time.Minute, Leeway: time.Minute, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	sign := func(change map[string]any) string {
		claims := ediClaims()
		claims["aud"] = "usher"
		maps.Copy(claims, change)
		payload, _ := json.Marshal(claims)
		input := b64.EncodeToString([]byte(`{"typ":"JWT","alg":"RS256"}`)) + "." + b64.EncodeToString(payload)
		digest := sha256.Sum256([]byte(input))
		sig, err := rsa.SignPKCS1v15(nil, private, crypto.SHA256, digest[:])
		if err != nil {
			t.Fatal(err)
		}
		return input + "." + b64.EncodeToString(sig)
	}
	for _, fine := range []map[string]any{
		{},
		{"aud": []string{"usher"}},
		{"aud": []string{"other", "usher"}, "azp": "usher"},
		{"iat": now.Add(-11 * time.Minute).Unix()},
		{"iat": now.Unix() + 60, "nbf": now.Unix() + 60},
		{"exp": now.Unix() - 59},
	} {
		if _, err := v.Verify(sign(fine)); err != nil {
			t.Errorf("%v: %s", fine, token.Reason(err))
		}
	}
	mustRefuse(t, v, sign(map[string]any{"aud": "usher "}), "aud")
	mustRefuse(t, v, sign(map[string]any{"aud": []any{"usher", 1}}), "aud")
	mustRefuse(t, v, sign(map[string]any{"aud": nil}), "aud")
	mustRefuse(t, v, sign(map[string]any{"iat": now.Unix() - 661}), "older")
	mustRefuse(t, v, sign(map[string]any{"iat": now.Unix() + 61}), "iat")
	mustRefuse(t, v, sign(map[string]any{"exp": now.Unix() - 60}), "expired")
	text := sign(nil)
	mustRefuse(t, v, text[:len(text)-4], "signature")

	small, _ := rsa.GenerateKey(rand.Reader, 1024)
	if small != nil {
		if _, err := token.NewPublicKey(token.RS256, &small.PublicKey); err == nil {
			t.Error("an RSA key of 1024 bits was accepted")
		}
	}
	if _, err := token.NewPublicKey(token.ES256, &private.PublicKey); err == nil {
		t.Error("an RSA key was accepted for ES256")
	}
}
