package sqlstore

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// conn is whatever statements run on: SQLite's pinned connections with their
// prepared statements, a PostgreSQL transaction, or its pool.
type conn interface {
	query(q string, args []any) (*sql.Rows, error)
	exec(q string, args []any) (int64, error)
	// attempt is exec for a statement that a unique index may refuse:
	// store.ErrExists then, and the transaction goes on.
	attempt(q string, args []any) (int64, error)
	// note is told what reading rows ended with.
	note(err error)
}

// reader reads one realm over a conn.
type reader struct {
	c     conn
	realm string
}

// many runs a query whose first argument is the realm, and reads every row.
func many[T any](r *reader, q string, bind func(*fields, *T), args ...any) (out []T, err error) {
	if slices.ContainsFunc(args, unwritable) {
		return nil, nil
	}
	defer func() { r.c.note(err) }()
	rows, err := r.c.query(q, append([]any{r.realm}, args...))
	if err != nil {
		return nil, fault(err)
	}
	defer func() {
		if e := rows.Close(); err == nil && e != nil {
			err = fault(e)
		}
	}()
	for rows.Next() {
		var v T
		f := fields{into: make([]any, 0, 32)}
		bind(&f, &v)
		if err := rows.Scan(f.into...); err != nil {
			return nil, fmt.Errorf("store: reading a row: %w", err)
		}
		for _, fn := range f.done {
			if err := fn(); err != nil {
				return nil, fmt.Errorf("store: reading a row: %w", err)
			}
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fault(err)
	}
	return out, nil
}

// unwritable is text that no row can hold: PostgreSQL takes neither NUL nor
// what is not UTF-8, and so nothing that is looked for by it exists.
func unwritable(arg any) bool {
	var s string
	switch a := arg.(type) {
	case string:
		s = a
	case user.ID:
		s = string(a)
	case user.Source:
		s = string(a)
	case user.Space:
		s = string(a)
	case user.Door:
		s = string(a)
	case user.AddressKind:
		s = string(a)
	default:
		return false
	}
	return strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s)
}

// one is many for a query that gives at most one row.
func one[T any](r *reader, q string, bind func(*fields, *T), args ...any) (v T, err error) {
	all, err := many(r, q, bind, args...)
	if err != nil {
		return v, err
	}
	if len(all) == 0 {
		return v, store.ErrNotFound
	}
	return all[0], nil
}

// fault says that the database cannot be asked where the error means that.
func fault(err error) error {
	switch {
	case err == nil, errors.Is(err, store.ErrUnavailable):
		return err
	case unavailable(err):
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	default:
		return err
	}
}
