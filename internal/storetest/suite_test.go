package storetest_test

import (
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
)

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t testing.TB) store.Store { return storetest.SQLite(t) })
}

func TestSQLiteRunTwice(t *testing.T) {
	storetest.Run(t, func(t testing.TB) store.Store { return storetest.Twice(storetest.SQLite(t)) })
}

func TestPostgres(t *testing.T) {
	storetest.Run(t, func(t testing.TB) store.Store { return storetest.Postgres(t) })
}
