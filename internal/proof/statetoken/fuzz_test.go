package statetoken_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/proof/statetoken"
)

// Whatever comes as a token, it is refused without a fault, unless the issuer made
// it, to the letter.
func FuzzVerify(f *testing.F) {
	w := newWorld(f)
	good := w.token(nil)
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(strings.ReplaceAll(good, ".", ".."))
	f.Add(w.signed(1, head, w.payload(nil)))
	f.Add(input(`{"alg":"none"}`, w.payload(nil)) + ".")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := w.verifier.Verify(t.Context(), text)
		if _, ok := errors.AsType[*statetoken.Unproven](err); ok == (text == good) || (err == nil) != (text == good) {
			t.Fatalf("%q: %+v, %v", text, c, err)
		}
	})
}

// Whatever claims an issuer signs, what is given is within its bounds.
func FuzzClaims(f *testing.F) {
	w := newWorld(f)
	for _, s := range []string{`{}`, `{"name":7}`, `{"roles":[["A"]]}`, `{"exp":1e99}`, `{"sub":null}`} {
		f.Add(s)
	}
	f.Add(w.payload(nil))
	f.Fuzz(func(t *testing.T, payload string) {
		c, err := w.verifier.Verify(t.Context(), w.signed(0, head, payload))
		if err != nil {
			if _, ok := errors.AsType[*statetoken.Unproven](err); !ok {
				t.Fatalf("%q: %v", payload, err)
			}
			return
		}
		text := c.Subject + c.Channel + c.School + c.Name + c.RedirectURI + c.Phone + c.Email + c.ID + strings.Join(c.Roles, "")
		if c.Issuer != "gj" || c.Subject == "" || c.Name == "" || c.ID == "" || c.School == "" || strings.ContainsAny(text, "\x00\r\n") || c.Until.Year() > 9999 {
			t.Fatalf("%q: %+v", payload, c)
		}
	})
}

func FuzzParsePublicKey(f *testing.F) {
	w := newWorld(f)
	f.Add([]byte(spki(f, &w.keys[0].PublicKey)))
	f.Add([]byte(certificate(f, w.keys[0])))
	f.Fuzz(func(t *testing.T, text []byte) {
		if k, err := statetoken.ParsePublicKey(text); err == nil && (k.N.BitLen() < 2048 || k.E < 3) {
			t.Fatalf("%q gives a key of %d bits", text, k.N.BitLen())
		}
	})
}
