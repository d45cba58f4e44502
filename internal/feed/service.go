package feed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Passwords hashes and checks; the password package's Hasher does.
type Passwords interface {
	Hash(ctx context.Context, plain password.Plain) (password.Hash, error)
	Verify(ctx context.Context, plain password.Plain, hash password.Hash) (password.Verdict, error)
}

// Service serves every feed.
type Service struct {
	store     store.Store
	policies  admission.Policies
	passwords Passwords
	// hashing bounds how many lines of a batch hash at once.
	hashing int
}

// New makes the service. hashing is how many passwords of one batch are hashed
// side by side.
func New(s store.Store, p admission.Policies, h Passwords, hashing int) *Service {
	return &Service{store: s, policies: p, passwords: h, hashing: max(1, hashing)}
}

// Mode says whether a sync is carried out.
type Mode int

const (
	Write  Mode = iota
	DryRun      // the same answer, nothing written
)

// errDry rolls a dry run back.
var errDry = errors.New("feed: dry run")

// Sync creates or updates one user as the feed describes it. Refusals:
// Invalid, Missing, WeakPassword, Conflict, InUse, UserLocked, UserDeleted,
// Challenge, NotFound, Busy.
func (s *Service) Sync(ctx context.Context, c Caller, in Sync, mode Mode) (Result, error) {
	p, err := s.prepare(ctx, c, in)
	if err != nil {
		return Result{}, err
	}
	var known [1]BatchResult
	if n, err := s.repeatedIn(ctx, c, []prepared{p}, known[:]); n == 1 || err != nil {
		return known[0].Result, err
	}
	res, refusal, err := s.write(ctx, c, store.Interactive, p, manner{mode: mode})
	if err != nil {
		return Result{}, err
	}
	if refusal != nil {
		return Result{}, refusal
	}
	return res, nil
}

// write runs one prepared sync. A refusal is committed, since the decision
// that led to it is kept.
func (s *Service) write(ctx context.Context, c Caller, lane store.Lane, p prepared, how manner) (res Result, refusal *user.Refusal, err error) {
	pol := s.policies.Current()
	err = s.store.Update(ctx, lane, func(tx store.Tx) error {
		var err error
		sy := newSyncing(tx, pol, c)
		sy.numbers = how.numbers
		res, refusal, err = split(sy.sync(p))
		if err == nil && how.mode == DryRun {
			return errDry
		}
		return err
	})
	if errors.Is(err, errDry) {
		err = nil
	}
	return how.answer(p, res), refusal, err
}

func split(res Result, err error) (Result, *user.Refusal, error) {
	if r, ok := errors.AsType[*user.Refusal](err); ok {
		return res, r, nil
	}
	return res, nil, err
}

// BatchResult is the answer to one line of a batch.
type BatchResult struct {
	Result
	Err error // a *user.Refusal
}

func newBatchResult(res Result, refusal *user.Refusal) BatchResult {
	if refusal != nil {
		return BatchResult{Err: refusal}
	}
	return BatchResult{Result: res}
}

// BatchSize is the most lines that SyncBatch takes at once.
const BatchSize = 64

// SyncBatch syncs up to BatchSize users in one transaction. A line that is
// refused does not hurt its neighbours; a fault is returned and leaves every
// line as it was.
func (s *Service) SyncBatch(ctx context.Context, c Caller, in []Sync) ([]BatchResult, error) {
	return s.batch(ctx, c, in, manner{mode: Write, numbers: minting})
}

func (s *Service) batch(ctx context.Context, c Caller, in []Sync, how manner) ([]BatchResult, error) {
	if len(in) > BatchSize {
		return nil, user.Refuse(user.TooLarge, "", "limit", strconv.Itoa(BatchSize))
	}
	ready := make([]prepared, len(in))
	refused := make([]error, len(in))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(s.hashing)
	for i := range in {
		if !in[i].Password.Sent {
			// Nothing to hash: not worth a goroutine.
			ready[i], refused[i] = s.prepare(ctx, c, in[i])
			continue
		}
		g.Go(func() error {
			refused[i] = contained(func() (err error) {
				ready[i], err = s.prepare(gctx, c, in[i])
				return err
			})
			return nil
		})
	}
	_ = g.Wait() // each line keeps its own error
	for _, err := range refused {
		if _, isRefusal := errors.AsType[*user.Refusal](err); err != nil && !isRefusal {
			return nil, err
		}
	}
	out := make([]BatchResult, len(in))
	for i, err := range refused {
		out[i].Err = err
	}
	known, err := s.repeated(ctx, c, ready, out)
	if err != nil {
		return nil, err
	}
	if known == len(in) {
		return out, nil
	}
	pol := s.policies.Current()
	err = s.store.Update(ctx, store.Bulk, func(tx store.Tx) error {
		seen, err := foresee(tx, ready[known:], how.numbers)
		if err != nil {
			return err
		}
		sy := newSyncing(seen, pol, c)
		sy.numbers = how.numbers
		for i, p := range ready {
			if i < known || refused[i] != nil {
				continue
			}
			res, refusal, err := split(sy.sync(p))
			if err != nil {
				return err
			}
			out[i] = newBatchResult(how.answer(p, res), refusal)
		}
		if how.mode == DryRun {
			return errDry
		}
		return nil
	})
	if err == nil || errors.Is(err, errDry) {
		return out, nil
	}
	if errors.Is(err, store.ErrUnavailable) {
		return nil, err
	}
	// Some line met a name that was taken in the same moment: one at a time,
	// the others still get through.
	for i, p := range ready {
		if i < known || refused[i] != nil {
			continue
		}
		res, refusal, err := s.write(ctx, c, store.Bulk, p, how)
		if err != nil {
			return nil, fmt.Errorf("syncing line %d alone: %w", i, err)
		}
		out[i] = newBatchResult(res, refusal)
	}
	return out, nil
}

