package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pressly/goose/v3"
)

// Sink takes a database, table by table. Values are strings and int64, which is
// all that the schema has on either database.
type Sink interface {
	Table(name string, columns []string) error
	Row(values []any) error
}

// Source gives a database back. Both end with io.EOF: a table's rows, and the
// tables.
type Source interface {
	Next() (table string, columns []string, err error)
	Row() ([]any, error)
}

// Which tables there are is asked of the database, so that none can be
// forgotten; goose's own tells the version, which is kept apart.
const (
	qTablesSQLite   = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%' ORDER BY name"
	qTablesPostgres = `SELECT table_name FROM information_schema.tables
	WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND table_name NOT LIKE 'goose_%' ORDER BY table_name COLLATE "C"`
)

// ErrNotEmpty says that there is something where a backup was to be put.
var ErrNotEmpty = errors.New("the database is not empty")

// raw gives the pool behind the engine, and what it is.
func (d *DB) raw() (db *sql.DB, dialect goose.Dialect) {
	switch e := d.engine.(type) {
	case *lite:
		return e.db, goose.DialectSQLite3
	case *pg:
		return e.db, goose.DialectPostgres
	default:
		panic(fmt.Sprintf("sqlstore: an engine of type %T", e)) // there are two
	}
}

// SchemaVersion is the newest migration that was applied.
func (d *DB) SchemaVersion(ctx context.Context) (v int64, err error) {
	db, _ := d.raw()
	if err := db.QueryRowContext(ctx, qVersion).Scan(&v); err != nil {
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

// Export gives everything as it is at one moment, while others go on reading
// and writing.
func (d *DB) Export(ctx context.Context, to Sink) (err error) {
	db, dialect := d.raw()
	c, err := db.Conn(ctx)
	if err != nil {
		return fault(fmt.Errorf("connecting: %w", err))
	}
	defer func() { _ = c.Close() }()
	begin := []string{"BEGIN DEFERRED"} // the first question fixes the moment
	if dialect == goose.DialectPostgres {
		begin = []string{"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SET LOCAL synchronize_seqscans = off"}
	}
	for _, q := range begin {
		if _, err := c.ExecContext(ctx, q); err != nil {
			return fault(fmt.Errorf("beginning to read: %w", err))
		}
	}
	defer func() { _, _ = c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") }()
	tables, err := tablesOf(ctx, c, dialect)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if err := exportTable(ctx, c, t, to); err != nil {
			return fmt.Errorf("reading table %s: %w", t, err)
		}
	}
	return nil
}

// asking is a connection or a transaction.
type asking interface {
	QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error)
}

func tablesOf(ctx context.Context, c asking, dialect goose.Dialect) (names []string, err error) {
	q := qTablesSQLite
	if dialect == goose.DialectPostgres {
		q = qTablesPostgres
	}
	rows, err := c.QueryContext(ctx, q)
	if err != nil {
		return nil, fault(fmt.Errorf("listing the tables: %w", err))
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("listing the tables: %w", err)
		}
		names = append(names, name)
	}
	return names, fault(rows.Err())
}

