package password

import (
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // as other systems have it
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"hash"
	"strings"
)

// prf is the HMAC under PBKDF2, by the name of its hash.
type prf string

const (
	prfSHA1   prf = "sha1"
	prfSHA256 prf = "sha256"
	prfSHA512 prf = "sha512"
)

func (f prf) new() hash.Hash {
	switch f {
	case prfSHA1:
		return sha1.New() //nolint:gosec // as other systems have it
	case prfSHA512:
		return sha512.New()
	default:
		return sha256.New()
	}
}

func (f prf) size() int {
	switch f {
	case prfSHA1:
		return sha1.Size
	case prfSHA512:
		return sha512.Size
	default:
		return sha256.Size
	}
}

func (f prf) weight() float64 {
	switch f {
	case prfSHA1:
		return sha1Weight
	case prfSHA512:
		return sha512Weight
	default:
		return sha256Weight
	}
}

// pbkdf2Hash is RFC 8018, section 5.2, over the raw bytes of the password.
// HMAC fills a short key up with zeros, so NULs at the end of a password make
// no difference here.
type pbkdf2Hash struct {
	prf        prf
	iterations uint32
	salt, sum  []byte
}

// matches compares the first block of the output, 160 bits or more. Each
// further one is as much work again, which the honest side alone would do:
// whoever guesses passwords stops at the first. Keycloak's 64 bytes of SHA-1
// would take four times as long.
func (h pbkdf2Hash) matches(plain Plain) bool {
	want := h.sum[:min(len(h.sum), h.prf.size())]
	got, err := pbkdf2.Key(h.prf.new, string(plain.raw()), h.salt, int(h.iterations), len(want))
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1
}

func (pbkdf2Hash) current(Params) bool { return false }

func (h pbkdf2Hash) expense() expense {
	return expense{work: float64(h.iterations) * h.prf.weight()}
}

// pbkdf2Base64 is base64 without padding, and with "." where others have "+".
func pbkdf2Base64() *base64.Encoding {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./"
	return base64.NewEncoding(letters).WithPadding(base64.NoPadding)
}

// pbkdf2Scheme reads $pbkdf2$ (SHA-1), $pbkdf2-sha256$ and $pbkdf2-sha512$,
// followed by iterations$salt$hash: the form that passlib writes, and the one
// that FromKeycloak gives.
type pbkdf2Scheme struct{}

func (pbkdf2Scheme) parse(text string) (verifier, bool, error) {
	if !strings.HasPrefix(text, "$pbkdf2") {
		return nil, false, nil
	}
	parts := strings.Split(text, "$")
	if len(parts) != 5 {
		return nil, true, fmt.Errorf("%w: pbkdf2 wants $iterations$salt$hash", ErrFormat)
	}
	h := pbkdf2Hash{}
	switch parts[1] {
	case "pbkdf2":
		h.prf = prfSHA1
	case "pbkdf2-sha256":
		h.prf = prfSHA256
	case "pbkdf2-sha512":
		h.prf = prfSHA512
	default:
		return nil, true, fmt.Errorf("%w: of pbkdf2 usher knows SHA-1, SHA-256 and SHA-512", ErrFormat)
	}
	var ok bool
	if h.iterations, ok = decimal(parts[2]); !ok || h.iterations == 0 {
		return nil, true, fmt.Errorf("%w: pbkdf2 iterations", ErrFormat)
	}
	if h.salt, ok = decode(pbkdf2Base64(), parts[3], 8, 64); !ok {
		return nil, true, fmt.Errorf("%w: pbkdf2 salt is not 8 to 64 bytes of base64 with dots", ErrFormat)
	}
	if h.sum, ok = decode(pbkdf2Base64(), parts[4], 16, 64); !ok {
		return nil, true, fmt.Errorf("%w: pbkdf2 hash is not 16 to 64 bytes of base64 with dots", ErrFormat)
	}
	return h, true, nil
}
