package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/pressly/goose/v3"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Sink takes a database, table by table. Values are strings and int64, which is
// all that the schema has on either database. A row is the sink's until it
// returns.
type Sink interface {
	// Begin comes first, with the version of the schema at that moment.
	Begin(schema int64) error
	Table(name string, columns []string) error
	Row(values []any) error
}

// EventsTable is the one table whose rows come in an order: that of their
// numbers, realm by realm, and those without a number before them. So its chain
// can be followed while it is read.
const EventsTable = "events"

// Which tables there are is asked of the database, so that none can be
// forgotten; goose's own tells the version, which is kept apart.
const (
	qTablesSQLite   = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%' ORDER BY name"
	qTablesPostgres = `SELECT table_name FROM information_schema.tables
	WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND table_name NOT LIKE 'goose_%' ORDER BY table_name COLLATE "C"`
)

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

// Export gives everything as it is at one moment, while others go on reading
// and writing. It holds one row at a time. As long as it takes, SQLite keeps its
// log and PostgreSQL its dead rows: to must not wait for anybody far away.
func (d *DB) Export(ctx context.Context, to Sink) (err error) {
	db, dialect := d.raw()
	c, err := db.Conn(ctx)
	if err != nil {
		return fault(fmt.Errorf("connecting: %w", err))
	}
	defer func() { _ = c.Close() }()
	begin := []string{"BEGIN DEFERRED"} // the first question fixes the moment
	if dialect == goose.DialectPostgres {
		begin = append([]string{"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}, unhurried...)
	}
	defer func() { _, _ = c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") }()
	for _, q := range begin {
		if _, err := c.ExecContext(ctx, q); err != nil {
			return fault(fmt.Errorf("beginning to read: %w", err))
		}
	}
	var schema int64
	if err := c.QueryRowContext(ctx, qVersion).Scan(&schema); err != nil {
		return fault(fmt.Errorf("reading the version of the schema: %w", err))
	}
	if err := to.Begin(schema); err != nil {
		return err
	}
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

// unhurried lets a transaction of PostgreSQL last: time limits are for requests.
var unhurried = []string{"SET LOCAL statement_timeout = 0", "SET LOCAL idle_in_transaction_session_timeout = 0"}

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
	q := "SELECT * FROM " + table //nolint:gosec // as the schema names it
	if table == EventsTable {
		q += " ORDER BY realm, seq, id"
	}
	rows, err := c.QueryContext(ctx, q)
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
			return fault(err)
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

// ExportedEvent reads a row of EventsTable as Export gives it.
func ExportedEvent(columns []string, row []any) (realm string, e store.Event, err error) {
	text := func(name string) string {
		s, ok := row[max(0, slices.Index(columns, name))].(string)
		if !ok || !slices.Contains(columns, name) {
			err = fmt.Errorf("an event has no text %q", name)
		}
		return s
	}
	number := func(name string) int64 {
		n, ok := row[max(0, slices.Index(columns, name))].(int64)
		if !ok || !slices.Contains(columns, name) {
			err = fmt.Errorf("an event has no number %q", name)
		}
		return n
	}
	if len(row) == 0 || len(row) != len(columns) {
		return "", e, fmt.Errorf("an event has %d values for %d columns", len(row), len(columns))
	}
	e = store.Event{
		ID: user.ID(text("id")), Kind: text("kind"), User: user.ID(text("user_id")), Actor: text("actor"), Door: user.Door(text("door")),
		At: at(number("at")), Body: raw(text("body")), Salt: unbin(text("salt")),
		Seq: number("seq"), BodyHash: unbin(text("body_hash")), Chain: unbin(text("chain")),
	}
	return text("realm"), e, err
}
