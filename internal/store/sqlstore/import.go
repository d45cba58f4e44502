package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/usher-id/usher/internal/store"
)

// Source gives a database back as Sink took it. Both end with io.EOF: a table's
// rows, and the tables.
type Source interface {
	Next() (table string, columns []string, err error)
	Row() ([]any, error)
}

var (
	// ErrNotEmpty says that there is something where a backup was to be put.
	ErrNotEmpty = errors.New("the database is not empty")
	// ErrUnknownEnd says that the connection was lost at the last word: all was
	// written, or nothing.
	ErrUnknownEnd = errors.New("it is not known whether the database took it")
)

// NewestSchema is the version of the schema that this program knows.
func NewestSchema() (int64, error) { return newestMigration() }

// SchemaVersion is the newest migration that was applied; 0 where there is no
// table.
func (d *DB) SchemaVersion(ctx context.Context) (v int64, err error) {
	db, _ := d.raw()
	err = db.QueryRowContext(ctx, qVersion).Scan(&v)
	switch {
	case NoTables(err):
		return 0, nil
	case err != nil:
		return 0, fault(fmt.Errorf("reading the version of the schema: %w", err))
	}
	return v, nil
}

// MigrateTo brings an empty database to a version that this program knows.
func (d *DB) MigrateTo(ctx context.Context, version int64) error {
	db, dialect := d.raw()
	p, err := provider(db, dialect)
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	if _, err := p.UpTo(ctx, version); err != nil {
		return fault(fmt.Errorf("migrating to version %d: %w", version, err))
	}
	return nil
}

// Empty says whether nothing was ever written to the database, else ErrNotEmpty.
func (d *DB) Empty(ctx context.Context) error {
	db, dialect := d.raw()
	tables, err := tablesOf(ctx, db, dialect)
	if err != nil {
		return err
	}
	return empty(ctx, db, tables)
}

func empty(ctx context.Context, c asking, tables []string) error {
	for _, t := range tables {
		rows, err := c.QueryContext(ctx, "SELECT 1 FROM "+t+" LIMIT 1") //nolint:gosec // as the schema names it
		if err != nil {
			return fault(fmt.Errorf("looking into table %s: %w", t, err))
		}
		has := rows.Next()
		if err := errors.Join(rows.Err(), rows.Close()); err != nil { //nolint:sqlclosecheck // in a loop
			return fault(fmt.Errorf("looking into table %s: %w", t, err))
		}
		if has {
			return fmt.Errorf("%w: there are rows in table %s", ErrNotEmpty, t)
		}
	}
	return nil
}

// Sessions says what becomes of those in a backup.
type Sessions int

const (
	EndSessions  Sessions = iota // what was ended since must not come back
	KeepSessions                 // as they were
)

// endings end what lets anybody in without proving anew. The epochs end what has
// no row to end: tokens of another service that came after the backup. A proof
// that was redeemed stays so.
var endings = []string{
	"UPDATE users SET epoch = epoch + 1, epoch_at = $1",
	// Numbers that were given after the backup must not become somebody else's.
	"UPDATE counters SET value = value + 100000 WHERE name = 'gqlauth'",
	"DELETE FROM tokens WHERE kind <> 'redeemed'",
	// What was sent or begun before the backup may have been used after it.
	"DELETE FROM codes",
	"DELETE FROM visits",
	"UPDATE sessions SET revoked = $1 WHERE revoked = 0",
}

const qOlderEpochs = "UPDATE users SET epoch = epoch + 1"

// Import puts everything back into an empty database of the same version, in one
// transaction: a program that dies meanwhile leaves it empty. Where sessions were
// ended, then may write of it; it gets their number.
func (d *DB) Import(ctx context.Context, from Source, sessions Sessions, then func(store.Tx, int64) error) error {
	db, dialect := d.raw()
	c, err := db.Conn(ctx)
	if err != nil {
		return fault(fmt.Errorf("connecting: %w", err))
	}
	// The connection goes with what was set on it.
	defer func() {
		_ = c.Raw(func(any) error { return driver.ErrBadConn })
		_ = c.Close()
	}()
	i := importing{d: d, c: c, dialect: dialect}
	if err := i.begin(ctx); err != nil {
		return err
	}
	err = i.all(ctx, from)
	if err == nil && sessions == EndSessions {
		err = i.end(ctx, then)
	}
	if err == nil && dialect == goose.DialectPostgres {
		// SQLite's plans are held to indexes without statistics (plan_test.go).
		err = i.do(ctx, "ANALYZE")
	}
	if err != nil {
		_, _ = c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return err
	}
	if _, err := c.ExecContext(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("%w: %w", ErrUnknownEnd, err)
	}
	return nil
}

// importing is an import on its connection.
type importing struct {
	d       *DB
	c       *sql.Conn
	dialect goose.Dialect
	tables  []string
}

func (i *importing) do(ctx context.Context, statements ...string) error {
	for _, q := range statements {
		if _, err := i.c.ExecContext(ctx, q); err != nil {
			return fault(fmt.Errorf("%s: %w", q, err))
		}
	}
	return nil
}

// begin takes the database for itself and looks whether it is empty. A server
// that starts meanwhile waits, and finds what was restored.
func (i *importing) begin(ctx context.Context) (err error) {
	// Every index is written at once, in no order of its own.
	first := []string{"PRAGMA cache_size = -32768", "BEGIN IMMEDIATE"}
	if i.dialect == goose.DialectPostgres {
		first = append([]string{"BEGIN"}, unhurried...)
	}
	if err := i.do(ctx, first...); err != nil {
		return err
	}
	if i.tables, err = tablesOf(ctx, i.c, i.dialect); err != nil {
		return err
	}
	if i.dialect == goose.DialectPostgres && len(i.tables) > 0 {
		if err := i.do(ctx, "LOCK TABLE "+strings.Join(i.tables, ", ")+" IN ACCESS EXCLUSIVE MODE"); err != nil {
			return err
		}
	}
	return empty(ctx, i.c, i.tables)
}

