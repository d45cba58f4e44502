package feed

import (
	"context"
	"errors"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// repeated answers the first lines of a batch that say what is stored already,
// and tells how many those are. Nothing is written for them, so the moment they
// are read is as good as a turn of theirs in the queue of writers. It stops at
// the first line that may change something: later ones may be about the same
// user.
func (s *Service) repeated(ctx context.Context, c Caller, ready []prepared, out []BatchResult) (int, error) {
	if n, err := s.repeatedIn(ctx, c, ready[:min(1, len(ready))], out); n == 0 || err != nil {
		return 0, err // new users have new ones beside them
	}
	size := (len(ready) + s.hashing - 1) / s.hashing
	known := make([]int, s.hashing)
	g, gctx := errgroup.WithContext(ctx)
	for i := range known {
		from := min(i*size, len(ready))
		to := min(from+size, len(ready))
		g.Go(func() error {
			return contained(func() (err error) {
				known[i], err = s.repeatedIn(gctx, c, ready[from:to], out[from:to])
				return err
			})
		})
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	total := 0
	for _, n := range known {
		if total += n; n < size {
			break
		}
	}
	return total, nil
}

func (s *Service) repeatedIn(ctx context.Context, c Caller, ready []prepared, out []BatchResult) (n int, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		for n = 0; n < len(ready); n++ {
			if out[n].Err != nil {
				continue
			}
			rec, found, err := match(r, c.Source, ready[n])
			if _, refused := errors.AsType[*user.Refusal](err); err != nil && !refused {
				return err
			}
			if err != nil || !found || !repeats(rec, ready[n]) {
				return nil //nolint:nilerr // a refusal is said by the run that writes
			}
			out[n].Result = Result{Record: rec, Changes: []Change{}}
		}
		return nil
	})
	return n, err
}

// repeats says whether a sync changes nothing about the record that it matches.
// False where only writing will tell.
func repeats(rec store.Record, p prepared) bool {
	doc := rec.Strand.Document
	if rec.Strand.State == user.Withdrawn || rec.User.Status == user.Deleted {
		return false
	}
	for a, v := range p.facts {
		if !same(doc.Get(a), v) {
			return false
		}
	}
	verified := doc.Text(user.EmailVerified)
	if verified == "" || p.verified.Value != nil && strconv.FormatBool(*p.verified.Value) != verified {
		return false
	}
	if p.active.Value != nil && (!*p.active.Value || !rec.LockedAt.IsZero()) {
		return false
	}
	c := p.credential
	known := !c.sent || c.same || c.imported != "" && c.imported == rec.Imported
	return known && len(p.identities) == 0 && (p.username == nil || sameName(rec, p.username.Key))
}
