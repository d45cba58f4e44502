package testpg

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) { Main(m) }

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func mustExec(t *testing.T, conn *pgx.Conn, statement string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func TestEachTestHasAnEmptyDatabaseOfItsOwn(t *testing.T) {
	a, b := connect(t, Start(t)), connect(t, Start(t))
	mustExec(t, a, "CREATE TABLE thing (id bigint)")
	mustExec(t, b, "CREATE TABLE thing (id bigint)")
}

func TestDatabaseIsDroppedWithTheTest(t *testing.T) {
	var name string
	t.Run("inner", func(t *testing.T) {
		conn := connect(t, Start(t))
		if err := conn.QueryRow(t.Context(), "SELECT current_database()").Scan(&name); err != nil {
			t.Fatal(err)
		}
	})
	var left int
	conn := connect(t, Start(t))
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datname = $1", name).Scan(&left); err != nil {
		t.Fatal(err)
	}
	if name == "" || left != 0 {
		t.Fatalf("database %q: %d left", name, left)
	}
}

func TestCommittedRowsSurviveACrash(t *testing.T) {
	s := Own(t)
	conn := connect(t, s.URL())
	mustExec(t, conn, "CREATE TABLE kept (id bigint)")
	mustExec(t, conn, "INSERT INTO kept VALUES (1)")
	if err := s.Stop("immediate"); err != nil {
		t.Fatal(err)
	}
	if _, err := pgx.Connect(t.Context(), s.URL()); err == nil {
		t.Fatal("a stopped server answers")
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	var rows int
	if err := connect(t, s.URL()).QueryRow(t.Context(), "SELECT count(*) FROM kept").Scan(&rows); err != nil || rows != 1 {
		t.Fatalf("rows after the crash: %d, %v", rows, err)
	}
}

func TestUnknownStopModeIsRefused(t *testing.T) {
	if err := (&Server{}).Stop("abrupt"); err == nil {
		t.Fatal("accepted")
	}
}
