package token

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"testing"
	"time"

	"github.com/c2sp/wycheproof"
)

// vectors is a file of Wycheproof's, as far as the kinds used here go.
type vectors struct {
	NumberOfTests int
	TestGroups    []struct {
		Comment      string
		Private      json.RawMessage
		Public       json.RawMessage
		PublicKeyPem string
		KeySize      int // bits
		TagSize      int // bits
		Tests        []vector
	}
}

type vector struct {
	TcID     int
	Comment  string
	Result   string // valid, invalid, acceptable
	JWS      string
	Key, Msg string // hex
	Sig, Tag string // hex
	Flags    []string
}

func read(t *testing.T, file string, tests int) vectors {
	t.Helper()
	text, err := fs.ReadFile(wycheproof.TestVectors, file)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if v.NumberOfTests != tests {
		t.Fatalf("%s has %d tests, want %d", file, v.NumberOfTests, tests)
	}
	return v
}

// verifierOf makes the verifier of one algorithm with the keys of a group, as
// an issuer's configuration would: public keys by ParseKeySet, a lone secret by
// NewSecret. It gives nil where usher would have no such verifier.
func verifierOf(t *testing.T, alg Alg, jwks json.RawMessage) *Verifier {
	t.Helper()
	var keys KeySource
	if alg == HS256 {
		var set struct {
			Keys []struct{ Kty, Alg, K string }
		}
		if err := json.Unmarshal(jwks, &set); err != nil {
			t.Fatal(err)
		}
		if len(set.Keys) != 1 || set.Keys[0].Kty != "oct" || set.Keys[0].Alg != string(HS256) {
			return nil
		}
		secret, err := decodePart(set.Keys[0].K)
		if err != nil {
			t.Fatal(err)
		}
		key, err := NewSecret(secret)
		if err != nil {
			return nil
		}
		keys = UnnamedKey(key)
	} else {
		set, err := ParseKeySet(jwks, alg)
		if err != nil {
			return nil
		}
		keys = set
	}
	v, err := NewVerifier(VerifierConfig{
		Algs: []Alg{alg}, Keys: keys, Typ: "JWT", OptionalTyp: true, NoIssuer: true, NoAudience: true, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// signed tells whether everything holds that Verify wants of a token short of
// its claims: the vectors' payloads are no claims.
func signed(v *Verifier, text string) bool {
	p, err := split(text)
	return err == nil && v.header(p) == nil && v.signature(p) == nil
}

// accepted tells whether any verifier that can be made of the keys takes it.
func accepted(t *testing.T, jwks json.RawMessage, text string) bool {
	t.Helper()
	for _, alg := range []Alg{ES256, RS256, EdDSA, HS256} {
		v := verifierOf(t, alg, jwks)
		if v == nil {
			continue
		}
		if _, err := v.Verify(text); err == nil {
			t.Errorf("accepted a token without claims: %s", text)
		}
		if signed(v, text) {
			return true
		}
	}
	return false
}

// exceptions of the vectors by tcId, each with its reason.
type exceptions map[int]string

// judge compares with what the vectors say, and counts what was accepted.
func judge(t *testing.T, v vectors, except exceptions, jwks func(json.RawMessage) json.RawMessage) (taken int) {
	t.Helper()
	used := map[int]bool{}
	for _, g := range v.TestGroups {
		public := g.Public
		if public == nil {
			public = g.Private // a secret, which has no public side
		}
		keys := jwks(public)
		for _, tc := range g.Tests {
			got := accepted(t, keys, tc.JWS)
			if got {
				taken++
			}
			want := tc.Result == "valid"
			if _, ok := except[tc.TcID]; ok {
				used[tc.TcID] = true
				want = !want
			}
			if got != want {
				t.Errorf("%d %s, %s: accepted is %v", tc.TcID, g.Comment, tc.Comment, got)
			}
		}
	}
	for id := range except {
		if !used[id] {
			t.Errorf("exception %d is of no test", id)
		}
	}
	return taken
}

func one(public json.RawMessage) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"keys":[%s]}`, public))
}

func asIs(public json.RawMessage) json.RawMessage { return public }

// notOurs marks valid vectors of algorithms that usher has no verifier for.
func notOurs(alg string, ids ...int) exceptions {
	e := exceptions{}
	for _, id := range ids {
		e[id] = alg + " is none of usher's algorithms"
	}
	return e
}

func TestWycheproofSignatures(t *testing.T) {
	except := exceptions{
		367: "called invalid, and letter for letter the valid 357",
		370: "called invalid, and letter for letter the valid 357",
		372: "called valid, with a ? amid the header's base64url",
		373: "called valid, with a ? amid the payload's base64url",
	}
	for _, more := range []exceptions{
		notOurs("RS384", 264, 265, 266, 267), notOurs("RS512", 268, 269, 270, 271),
		notOurs("PS256", 272, 273, 274, 275, 287, 288),
		notOurs("PS384", 320, 321, 322, 323, 346, 350), notOurs("PS512", 325, 326, 327, 328),
		notOurs("ES512", 347, 351),
	} {
		maps.Copy(except, more)
	}
	v := read(t, "json_web_signature_test.json", 401)
	if taken := judge(t, v, except, one); taken != 20 {
		t.Errorf("%d were accepted, want 20", taken)
	}
	text := map[int]string{}
	for _, g := range v.TestGroups {
		for _, tc := range g.Tests {
			text[tc.TcID] = tc.JWS
		}
	}
	for _, id := range []int{367, 370} {
		if text[id] != text[357] {
			t.Errorf("%d is not what it was excepted for", id)
		}
	}
}

func TestWycheproofKeys(t *testing.T) {
	except := exceptions{
		2:  "usher's HS256 verifiers have one secret, never a set of them",
		14: "HS384 is none of usher's algorithms",
		15: "HS512 is none of usher's algorithms",
	}
	if taken := judge(t, read(t, "json_web_key_test.json", 26), except, asIs); taken != 2 {
		t.Errorf("%d were accepted, want 2", taken)
	}
}

// The same signature checks with keys out of PEM texts and signatures out of
// the vectors of the algorithms themselves.
func TestWycheproofPrimitives(t *testing.T) {
	for _, file := range []struct {
		name  string
		tests int
		alg   Alg
	}{
		{"ecdsa_secp256r1_sha256_p1363_test.json", 262, ES256},
		{"ed25519_test.json", 151, EdDSA},
		{"rsa_signature_2048_sha256_test.json", 259, RS256},
	} {
		t.Run(file.name, func(t *testing.T) {
			for _, g := range read(t, file.name, file.tests).TestGroups {
				key, err := ParsePublicPEM([]byte(g.PublicKeyPem))
				if err != nil {
					t.Errorf("%v: %s", err, g.PublicKeyPem)
					continue
				}
				if key.Alg() != file.alg {
					t.Fatalf("a key for %s", key.Alg())
				}
				for _, tc := range g.Tests {
					got := key.verify(string(unhex(t, tc.Msg)), unhex(t, tc.Sig))
					if got != (tc.Result == "valid") {
						t.Errorf("%d %s %v: %s, accepted is %v", tc.TcID, tc.Comment, tc.Flags, tc.Result, got)
					}
				}
			}
		})
	}
	for _, g := range read(t, "hmac_sha256_test.json", 174).TestGroups {
		for _, tc := range g.Tests {
			key, err := NewSecret(unhex(t, tc.Key))
			if (err == nil) != (g.KeySize >= 256) {
				t.Errorf("a secret of %d bits: %v", g.KeySize, err)
			}
			if err != nil {
				continue
			}
			got := key.verify(string(unhex(t, tc.Msg)), unhex(t, tc.Tag))
			if want := tc.Result == "valid" && g.TagSize == 256; got != want {
				t.Errorf("%d %s: accepted is %v", tc.TcID, tc.Comment, got)
			}
		}
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