// Patch changes one record by its number: only what is sent.
func (s *Service) Patch(ctx context.Context, c Caller, number string, in Sync) (Result, error) {
	in.Number = Some(number)
	return s.Sync(ctx, c, in, Write)
}

// Read finds one of a source's records by its number.
func (s *Service) Read(ctx context.Context, source user.Source, number string) (rec store.Record, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		var err error
		rec, err = own(r, source, number)
		return err
	})
	return rec, err
}

// Page lists a source's records in the order of their strands, after one; what
// a person erased is not among them.
func (s *Service) Page(ctx context.Context, source user.Source, after user.ID, limit int) (recs []store.Record, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		recs = nil
		for left := limit; left > 0; left = limit - len(recs) {
			next, err := r.RecordsAfter(source, after, left, user.SpacePartner)
			if err != nil {
				return fmt.Errorf("listing records: %w", err)
			}
			for _, rec := range next {
				after = rec.Strand.ID
				if rec.Strand.State != user.Erased {
					recs = append(recs, rec)
				}
			}
			if len(next) < left {
				return nil
			}
		}
		return nil
	})
	return recs, err
}

// Delete is the feed's delete: its record is closed, kept, and stays readable
// to it. Deleting again answers the same.
func (s *Service) Delete(ctx context.Context, c Caller, number string) (store.Record, error) {
	return s.change(ctx, c, number, func(tx store.Tx, rec *store.Record) error {
		if rec.Strand.State == user.Withdrawn {
			return nil
		}
		u, st, err := ledger.Open(tx, s.policies.Current(), c.By).CloseStrand(rec.User, rec.Strand)
		rec.User, rec.Strand = u, st
		return err
	})
}

// Lock keeps the user out on this source's word.
func (s *Service) Lock(ctx context.Context, c Caller, number string) (store.Record, error) {
	return s.lock(ctx, c, number, true)
}

// Unlock lifts this source's own lock and no other.
func (s *Service) Unlock(ctx context.Context, c Caller, number string) (store.Record, error) {
	return s.lock(ctx, c, number, false)
}

func (s *Service) lock(ctx context.Context, c Caller, number string, locked bool) (store.Record, error) {
	return s.change(ctx, c, number, func(tx store.Tx, rec *store.Record) error {
		if rec.Strand.State == user.Withdrawn {
			return user.Refuse(user.UserDeleted, "id")
		}
		sy := newSyncing(tx, s.policies.Current(), c)
		changed, err := sy.setLock(rec, locked)
		if err != nil || !changed {
			return err
		}
		return sy.touch(&rec.Strand)
	})
}

func (s *Service) change(ctx context.Context, c Caller, number string, fn func(store.Tx, *store.Record) error) (rec store.Record, err error) {
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		r, err := own(tx, c.Source, number)
		if err != nil {
			return err
		}
		if err := fn(tx, &r); err != nil {
			return err
		}
		rec = r
		return nil
	})
	return rec, err
}

// own finds a source's record; what another source brought does not exist for
// it, and neither does what a person erased.
func own(r store.Reader, source user.Source, number string) (store.Record, error) {
	rec, err := r.RecordByHandle(user.SpacePartner, number, user.SpacePartner)
	if errors.Is(err, store.ErrNotFound) || err == nil && (rec.Strand.Source != source || rec.Strand.State == user.Erased) {
		return rec, user.Refuse(user.NotFound, "id")
	}
	return rec, err
}

// contained is fn with a panic as an error: beside the request's own goroutine
// nobody else would catch it.
func contained(fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("feed: panic: %v\n%s", v, debug.Stack())
		}
	}()
	return fn()
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
