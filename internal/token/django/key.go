package django

import (
	"errors"
	"fmt"
)

// ErrInvalid and ErrExpired are what reading a token ends in. The error's text
// adds a reason for the log that holds no part of the token.
var (
	ErrInvalid = errors.New("token is invalid")
	ErrExpired = errors.New("token has expired")
)

func invalid(why string) error { return fmt.Errorf("%w: %s", ErrInvalid, why) }

// ErrKey refuses a SECRET_KEY.
var ErrKey = errors.New("not a usable SECRET_KEY")

const (
	// minKey is the least size of an HS256 key (RFC 7518, section 3.2). Whoever
	// holds one token can try out keys at home, and this one key makes password
	// reset tokens too. Django generates 50 characters.
	minKey = 32 // bytes
	// minDistinct is where Django's deployment check begins to warn.
	minDistinct = 5
)

// Field is the original's USERNAME_FIELD: what its tokens name a user by.
type Field string

// The fields that the original is run with.
const (
	Email    Field = "email"    // pledge4future
	Username Field = "username" // as django-graphql-auth comes
)

// usable refuses a key and a field that no token should be made with.
func usable(key []byte, subject Field) error {
	if subject != Email && subject != Username {
		return fmt.Errorf("tokens name a user by %q or %q, not by %q", Email, Username, subject)
	}
	if len(key) < minKey {
		return fmt.Errorf("%w: it has %d bytes, and %d are the least", ErrKey, len(key), minKey)
	}
	var seen [256]bool
	distinct := 0
	for _, b := range key {
		if !seen[b] {
			seen[b] = true
			distinct++
		}
	}
	if distinct < minDistinct {
		return fmt.Errorf("%w: it has only %d different bytes", ErrKey, distinct)
	}
	return nil
}
