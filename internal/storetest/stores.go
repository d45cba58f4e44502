// Package storetest has the stores that tests run on, and the suite that every
// store must pass.
//
//	Each(t, fn) ──> SQLite, PostgreSQL, and SQLite with every update run twice
//	Run(t, open) ─> the suite: the transaction contract, keys, hot reads, races
//
// Neighbours: store is the contract, sqlstore the implementation.
package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/store/sqlstore"
	"github.com/usher-id/usher/internal/testpg"
)

// SQLite gives an empty store in a folder of the test's own.
func SQLite(t testing.TB) *sqlstore.DB {
	t.Helper()
	return open(t, sqlstore.Options{Data: t.TempDir(), Node: 1})
}

// Postgres gives an empty store on a real server; the test is skipped loudly
// where there is none.
func Postgres(t testing.TB) *sqlstore.DB {
	t.Helper()
	return open(t, sqlstore.Options{URL: testpg.Start(t), Node: 1})
}

func open(t testing.TB, o sqlstore.Options) *sqlstore.DB {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// Each runs a test on every store.
func Each(t *testing.T, fn func(*testing.T, store.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, SQLite(t)) })
	t.Run("sqlite run twice", func(t *testing.T) { fn(t, Twice(SQLite(t))) })
	t.Run("postgres", func(t *testing.T) { fn(t, Postgres(t)) })
}

// Twice runs every update twice and rolls the first back, as a store may: what
// leaves fn other than by assignment shows.
func Twice(s store.Store) store.Store { return twice{s} }

type twice struct{ store.Store }

var errFirst = errors.New("storetest: the first of two runs")

func (s twice) Update(ctx context.Context, lane store.Lane, fn func(store.Tx) error) error {
	err := s.Store.Update(ctx, lane, func(tx store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return errFirst
	})
	if !errors.Is(err, errFirst) {
		return err
	}
	return s.Store.Update(ctx, lane, fn)
}
