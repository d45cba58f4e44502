package token_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/usher-id/usher/internal/token"
)

func TestKeyRecordOpensOnlyWithItsOwnParts(t *testing.T) {
	kek := newKEK(t, 1)
	k := newKey(t, token.Active)
	other := newKey(t, token.Active)
	rec, err := k.Record(kek, "main")
	if err != nil {
		t.Fatal(err)
	}
	otherRec, err := other.Record(kek, "main")
	if err != nil {
		t.Fatal(err)
	}
	got, err := rec.Open(kek, "main")
	if err != nil || !got.Private.Equal(k.Private) || got.KID != k.KID || got.State != k.State || !got.CreatedAt.Equal(k.CreatedAt) {
		t.Fatalf("%+v, %v", got, err)
	}

	if _, err := rec.Open(newKEK(t, 2), "main"); !errors.Is(err, token.ErrWrongKEK) {
		t.Errorf("another KEK: %v", err)
	}
	if _, err := rec.Open(kek, "other"); !errors.Is(err, token.ErrTampered) {
		t.Errorf("another realm: %v", err)
	}
	for name, change := range map[string]func(*token.KeyRecord){
		"kid":            func(r *token.KeyRecord) { r.KID = other.KID },
		"public key":     func(r *token.KeyRecord) { r.PublicJWK = otherRec.PublicJWK },
		"no public key":  func(r *token.KeyRecord) { r.PublicJWK = nil },
		"private key":    func(r *token.KeyRecord) { r.Wrapped = otherRec.Wrapped },
		"no private key": func(r *token.KeyRecord) { r.Wrapped = nil },
		"one bit":        func(r *token.KeyRecord) { r.Wrapped = append([]byte(nil), r.Wrapped...); r.Wrapped[30] ^= 1 },
		"alg":            func(r *token.KeyRecord) { r.Alg = "none" },
		"state":          func(r *token.KeyRecord) { r.State = "forever" },
	} {
		changed := rec
		change(&changed)
		if _, err := changed.Open(kek, "main"); !errors.Is(err, token.ErrTampered) {
			t.Errorf("%s changed: %v", name, err)
		}
	}
}

func TestJWKSShowsNextActiveAndRetiringAndNothingPrivate(t *testing.T) {
	next, active, retiring, retired := newKey(t, token.Next), newKey(t, token.Active), newKey(t, token.Retiring), newKey(t, token.Retired)
	ring := newRing(t, retired, retiring, active, next)
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(ring.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 3 {
		t.Fatalf("%d keys", len(set.Keys))
	}
	for _, k := range []token.Key{next, active, retiring} {
		found := set.Key(k.KID)
		if len(found) != 1 || !found[0].IsPublic() || !k.Private.PublicKey.Equal(found[0].Key) {
			t.Errorf("%s key is not there as it should be", k.State)
		}
	}
	if strings.Contains(string(ring.JWKS()), `"d"`) {
		t.Error("a private key is published")
	}
	if got := string(newRing(t).JWKS()); got != `{"keys":[]}` {
		t.Errorf("an empty set is %s", got)
	}
}

func TestTokensLiveAsLongAsTheirKeyIsPublished(t *testing.T) {
	k := newKey(t, token.Active)
	text, err := newRing(t, k).Sign(ediClaims(), "JWT")
	if err != nil {
		t.Fatal(err)
	}
	source := token.NewSource(newRing(t, k))
	v := newVerifier(t, ediConfig(source))
	for state, good := range map[token.State]bool{token.Next: true, token.Active: true, token.Retiring: true, token.Retired: false} {
		k.State = state
		source.Swap(newRing(t, k, newKey(t, token.Next)))
		if _, err := v.Verify(text); (err == nil) != good {
			t.Errorf("%s: %v", state, token.Reason(err))
		}
		if _, err := source.Sign(ediClaims(), "JWT"); (err == nil) != (state == token.Active) {
			t.Errorf("%s: signing gave %v", state, err)
		}
	}
}

func TestRingsThatAreRefused(t *testing.T) {
	k := newKey(t, token.Active)
	unnamed, empty := k, k
	unnamed.KID, empty.Private = "", nil
	for name, keys := range map[string][]token.Key{
		"two active": {k, newKey(t, token.Active)}, "twice": {k, k}, "no kid": {unnamed}, "no key": {empty},
	} {
		if _, err := token.NewRing(keys); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := newRing(t).Sign(ediClaims(), "JWT"); !errors.Is(err, token.ErrNoActiveKey) {
		t.Errorf("an empty ring signs: %v", err)
	}
	if _, err := newRing(t, k).Sign(map[string]string{"x": strings.Repeat("x", 8000)}, "JWT"); err == nil {
		t.Error("signed what Verify would refuse")
	}
}

func TestSourceSwapsWhileServing(t *testing.T) {
	a, b := newKey(t, token.Active), newKey(t, token.Active)
	retiring := func(k token.Key) token.Key { k.State = token.Retiring; return k }
	rings := []*token.Ring{newRing(t, a, retiring(b)), newRing(t, retiring(a), b)}
	source := token.NewSource(rings[0])
	v := newVerifier(t, ediConfig(source))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 50 {
				source.Swap(rings[i%2])
				text, err := source.Sign(ediClaims(), "JWT")
				if err != nil {
					t.Error(err)
				}
				if _, err := v.Verify(text); err != nil {
					t.Error(token.Reason(err))
				}
			}
		})
	}
	wg.Wait()
}

func TestOpaque(t *testing.T) {
	plain, hash, err := token.NewOpaque(strings.NewReader("01234567890123456789"))
	if err != nil || plain != "3031323334353637383930313233343536373839" {
		t.Fatalf("%q, %v", plain, err)
	}
	got, err := token.HashOpaque(plain)
	if err != nil || string(got) != string(hash[:]) {
		t.Errorf("hash differs, %v", err)
	}
	if _, _, err := token.NewOpaque(strings.NewReader("short")); err == nil {
		t.Error("made a token without randomness")
	}
	for name, text := range map[string]string{
		"empty": "", "39": plain[1:], "41": plain + "0", "upper case": strings.ToUpper("abcd") + plain[4:],
		"not hex": "g" + plain[1:], "space": " " + plain[1:], "full width": "０" + plain[3:], "NUL": plain[:39] + "\x00",
	} {
		if _, err := token.HashOpaque(text); !errors.Is(err, token.ErrOpaque) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
