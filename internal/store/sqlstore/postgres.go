package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/usher-id/usher/internal/failpoint"
	"github.com/usher-id/usher/internal/store"
)

const (
	pgConns = 16
	// An update is tried pgFree times beside all others, and then, in turn with
	// others of this process that had no luck either, up to pgTries times.
	// Without turns, many that want the same rows keep failing one another.
	pgFree  = 3
	pgTries = 64
	// What a server that does not answer may cost: each question of a view, and an
	// update with all its tries, of which bulk work has more to do. A request is
	// answered within half a minute or not at all.
	pgAnswer  = 10 * time.Second
	pgLongest = 20 * time.Second
	pgBulk    = 60 * time.Second
)

// pg is the PostgreSQL engine: serialisable transactions, tried again when
// the database could not put them in an order.
type pg struct {
	db     *sql.DB
	told   Observer
	turn   chan struct{} // full while somebody has the turn
	closed atomic.Bool
}

func openPostgres(o Options) (engine, error) {
	cfg, err := pgx.ParseConfig(o.URL)
	if err != nil {
		return nil, errors.New("opening PostgreSQL: the URL cannot be read") // the error would show the password
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 5 * time.Second
	}
	db := stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		// A process that vanished with its machine must not keep its locks.
		_, err := c.Exec(ctx, "SET idle_in_transaction_session_timeout = '60s'")
		return err
	}))
	db.SetMaxOpenConns(pgConns)
	db.SetMaxIdleConns(pgConns) // fewer would open one for nearly every request
	db.SetConnMaxIdleTime(5 * time.Minute)
	return &pg{db: db, told: nobody{}, turn: make(chan struct{}, 1)}, nil
}

// pgView runs each statement on its own; the driver prepares and keeps them.
type pgView struct {
	ctx      context.Context //nolint:containedctx // the request's, for the length of a View
	db       *sql.DB
	patience *time.Timer // ends ctx; begun anew with each question
}

// query asks again where a connection turns out to be dead, which after a
// restart of the server all of the pool are.
func (v pgView) query(q string, args []any) (rows *sql.Rows, err error) {
	v.patience.Reset(pgAnswer)
	for range pgConns + 1 {
		rows, err = v.db.QueryContext(v.ctx, q, args...) //nolint:sqlclosecheck,rowserrcheck // many closes and asks
		if err == nil || v.ctx.Err() != nil || !lost(err) {
			break
		}
	}
	return rows, err
}

