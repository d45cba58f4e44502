package password

import (
	"crypto/sha1" //nolint:gosec // as directories have it
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// ldapHash is one salted digest of the raw bytes, as directories keep it in
// userPassword. Nothing about it is slow, which is the best reason for the
// upgrade at the first sign-in.
type ldapHash struct {
	digest    func([]byte) []byte
	sum, salt []byte
}

func (h ldapHash) matches(plain Plain) bool {
	got := h.digest(slices.Concat(plain.raw(), h.salt))
	return subtle.ConstantTimeCompare(got, h.sum) == 1
}

func (ldapHash) current(Params) bool { return false }

func (ldapHash) expense() expense { return expense{} }

// ldapScheme reads {SSHA}, {SSHA256} and {SSHA512}, each followed by padded
// base64 of the digest and the salt after it.
type ldapScheme struct{}

func (ldapScheme) parse(text string) (verifier, bool, error) {
	rest, mine := strings.CutPrefix(text, "{")
	if !mine {
		return nil, false, nil
	}
	name, body, _ := strings.Cut(rest, "}")
	h := ldapHash{}
	var size int
	switch name {
	case "SSHA":
		size, h.digest = sha1.Size, func(b []byte) []byte { s := sha1.Sum(b); return s[:] } //nolint:gosec // as directories have it
	case "SSHA256":
		size, h.digest = sha256.Size, func(b []byte) []byte { s := sha256.Sum256(b); return s[:] }
	case "SSHA512":
		size, h.digest = sha512.Size, func(b []byte) []byte { s := sha512.Sum512(b); return s[:] }
	default:
		return nil, true, fmt.Errorf("%w: of LDAP's forms usher knows {SSHA}, {SSHA256} and {SSHA512}", ErrFormat)
	}
	both, ok := decode(base64.StdEncoding, body, size+4, size+64)
	if !ok {
		return nil, true, fmt.Errorf("%w: {%s} wants base64 of a digest and 4 to 64 bytes of salt", ErrFormat, name)
	}
	h.sum, h.salt = both[:size], both[size:]
	return h, true, nil
}