// all writes every table, each of which must be in the backup once.
func (i *importing) all(ctx context.Context, from Source) error {
	left := slices.Clone(i.tables)
	for {
		table, columns, err := from.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		n := slices.Index(left, table)
		if n < 0 {
			return fmt.Errorf("the backup has a table %q twice, or one that is not there", table)
		}
		left = slices.Delete(left, n, n+1)
		if err := i.table(ctx, table, columns, from); err != nil {
			return fmt.Errorf("table %s: %w", table, err)
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("the backup lacks the tables %s", strings.Join(left, ", "))
	}
	return nil
}

func (i *importing) table(ctx context.Context, table string, columns []string, from Source) error {
	have, err := columnsOf(ctx, i.c, table)
	if err != nil {
		return err
	}
	if a, b := slices.Sorted(slices.Values(columns)), slices.Sorted(slices.Values(have)); !slices.Equal(a, b) {
		return fmt.Errorf("the backup has columns %q, the schema %q", a, b)
	}
	if i.dialect == goose.DialectPostgres {
		return i.copy(ctx, table, columns, from)
	}
	return i.insert(ctx, table, columns, from)
}

// rowsAtOnce is how many rows a statement of SQLite writes.
const rowsAtOnce = 16

func (i *importing) insert(ctx context.Context, table string, columns []string, from Source) error {
	statement := func(rows int) string {
		marked := strings.Repeat(", (?"+strings.Repeat(", ?", len(columns)-1)+")", rows) // positional says why these
		return "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES " + marked[2:]
	}
	many, err := i.c.PrepareContext(ctx, statement(rowsAtOnce))
	if err != nil {
		return fault(err)
	}
	defer func() { _ = many.Close() }()
	args := make([]any, 0, rowsAtOnce*len(columns))
	for {
		row, err := from.Row()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if args = append(args, row...); len(args) < cap(args) {
			continue
		}
		if _, err := many.ExecContext(ctx, args...); err != nil {
			return fault(err)
		}
		args = args[:0]
	}
	if len(args) == 0 {
		return nil
	}
	_, err = i.c.ExecContext(ctx, statement(len(args)/len(columns)), args...)
	return fault(err)
}

// copy hands PostgreSQL a table in one stream.
func (i *importing) copy(ctx context.Context, table string, columns []string, from Source) error {
	rows := &copied{from: from}
	err := i.c.Raw(func(c any) error {
		p, ok := c.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("a connection of type %T", c)
		}
		_, err := p.Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, rows)
		return err
	})
	if rows.err != nil { // what the database says of it has no reason
		return rows.err
	}
	return fault(err)
}

// copied is a Source's table as pgx reads it.
type copied struct {
	from Source
	row  []any
	err  error
}

func (c *copied) Next() bool {
	c.row, c.err = c.from.Row()
	if errors.Is(c.err, io.EOF) {
		c.err = nil
		return false
	}
	return c.err == nil
}

func (c *copied) Values() ([]any, error) { return c.row, nil }

func (c *copied) Err() error { return c.err }

func columnsOf(ctx context.Context, c asking, table string) (names []string, err error) {
	rows, err := c.QueryContext(ctx, "SELECT * FROM "+table+" LIMIT 0") //nolint:gosec // the schema has it
	if err != nil {
		return nil, fault(err)
	}
	defer rows.Close()
	if names, err = rows.Columns(); err != nil {
		return nil, fault(err)
	}
	return names, fault(rows.Err())
}

// older says that a statement is about a table which the backup's schema had not.
func (i *importing) older(q string) bool {
	for _, table := range []string{"counters", "codes", "visits"} {
		if strings.Contains(q, table) && !slices.Contains(i.tables, table) {
			return true
		}
	}
	return false
}

// end ends the sessions, and has it written down in the same transaction.
func (i *importing) end(ctx context.Context, then func(store.Tx, int64) error) error {
	on := imported{ctx, i.c}
	var n int64
	for _, q := range endings {
		if strings.Contains(q, "epoch_at") && !slices.Contains(i.tables, "counters") {
			q = qOlderEpochs // of a schema from before both
		} else if i.older(q) {
			continue
		}
		var args []any
		if strings.Contains(q, "$1") {
			args = []any{ts(i.d.made.time())}
		}
		var err error
		if n, err = on.exec(q, args); err != nil {
			return fault(fmt.Errorf("ending the sessions: %w", err))
		}
	}
	h := &held{conn: on, realm: i.d.realm}
	if err := then(&tx{reader: reader{h, i.d.realm}, held: h, made: i.d.made, now: i.d.made.time(), jobs: i.d.leaseJobs()}, n); err != nil {
		return err
	}
	return h.flush()
}

// imported is the conn of an import's transaction.
type imported struct {
	ctx context.Context //nolint:containedctx // the transaction's
	c   *sql.Conn
}

func (t imported) query(q string, args []any) (*sql.Rows, error) {
	return t.c.QueryContext(t.ctx, q, args...)
}

func (t imported) exec(q string, args []any) (int64, error) {
	res, err := t.c.ExecContext(t.ctx, q, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// attempt has no savepoint: nobody else is there to take the row.
func (t imported) attempt(q string, args []any) (int64, error) { return t.exec(q, args) }

func (t imported) note(error) {}
