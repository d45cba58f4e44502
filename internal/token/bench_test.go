package token_test

import (
	"encoding/json"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/usher-id/usher/internal/token"
)

func BenchmarkVerifyES256(b *testing.B) {
	k := newKey(b, token.Active)
	ring := newRing(b, k)
	text, err := ring.Sign(ediClaims(), "JWT")
	if err != nil {
		b.Fatal(err)
	}
	b.Run("usher", func(b *testing.B) {
		v := newVerifier(b, ediConfig(ring))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	// The signature and the claims alone, without usher's pre-check.
	b.Run("go-jose", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			parsed, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.ES256})
			if err != nil {
				b.Fatal(err)
			}
			var c jwt.Claims
			var all map[string]json.RawMessage
			if err := parsed.Claims(&k.Private.PublicKey, &c, &all); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkSignES256(b *testing.B) {
	ring := newRing(b, newKey(b, token.Active))
	claims := ediClaims()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ring.Sign(claims, "JWT"); err != nil {
			b.Fatal(err)
		}
	}
}
