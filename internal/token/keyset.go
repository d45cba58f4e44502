package token

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// Limits of another issuer's JWK Set (security T9).
const (
	maxKeySet     = 256 << 10 // bytes
	maxKeySetKeys = 50
)

// ErrKeySet refuses a JWK Set.
var ErrKeySet = errors.New("not a usable JWK Set")

// KeySet is another issuer's public keys. It does not change.
type KeySet struct{ keys []namedKey }

type namedKey struct {
	kid string
	PublicKey
}

// ParseKeySet reads a JWK Set (RFC 7517, section 5), at most 256 KB and 50
// keys, and keeps its signature keys for the algorithms asked for. As the RFC
// wants it passes over keys that are no use here: other types, uses and
// algorithms, and what NewPublicKey refuses. Secrets and private keys do not
// belong into such a set and are passed over too: whoever reads the set could
// sign with them. Two keys of one kid, and a set without a usable key, are
// ErrKeySet.
func ParseKeySet(text []byte, algs ...Alg) (KeySet, error) {
	fail := func(why string) (KeySet, error) { return KeySet{}, fmt.Errorf("%w: %s", ErrKeySet, why) }
	if len(text) > maxKeySet {
		return fail("longer than 256 KB")
	}
	top, err := parseObject(text)
	if err != nil {
		return fail(err.Error())
	}
	raw, _ := top.get("keys")
	var entries []json.RawMessage
	if err := json.Unmarshal(raw, &entries); err != nil {
		return fail("keys is not a list")
	}
	if len(entries) > maxKeySetKeys {
		return fail("more than 50 keys")
	}
	var set KeySet
	for _, entry := range entries {
		m, err := parseObject(entry)
		if err != nil {
			continue
		}
		k, ok := parseJWK(m, algs)
		if !ok {
			continue
		}
		if k.kid != "" && slices.ContainsFunc(set.keys, func(o namedKey) bool { return o.kid == k.kid }) {
			return fail("two keys of one kid")
		}
		set.keys = append(set.keys, k)
	}
	if len(set.keys) == 0 {
		return fail("no key in it is usable")
	}
	return set, nil
}

// Candidates implements KeySource: the key of that kid; all keys for a token
// without one.
func (s KeySet) Candidates(kid string) []PublicKey {
	var found []PublicKey
	for _, k := range s.keys {
		if kid == "" || k.kid == kid {
			found = append(found, k.PublicKey)
		}
	}
	return found
}

// parseJWK reads a public key (RFC 7518, section 6; RFC 8037, section 2) if it
// is one for signatures of an algorithm among algs.
func parseJWK(m members, algs []Alg) (namedKey, bool) {
	var t struct{ kty, crv, use, alg, kid string }
	for _, text := range [...]struct {
		name string
		into *string
	}{{"kty", &t.kty}, {"crv", &t.crv}, {"use", &t.use}, {"alg", &t.alg}, {"kid", &t.kid}} {
		if raw, has := m.get(text.name); has && (raw[0] != '"' || json.Unmarshal(raw, text.into) != nil) {
			return namedKey{}, false
		}
	}
	_, private := m.get("d")
	if private || t.use != "" && t.use != "sig" || len(t.kid) > maxKID || !verifies(m) {
		return namedKey{}, false
	}
	var alg Alg
	var key crypto.PublicKey
	var ok bool
	switch {
	case t.kty == "EC" && t.crv == "P-256":
		alg = ES256
		key, ok = ecKey(m)
	case t.kty == "RSA":
		alg = RS256
		key, ok = rsaKey(m)
	case t.kty == "OKP" && t.crv == "Ed25519":
		alg = EdDSA
		var x []byte
		x, ok = m.bytes("x")
		key = ed25519.PublicKey(x)
	}
	if !ok || !slices.Contains(algs, alg) || t.alg != "" && Alg(t.alg) != alg {
		return namedKey{}, false
	}
	public, err := NewPublicKey(alg, key)
	return namedKey{t.kid, public}, err == nil
}

// verifies tells whether key_ops, if it is there, has "verify".
func verifies(m members) bool {
	raw, has := m.get("key_ops")
	var ops []string
	return !has || json.Unmarshal(raw, &ops) == nil && slices.Contains(ops, "verify")
}

func ecKey(m members) (*ecdsa.PublicKey, bool) {
	x, okX := m.bytes("x")
	y, okY := m.bytes("y")
	if !okX || !okY || len(x) != 32 || len(y) != 32 {
		return nil, false
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), bytes.Join([][]byte{{4}, x, y}, nil))
	return key, err == nil
}

func rsaKey(m members) (*rsa.PublicKey, bool) {
	n, okN := m.bytes("n")
	e, okE := m.bytes("e")
	if !okN || !okE || len(e) > 4 {
		return nil, false
	}
	exponent := new(big.Int).SetBytes(e).Int64()
	// crypto/rsa takes no larger one.
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent)}, exponent < 1<<31
}

// bytes reads a member that is base64url.
func (m members) bytes(name string) ([]byte, bool) {
	raw, has := m.get(name)
	var text string
	if !has || raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		return nil, false
	}
	value, err := decodePart(text)
	return value, err == nil
}
