package password

import (
	"errors"
	"fmt"
)

// Refusals of ParseHash.
var (
	// ErrFormat: no scheme knows the text, or it is malformed.
	ErrFormat = errors.New("unknown or malformed password hash")
	// ErrCost: computing it would cost more than usher spends on a sign-in.
	ErrCost = errors.New("password hash with excessive cost parameters")
)

// maxHashText bounds what ParseHash looks at.
const maxHashText = 512

// Hash is a stored hash that has been read and found affordable. The zero Hash
// stands for a user without a password: Verify spends the usual time on it and
// it never matches.
type Hash struct {
	text string
	v    verifier
}

// String gives the text to keep. It is a secret, if a lesser one.
func (h Hash) String() string { return h.text }

// IsZero tells a user without a password.
func (h Hash) IsZero() bool { return h.v == nil }

// scheme is one family of stored hashes. A new one is a file with its scheme
// and a line in schemes.
type scheme interface {
	// parse reads text; mine is false where it belongs to another family. It
	// vouches for the form; whether the hash is affordable is for ParseHash.
	parse(text string) (v verifier, mine bool, err error)
}

// verifier is one stored hash of a scheme.
type verifier interface {
	// matches makes exactly one computation, whatever plain is.
	matches(plain Plain) bool
	// current says whether a hash made now under these parameters would be no
	// better; a foreign hash never is.
	current(now Params) bool
	// expense is what matches takes, roughly.
	expense() expense
}

func schemes() []scheme {
	return []scheme{
		argonScheme{},
		bcryptScheme{},
		pbkdf2Scheme{},
		scryptScheme{},
		firebaseScheme{},
		djangoScheme{},
		ldapScheme{},
	}
}

// ParseHash reads a hash from the store or from another system. It is the
// check at import: docs/password-hashes.md lists the forms and the bounds. One
// check takes at most twenty times what usher's own takes by default, and 128
// MiB. Errors wrap ErrFormat or ErrCost and never contain the text.
func ParseHash(text string) (Hash, error) {
	if len(text) > maxHashText {
		return Hash{}, fmt.Errorf("%w: longer than %d bytes", ErrFormat, maxHashText)
	}
	for _, s := range schemes() {
		v, mine, err := s.parse(text)
		if !mine {
			continue
		}
		if err == nil {
			err = v.expense().within(importBudget())
		}
		if err != nil {
			return Hash{}, err
		}
		return Hash{text: text, v: v}, nil
	}
	return Hash{}, ErrFormat
}
