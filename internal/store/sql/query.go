package sqlstore

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/store"
)

// conn is what statements run on.
type conn interface {
	query(q string, args []any) (*sql.Rows, error)
	exec(q string, args []any) (int64, error)
	// guarded is exec for a statement that a unique index may refuse: then it
	// is ErrExists, and the transaction goes on.
	guarded(q string, args []any) (int64, error)
	// fault puts the database's error into the words of store.
	fault(err error) error
}

// reader reads one realm over a conn.
type reader struct {
	c     conn
	realm string
}

// many runs a query whose first argument is the realm, and reads every row.
func many[T any](r *reader, q string, into func(*T) []any, args ...any) (out []T, err error) {
	if !keepable(args) {
		return nil, nil // no row has such a text
	}
	rows, err := r.c.query(q, r.args(args))
	if err != nil {
		return nil, r.c.fault(err)
	}
	defer func() {
		if e := rows.Close(); err == nil && e != nil {
			err = r.c.fault(e)
		}
	}()
	for rows.Next() {
		var v T
		if err := rows.Scan(into(&v)...); err != nil {
			return nil, fmt.Errorf("store: reading a row: %w", err)
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, r.c.fault(err)
	}
	return out, nil
}

// one is many for a query of at most one row; none is ErrNotFound.
func one[T any](r *reader, q string, into func(*T) []any, args ...any) (v T, err error) {
	all, err := many(r, q, into, args...)
	if err != nil {
		return v, err
	}
	if len(all) == 0 {
		return v, store.ErrNotFound
	}
	return all[0], nil
}

// exec runs a statement whose first argument is the realm.
func (r *reader) exec(q string, args ...any) (int64, error) {
	if !keepable(args) {
		return 0, errText
	}
	n, err := r.c.exec(q, r.args(args))
	return n, r.c.fault(err)
}

func (r *reader) args(rest []any) []any {
	args := make([]any, 0, 1+len(rest))
	return append(append(args, r.realm), rest...)
}

var errText = errors.New("store: a text that is not UTF-8 or holds a NUL cannot be kept")

// keepable says whether both databases could hold all texts: PostgreSQL takes
// neither NUL nor anything but UTF-8, and would fail even a read.
func keepable(args []any) bool {
	for _, a := range args {
		if s, ok := a.(string); ok && (strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s)) {
			return false
		}
	}
	return true
}

// limit is what a query takes where a caller names no limit.
func limit(n int) int {
	if n <= 0 {
		return 1000
	}
	return n
}
