package main

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

const (
	rawRead   = "raw prepared read/1"
	rawUpdate = "raw updates, 128 a commit/1"

	rawRows  = 10_000
	rawGroup = 128 // updates in a transaction, as many as usher's writer takes
)

// raw is the database driver alone, in this process, on a table with one
// document a row.
type raw struct {
	db   *sql.DB
	read *sql.Stmt
}

func openRaw(ctx context.Context, dir, pg string) (*raw, error) {
	driver, dsn := "sqlite", "file:"+filepath.Join(dir, "raw.db")+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)&_txlock=immediate"
	if pg != "" {
		driver, dsn = "pgx", pg
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	r := &raw{db: db}
	if err := r.fill(ctx); err != nil {
		return nil, fmt.Errorf("filling the raw table: %w", err)
	}
	if r.read, err = db.PrepareContext(ctx, "SELECT document FROM bench_raw WHERE realm = $1 AND id = $2"); err != nil {
		return nil, err
	}
	return r, nil
}

const rawDocument = `{"email":{"v":"someone@example.org","a":"attested","t":"2026-01-01T00:00:00Z"},"given_name":{"v":"Ada","t":"2026-01-01T00:00:00Z"}}`

func (r *raw) fill(ctx context.Context) error {
	for _, q := range []string{
		"DROP TABLE IF EXISTS bench_raw",
		"CREATE TABLE bench_raw (realm TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (realm, id))",
	} {
		if _, err := r.db.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for i := range rawRows {
		if _, err := tx.ExecContext(ctx, "INSERT INTO bench_raw VALUES ($1, $2, $3, $4)", "main", rawID(i), rawDocument, i); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func rawID(i int) string { return fmt.Sprintf("row-%06d", i*7919%rawRows) }

// close takes the table away again: a PostgreSQL database is not ours to drop.
func (r *raw) close() error {
	_, err := r.db.ExecContext(context.Background(), "DROP TABLE IF EXISTS bench_raw")
	if e := r.read.Close(); err == nil {
		err = e
	}
	if e := r.db.Close(); err == nil {
		err = e
	}
	return err
}

// rawOperations time single reads, and updates that share a commit.
func (b *bench) rawOperations() []operation {
	timed := func(step func(i int) (int, error)) (result, error) {
		var r result
		begun, cpu := time.Now(), ownCPU()
		for time.Since(begun) < b.slot {
			n, err := step(r.ops)
			if err != nil {
				return r, err
			}
			r.ops += n
		}
		r.took, r.cpu = time.Since(begun), ownCPU()-cpu
		return r, nil
	}
	return []operation{
		{name: "raw prepared read", conns: 1, run: func(ctx context.Context) (result, error) {
			return timed(func(i int) (int, error) {
				var document string
				return 1, b.raw.read.QueryRowContext(ctx, "main", rawID(i)).Scan(&document)
			})
		}},
		{name: "raw updates, 128 a commit", conns: 1, run: func(ctx context.Context) (result, error) {
			return timed(func(i int) (int, error) { return rawGroup, b.raw.update(ctx, i) })
		}},
	}
}

func (r *raw) update(ctx context.Context, from int) error {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	set, err := tx.PrepareContext(ctx, "UPDATE bench_raw SET document = $3, at = $4 WHERE realm = $1 AND id = $2")
	if err != nil {
		return err
	}
	defer func() { _ = set.Close() }()
	for i := range rawGroup {
		if _, err := set.ExecContext(ctx, "main", rawID(from+i), rawDocument, from+i); err != nil {
			return err
		}
	}
	return tx.Commit()
}
