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
	"runtime/debug"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/usher-id/usher/internal/store"
)

const (
	pgConns   = 16
	pgRetries = 40
)

// pg is the PostgreSQL engine: serialisable transactions, tried again when
// the database could not put them in an order.
type pg struct{ db *sql.DB }

func openPostgres(o Options) (engine, error) {
	cfg, err := pgx.ParseConfig(o.URL)
	if err != nil {
		return nil, errors.New("opening PostgreSQL: the URL cannot be read") // the error would show the password
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 5 * time.Second
	}
	db := stdlib.OpenDB(*cfg)
	db.SetMaxOpenConns(pgConns)
	db.SetMaxIdleConns(pgConns) // fewer would open one for nearly every request
	db.SetConnMaxIdleTime(5 * time.Minute)
	return &pg{db}, nil
}

// pgView runs each statement on its own; the driver prepares and keeps them.
type pgView struct {
	ctx context.Context //nolint:containedctx // the request's, for the length of a View
	db  *sql.DB
}

func (v pgView) query(q string, args []any) (*sql.Rows, error) {
	return v.db.QueryContext(v.ctx, q, args...)
}

func (v pgView) exec(q string, args []any) (int64, error) {
	res, err := v.db.ExecContext(v.ctx, q, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// pgTx remembers the first statement that failed: the server has ended the
// transaction then, whatever fn makes of the error.
type pgTx struct {
	tx    *sql.Tx
	ended error
}

func (t *pgTx) query(q string, args []any) (*sql.Rows, error) {
	rows, err := t.tx.QueryContext(context.Background(), q, args...)
	return rows, t.remember(err)
}

func (t *pgTx) exec(q string, args []any) (int64, error) {
	res, err := t.tx.ExecContext(context.Background(), q, args...)
	if t.remember(err) != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (t *pgTx) remember(err error) error {
	if err != nil && t.ended == nil {
		t.ended = fault(err)
	}
	return err
}

func (p *pg) view(ctx context.Context, fn func(conn) error) error {
	return fn(pgView{ctx, p.db})
}

func (p *pg) update(ctx context.Context, _ store.Lane, fn func(conn) error) error {
	var err error
	for try := range pgRetries {
		if try > 0 {
			pause := time.Duration(rand.Int64N(int64(2*time.Millisecond) << min(try, 6))) //nolint:gosec // jitter
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err = p.try(ctx, fn); !again(err) {
			return err
		}
	}
	return fmt.Errorf("%w: no order was found in %d tries: %w", store.ErrUnavailable, pgRetries, err)
}

func (p *pg) try(ctx context.Context, fn func(conn) error) (err error) {
	// Begun under the caller's context, carried out without it.
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := p.db.Conn(ctx) // the caller waits for a connection no longer than it likes
	if err != nil {
		return fault(err)
	}
	defer func() { _ = c.Close() }()
	tx, err := c.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		return fault(err)
	}
	defer func() {
		if v := recover(); v != nil {
			err = errors.Join(fmt.Errorf("store: panic in a transaction: %v\n%s", v, debug.Stack()), tx.Rollback())
		}
	}()
	t := &pgTx{tx: tx}
	err = fn(t)
	if t.ended != nil {
		err = t.ended
	}
	if err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	return fault(tx.Commit())
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) || unavailable(err) {
		return nil
	}
	return err
}

// again says that a transaction failed only for its neighbours' sake.
func again(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "40001" || e.Code == "40P01" || e.Code == "23505")
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
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || busySQLite(err)
}

func (p *pg) ping(ctx context.Context) error { return p.db.PingContext(ctx) }

func (p *pg) close() error { return p.db.Close() }

func (p *pg) leaseJobs() string {
	return `UPDATE jobs SET holder = $4, until = $5, attempts = attempts + 1 WHERE realm = $1 AND id IN
	(SELECT j.id FROM jobs j WHERE j.realm = $1 AND j.state = 'due' AND j.due <= $2 AND j.until <= $2 ORDER BY j.due, j.id LIMIT $3
	FOR UPDATE SKIP LOCKED) RETURNING ` + jobColumns
}
