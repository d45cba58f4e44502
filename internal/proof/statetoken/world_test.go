package statetoken_test

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/proof/statetoken"
)

var start = time.Date(2026, 11, 20, 12, 0, 0, 500_000_000, time.UTC)

const head = `{"typ":"JWT","alg":"RS256"}`

type claims = map[string]any

// Making a key takes long; the three that the tests need are made once.
var rsaKeys = sync.OnceValues(func() ([]*rsa.PrivateKey, error) {
	var all []*rsa.PrivateKey
	for range 3 {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, nil
})

// world has two issuers, gj with the first key and rj with the second.
type world struct {
	testing.TB
	keys     []*rsa.PrivateKey
	issuers  map[string]statetoken.Issuer
	fault    error
	asked    []string
	now      time.Time
	longest  time.Duration
	verifier *statetoken.Verifier
}

func (w *world) Issuer(_ context.Context, iss string) (statetoken.Issuer, error) {
	w.asked = append(w.asked, iss)
	if w.fault != nil {
		return statetoken.Issuer{}, w.fault
	}
	i, ok := w.issuers[iss]
	if !ok {
		return statetoken.Issuer{}, statetoken.ErrUnknownIssuer
	}
	return i, nil
}

func newWorld(t testing.TB) *world {
	t.Helper()
	keys, err := rsaKeys()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{TB: t, keys: keys, now: start}
	w.issuers = map[string]statetoken.Issuer{
		"gj": {ISS: "gj", Channels: []string{"gj", "gujarat"}, Keys: []statetoken.Key{{Public: &keys[0].PublicKey}}},
		"rj": {ISS: "rj", Channels: []string{"rj"}, Keys: []statetoken.Key{{Public: &keys[1].PublicKey}}},
	}
	w.verifier, err = statetoken.New(statetoken.Config{
		Keys: w, Longest: func() time.Duration { return w.longest }, Now: func() time.Time { return w.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// claims are those of the protocol's example, changed; nil takes a claim out.
func (w *world) claims(change claims) claims {
	c := claims{
		"jti": "261263cd-3a0e-4aee-8faf-6d9d9eb14bb1", "iss": "gj", "sub": "10012189", "aud": "https://site.example.org",
		"iat": start.Unix(), "nbf": start.Unix(), "exp": start.Unix() + 600, "name": "Some User",
		"state_id": "gj", "school_id": "321456", "redirect_uri": "https://site.example.org/resources",
	}
	maps.Copy(c, change)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// token signs the claims with gj's key.
func (w *world) token(change claims) string { return w.signed(0, head, w.payload(change)) }

func (w *world) payload(change claims) string {
	text, err := json.Marshal(w.claims(change))
	if err != nil {
		w.Fatal(err)
	}
	return string(text)
}

var b64 = base64.RawURLEncoding

func input(header, payload string) string {
	return b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(payload))
}

// signed signs any texts with one of the keys, RS256 whatever the header says.
func (w *world) signed(key int, header, payload string) string {
	in := input(header, payload)
	sum := sha256.Sum256([]byte(in))
	sig, err := rsa.SignPKCS1v15(nil, w.keys[key], crypto.SHA256, sum[:])
	if err != nil {
		w.Fatal(err)
	}
	return in + "." + b64.EncodeToString(sig)
}

func mac(secret []byte, header, payload string) string {
	in := input(header, payload)
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(in))
	return in + "." + b64.EncodeToString(h.Sum(nil))
}

func (w *world) proves(what, text string) statetoken.Claims {
	w.Helper()
	c, err := w.verifier.Verify(w.Context(), text)
	if err != nil {
		w.Fatalf("%s: %v", what, err)
	}
	return c
}

// refuses expects that a token proves nothing, for this reason.
func (w *world) refuses(what, text string, why statetoken.Why) {
	w.Helper()
	c, err := w.verifier.Verify(w.Context(), text)
	if bad, ok := errors.AsType[*statetoken.Unproven](err); !ok || bad.Why != why || c.Subject != "" || c.Once != [32]byte{} {
		w.Errorf("%s: %+v and %v, want %s", what, c, err, why)
	}
}
