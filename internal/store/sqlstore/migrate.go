package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/usher-id/usher/internal/failpoint"
)

var jobColumns = strings.Join(jobs.columns, ", ")

func (l *lite) migrate(ctx context.Context) error {
	return migrate(ctx, l.db, goose.DialectSQLite3)
}

func (p *pg) migrate(ctx context.Context) error {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300), lock.WithUnlockTimeout(1, 30))
	if err != nil {
		return fmt.Errorf("setting up the migration lock: %w", err)
	}
	return migrate(ctx, p.db, goose.DialectPostgres, goose.WithSessionLocker(locker))
}

func (l *lite) status(ctx context.Context) ([]Migration, error) {
	return status(ctx, l.db, goose.DialectSQLite3)
}

func (p *pg) status(ctx context.Context) ([]Migration, error) {
	return status(ctx, p.db, goose.DialectPostgres)
}

func provider(db *sql.DB, d goose.Dialect, o ...goose.ProviderOption) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(d, db, files, append(o, goose.WithVerbose(false))...)
}

const migrateTries = 20

const qVersion = "SELECT MAX(version_id) FROM goose_db_version WHERE is_applied"

func migrate(ctx context.Context, db *sql.DB, d goose.Dialect, o ...goose.ProviderOption) error {
	newest, err := newestMigration()
	if err != nil {
		return err
	}
	// SQLite has no lock for migrations: another process may be doing the same
	// step, so that ours fails on what is there already.
	for try := 0; ; try++ {
		// Asking first keeps the ordinary start to one query.
		var have int64
		if db.QueryRowContext(ctx, qVersion).Scan(&have) == nil && have >= newest {
			if have > newest {
				return fmt.Errorf("the database is at version %d, newer than this program's %d", have, newest)
			}
			return nil
		}
		p, err := provider(db, d, o...)
		if err != nil {
			return fmt.Errorf("reading the migrations: %w", err)
		}
		failpoint.Pass(failpoint.MigrateBegin)
		if err = up(ctx, p); err == nil {
			failpoint.Pass(failpoint.MigrateEnd)
			return nil
		}
		if try == migrateTries {
			return fault(fmt.Errorf("migrating: %w", err))
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// up makes what is missing, each step in a transaction of its own.
func up(ctx context.Context, p *goose.Provider) error {
	for {
		_, err := p.UpByOne(ctx)
		if errors.Is(err, goose.ErrNoNextVersion) {
			return nil
		}
		if err != nil {
			return err
		}
		failpoint.Pass(failpoint.MigrateStep)
	}
}

func status(ctx context.Context, db *sql.DB, d goose.Dialect) ([]Migration, error) {
	p, err := provider(db, d)
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	all, err := p.Status(ctx)
	if err != nil {
		return nil, fault(fmt.Errorf("reading the version: %w", err))
	}
	var out []Migration
	for _, m := range all {
		out = append(out, Migration{m.Source.Version, path.Base(m.Source.Path), m.State == goose.StateApplied})
	}
	return out, nil
}

// NoTables says that a question failed because the database was never migrated.
func NoTables(err error) bool {
	const undefinedTable = "42P01" // PostgreSQL, appendix A
	if err == nil {
		return false
	}
	return code(err) == undefinedTable || strings.Contains(err.Error(), "no such table")
}

func newestMigration() (newest int64, err error) {
	files, err := fs.ReadDir(migrations, "migrations")
	if err != nil {
		return 0, fmt.Errorf("reading the migrations: %w", err)
	}
	for _, f := range files {
		n, err := strconv.ParseInt(strings.SplitN(f.Name(), "_", 2)[0], 10, 64)
		if err != nil {
			return 0, errors.New("a migration's name does not begin with its number: " + f.Name())
		}
		newest = max(newest, n)
	}
	return newest, nil
}
