package password

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// djangoScheme reads what Django keeps in auth_user.password: the name of the
// hasher, and what that hasher writes (django/contrib/auth/hashers.py). Salts
// are text, not base64, and an argon2 salt is never taken for usher's own.
// Accounts without a password ("!…") and the unsalted and MD5 hashers are
// refused.
type djangoScheme struct{}

func (djangoScheme) parse(text string) (verifier, bool, error) {
	name, rest, _ := strings.Cut(text, "$")
	var v verifier
	var err error
	switch name {
	case "pbkdf2_sha256":
		v, err = djangoPBKDF2(rest, prfSHA256)
	case "pbkdf2_sha1":
		v, err = djangoPBKDF2(rest, prfSHA1)
	case "argon2":
		v, err = parseArgon("$" + rest)
	case "bcrypt_sha256":
		var h bcryptHash
		h, err = parseBcrypt(rest)
		h.prepare = hexSHA256
		v = h
	case "bcrypt":
		v, err = parseBcrypt(rest)
	case "scrypt":
		v, err = djangoScrypt(rest)
	default:
		return nil, false, nil
	}
	return v, true, err
}

// hexSHA256 keeps any password within what bcrypt reads.
func hexSHA256(b []byte) []byte {
	sum := sha256.Sum256(b)
	return hex.AppendEncode(nil, sum[:])
}

// djangoPBKDF2 reads iterations$salt$hash.
func djangoPBKDF2(text string, f prf) (verifier, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 3 {
		return nil, fmt.Errorf("%w: Django's pbkdf2 wants iterations$salt$hash", ErrFormat)
	}
	h := pbkdf2Hash{prf: f}
	var ok bool
	if h.iterations, ok = decimal(parts[0]); !ok || h.iterations == 0 {
		return nil, fmt.Errorf("%w: Django's pbkdf2 iterations", ErrFormat)
	}
	var err error
	if h.salt, err = djangoSalt(parts[1]); err != nil {
		return nil, err
	}
	if h.sum, ok = decode(base64.StdEncoding, parts[2], f.size(), f.size()); !ok {
		return nil, fmt.Errorf("%w: Django's pbkdf2 hash is not %d bytes of base64", ErrFormat, f.size())
	}
	return h, nil
}

const djangoScryptLength = 64

// djangoScrypt reads N$salt$r$p$hash.
func djangoScrypt(text string) (verifier, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 5 {
		return nil, fmt.Errorf("%w: Django's scrypt wants N$salt$r$p$hash", ErrFormat)
	}
	n, okN := decimal(parts[0])
	r, okR := decimal(parts[2])
	p, okP := decimal(parts[3])
	if !okN || !okR || !okP {
		return nil, fmt.Errorf("%w: Django's scrypt wants N, r and p as numbers", ErrFormat)
	}
	h := scryptHash{}
	var err error
	if h.scryptCosts, err = (scryptCosts{n: uint64(n), r: r, p: p}).checked(); err != nil {
		return nil, err
	}
	if h.salt, err = djangoSalt(parts[1]); err != nil {
		return nil, err
	}
	var ok bool
	if h.sum, ok = decode(base64.StdEncoding, parts[4], djangoScryptLength, djangoScryptLength); !ok {
		return nil, fmt.Errorf("%w: Django's scrypt hash is not 64 bytes of base64", ErrFormat)
	}
	return h, nil
}

func djangoSalt(text string) ([]byte, error) {
	outside := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(text) < 1 || len(text) > 64 || strings.ContainsFunc(text, outside) {
		return nil, fmt.Errorf("%w: Django's salt is not 1 to 64 printable characters", ErrFormat)
	}
	return []byte(text), nil
}
