package token

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// PublicKey checks signatures of one algorithm. (For HS256 it is the secret.)
type PublicKey struct {
	alg    Alg
	ec     *ecdsa.PublicKey
	rsa    *rsa.PublicKey
	ed     ed25519.PublicKey
	secret []byte
}

// Alg tells the one algorithm the key is good for.
func (k PublicKey) Alg() Alg { return k.alg }

// NewPublicKey ties a public key to an algorithm: ES256 to a P-256 key, EdDSA
// to an Ed25519 key, RS256 to an RSA key of 2048 to 8192 bits with an odd
// exponent above one whose modulus does not show the ROCA weakness.
func NewPublicKey(alg Alg, key crypto.PublicKey) (PublicKey, error) {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if alg == ES256 && k.Curve == elliptic.P256() {
			return PublicKey{alg: alg, ec: k}, nil
		}
	case *rsa.PublicKey:
		if alg == RS256 && soundRSA(k) {
			return PublicKey{alg: alg, rsa: k}, nil
		}
	case ed25519.PublicKey:
		if alg == EdDSA && len(k) == ed25519.PublicKeySize {
			return PublicKey{alg: alg, ed: k}, nil
		}
	}
	return PublicKey{}, fmt.Errorf("a %T does not fit %s, or is too weak for it", key, alg)
}

// NewSecret makes the key of an HS256 verifier: at least 32 bytes (RFC 7518,
// section 3.2). A Django SECRET_KEY has 50 characters.
func NewSecret(secret []byte) (PublicKey, error) {
	if len(secret) < 32 {
		return PublicKey{}, fmt.Errorf("an HS256 secret of %d bytes is too short", len(secret))
	}
	return PublicKey{alg: HS256, secret: append([]byte(nil), secret...)}, nil
}

// ParsePublicPEM reads one SPKI public key ("PUBLIC KEY") and gives the
// algorithm that its type stands for: P-256 ES256, RSA RS256, Ed25519 EdDSA.
// Anything after the key is refused.
func ParsePublicPEM(text []byte) (PublicKey, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return PublicKey{}, errors.New("not a PEM PUBLIC KEY")
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return PublicKey{}, errors.New("more than one PEM block")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return PublicKey{}, fmt.Errorf("read a public key: %w", err)
	}
	switch key.(type) {
	case *rsa.PublicKey:
		return NewPublicKey(RS256, key)
	case ed25519.PublicKey:
		return NewPublicKey(EdDSA, key)
	default:
		return NewPublicKey(ES256, key)
	}
}

func (k PublicKey) verify(signed string, signature []byte) bool {
	switch k.alg {
	case ES256:
		der, ok := derSignature(signature)
		digest := sha256.Sum256([]byte(signed))
		return ok && ecdsa.VerifyASN1(k.ec, digest[:], der)
	case RS256:
		digest := sha256.Sum256([]byte(signed))
		return rsa.VerifyPKCS1v15(k.rsa, crypto.SHA256, digest[:], signature) == nil
	case EdDSA:
		return ed25519.Verify(k.ed, []byte(signed), signature)
	case HS256:
		mac := hmac.New(sha256.New, k.secret)
		_, _ = mac.Write([]byte(signed))
		return subtle.ConstantTimeCompare(mac.Sum(nil), signature) == 1
	}
	return false
}

// derSignature turns the 64 bytes of a JWS signature (RFC 7518, section 3.4)
// into the form that crypto/ecdsa checks without a detour through big.Int.
func derSignature(sig []byte) ([]byte, bool) {
	if len(sig) != 64 {
		return nil, false
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addInteger(b, sig[:32])
		addInteger(b, sig[32:])
	})
	der, err := b.Bytes()
	return der, err == nil
}

func addInteger(b *cryptobyte.Builder, n []byte) {
	for len(n) > 1 && n[0] == 0 {
		n = n[1:]
	}
	b.AddASN1(asn1.INTEGER, func(b *cryptobyte.Builder) {
		if n[0]&0x80 != 0 {
			b.AddUint8(0)
		}
		b.AddBytes(n)
	})
}

// KeySource gives the keys that may have signed a token. kid is what the
// token says, or empty; it selects among the source's keys and nothing else.
type KeySource interface {
	Candidates(kid string) []PublicKey
}

// maxCandidates is how many keys of a token's algorithm are tried where the
// token names none.
const maxCandidates = 10

// SingleKey is the source of one key that was agreed on beforehand and has no
// name: a token that names a key was not signed by it.
type SingleKey PublicKey

// Candidates implements KeySource.
func (k SingleKey) Candidates(kid string) []PublicKey {
	if kid != "" {
		return nil
	}
	return []PublicKey{PublicKey(k)}
}

// UnnamedKey is the source of one key whatever the token calls it: for issuers
// that hand out a PEM file and put a kid of their own into the header.
type UnnamedKey PublicKey

// Candidates implements KeySource.
func (k UnnamedKey) Candidates(string) []PublicKey { return []PublicKey{PublicKey(k)} }
