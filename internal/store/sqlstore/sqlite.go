package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/usher-id/usher/internal/store"
)

const (
	fileName  = "usher.db"
	batchMost = 128 // updates in one COMMIT
	queueMost = 1024
	readers   = 4
)

// lite is the SQLite engine. One goroutine owns the writing connection: it
// runs what is queued, each in a savepoint, and commits them together, so that
// one fsync serves many.
type lite struct {
	db *sql.DB

	interactive, bulk chan *pending
	closing           chan struct{}
	once              sync.Once
	done              chan struct{}

	free chan *pinned // reading connections
}

// pending is an update that waits for the writer. Either the writer takes it
// or its caller abandons it, never both.
type pending struct {
	taken atomic.Bool
	fn    func(conn) error
	err   error
	done  chan struct{}
}

// claim says whether this call is the first.
func (p *pending) claim() bool { return p.taken.CompareAndSwap(false, true) }

func openSQLite(ctx context.Context, o Options) (engine, error) {
	if err := os.MkdirAll(o.Data, 0o700); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-4096)", "temp_store(MEMORY)",
	}}
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.Join(o.Data, fileName)}).EscapedPath(), RawQuery: q.Encode()}).String()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("opening SQLite: %w", err)
	}
	if err := private(filepath.Join(o.Data, fileName)); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	w, err := pin(ctx, db)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening %s: %w", filepath.Join(o.Data, fileName), err), db.Close())
	}
	l := &lite{
		db: db, interactive: make(chan *pending, queueMost), bulk: make(chan *pending, queueMost),
		closing: make(chan struct{}), done: make(chan struct{}), free: make(chan *pinned, readers),
	}
	for range readers {
		l.free <- nil // opened at first need
	}
	go l.write(w)
	return l, nil
}

// private makes the file readable by our own user alone before SQLite makes it
// for everybody: it holds password hashes.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("making %s: %w", path, err)
	}
	return f.Close()
}

// pinned is a connection with the statements that were prepared on it.
type pinned struct {
	c     *sql.Conn
	stmts map[string]*sql.Stmt
}

func pin(ctx context.Context, db *sql.DB) (*pinned, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &pinned{c, map[string]*sql.Stmt{}}, nil
}

// Statements run without the caller's context: an interrupted one would hurt
// its neighbours in the batch, and each is short.
func (p *pinned) stmt(q string) (*sql.Stmt, error) {
	if s, ok := p.stmts[q]; ok {
		return s, nil
	}
	s, err := p.c.PrepareContext(context.Background(), q)
	if err != nil {
		return nil, fmt.Errorf("preparing %q: %w", q, err)
	}
	p.stmts[q] = s
	return s, nil
}

func (p *pinned) query(q string, args []any) (*sql.Rows, error) {
	s, err := p.stmt(q) //nolint:sqlclosecheck // kept for the life of the connection
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.Background(), args...)
}

func (p *pinned) exec(q string, args []any) (int64, error) {
	s, err := p.stmt(q) //nolint:sqlclosecheck // kept for the life of the connection
	if err != nil {
		return 0, err
	}
	res, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (p *pinned) close() error {
	var errs []error
	for _, s := range p.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, p.c.Close())...)
}

func (l *lite) view(ctx context.Context, fn func(conn) error) error {
	var p *pinned
	select {
	case p = <-l.free:
	case <-ctx.Done():
		return ctx.Err()
	case <-l.done:
		return fmt.Errorf("%w: the database is closed", store.ErrUnavailable)
	}
	defer func() { l.free <- p }()
	if p == nil {
		var err error
		if p, err = pin(ctx, l.db); err != nil {
			return fault(err)
		}
	}
	return fn(p)
}

func (l *lite) update(ctx context.Context, lane store.Lane, fn func(conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
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
		return fmt.Errorf("%w: the database is closing", store.ErrUnavailable)
	}
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		if p.claim() {
			return ctx.Err()
		}
		<-p.done // it has begun, and is not taken back
		return p.err
	case <-l.done:
	}
	select {
	case <-p.done: // it was in the last batch
		return p.err
	default:
		return fmt.Errorf("%w: the database is closing", store.ErrUnavailable)
	}
}

