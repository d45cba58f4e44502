package token

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
)

// ErrNoActiveKey: the ring cannot sign.
var ErrNoActiveKey = errors.New("no active signing key")

// Ring is a realm's keys at one time. It does not change: Source puts another
// in its place.
type Ring struct {
	active *Key
	byKID  map[string]PublicKey
	jwks   []byte
}

// NewRing makes a ring of the keys that are not retired. At most one may be
// active.
func NewRing(keys []Key) (*Ring, error) {
	r := &Ring{byKID: map[string]PublicKey{}}
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: []jwk{}}
	keys = slices.Clone(keys)
	slices.SortFunc(keys, func(a, b Key) int { return strings.Compare(a.KID, b.KID) })
	for i, k := range keys {
		if k.State == Retired {
			continue
		}
		if _, twice := r.byKID[k.KID]; twice || k.KID == "" || len(k.KID) > maxKID {
			return nil, fmt.Errorf("signing key %q: kid is empty, too long or there twice", k.KID)
		}
		if k.Private == nil || k.Alg != ES256 {
			return nil, fmt.Errorf("signing key %q: not an ES256 key", k.KID)
		}
		if k.State == Active {
			if r.active != nil {
				return nil, fmt.Errorf("signing keys %q and %q are both active", r.active.KID, k.KID)
			}
			r.active = &keys[i]
		}
		public, err := NewPublicKey(ES256, &k.Private.PublicKey)
		if err != nil {
			return nil, fmt.Errorf("signing key %q: %w", k.KID, err)
		}
		r.byKID[k.KID] = public
		shown, err := publicJWK(k.KID, &k.Private.PublicKey)
		if err != nil {
			return nil, err
		}
		set.Keys = append(set.Keys, shown)
	}
	var err error
	if r.jwks, err = json.Marshal(set); err != nil {
		return nil, fmt.Errorf("encode the JWKS: %w", err)
	}
	return r, nil
}

// Sign makes a compact JWS of the claims' JSON, with the active key. typ goes
// into the header and names the purpose, as "JWT" for the edi-token.
func (r *Ring) Sign(claims any, typ string) (string, error) {
	if r.active == nil {
		return "", ErrNoActiveKey
	}
	header, err := json.Marshal(struct {
		Alg Alg    `json:"alg"`
		Typ string `json:"typ"`
		KID string `json:"kid"`
	}{ES256, typ, r.active.KID})
	if err != nil {
		return "", fmt.Errorf("encode a token's header: %w", err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode a token's claims: %w", err)
	}
	input := b64.EncodeToString(header) + "." + b64.EncodeToString(payload)
	if len(input)+1+b64.EncodedLen(64) > maxToken {
		return "", fmt.Errorf("sign a token: longer than the %d bytes that are accepted back", maxToken)
	}
	digest := sha256.Sum256([]byte(input))
	rInt, sInt, err := ecdsa.Sign(rand.Reader, r.active.Private, digest[:])
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	var sig [64]byte // r and s, 32 bytes each (RFC 7518, section 3.4)
	rInt.FillBytes(sig[:32])
	sInt.FillBytes(sig[32:])
	return input + "." + b64.EncodeToString(sig[:]), nil
}

// JWKS gives the public keys, next, active and retiring, as a JWK Set. The
// caller must not change it.
func (r *Ring) JWKS() []byte { return r.jwks }

// Candidates implements KeySource: the key of that kid, and none for a token
// without one, since every token of a ring names its key.
func (r *Ring) Candidates(kid string) []PublicKey {
	if k, ok := r.byKID[kid]; ok {
		return []PublicKey{k}
	}
	return nil
}

// Source is a ring that can be replaced while others use it.
type Source struct{ ring atomic.Pointer[Ring] }

// NewSource makes a source that begins with r.
func NewSource(r *Ring) *Source {
	s := &Source{}
	s.ring.Store(r)
	return s
}

// Swap puts another ring in place; what runs ends with the old one.
func (s *Source) Swap(r *Ring) { s.ring.Store(r) }

// Ring gives the ring of this moment.
func (s *Source) Ring() *Ring { return s.ring.Load() }

// Sign signs with the ring of this moment.
func (s *Source) Sign(claims any, typ string) (string, error) { return s.Ring().Sign(claims, typ) }

// JWKS gives the JWK Set of this moment.
func (s *Source) JWKS() []byte { return s.Ring().JWKS() }

// Candidates implements KeySource.
func (s *Source) Candidates(kid string) []PublicKey { return s.Ring().Candidates(kid) }
