package password

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
)

// maxInput is the longest password that is hashed at all, in bytes.
const maxInput = 1024

// ErrTooLong refuses to hash more than 1024 bytes; Rules.Check says so first,
// with the limit.
var ErrTooLong = errors.New("password is longer than 1024 bytes")

// Hasher makes and checks hashes, never more at once than it was built for.
// At usher's own parameters it holds 19 MiB for each that runs, and keeps them
// for the next. An imported one takes up to 64 MiB, which are the collector's
// afterwards; of those that take more, up to 128 MiB, two run at once at most.
type Hasher struct {
	params Params
	pool   *pool
	arena  arena // for usher's own hashes
	count  atomic.Uint64
	echoes atomic.Uint64
	fills  atomic.Uint64
}

// Verdict is what a check came to.
type Verdict struct {
	Match bool
	// NeedsUpgrade is set with Match alone: the caller should replace the hash
	// with one made now by Hash.
	NeedsUpgrade bool
	// Dear says, of right and wrong passwords alike, that the check took longer
	// than at one of usher's own hashes.
	Dear bool
}

// NewHasher makes a Hasher. A concurrency below 1 means GOMAXPROCS.
func NewHasher(p Params, concurrency int) (*Hasher, error) {
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("password parameters: %w", err)
	}
	if concurrency < 1 {
		concurrency = runtime.GOMAXPROCS(0)
	}
	return &Hasher{params: p, pool: newPool(concurrency)}, nil
}

// Hash makes a hash to keep, with the current parameters, over the NFKC form.
// It fails with a *BusyError, with the context's error while queued, and with
// ErrTooLong. Whether the password may be set is for Rules to say.
func (h *Hasher) Hash(ctx context.Context, plain Plain) (Hash, error) {
	if len(plain) > maxInput {
		return Hash{}, ErrTooLong
	}
	var out Hash
	err := h.compute(ctx, h.params.expense(), func() { out = newArgon(plain, h.params, h.arena.idKey) })
	return out, err
}

// Verify checks a password against a stored hash, in exactly one computation,
// also where the hash is zero or the password too long to be anybody's. The
// first sign-in with a foreign hash therefore takes two in all: this one, and
// the Hash that replaces it. Right or wrong, it takes as long at a hash that
// is cheaper than usher's as at usher's; at a dearer one it takes longer.
func (h *Hasher) Verify(ctx context.Context, plain Plain, stored Hash) (Verdict, error) {
	if stored.IsZero() {
		return Verdict{}, h.VerifyNone(ctx, plain)
	}
	long := len(plain) > maxInput
	if long {
		plain = plain[:maxInput]
	}
	match := false
	takes := stored.v.expense()
	takes.work = max(takes.work, h.params.expense().work)
	err := h.compute(ctx, takes, func() {
		v := stored.v
		if a, is := v.(argonHash); is && a.own && a.Memory <= h.params.Memory {
			a.derive = h.arena.idKey
			v = a
		}
		match = v.matches(plain) && !long
		h.fill(plain, stored.v.expense())
	})
	if err != nil {
		return Verdict{}, err
	}
	dear := stored.v.expense().work > dearer*h.params.expense().work
	return Verdict{Match: match, NeedsUpgrade: match && !stored.v.current(h.params), Dear: dear}, nil
}

// dearer is how many times as long as a current hash another must take for the
// difference to be more than that between two of a kind.
const dearer = 1.2

// fill spends what a current hash would have taken beyond e, so that a cheap
// hash does not show by time that it was there (security E6), nor whether it
// matched where the person is then kept out for another reason. It belongs to
// the computation it follows, and is not counted as another.
func (h *Hasher) fill(plain Plain, e expense) {
	if rest, worth := h.params.remainder(e); worth {
		h.fills.Add(1)
		_ = newArgon(plain, rest, h.arena.idKey)
	}
}

// VerifyNone takes as long as Verify with a current hash, where there is no
// user or no password, so that time does not tell (security E6).
func (h *Hasher) VerifyNone(ctx context.Context, plain Plain) error {
	if len(plain) > maxInput {
		plain = plain[:maxInput]
	}
	return h.compute(ctx, h.params.expense(), func() { _ = newArgon(plain, h.params, h.arena.idKey) })
}

// BcryptEcho makes the `$2b$06$…` hash that the partner contract wants in an
// answer. It is never stored. It queues like any other, and is counted by
// EchoCount alone. Over 72 bytes it fails with ErrBcryptTooLong.
func (h *Hasher) BcryptEcho(ctx context.Context, plain Plain) (string, error) {
	if len(plain) > maxBcryptInput {
		return "", ErrBcryptTooLong
	}
	var text string
	var made error
	if err := h.pool.do(ctx, bcryptHash{cost: echoCost}.expense(), func() {
		h.echoes.Add(1)
		text, made = newEcho(plain)
	}); err != nil {
		return "", err
	}
	return text, made
}

// Count tells how many computations Hash, Verify and VerifyNone have begun.
func (h *Hasher) Count() uint64 { return h.count.Load() }

// EchoCount tells how many BcryptEcho has begun.
func (h *Hasher) EchoCount() uint64 { return h.echoes.Load() }

// FillCount tells how many checks at a cheap hash were drawn out to the usual
// time.
func (h *Hasher) FillCount() uint64 { return h.fills.Load() }

func (h *Hasher) compute(ctx context.Context, takes expense, fn func()) error {
	return h.pool.do(ctx, takes, func() {
		h.count.Add(1)
		fn()
	})
}
