package password

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// maxBcryptInput is where bcrypt stops reading. The originals ignored what
// came after, so that two passwords could open one account; usher refuses.
const maxBcryptInput = 72

// bcryptText leaves out $2$ and $2x$, whose algorithms differ.
var bcryptText = regexp.MustCompile(`^\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$`)

// bcryptHash is over the raw bytes of the password, or over what prepare makes
// of them. A NUL is a byte like any other, as it is to the libraries in use
// (node.bcrypt.js since 5.0, pyca bcrypt since 4.0).
type bcryptHash struct {
	text    []byte
	cost    int
	prepare func([]byte) []byte // nil: as typed
}

func (h bcryptHash) matches(plain Plain) bool {
	input := plain.raw()
	if h.prepare != nil {
		input = h.prepare(input)
	}
	fits := len(input) <= maxBcryptInput
	if !fits {
		// Computed all the same, so that the answer takes as long.
		input = input[:maxBcryptInput]
	}
	return bcrypt.CompareHashAndPassword(h.text, input) == nil && fits
}

func (bcryptHash) current(Params) bool { return false }

func (h bcryptHash) expense() expense {
	return expense{work: math.Exp2(float64(h.cost)) * bcryptWeight, memory: 4 << 10}
}

type bcryptScheme struct{}

func (bcryptScheme) parse(text string) (verifier, bool, error) {
	if !strings.HasPrefix(text, "$2") {
		return nil, false, nil
	}
	h, err := parseBcrypt(text)
	return h, true, err
}

func parseBcrypt(text string) (bcryptHash, error) {
	m := bcryptText.FindStringSubmatch(text)
	if m == nil {
		return bcryptHash{}, fmt.Errorf("%w: bcrypt wants $2a$, $2b$ or $2y$, a two-digit cost and 53 characters", ErrFormat)
	}
	cost, err := strconv.Atoi(m[1])
	if err != nil || cost < bcrypt.MinCost || cost > bcrypt.MaxCost {
		return bcryptHash{}, fmt.Errorf("%w: bcrypt cost is not %d to %d", ErrFormat, bcrypt.MinCost, bcrypt.MaxCost)
	}
	return bcryptHash{text: []byte(text), cost: cost}, nil
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