func exportTable(ctx context.Context, c asking, table string, to Sink) error {
	rows, err := c.QueryContext(ctx, "SELECT * FROM "+table) //nolint:gosec // as the schema names it
	if err != nil {
		return fault(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return fault(err)
	}
	if err := to.Table(table, columns); err != nil {
		return err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, v := range values {
			switch v := v.(type) {
			case string, int64:
			case []byte:
				values[i] = string(v)
			default:
				return fmt.Errorf("column %s holds a %T", columns[i], v)
			}
		}
		if err := to.Row(values); err != nil {
			return err
		}
	}
	return fault(rows.Err())
}

// Sessions says what becomes of those in a backup.
type Sessions int

const (
	EndSessions  Sessions = iota // what was revoked since must not come back
	KeepSessions                 // as they were
)

// rowsAtOnce is how many rows a statement writes; tables have up to sixteen
// columns.
const rowsAtOnce = 32

// Import puts everything back into an empty database of the same version, in
// one transaction: a program that dies meanwhile leaves it empty.
func (d *DB) Import(ctx context.Context, from Source, sessions Sessions) (err error) {
	db, dialect := d.raw()
	// Serialisable: whoever begins to use the database meanwhile, or we, must give
	// way.
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	if err != nil {
		return fault(fmt.Errorf("beginning: %w", err))
	}
	defer func() {
		if err != nil {
			_ = tx.Rollback()
		}
	}()
	tables, err := tablesOf(ctx, tx, dialect)
	if err != nil {
		return err
	}
	if err := empty(ctx, tx, tables); err != nil {
		return err
	}
	left := map[string]bool{}
	for _, t := range tables {
		left[t] = true
	}
	for {
		table, columns, err := from.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if !left[table] {
			return fmt.Errorf("the backup has a table %q twice, or one that is not there", table)
		}
		delete(left, table)
		if err := importTable(ctx, tx, table, columns, from); err != nil {
			return fmt.Errorf("table %s: %w", table, err)
		}
	}
	for t := range left {
		return fmt.Errorf("the backup lacks the table %s", t)
	}
	if sessions == EndSessions {
		for q, args := range map[string][]any{
			"UPDATE sessions SET revoked = $1 WHERE revoked = 0": {d.made.clock().UnixMicro()},
			"DELETE FROM tokens WHERE session_id <> ''":          nil,
		} {
			if _, err := tx.ExecContext(ctx, q, args...); err != nil {
				return fault(fmt.Errorf("ending the sessions: %w", err))
			}
		}
	}
	if err := tx.Commit(); err != nil {
		return fault(fmt.Errorf("committing: %w", err))
	}
	if dialect == goose.DialectPostgres {
		if _, err := db.ExecContext(ctx, "ANALYZE"); err != nil {
			return fault(fmt.Errorf("gathering statistics: %w", err))
		}
	}
	return nil
}

// Empty is ErrNotEmpty where any table has a row; a database without tables is
// empty.
func (d *DB) Empty(ctx context.Context) error {
	db, dialect := d.raw()
	tables, err := tablesOf(ctx, db, dialect)
	if err != nil {
		return err
	}
	return empty(ctx, db, tables)
}

func empty(ctx context.Context, c interface {
	QueryRowContext(ctx context.Context, q string, args ...any) *sql.Row
}, tables []string,
) error {
	for _, t := range tables {
		var n int
		err := c.QueryRowContext(ctx, "SELECT 1 FROM "+t+" LIMIT 1").Scan(&n) //nolint:gosec // as the schema names it
		if err == nil {
			return fmt.Errorf("%w: table %s has rows", ErrNotEmpty, t)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return fault(fmt.Errorf("looking into table %s: %w", t, err))
		}
	}
	return nil
}

func importTable(ctx context.Context, tx *sql.Tx, table string, columns []string, from Source) error {
	have, err := columnsOf(ctx, tx, table)
	if err != nil {
		return err
	}
	if len(columns) != len(have) {
		return fmt.Errorf("the backup has %d columns, the schema %d", len(columns), len(have))
	}
	for _, c := range columns {
		if !have[c] {
			return fmt.Errorf("there is no column %q", c)
		}
	}
	insert := func(rows int) string {
		marked := make([]string, rows)
		for i := range marked {
			marked[i] = "(" + marks(1+i*len(columns), len(columns)) + ")"
		}
		return "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES " + strings.Join(marked, ", ")
	}
	many, err := tx.PrepareContext(ctx, insert(rowsAtOnce))
	if err != nil {
		return fault(err)
	}
	defer many.Close()
	args := make([]any, 0, rowsAtOnce*len(columns))
	for {
		row, err := from.Row()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if len(row) != len(columns) {
			return fmt.Errorf("a row has %d values, the table %d columns", len(row), len(columns))
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
	_, err = tx.ExecContext(ctx, insert(len(args)/len(columns)), args...)
	return fault(err)
}

func columnsOf(ctx context.Context, tx *sql.Tx, table string) (map[string]bool, error) {
	rows, err := tx.QueryContext(ctx, "SELECT * FROM "+table+" LIMIT 0") //nolint:gosec // the schema has it
	if err != nil {
		return nil, fault(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, fault(err)
	}
	all := map[string]bool{}
	for _, n := range names {
		all[n] = true
	}
	return all, fault(rows.Err())
}
