package token

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// opaqueBytes is the randomness of an opaque token: 160 bits, which the
// contracts show as 40 lower-case hex characters.
const opaqueBytes = 20

// ErrOpaque refuses what is not an opaque token by its form alone.
var ErrOpaque = errors.New("not an opaque token")

// NewOpaque makes an access, refresh or mailed token: the text for the client
// and its SHA-256 for the store. rand is crypto/rand.Reader outside of tests.
func NewOpaque(rand io.Reader) (plain string, hash [32]byte, err error) {
	var raw [opaqueBytes]byte
	if _, err := io.ReadFull(rand, raw[:]); err != nil {
		return "", hash, fmt.Errorf("make an opaque token: %w", err)
	}
	plain = hex.EncodeToString(raw[:])
	return plain, sha256.Sum256([]byte(plain)), nil
}

// HashOpaque gives the SHA-256 of a token that a client sent. Anything but 40
// lower-case hex characters is ErrOpaque, so that a token has one text only.
func HashOpaque(plain string) ([]byte, error) {
	if len(plain) != 2*opaqueBytes {
		return nil, ErrOpaque
	}
	for i := range len(plain) {
		if c := plain[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return nil, ErrOpaque
		}
	}
	sum := sha256.Sum256([]byte(plain))
	return sum[:], nil
}
