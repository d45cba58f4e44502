package password

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// scryptCosts are N, r and p of RFC 7914, section 2.
type scryptCosts struct {
	n    uint64 // a power of two
	r, p uint32
}

// scryptLog takes N by its logarithm.
func scryptLog(ln, r, p uint32) (scryptCosts, error) {
	// Beyond 2^63 it is out of all bounds anyway.
	return scryptCosts{n: 1 << min(ln, 63), r: r, p: p}.checked()
}

func (c scryptCosts) checked() (scryptCosts, error) {
	if c.n < 2 || c.n&(c.n-1) != 0 || c.r < 1 || c.p < 1 {
		return scryptCosts{}, fmt.Errorf("%w: scrypt wants N a power of two above 1, r and p above 0", ErrFormat)
	}
	return c, nil
}

func (c scryptCosts) expense() expense {
	n, r, p := float64(c.n), float64(c.r), float64(c.p)
	return expense{work: n * r * p * scryptBlockWeight, memory: 128 * r * (n + p + 2)}
}

func (c scryptCosts) key(plain Plain, salt []byte, length int) ([]byte, error) {
	return scrypt.Key(plain.raw(), salt, int(c.n), int(c.r), int(c.p), length)
}

// scryptHash is over the raw bytes of the password, with the same blindness to
// NULs at the end as pbkdf2Hash.
type scryptHash struct {
	scryptCosts
	salt, sum []byte
}

func (h scryptHash) matches(plain Plain) bool {
	got, err := h.key(plain, h.salt, len(h.sum))
	return err == nil && subtle.ConstantTimeCompare(got, h.sum) == 1
}

func (scryptHash) current(Params) bool { return false }

// scryptScheme reads the PHC string format.
type scryptScheme struct{}

func (scryptScheme) parse(text string) (verifier, bool, error) {
	if !strings.HasPrefix(text, "$scrypt$") {
		return nil, false, nil
	}
	parts := strings.Split(text, "$")
	if len(parts) != 5 {
		return nil, true, fmt.Errorf("%w: scrypt wants $ln=…,r=…,p=…$salt$hash", ErrFormat)
	}
	n, ok := costs(parts[2], [3]string{"ln", "r", "p"})
	if !ok {
		return nil, true, fmt.Errorf("%w: scrypt wants ln, r and p", ErrFormat)
	}
	h := scryptHash{}
	var err error
	if h.scryptCosts, err = scryptLog(n[0], n[1], n[2]); err != nil {
		return nil, true, err
	}
	if h.salt, ok = decode(base64.RawStdEncoding, parts[3], 8, 64); !ok {
		return nil, true, fmt.Errorf("%w: scrypt salt is not 8 to 64 bytes of base64", ErrFormat)
	}
	if h.sum, ok = decode(base64.RawStdEncoding, parts[4], 16, 64); !ok {
		return nil, true, fmt.Errorf("%w: scrypt hash is not 16 to 64 bytes of base64", ErrFormat)
	}
	return h, true, nil
}
