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

// budget is what one computation may cost.
type budget struct {
	work   float64 // default hashes
	memory float64 // bytes
}

// ownBudget bounds the costs that an operator can choose.
func ownBudget() budget { return budget{work: 10, memory: 64 << 20} }

// importBudget bounds the hashes of other systems. Without it a file of them
// could make each sign-in of its users take a gigabyte, or a minute. It is as
// narrow as the defaults in use allow: bcrypt of cost 13 (Symfony) takes 19
// default hashes, argon2 as Django has it 100 MiB, and scrypt of ln=17,r=8
// takes 128 MiB and the few KiB that it keeps beside its table.
func importBudget() budget { return budget{work: 20, memory: 128<<20 + 16<<10} }

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

func (e expense) within(b budget) error {
	switch {
	case e.memory > b.memory:
		return fmt.Errorf("%w: takes more than %d MiB", ErrCost, int(b.memory)>>20)
	case e.work > b.work:
		return fmt.Errorf("%w: takes more than %g times as long as usher's own by default", ErrCost, b.work)
	}
	return nil
}

// large tells a computation that takes more memory than any of usher's own.
func (e expense) large() bool { return e.memory > ownBudget().memory }

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
