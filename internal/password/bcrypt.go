package password

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"golang.org/x/crypto/bcrypt"
)

// maxBcryptInput is where bcrypt stops reading. The originals ignored what
// came after, so that two passwords could open one account; usher refuses.
const maxBcryptInput = 72

// maxBcryptCost allows about 1.5 s of one core; each step doubles it.
const maxBcryptCost = 14

// bcryptText leaves out $2$ and $2x$, whose algorithms differ.
var bcryptText = regexp.MustCompile(`^\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$`)

// bcryptHash is over the raw bytes of the password. A NUL is a byte like any
// other, as it is to the libraries in use (node.bcrypt.js since 5.0, pyca
// bcrypt since 4.0).
type bcryptHash struct{ text []byte }

func (h bcryptHash) matches(plain Plain) bool {
	input := plain.raw()
	fits := len(input) <= maxBcryptInput
	if !fits {
		// Computed all the same, so that the answer takes as long.
		input = input[:maxBcryptInput]
	}
	return bcrypt.CompareHashAndPassword(h.text, input) == nil && fits
}

func (bcryptHash) current(Params) bool { return false }

type bcryptScheme struct{}

func (bcryptScheme) parse(text string) (verifier, bool, error) {
	if len(text) < 2 || text[:2] != "$2" {
		return nil, false, nil
	}
	m := bcryptText.FindStringSubmatch(text)
	if m == nil {
		return nil, true, fmt.Errorf("%w: bcrypt wants $2a$, $2b$ or $2y$, a two-digit cost and 53 characters", ErrFormat)
	}
	cost, err := strconv.Atoi(m[1])
	if err != nil || cost < bcrypt.MinCost {
		return nil, true, fmt.Errorf("%w: bcrypt cost below %d", ErrFormat, bcrypt.MinCost)
	}
	if cost > maxBcryptCost {
		return nil, true, fmt.Errorf("%w: bcrypt cost above %d", ErrCost, maxBcryptCost)
	}
	return bcryptHash{text: []byte(text)}, true, nil
}

// ErrBcryptTooLong refuses an echo of a password over 72 bytes.
var ErrBcryptTooLong = errors.New("password is longer than bcrypt's 72 bytes")

// echoCost is what the partner contract shows.
const echoCost = 6

// newEcho makes the hash of the partner door's answer. Go writes $2a$ for
// what is the $2b$ algorithm.
func newEcho(plain Plain) (string, error) {
	text, err := bcrypt.GenerateFromPassword(plain.raw(), echoCost)
	if err != nil {
		return "", fmt.Errorf("make a bcrypt echo: %w", err)
	}
	text[2] = 'b'
	return string(text), nil
}
