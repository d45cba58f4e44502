package sqlstore

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/testpg"
)

// pool is the connection pool under a database.
func pool(db *DB) *sql.DB {
	switch e := db.engine.(type) {
	case *lite:
		return e.db
	case *pg:
		return e.db
	}
	return nil
}

// bothEngines runs a test on each; options open the same empty database each
// time.
func bothEngines(t *testing.T, fn func(*testing.T, Options)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, Options{Data: t.TempDir()}) })
	t.Run("postgres", func(t *testing.T) { fn(t, Options{URL: testpg.Start(t)}) })
}

func TestMigratingAgainDoesNothing(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		db := opened(t, o)
		if _, err := pool(db).ExecContext(t.Context(), "INSERT INTO leases VALUES ('r', 'n', 'h', 1)"); err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		again := opened(t, o)
		var rows int
		if err := pool(again).QueryRowContext(t.Context(), "SELECT COUNT(*) FROM leases").Scan(&rows); err != nil || rows != 1 {
			t.Errorf("rows: %d, %v", rows, err)
		}
		steps, err := again.MigrationStatus(t.Context())
		if err != nil || len(steps) == 0 || !steps[len(steps)-1].Applied || steps[0].Version != 1 {
			t.Errorf("status: %+v, %v", steps, err)
		}
	})
}

func TestManyMigrateAtOnce(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		errs := make(chan error)
		for range 4 {
			go func() {
				db, err := Open(t.Context(), o)
				if err == nil {
					defer db.Close()
					err = db.Migrate(t.Context())
				}
				errs <- err
			}()
		}
		for range 4 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		opened(t, o)
	})
}

func TestANewerDatabaseIsRefused(t *testing.T) {
	bothEngines(t, func(t *testing.T, o Options) {
		db := opened(t, o)
		if _, err := pool(db).ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, $1)", true); err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "9999") {
			t.Errorf("got %v", err)
		}
	})
}
