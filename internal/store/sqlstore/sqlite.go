package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/usher-id/usher/internal/store"
)

const (
	readers = 4
	// busyFor is how long a lock of another process is waited for.
	busyFor = 5 * time.Second
)

// FileName is what the database is called in the data folder.
const FileName = "usher.db"

// lite is the SQLite engine: a writer (sqlite_writer.go) and a few reading
// connections.
type lite struct {
	db   *sql.DB
	file openedFile
	look lookout // the writer's
	told Observer

	interactive, bulk chan *pending
	closing           chan struct{} // closed when Close begins
	once              sync.Once
	closed            error         // of Close, once it has ended
	done              chan struct{} // closed when the writer has ended

	busy    time.Duration // how long another process's lock is waited for
	walMost int64
	free    chan *pinned // reading connections; nil: not opened yet
}

func openSQLite(ctx context.Context, o Options) (engine, error) {
	path := filepath.Join(o.Data, FileName)
	info, err := makeFile(o.Data, path)
	if err != nil {
		return nil, err
	}
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyFor.Milliseconds()), "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-4096)",
		"temp_store(MEMORY)", fmt.Sprintf("journal_size_limit(%d)", walMost),
	}}
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("opening SQLite: %w", err)
	}
	w, err := openWriter(ctx, db)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening %s: %w", path, err), db.Close())
	}
	file := openedFile{path, info}
	l := &lite{
		db: db, file: file, look: lookout{file: file, every: lookEvery}, told: nobody{}, interactive: make(chan *pending, queueMost), bulk: make(chan *pending, queueMost),
		closing: make(chan struct{}), done: make(chan struct{}), free: make(chan *pinned, readers), busy: busyFor, walMost: walMost,
	}
	for range readers {
		l.free <- nil
	}
	go l.write(w) //nolint:gosec // it lives as long as the store, not as the call that opened it
	return l, nil
}

// makeFile makes the file readable by its owner alone, and SQLite gives the
// files beside it the same mode. It says which file that is.
func makeFile(dir, path string) (os.FileInfo, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator's own path
	if err != nil {
		return nil, fmt.Errorf("making the database file: %w", err)
	}
	info, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("making the database file: %w", err)
	}
	return info, nil
}

// pinned is a connection with the statements that were prepared on it. Their
// texts are this package's own, so the map stays as small as the package.
type pinned struct {
	c     *sql.Conn
	stmts map[string]*sql.Stmt
}

