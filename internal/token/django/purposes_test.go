package django_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/token"
	"github.com/usher-id/usher/internal/token/django"
	"pgregory.net/rapid"
)

// purpose is one use of tokens: good ones, and what tells them.
type purpose struct {
	name  string
	texts []string
	check func(text string) error
}

// legacy is a value under the signature of Django before 3.1.
func legacy(value string) string {
	key := sha1.Sum([]byte("django.core.signing" + "signer" + secretKey))
	h := hmac.New(sha1.New, key[:])
	h.Write([]byte(value))
	return value + ":" + b64.EncodeToString(h.Sum(nil))
}

// purposes are all uses of two keys and two fields, by one person in one second,
// and usher's other tokens.
func purposes(t testing.TB) (all []purpose) {
	t.Helper()
	const other = "another key of the same installation"
	subjects := map[django.Field]string{django.Email: "a@x.org", django.Username: "a@x.org"}
	for _, key := range []string{secretKey, other} {
		for field, subject := range subjects {
			signer := newSigner(t, key, field)
			for action := range life {
				p := django.Payload{Subject: subject, Action: action}
				if action == django.SecondaryActivation {
					p.SecondaryEmail = subject
				}
				text, _, err := signer.Sign(p, now)
				if err != nil {
					t.Fatal(err)
				}
				texts := []string{text}
				if key == secretKey {
					texts = append(texts, legacy(text[:strings.LastIndexByte(text, ':')]))
				}
				all = append(all, purpose{fmt.Sprintf("%s by %s, %.7s", action, field, key), texts, func(text string) error {
					_, err := signer.Read(text, now, life[action], action)
					return err
				}})
			}
			logins := newLogins(t, key, field, now)
			l := login()
			l.Subject = subject
			text, err := logins.Sign(l)
			if err != nil {
				t.Fatal(err)
			}
			original := jwtBy(key, header, fmt.Sprintf(`{%q:%q,"exp":%d,"origIat":%d}`, field, subject, now.Unix()+300, now.Unix()))
			all = append(all, purpose{fmt.Sprintf("login by %s, %.7s", field, key), []string{text, original}, func(text string) error {
				_, err := logins.Verify(text)
				return err
			}})
		}
	}

	// A JWT with the same claims under the key of the mailed tokens, and one
	// under a key derived as usher derives them.
	for name, derive := range map[string]func() ([]byte, error){
		"mailed": func() ([]byte, error) { return mailKey, nil },
		"login":  func() ([]byte, error) { return token.DeriveKey([]byte(secretKey), "login") },
	} {
		key, err := derive()
		if err != nil {
			t.Fatal(err)
		}
		secret, err := token.NewSecret(key)
		if err != nil {
			t.Fatal(err)
		}
		v, err := token.NewVerifier(token.VerifierConfig{
			Algs: []token.Alg{token.HS256}, Keys: token.SingleKey(secret), NoIssuer: true, NoAudience: true, Typ: "JWT",
			Now: func() time.Time { return now },
		})
		if err != nil {
			t.Fatal(err)
		}
		text := jwtBy(string(key), header, fmt.Sprintf(`{"email":"a@x.org","exp":%d,"origIat":%d}`, now.Unix()+300, now.Unix()))
		all = append(all, purpose{"derived for " + name, []string{text}, func(text string) error {
			_, err := v.Verify(text)
			return err
		}})
	}

	// A refresh token.
	plain, hash, err := token.NewOpaque(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, purpose{"refresh", []string{plain}, func(text string) error {
		if got, err := token.HashOpaque(text); err != nil || string(got) != string(hash[:]) {
			return token.ErrOpaque
		}
		return nil
	}})

	// usher's own, of the ring.
	key, err := token.GenerateKey(token.Active, now)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := token.NewRing([]token.Key{key})
	if err != nil {
		t.Fatal(err)
	}
	text, err := ring.Sign(map[string]any{"email": "a@x.org", "exp": now.Unix() + 300, "origIat": now.Unix()}, "JWT")
	if err != nil {
		t.Fatal(err)
	}
	own, err := token.NewVerifier(token.VerifierConfig{
		Algs: []token.Alg{token.ES256}, Keys: ring, NoIssuer: true, NoAudience: true, Typ: "JWT", Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return append(all, purpose{"ring", []string{text}, func(text string) error { _, err := own.Verify(text); return err }})
}

// A token of each purpose, action, field and key is good for that and for
// nothing else.
func TestPurposesAreSeparate(t *testing.T) {
	all := purposes(t)
	if len(all) != 2*2*5+4 {
		t.Fatalf("%d purposes", len(all))
	}
	for i, by := range all {
		for j, of := range all {
			for _, text := range of.texts {
				if err := by.check(text); (err == nil) != (i == j) {
					t.Errorf("%s, read as %s: %v", of.name, by.name, err)
				}
			}
		}
	}
}

// Nothing but what was made is good: not with a bit flipped, not cut at either
// end, not with anything added or left out.
func TestEveryBitFlipAndTruncationIsRefused(t *testing.T) {
	for _, p := range purposes(t) {
		for _, good := range p.texts {
			if err := p.check(good); err != nil {
				t.Fatalf("%s: %v", p.name, err)
			}
			refused := func(text, what string, at int) {
				if p.check(text) == nil {
					t.Errorf("%s: good with byte %d %s", p.name, at, what)
				}
			}
			for i := range len(good) {
				refused(good[:i], "and all behind cut off", i)
				refused(good[i+1:], "and all before cut off", i)
				refused(good[:i]+good[i+1:], "left out", i)
				refused(good[:i]+good[i:i+1]+good[i:], "twice", i)
				for bit := range 8 {
					text := []byte(good)
					text[i] ^= 1 << bit
					refused(string(text), fmt.Sprintf("and bit %d of it flipped", bit), i)
				}
			}
			for _, more := range []string{"\n", "=", ".", ":", "A", " ", "\x00", "%"} {
				refused(good+more, "after the last, "+more, len(good))
				refused(more+good, "before the first, "+more, 0)
			}
		}
	}
}

// Parts of good tokens put together make no other good one.
func TestSplicedTokensAreRefused(t *testing.T) {
	all := purposes(t)
	good := map[string]bool{}
	var parts []string
	for _, p := range all {
		for _, text := range p.texts {
			good[text] = true
			parts = append(parts, strings.FieldsFunc(text, func(r rune) bool { return r == '.' || r == ':' })...)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		between := rapid.SampledFrom([]string{".", ":"}).Draw(rt, "between")
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 1, 4).Draw(rt, "parts"), between)
		for _, p := range all {
			if err := p.check(text); err == nil && !good[text] {
				rt.Errorf("good as %s: %s", p.name, text)
			}
		}
	})
}
