package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/usher-id/usher/internal/failpoint"
	"github.com/usher-id/usher/internal/store"
)

const (
	batchMost = 128 // updates in one COMMIT
	queueMost = 1024
	// A batch takes up more bulk work only while nobody waits interactively,
	// and no longer than this: one piece may itself be many users.
	bulkMost = 8
	bulkFor  = 20 * time.Millisecond

	// walMost is how large the write-ahead log may get before its writer waits
	// for readers to leave it. SQLite's own checkpoints never wait, and where
	// somebody always reads they may never reach its end.
	walMost  = 64 << 20
	walEvery = 256 // commits between two looks
)

var errClosing = fmt.Errorf("%w: the database is closing", store.ErrUnavailable)

func errLost(why error) error {
	return fmt.Errorf("%w: the transaction was lost: %w", store.ErrUnavailable, why)
}

// pending is an update that waits for the writer.
type pending struct {
	fn    func(conn) error
	taken atomic.Bool // by the writer, or back by a caller that waits no more
	err   error
	done  chan struct{}
}

func (p *pending) take() bool { return p.taken.CompareAndSwap(false, true) }

func (l *lite) update(ctx context.Context, lane store.Lane, fn func(conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if l.isClosing() {
		return errClosing
	}
	p := &pending{fn: fn, done: make(chan struct{})}
	queue := l.interactive
	if lane == store.Bulk {
		queue = l.bulk
	}
	select {
	case queue <- p:
	case <-ctx.Done():
		return ctx.Err()
	case <-l.closing:
		return errClosing
	case <-l.done:
		return errClosing
	}
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		if p.take() {
			return ctx.Err()
		}
	case <-l.done:
	}
	// It is in a batch, or the writer has ended.
	select {
	case <-p.done:
		return p.err
	case <-l.done:
	}
	select {
	case <-p.done: // it was in the last batch
		return p.err
	default:
		return errClosing
	}
}

// shortWait is how long SQLite itself waits for a lock, in milliseconds.
const shortWait = "PRAGMA busy_timeout = 15"

// openWriter opens the connection that writes. It waits for other processes in
// short steps: SQLite's own waiting sleeps longer and longer, and beside a busy
// server would seldom look at the right moment.
func openWriter(ctx context.Context, db *sql.DB) (*pinned, error) {
	w, err := pin(ctx, db)
	if err != nil {
		return nil, err
	}
	if err := w.inForce(ctx); err != nil {
		return nil, errors.Join(err, w.close())
	}
	failpoint.Pass(failpoint.SQLiteWriter)
	for _, pragma := range []string{
		"PRAGMA busy_timeout = 15",
		// An import touches every index: 16 MB of pages stay at hand, and as much
		// of the log before it is copied into the file.
		"PRAGMA cache_size = -16384",
		"PRAGMA wal_autocheckpoint = 4000",
	} {
		if _, err := w.c.ExecContext(ctx, pragma); err != nil {
			return nil, errors.Join(err, w.close())
		}
	}
	return w, nil
}

// write is the writer: it takes what waits, interactive first, and commits it
// together. A connection that a failure left in an unknown state is replaced.
func (l *lite) write(w *pinned) {
	defer close(l.done)
	defer func() {
		if w != nil {
			_ = w.close()
		}
	}()
	for n := 1; ; n++ {
		first := l.next()
		if first == nil {
			return
		}
		if w == nil {
			err := l.file.inPlace()
			if err != nil {
				l.refuse(first, err)
				continue
			}
			if w, err = openWriter(context.Background(), l.db); err != nil {
				l.refuse(first, fault(err))
				continue
			}
		}
		if !l.batch(w, first) {
			w.discard()
			w = nil
			continue
		}
		if n%walEvery == 0 {
			l.trim(w)
		}
	}
}

// next waits for something to do; nil when the database closes.
func (l *lite) next() *pending {
	select {
	case p := <-l.interactive:
		return p
	default:
	}
	select {
	case p := <-l.interactive:
		return p
	case p := <-l.bulk:
		return p
	case <-l.closing:
		return nil
	}
}

func poll(queue chan *pending) *pending {
	select {
	case p := <-queue:
		return p
	default:
		return nil
	}
}

