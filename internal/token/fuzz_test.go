package token_test

import (
	"encoding/json"
	"fmt"
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
