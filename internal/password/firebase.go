package password

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// firebaseHash is Firebase's own use of scrypt: the key it derives encrypts
// the project's signer key (AES-256, counter mode from zero), and what comes
// out is the hash (github.com/firebase/scrypt).
type firebaseHash struct {
	scryptCosts
	salt   []byte // the user's, then the project's separator
	sum    []byte
	signer []byte
}

func (h firebaseHash) matches(plain Plain) bool {
	const aes256 = 32
	key, err := h.key(plain, h.salt, aes256)
	if err != nil {
		return false
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return false
	}
	got := make([]byte, len(h.signer))
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(got, h.signer) //nolint:gosec // the counter begins at zero there
	return subtle.ConstantTimeCompare(got, h.sum) == 1
}

func (firebaseHash) current(Params) bool { return false }

// firebaseScheme reads $firescrypt$ln=…,r=…,p=1$salt$hash$separator$signer,
// which Ory Kratos reads too. The base64 is padded, as Firebase exports it; ln
// is its mem_cost and r its rounds.
type firebaseScheme struct{}

func (firebaseScheme) parse(text string) (verifier, bool, error) {
	if !strings.HasPrefix(text, "$firescrypt$") {
		return nil, false, nil
	}
	parts := strings.Split(text, "$")
	if len(parts) != 7 {
		return nil, true, fmt.Errorf("%w: firescrypt wants $ln=…,r=…,p=…$salt$hash$separator$signer key", ErrFormat)
	}
	n, ok := costs(parts[2], [3]string{"ln", "r", "p"})
	if !ok {
		return nil, true, fmt.Errorf("%w: firescrypt wants ln, r and p", ErrFormat)
	}
	h := firebaseHash{}
	var err error
	if h.scryptCosts, err = scryptLog(n[0], n[1], n[2]); err != nil {
		return nil, true, err
	}
	b64 := base64.StdEncoding
	salt, okSalt := decode(b64, parts[3], 1, 64)
	separator, okSeparator := decode(b64, parts[5], 0, 16)
	if !okSalt || !okSeparator {
		return nil, true, fmt.Errorf("%w: firescrypt salt or separator is not base64 of 1 to 64 or 0 to 16 bytes", ErrFormat)
	}
	h.salt = slices.Concat(salt, separator)
	if h.sum, ok = decode(b64, parts[4], 16, 64); !ok {
		return nil, true, fmt.Errorf("%w: firescrypt hash is not 16 to 64 bytes of base64", ErrFormat)
	}
	if h.signer, ok = decode(b64, parts[6], 16, 64); !ok || len(h.signer) != len(h.sum) {
		return nil, true, fmt.Errorf("%w: firescrypt signer key is not base64 as long as the hash", ErrFormat)
	}
	return h, true, nil
}