// batch runs first and what else waits, and commits it together. It says
// whether the connection can go on being used.
func (l *lite) batch(w *pinned, first *pending) (sound bool) {
	if err := l.begin(w); err != nil {
		l.refuse(first, fault(fmt.Errorf("beginning: %w", err)))
		return lockedOut(err)
	}
	failpoint.Pass(failpoint.SQLiteBegun)
	begun := time.Now()
	ran := make([]*pending, 0, 16)
	kept, broken := 0, false
	run := func(p *pending) {
		if !p.take() {
			return
		}
		ran = append(ran, p)
		if p.err, broken = within(w, p.fn); p.err == nil {
			kept++
			failpoint.Pass(failpoint.SQLiteUpdated)
		}
	}
	// Whoever is taken from a queue is run: nobody else would answer.
	for p := first; p != nil; p = poll(l.interactive) {
		if run(p); broken || len(ran) >= batchMost {
			break
		}
	}
	// Where interactive work never ends, a piece of bulk work goes with each
	// batch all the same.
	for i := 0; i < bulkMost && !broken; i++ {
		if i > 0 && (len(l.interactive) > 0 || time.Since(begun) > bulkFor) {
			break
		}
		p := poll(l.bulk)
		if p == nil {
			break
		}
		run(p)
	}
	if broken {
		_, _ = w.exec("ROLLBACK", nil)
		answer(ran, errLost(errors.New("by another update")))
		return false
	}
	if kept == 0 {
		_, err := w.exec("ROLLBACK", nil)
		answer(ran, nil)
		return err == nil
	}
	if err := l.look.inPlace(); err != nil {
		_, e := w.exec("ROLLBACK", nil)
		answer(ran, err)
		return e == nil
	}
	failpoint.Pass(failpoint.SQLiteCommitting)
	if _, err := w.exec("COMMIT", nil); err != nil {
		_, _ = w.exec("ROLLBACK", nil)
		answer(ran, fmt.Errorf("%w: committing: %w", store.ErrUnavailable, err))
		return false
	}
	l.told.Committed(len(ran), time.Since(begun))
	failpoint.Pass(failpoint.SQLiteCommitted)
	answer(ran, nil)
	failpoint.Pass(failpoint.SQLiteAnswered)
	return true
}

func (l *lite) begin(w *pinned) error {
	for begun := time.Now(); ; {
		_, err := w.exec("BEGIN IMMEDIATE", nil)
		if err == nil || !lockedOut(err) || time.Since(begun) > l.busy {
			return err
		}
	}
}

// refuse answers everybody who waits: each trying for itself would take as
// long again.
func (l *lite) refuse(first *pending, err error) {
	// Taken first and answered then: whoever tries again after the answer gets
	// a try of its own.
	all := []*pending{first}
	for p := poll(l.interactive); p != nil; p = poll(l.interactive) {
		all = append(all, p)
	}
	for p := poll(l.bulk); p != nil; p = poll(l.bulk) {
		all = append(all, p)
	}
	for _, p := range all {
		if p.take() {
			p.err = err
			close(p.done)
		}
	}
}

// answer tells everybody in a batch: an error of the batch itself goes over
// success, and never over a caller's own.
func answer(batch []*pending, err error) {
	for _, p := range batch {
		if p.err == nil {
			p.err = err
		}
		close(p.done)
	}
}

// within runs one update in a savepoint, and takes it back when it fails. The
// batch is broken when the savepoint is gone: some failures, as of a full disk,
// make SQLite roll back the whole transaction.
func within(w *pinned, fn func(conn) error) (err error, broken bool) { //nolint:revive // which of the two matters is the caller's to know
	if _, err := w.exec("SAVEPOINT u", nil); err != nil {
		return errLost(err), true
	}
	t := &trial{conn: w}
	err = t.run(fn)
	if err == nil {
		if _, e := w.exec("RELEASE u", nil); e != nil {
			return errLost(e), true
		}
		return nil, false
	}
	if _, e := w.exec("ROLLBACK TO u", nil); e != nil {
		return errors.Join(err, errLost(e)), true
	}
	if _, e := w.exec("RELEASE u", nil); e != nil {
		return errors.Join(err, errLost(e)), true
	}
	return err, false
}

// trim empties a write-ahead log that has grown too long. Readers come and go
// within a statement, so that waiting for them is short; where it is not, the
// next look tries again.
func (l *lite) trim(w *pinned) {
	if f, err := os.Stat(l.file.path + "-wal"); err != nil || f.Size() <= l.walMost && !failpoint.Enabled {
		return
	}
	failpoint.Pass(failpoint.SQLiteTrim)
	_, _ = w.exec("PRAGMA busy_timeout = 250", nil)
	_, _ = w.exec("PRAGMA wal_checkpoint(TRUNCATE)", nil)
	failpoint.Pass(failpoint.SQLiteTrimmed)
	_, _ = w.exec(shortWait, nil)
}