// pin opens a connection. The first two programs on a new file may both try to
// make it a WAL file, which SQLite refuses at once instead of waiting.
func pin(ctx context.Context, db *sql.DB) (*pinned, error) {
	for begun := time.Now(); ; {
		c, err := db.Conn(ctx)
		if err == nil {
			return &pinned{c, map[string]*sql.Stmt{}}, nil
		}
		if !lockedOut(err) || time.Since(begun) > busyFor {
			return nil, err
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// inForce says whether the file is kept as it must be. A pragma that cannot be
// obeyed, as WAL on some network file systems, is not an error of its own.
func (p *pinned) inForce(ctx context.Context) error {
	for _, want := range []struct{ pragma, value string }{{"journal_mode", "wal"}, {"synchronous", "2"}} {
		var got string
		if err := p.c.QueryRowContext(ctx, "PRAGMA "+want.pragma).Scan(&got); err != nil {
			return fmt.Errorf("asking for %s: %w", want.pragma, err)
		}
		if got != want.value {
			return fmt.Errorf("%s is %q and must be %q: this file system cannot keep the database", want.pragma, got, want.value)
		}
	}
	return nil
}

// Statements run without the caller's context: an interrupted one would hurt
// its neighbours in the batch, and each is short.
func (p *pinned) stmt(q string) (*sql.Stmt, error) {
	if s, ok := p.stmts[q]; ok {
		return s, nil
	}
	s, err := p.c.PrepareContext(context.Background(), positional(q))
	if err != nil {
		return nil, fmt.Errorf("preparing %q: %w", q, err)
	}
	p.stmts[q] = s
	return s, nil
}

// positional writes a statement that uses $1, $2, … once each and in order with
// bare marks: the driver looks a numbered one up by its name, among all.
func positional(q string) string {
	var b strings.Builder
	rest := q
	for n := 1; ; n++ {
		i := strings.IndexByte(rest, '$')
		if i < 0 {
			b.WriteString(rest)
			return b.String()
		}
		after, ok := strings.CutPrefix(rest[i+1:], strconv.Itoa(n))
		if !ok || after != "" && after[0] >= '0' && after[0] <= '9' {
			return q
		}
		b.WriteString(rest[:i])
		b.WriteByte('?')
		rest = after
	}
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

// attempt needs no savepoint: SQLite takes back the statement alone.
func (p *pinned) attempt(q string, args []any) (int64, error) {
	n, err := p.exec(q, args)
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE {
		return 0, store.ErrExists
	}
	return n, err
}

func (p *pinned) note(error) {}

func (p *pinned) close() error {
	var errs []error
	for _, s := range p.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, p.c.Close())...)
}

// discard closes a connection whose transaction is in an unknown state, so
// that nobody gets it from the pool.
func (p *pinned) discard() {
	for _, s := range p.stmts {
		_ = s.Close()
	}
	_ = p.c.Raw(func(any) error { return driver.ErrBadConn })
	_ = p.c.Close()
}

// view lends a reading connection. It comes back whatever fn does, panic
// included. A View within a View takes a second one, and four of those at once
// would wait for each other.
func (l *lite) view(ctx context.Context, fn func(conn) error) error {
	if l.isClosing() {
		return errClosing
	}
	var p *pinned
	select {
	case p = <-l.free:
	case <-ctx.Done():
		return ctx.Err()
	case <-l.closing:
		return errClosing
	}
	defer func() { l.free <- p }()
	if p == nil {
		err := l.file.inPlace() // or it would read another file than the writer writes
		if err != nil {
			return err
		}
		if p, err = pin(ctx, l.db); err != nil {
			return fault(err)
		}
	}
	return fn(p)
}

func (l *lite) isClosing() bool {
	select {
	case <-l.closing:
		return true
	default:
		return false
	}
}

func (l *lite) ping(ctx context.Context) error {
	if err := l.file.inPlace(); err != nil {
		return err
	}
	return l.view(ctx, func(c conn) error {
		_, err := many(&reader{c: c, realm: "1"}, "SELECT $1", func(f *fields, s *string) { f.add(s) })
		return err
	})
}

// size adds the write-ahead log to the file: an unmoved one is a part of the
// database.
func (l *lite) size(context.Context) (int64, error) {
	info, err := os.Stat(l.file.path)
	if err != nil {
		return 0, err
	}
	n := info.Size()
	if log, err := os.Stat(l.file.path + "-wal"); err == nil {
		n += log.Size()
	}
	return n, nil
}

// close may be called twice; both calls return when the first has ended.
func (l *lite) close() error {
	l.once.Do(func() {
		close(l.closing)
		<-l.done
		var errs []error
		for range readers {
			if p := <-l.free; p != nil {
				errs = append(errs, p.close())
			}
		}
		l.closed = errors.Join(append(errs, l.db.Close())...)
	})
	return l.closed
}

func (l *lite) leaseJobs() string {
	return `UPDATE jobs SET holder = $4, until = $5, attempts = attempts + 1 WHERE realm = $1 AND id IN
	(SELECT j.id FROM jobs j WHERE j.realm = $1 AND j.state = 'due' AND j.due <= $2 AND j.until <= $2 AND ($6 = '' OR j.kind IN ($6, $7, $8, $9)) ORDER BY j.due, j.id LIMIT $3)
	RETURNING ` + jobColumns
}

// lockedOut says that another process holds the file.
func lockedOut(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (e.Code()&0xff == sqlite3.SQLITE_BUSY || e.Code()&0xff == sqlite3.SQLITE_LOCKED)
}

// unusable says that the file cannot be used now, and not that the statement
// was wrong.
func unusable(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return false
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN,
		sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_PROTOCOL,
		sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return true
	}
	return false
}
