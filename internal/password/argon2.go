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

// DefaultParams are those of ASVS 5.0, appendix C: 19 MiB, two passes, one
// thread.
func DefaultParams() Params { return Params{Memory: 19456, Time: 2, Threads: 1} }

// Bounds on argon2 parameters, own and imported. Without them an import file
// could make each sign-in of a user take a gigabyte.
const (
	maxMemory  = 64 << 10 // KiB
	maxTime    = 10
	maxThreads = 4
)

func (p Params) check() error {
	switch {
	case p.Threads < 1 || p.Time < 1 || p.Memory < 8*uint32(p.Threads):
		return fmt.Errorf("%w: argon2 parameters below the minimum of RFC 9106", ErrFormat)
	case p.Memory > maxMemory || p.Time > maxTime || p.Threads > maxThreads:
		return fmt.Errorf("%w: argon2 allows m ≤ %d KiB, t ≤ %d, p ≤ %d", ErrCost, maxMemory, maxTime, maxThreads)
	}
	return nil
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
	salt, sum []byte
}

func (h argonHash) own() bool { return bytes.HasPrefix(h.salt, []byte(ownSalt)) }

func (h argonHash) matches(plain Plain) bool {
	input := plain.raw()
	if h.own() {
		input = plain.normal()
	}
	got := argon2.IDKey(input, h.salt, h.Time, h.Memory, h.Threads, uint32(len(h.sum)))
	return subtle.ConstantTimeCompare(got, h.sum) == 1
}

func (h argonHash) current(now Params) bool {
	return h.own() && h.Params == now && len(h.sum) == argonLength
}

// newArgon makes one of usher's own hashes.
func newArgon(plain Plain, p Params) Hash {
	salt := make([]byte, len(ownSalt)+saltLength)
	copy(salt, ownSalt)
	_, _ = rand.Read(salt[len(ownSalt):]) // never fails: crypto/rand ends the process instead
	h := argonHash{Params: p, salt: salt}
	h.sum = argon2.IDKey(plain.normal(), salt, p.Time, p.Memory, p.Threads, argonLength)
	b64 := base64.RawStdEncoding
	text := fmt.Sprintf("%sv=%d$m=%d,t=%d,p=%d$%s$%s", argonPrefix, argon2.Version,
		p.Memory, p.Time, p.Threads, b64.EncodeToString(salt), b64.EncodeToString(h.sum))
	return Hash{text: text, v: h}
}

// argonScheme reads argon2id in the PHC string format, version 19 (0x13).
type argonScheme struct{}

func (argonScheme) parse(text string) (verifier, bool, error) {
	rest, mine := strings.CutPrefix(text, argonPrefix)
	if !mine {
		return nil, false, nil
	}
	parts := strings.Split(rest, "$")
	if len(parts) != 4 || parts[0] != "v="+strconv.Itoa(argon2.Version) {
		return nil, true, fmt.Errorf("%w: argon2id wants $v=19$m=…,t=…,p=…$salt$hash", ErrFormat)
	}
	h := argonHash{}
	var err error
	if h.Params, err = parseCosts(parts[1]); err != nil {
		return nil, true, err
	}
	// Strict: no unused bits, so that a hash has one text only.
	b64 := base64.RawStdEncoding.Strict()
	if h.salt, err = b64.DecodeString(parts[2]); err != nil || len(h.salt) < 8 || len(h.salt) > 64 {
		return nil, true, fmt.Errorf("%w: argon2id salt is not 8 to 64 bytes of base64", ErrFormat)
	}
	if h.sum, err = b64.DecodeString(parts[3]); err != nil || len(h.sum) < 16 || len(h.sum) > 64 {
		return nil, true, fmt.Errorf("%w: argon2id hash is not 16 to 64 bytes of base64", ErrFormat)
	}
	if b64.EncodeToString(h.salt) != parts[2] || b64.EncodeToString(h.sum) != parts[3] {
		return nil, true, fmt.Errorf("%w: argon2id base64 is not canonical", ErrFormat)
	}
	return h, true, nil
}

// parseCosts reads "m=…,t=…,p=…", in that order, as the PHC format has it.
func parseCosts(s string) (Params, error) {
	fields := strings.Split(s, ",")
	if len(fields) != 3 {
		return Params{}, fmt.Errorf("%w: argon2id wants m, t and p", ErrFormat)
	}
	var n [3]uint32
	for i, name := range [...]string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(fields[i], name)
		v, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil || strconv.FormatUint(v, 10) != digits {
			return Params{}, fmt.Errorf("%w: argon2id parameter %s", ErrFormat, name[:1])
		}
		n[i] = uint32(v)
	}
	if n[2] > maxThreads {
		return Params{}, fmt.Errorf("%w: argon2 allows p ≤ %d", ErrCost, maxThreads)
	}
	p := Params{Memory: n[0], Time: n[1], Threads: uint8(n[2])}
	return p, p.check()
}
