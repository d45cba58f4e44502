package sqlstore

import (
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/usher-id/usher/internal/store"
)

// trial is one run of an update's function. It remembers the first statement
// that failed: PostgreSQL's transaction is lost then, and what fn made of the
// error, wrapped, replaced or ignored, must not decide what is reported.
type trial struct {
	conn
	failed error
}

func (t *trial) note(err error) {
	if t.failed == nil && err != nil && !errors.Is(err, store.ErrExists) {
		t.failed = err
	}
}

func (t *trial) query(q string, args []any) (*sql.Rows, error) {
	rows, err := t.conn.query(q, args) //nolint:sqlclosecheck,rowserrcheck // many closes and asks
	t.note(err)
	return rows, err
}

func (t *trial) exec(q string, args []any) (int64, error) {
	n, err := t.conn.exec(q, args)
	t.note(err)
	return n, err
}

func (t *trial) attempt(q string, args []any) (int64, error) {
	n, err := t.conn.attempt(q, args)
	t.note(err)
	return n, err
}

// run runs fn and says how it ended; a panic is an error.
func (t *trial) run(fn func(conn) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("store: panic in a transaction: %v\n%s", v, debug.Stack())
		}
	}()
	err = fn(t)
	switch {
	case t.failed == nil, errors.Is(err, t.failed):
		return err
	case err == nil:
		return fmt.Errorf("store: a statement failed and fn went on: %w", fault(t.failed))
	default:
		return fmt.Errorf("store: a statement failed: %w; fn made of it: %v", fault(t.failed), err) //nolint:errorlint // not what happened
	}
}
