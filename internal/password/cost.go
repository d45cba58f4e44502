package password

import (
	"fmt"
	"math"
)

// expense is what one computation of a hash takes. Floats, because the numbers
// in a hostile text multiply to more than an integer holds.
type expense struct {
	// work is CPU time, as a multiple of a hash with DefaultParams.
	work float64
	// memory is in bytes.
	memory float64
}

// What a sign-in may cost. Without the limits a file of imported hashes could
// make each sign-in of its users take a gigabyte, or a minute.
const (
	maxWork = 10
	// The KiB beyond are what scrypt keeps beside its table, so that
	// ln=16,r=8 is within.
	maxBytes = 64<<20 + 16<<10
)

// Weights, in default hashes. They lie between what two processors took, one
// with SHA extensions and one with faster memory, and are right within a third.
const (
	bcryptWeight      = 9.6 / (1 << 12)            // per 2^cost
	sha1Weight        = 0.65 / 100_000             // per iteration of PBKDF2
	sha256Weight      = 0.65 / 100_000             //
	sha512Weight      = 1.9 / 100_000              //
	scryptBlockWeight = 1.8 / ((1 << 14) * 8)      // per N·r·p
	argonWeight       = 1 / float64(defaultPasses) // per KiB and pass
)

const defaultPasses = defaultMemory * defaultTime

func (e expense) check() error {
	switch {
	case e.memory > maxBytes:
		return fmt.Errorf("%w: takes more than 64 MiB", ErrCost)
	case e.work > maxWork:
		return fmt.Errorf("%w: takes more than %d times as long as usher's own", ErrCost, maxWork)
	}
	return nil
}

// remainder gives the parameters of a computation that takes what a hash under
// p would take beyond e; false where that is nothing worth computing.
func (p Params) remainder(e expense) (Params, bool) {
	whole := p.expense().work
	rest := whole - e.work
	// A hundredth is less than the weights are exact.
	if rest < whole/100 {
		return Params{}, false
	}
	p.Memory = max(uint32(math.Round(float64(p.Memory)*rest/whole)), minMemory*uint32(p.Threads))
	return p, true
}
