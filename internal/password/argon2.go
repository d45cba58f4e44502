package password

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Params are the costs of usher's own hashes.
type Params struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

const (
	defaultMemory = 19456
	defaultTime   = 2
)

// DefaultParams are those of ASVS 5.0, appendix C: 19 MiB, two passes, one
// thread.
func DefaultParams() Params { return Params{Memory: defaultMemory, Time: defaultTime, Threads: 1} }

const minMemory = 8 // KiB for each thread (RFC 9106, section 3.1)

// ownBounds and importBounds are the most of each argon2 parameter, for
// usher's own hashes and for those of other systems, beside the budgets.
func ownBounds() Params    { return Params{Memory: 64 << 10, Time: 10, Threads: 4} }
func importBounds() Params { return Params{Memory: 128 << 10, Time: 10, Threads: 16} }

// check is for the costs of usher's own hashes.
func (p Params) check() error {
	if err := p.within(ownBounds()); err != nil {
		return err
	}
	return p.expense().within(ownBudget())
}

func (p Params) within(most Params) error {
	switch {
	case p.Threads < 1 || p.Time < 1 || p.Memory < minMemory*uint32(p.Threads):
		return fmt.Errorf("%w: argon2 parameters below the minimum of RFC 9106", ErrFormat)
	case p.Memory > most.Memory || p.Time > most.Time || p.Threads > most.Threads:
		return fmt.Errorf("%w: argon2 allows m ≤ %d KiB, t ≤ %d, p ≤ %d", ErrCost, most.Memory, most.Time, most.Threads)
	}
	return nil
}

func (p Params) expense() expense {
	return expense{work: float64(p.Memory) * float64(p.Time) * argonWeight, memory: float64(p.Memory) * 1024}
}

const (
	argonPrefix = "$argon2id$"
	argonLength = 32 // bytes of hash
	saltLength  = 16 // random bytes of salt
)

// ownSalt begins the salt of every hash that usher made, over the NFKC form.
// It tells them from argon2id hashes of other systems, which are over raw
// bytes, and stays within the PHC format, so that other programs can verify
// usher's hashes and an export can be imported again.
const ownSalt = "nfkc"

type argonHash struct {
	Params
	derive    argonVariant
	own       bool
	salt, sum []byte
}

// argonVariant is argon2.IDKey, or an arena's, or argon2.Key.
type argonVariant func(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte

func (h argonHash) matches(plain Plain) bool {
	input := plain.raw()
	if h.own {
		input = plain.normal()
	}
	got := h.derive(input, h.salt, h.Time, h.Memory, h.Threads, uint32(len(h.sum)))
	return subtle.ConstantTimeCompare(got, h.sum) == 1
}

func (h argonHash) current(now Params) bool {
	return h.own && h.Params == now && len(h.sum) == argonLength
}

// newArgon makes one of usher's own hashes, by a variant of argon2id.
func newArgon(plain Plain, p Params, derive argonVariant) Hash {
	salt := make([]byte, len(ownSalt)+saltLength)
	copy(salt, ownSalt)
	_, _ = rand.Read(salt[len(ownSalt):]) // never fails: crypto/rand ends the process instead
	h := argonHash{Params: p, derive: derive, own: true, salt: salt}
	h.sum = derive(plain.normal(), salt, p.Time, p.Memory, p.Threads, argonLength)
	b64 := base64.RawStdEncoding
	text := fmt.Sprintf("%sv=%d$m=%d,t=%d,p=%d$%s$%s", argonPrefix, argon2.Version,
		p.Memory, p.Time, p.Threads, b64.EncodeToString(salt), b64.EncodeToString(h.sum))
	return Hash{text: text, v: h}
}

// argonScheme reads argon2id and argon2i in the PHC string format, version 19
// (0x13). argon2d is refused: it is not meant for passwords (RFC 9106, section
// 4), and golang.org/x/crypto leaves it out.
type argonScheme struct{}

func (argonScheme) parse(text string) (verifier, bool, error) {
	if !strings.HasPrefix(text, "$argon2") {
		return nil, false, nil
	}
	h, err := parseArgon(text)
	if err != nil {
		return nil, true, err
	}
	h.own = strings.HasPrefix(text, argonPrefix) && bytes.HasPrefix(h.salt, []byte(ownSalt))
	return h, true, nil
}

// parseArgon reads a hash as one of another system.
func parseArgon(text string) (argonHash, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return argonHash{}, fmt.Errorf("%w: argon2 wants $v=19$m=…,t=…,p=…$salt$hash", ErrFormat)
	}
	h := argonHash{}
	switch parts[1] {
	case "argon2id":
		h.derive = argon2.IDKey
	case "argon2i":
		h.derive = argon2.Key
	default:
		return argonHash{}, fmt.Errorf("%w: of argon2 usher knows argon2id and argon2i", ErrFormat)
	}
	n, ok := costs(parts[3], [3]string{"m", "t", "p"})
	if !ok {
		return argonHash{}, fmt.Errorf("%w: argon2 wants m, t and p", ErrFormat)
	}
	most := importBounds()
	if n[2] > uint32(most.Threads) {
		return argonHash{}, fmt.Errorf("%w: argon2 allows p ≤ %d", ErrCost, most.Threads)
	}
	h.Params = Params{Memory: n[0], Time: n[1], Threads: uint8(n[2])}
	if err := h.within(most); err != nil {
		return argonHash{}, err
	}
	if h.salt, ok = decode(base64.RawStdEncoding, parts[4], 8, 64); !ok {
		return argonHash{}, fmt.Errorf("%w: argon2 salt is not 8 to 64 bytes of base64", ErrFormat)
	}
	if h.sum, ok = decode(base64.RawStdEncoding, parts[5], 16, 64); !ok {
		return argonHash{}, fmt.Errorf("%w: argon2 hash is not 16 to 64 bytes of base64", ErrFormat)
	}
	return h, nil
}
