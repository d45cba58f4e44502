package token

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

const keySize = 32

// Refusals of Open and of keys.
var (
	ErrKEK      = errors.New("key encryption key is not 32 bytes in hex or base64")
	ErrWrongKEK = errors.New("sealed under another key encryption key")
	ErrTampered = errors.New("sealed value was altered or belongs elsewhere")
)

// KEK wraps the secrets that live in the database: whoever has only the
// database has none of them.
type KEK struct {
	secret [keySize]byte
	aead   cipher.AEAD
	id     [8]byte
}

// NewKEK makes a KEK from 32 random bytes.
func NewKEK(secret []byte) (*KEK, error) {
	if len(secret) != keySize {
		return nil, fmt.Errorf("%w: got %d bytes", ErrKEK, len(secret))
	}
	if subtle.ConstantTimeCompare(secret, make([]byte, keySize)) == 1 {
		return nil, fmt.Errorf("%w: all zero", ErrKEK)
	}
	k := &KEK{secret: [keySize]byte(secret)}
	sealing, err := k.DeriveKey("usher seal v1")
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return nil, fmt.Errorf("make the sealing cipher: %w", err)
	}
	if k.aead, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return nil, fmt.Errorf("make the sealing cipher: %w", err)
	}
	id, err := k.DeriveKey("usher kek id v1")
	if err != nil {
		return nil, err
	}
	k.id = [8]byte(id)
	return k, nil
}

// ParseKEK reads a KEK as a file or variable holds it: 64 hex characters, or
// standard or URL base64. Raw bytes are refused: 32 typed characters would
// pass for a key.
func ParseKEK(text string) (*KEK, error) {
	text = strings.TrimSpace(text)
	if raw, err := hex.DecodeString(text); err == nil {
		return NewKEK(raw)
	}
	text = strings.TrimRight(text, "=")
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if raw, err := enc.DecodeString(text); err == nil {
			return NewKEK(raw)
		}
	}
	return nil, ErrKEK
}

// ID names the KEK without revealing it: 16 hex characters.
func (k *KEK) ID() string { return hex.EncodeToString(k.id[:]) }

// String keeps the secret out of logs.
func (k *KEK) String() string { return "kek " + k.ID() }

// GoString keeps the secret out of %#v.
func (k *KEK) GoString() string { return k.String() }

// DeriveKey makes the 32-byte key for one purpose, as "edi cursor".
func (k *KEK) DeriveKey(label string) ([]byte, error) { return DeriveKey(k.secret[:], label) }

// DeriveKey makes a 32-byte key for one purpose out of a secret (RFC 5869,
// SHA-256, no salt, the label as info). Keys of different labels tell nothing
// about each other, so a token of one purpose is never good for another.
func DeriveKey(secret []byte, label string) ([]byte, error) {
	if len(secret) < 16 {
		return nil, fmt.Errorf("derive key %q: secret of %d bytes", label, len(secret))
	}
	key, err := hkdf.Key(sha256.New, secret, nil, label, keySize)
	if err != nil {
		return nil, fmt.Errorf("derive key %q: %w", label, err)
	}
	return key, nil
}

// A sealed value is version (1 byte), KEK id (8), nonce (12), ciphertext, tag
// (16).
const (
	sealVersion  = 1
	sealHeader   = 1 + 8
	sealOverhead = sealHeader + 12 + 16
)

// Seal encrypts and authenticates plain with AES-256-GCM. The context, such
// as purpose, realm and name, is bound to it: Open wants the same.
func (k *KEK) Seal(plain []byte, context ...string) []byte {
	out := make([]byte, sealHeader, sealOverhead+len(plain))
	out[0] = sealVersion
	copy(out[1:], k.id[:])
	return k.aead.Seal(out, nil, plain, bind(out[:sealHeader], context)) //nolint:gosec // this AEAD draws its own nonce
}

// Made says whether something was sealed by this key, without opening it.
func (k *KEK) Made(sealed []byte) bool {
	return len(sealed) >= sealOverhead && sealed[0] == sealVersion && [8]byte(sealed[1:sealHeader]) == k.id
}

// Open undoes Seal. Errors are ErrWrongKEK and ErrTampered.
func (k *KEK) Open(sealed []byte, context ...string) ([]byte, error) {
	if len(sealed) < sealOverhead || sealed[0] != sealVersion {
		return nil, ErrTampered
	}
	if [8]byte(sealed[1:sealHeader]) != k.id {
		return nil, ErrWrongKEK
	}
	plain, err := k.aead.Open(nil, nil, sealed[sealHeader:], bind(sealed[:sealHeader], context))
	if err != nil {
		return nil, ErrTampered
	}
	return plain, nil
}

// bind makes the additional data; lengths keep ("ab","c") from ("a","bc").
func bind(header []byte, context []string) []byte {
	aad := append([]byte(nil), header...)
	for _, c := range context {
		aad = binary.AppendUvarint(aad, uint64(len(c)))
		aad = append(aad, c...)
	}
	return aad
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return b
}