func (v pgView) exec(q string, args []any) (int64, error) {
	v.patience.Reset(pgAnswer)
	res, err := v.db.ExecContext(v.ctx, q, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (v pgView) attempt(q string, args []any) (int64, error) { return v.exec(q, args) }

func (v pgView) note(error) {}

type pgTx struct {
	ctx context.Context //nolint:containedctx // bounds the transaction; not the caller's
	tx  *sql.Tx
}

func (t pgTx) query(q string, args []any) (*sql.Rows, error) {
	return t.tx.QueryContext(t.ctx, q, args...)
}

func (t pgTx) exec(q string, args []any) (int64, error) {
	res, err := t.tx.ExecContext(t.ctx, q, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (t pgTx) attempt(q string, args []any) (int64, error) {
	if _, err := t.exec("SAVEPOINT attempt", nil); err != nil {
		return 0, err
	}
	n, err := t.exec(q, args)
	if code(err) != uniqueViolation {
		return n, err // RELEASE comes with COMMIT
	}
	if _, err := t.exec("ROLLBACK TO attempt", nil); err != nil {
		return 0, err
	}
	return 0, store.ErrExists
}

func (t pgTx) note(error) {}

func (p *pg) view(ctx context.Context, fn func(conn) error) error {
	if p.closed.Load() {
		return errClosing
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	patience := time.AfterFunc(pgAnswer, func() { stop(errSilent) })
	defer patience.Stop()
	err := fn(pgView{ctx, p.db, patience})
	if err != nil && errors.Is(context.Cause(ctx), errSilent) {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, errSilent) // err tells only that it was cancelled
	}
	return err
}

var errSilent = fmt.Errorf("PostgreSQL did not answer a question within %v", pgAnswer)

func (p *pg) update(ctx context.Context, lane store.Lane, fn func(conn) error) error {
	longest := pgLongest
	if lane == store.Bulk {
		longest = pgBulk
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	var err error
	for try := range pgTries {
		if try == pgFree {
			select {
			case p.turn <- struct{}{}:
				defer func() { <-p.turn }()
			case <-ctx.Done():
				return fault(ctx.Err())
			}
		} else if try > 0 {
			pause := time.Duration(rand.Int64N(int64(2*time.Millisecond) << min(try, 4))) //nolint:gosec // jitter
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return fault(ctx.Err())
			}
		}
		var repeat bool
		if repeat, err = p.try(ctx, lane, fn); !repeat {
			return err
		}
		p.told.Retried(lane)
		failpoint.Pass(failpoint.PostgresAgain)
	}
	return fmt.Errorf("%w: no order was found in %d tries: %w", store.ErrUnavailable, pgTries, err)
}

// try runs fn once. It says whether only the neighbours were in the way,
// whatever fn made of the error.
func (p *pg) try(ctx context.Context, lane store.Lane, fn func(conn) error) (repeat bool, err error) {
	// Begun under the caller's context, carried out without it, until update's
	// time is over.
	end, _ := ctx.Deadline()
	bounded, cancel := context.WithDeadline(context.WithoutCancel(ctx), end)
	defer cancel()
	tx, release, err := p.begin(ctx, bounded, isolation(lane))
	if err != nil {
		return false, err
	}
	defer release()
	ended := false
	defer func() {
		if !ended { // fn ended its goroutine
			_ = tx.Rollback()
		}
	}()
	failpoint.Pass(failpoint.PostgresBegun)
	t := &trial{conn: pgTx{bounded, tx}}
	err = t.run(fn)
	failpoint.Pass(failpoint.PostgresUpdated)
	ended = true
	if err == nil {
		failpoint.Pass(failpoint.PostgresCommitting)
		err = tx.Commit()
		failpoint.Pass(failpoint.PostgresCommitted)
		return again(err), fault(lostCommit(err))
	}
	if e := tx.Rollback(); e != nil && t.failed == nil && !errors.Is(e, sql.ErrTxDone) && !unavailable(e) {
		err = errors.Join(err, e)
	}
	return again(t.failed), err
}

// isolation is what the fn of a lane is promised of its neighbours.
func isolation(lane store.Lane) sql.IsolationLevel {
	if lane == store.Narrow {
		return sql.LevelReadCommitted
	}
	return sql.LevelSerializable
}

// begin begins a transaction on a connection that answers. Nothing has
// happened where beginning failed, so that dead connections, as all of them
// are after a restart of the server, are passed over.
func (p *pg) begin(ctx, bounded context.Context, level sql.IsolationLevel) (*sql.Tx, func(), error) {
	var err error
	for range pgConns + 1 {
		if e := ctx.Err(); e != nil {
			return nil, nil, fault(e)
		}
		if p.closed.Load() {
			return nil, nil, errClosing
		}
		var c *sql.Conn
		if c, err = p.db.Conn(ctx); err != nil {
			if e := ctx.Err(); e != nil {
				return nil, nil, fault(e)
			}
			return nil, nil, fault(err)
		}
		var tx *sql.Tx
		if tx, err = c.BeginTx(bounded, &sql.TxOptions{Isolation: level}); err == nil {
			return tx, func() { _ = c.Close() }, nil
		}
		_ = c.Close()
		if !lost(err) {
			break
		}
	}
	return nil, nil, fault(err)
}

// Codes of PostgreSQL, appendix A.
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
)

func code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// again says that a transaction failed only for its neighbours' sake. A unique
// index may notice a neighbour before the check of orders does.
func again(err error) bool {
	c := code(err)
	return c == serializationFailure || c == deadlockDetected || c == uniqueViolation
}

// lost says that a connection was dead, and another may live.
func lost(err error) bool {
	if _, refused := errors.AsType[*pgconn.ConnectError](err); refused || err == nil {
		return false
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return false
	}
	c := code(err)
	return c == "57P01" || c == "57P02" || c == "" && unavailable(err)
}

// lostCommit says that a COMMIT which came back as a rollback is a fault of
// the database: statements that failed were noticed before it.
func lostCommit(err error) error {
	if errors.Is(err, pgx.ErrTxCommitRollback) || errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("%w: committing: %w", store.ErrUnavailable, err)
	}
	return err
}

// unavailable says that an error means the database cannot be asked, and not
// that the question was wrong.
func unavailable(err error) bool {
	if err == nil {
		return false
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		// Connection, resources, operator intervention (PostgreSQL, appendix A).
		return strings.HasPrefix(e.Code, "08") || strings.HasPrefix(e.Code, "53") || strings.HasPrefix(e.Code, "57") || e.Code == "25006"
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	if pgconn.SafeToRetry(err) {
		return true // nothing was sent, as over a connection that has closed
	}
	return pgconn.SafeToRetry(err) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || unusable(err)
}

func (p *pg) ping(ctx context.Context) error { return p.db.PingContext(ctx) }

func (p *pg) size(ctx context.Context) (n int64, err error) {
	return n, p.db.QueryRowContext(ctx, "SELECT pg_database_size(current_database())").Scan(&n)
}

func (p *pg) close() error {
	p.closed.Store(true)
	return p.db.Close()
}

func (p *pg) leaseJobs() string {
	// Picked once: as a plain subquery it may be run again for each row, and
	// with SKIP LOCKED pick others.
	return `WITH picked AS MATERIALIZED (SELECT j.id FROM jobs j WHERE j.realm = $1 AND j.state = 'due' AND j.due <= $2 AND j.until <= $2 AND ($6 = '' OR j.kind IN ($6, $7, $8, $9))
	ORDER BY j.due, j.id LIMIT $3 FOR UPDATE SKIP LOCKED)
	UPDATE jobs SET holder = $4, until = $5, attempts = attempts + 1 WHERE realm = $1 AND id IN (SELECT p.id FROM picked p) RETURNING ` + jobColumns
}