// write is the writer: it takes what waits, interactive first, and commits it
// together.
func (l *lite) write(w *pinned) {
	defer close(l.done)
	defer func() { _ = w.close() }() // whichever connection it is by then
	batch := make([]*pending, 0, batchMost)
	for {
		batch = batch[:0]
		select {
		case p := <-l.interactive:
			batch = append(batch, p)
		default:
			select {
			case p := <-l.interactive:
				batch = append(batch, p)
			case p := <-l.bulk:
				batch = append(batch, p)
			case <-l.closing:
				return
			}
		}
		if whole := l.run(w, l.more(batch)); !whole {
			w = l.replace(w)
		}
	}
}

// more adds what else waits; bulk work only where nobody waits interactively.
func (l *lite) more(batch []*pending) []*pending {
	for len(batch) < batchMost {
		select {
		case p := <-l.interactive:
			batch = append(batch, p)
			continue
		default:
		}
		select {
		case p := <-l.bulk:
			// One piece of bulk work may itself be many users.
			if batch = append(batch, p); len(batch) >= 8 {
				return batch
			}
		default:
			return batch
		}
	}
	return batch
}

// replace gives the writer a fresh connection after a transaction came to an
// end that nobody asked for, as on a full disk.
func (l *lite) replace(w *pinned) *pinned {
	fresh, err := pin(context.Background(), l.db)
	if err != nil {
		return w // tried again after the next failure
	}
	_ = w.close()
	return fresh
}

// run carries a batch out. It is false when the connection is in a state that
// nobody knows.
func (l *lite) run(w *pinned, batch []*pending) (whole bool) {
	ran := make([]*pending, 0, len(batch))
	for _, p := range batch {
		if p.claim() {
			ran = append(ran, p)
		}
	}
	if len(ran) == 0 {
		return true
	}
	if _, err := w.exec("BEGIN IMMEDIATE", nil); err != nil {
		answer(ran, fault(err))
		return true
	}
	kept := 0
	for _, p := range ran {
		var broken error
		if p.err, broken = within(w, p.fn); broken != nil {
			_, _ = w.exec("ROLLBACK", nil)
			for _, q := range ran {
				q.err = nil // nothing of the batch was kept
			}
			answer(ran, fmt.Errorf("%w: the transaction was taken back: %w", store.ErrUnavailable, broken))
			return false
		}
		if p.err == nil {
			kept++
		}
	}
	end := "COMMIT"
	if kept == 0 {
		end = "ROLLBACK"
	}
	if _, err := w.exec(end, nil); err != nil {
		_, _ = w.exec("ROLLBACK", nil)
		answer(ran, fmt.Errorf("%w: ending a batch: %w", store.ErrUnavailable, err))
		return false
	}
	answer(ran, nil)
	return true
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

// within runs one update in a savepoint, and takes it back when it fails.
// broken is set when that was not possible: SQLite ends the whole transaction
// by itself on some errors, such as a full disk.
func within(w *pinned, fn func(conn) error) (err, broken error) {
	if _, err := w.exec("SAVEPOINT u", nil); err != nil {
		return fault(err), err
	}
	if err = guarded(w, fn); err != nil {
		if _, e := w.exec("ROLLBACK TO u", nil); e != nil {
			return err, errors.Join(err, e)
		}
	}
	if _, e := w.exec("RELEASE u", nil); e != nil {
		return err, errors.Join(err, e)
	}
	return err, nil
}

// guarded makes a panic in fn an error: it must not end the writer.
func guarded(w *pinned, fn func(conn) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("store: panic in a transaction: %v\n%s", v, debug.Stack())
		}
	}()
	return fn(w)
}

func (l *lite) ping(ctx context.Context) error {
	return l.view(ctx, func(c conn) error {
		_, err := many(&reader{c: c, realm: "1"}, "SELECT $1", func(f *fields, s *string) { f.add(s) })
		return err
	})
}

func (l *lite) close() error {
	l.once.Do(func() { close(l.closing) })
	<-l.done
	var errs []error
	for range readers {
		if p := <-l.free; p != nil {
			errs = append(errs, p.close())
		}
	}
	return errors.Join(append(errs, l.db.Close())...)
}

func (l *lite) leaseJobs() string {
	return `UPDATE jobs SET holder = $4, until = $5, attempts = attempts + 1 WHERE realm = $1 AND id IN
	(SELECT j.id FROM jobs j WHERE j.realm = $1 AND j.state = 'due' AND j.due <= $2 AND j.until <= $2 ORDER BY j.due, j.id LIMIT $3)
	RETURNING ` + jobColumns
}

// busySQLite says that the file cannot be used now.
func busySQLite(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return false
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY:
		return true
	}
	return false
}
