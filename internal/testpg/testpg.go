package testpg

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// EnvURL names the variable that holds the URL of a running server, with the
// rights to create databases. Databases are created beside the one it names.
const EnvURL = "USHER_TEST_POSTGRES_URL"

// shared is the one server of this test binary, started at first need.
var shared struct {
	sync.Mutex
	server *Server
	err    error
	tried  bool
}

// Main runs a package's tests and stops the server that they started, if any:
//
//	func TestMain(m *testing.M) { testpg.Main(m) }
func Main(m *testing.M) {
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		if err := shared.server.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "testpg:", err)
		}
	}
	os.Exit(code)
}

// Start returns the URL of an empty database that belongs to this test alone
// and is dropped, with whoever is still connected, when the test ends.
func Start(t testing.TB) string {
	t.Helper()
	admin, err := sharedURL()
	if err != nil {
		unavailable(t, err)
	}
	return createDatabase(t, admin)
}

// Own starts a server for this test alone, which may stop and start it again:
// what a test of crashes needs. It is closed when the test ends.
func Own(t testing.TB) *Server {
	t.Helper()
	s, err := Launch()
	if err != nil {
		unavailable(t, err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close PostgreSQL: %v", err)
		}
	})
	return s
}

// unavailable skips, or fails where a skipped test would hide a gap.
func unavailable(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("no PostgreSQL for this test: %v", err)
	}
	t.Skipf("NOT TESTED ON POSTGRESQL: %v", err)
}

func sharedURL() (string, error) {
	if u := os.Getenv(EnvURL); u != "" {
		return u, nil
	}
	shared.Lock()
	defer shared.Unlock()
	if !shared.tried {
		shared.tried = true
		shared.server, shared.err = Launch()
	}
	if shared.err != nil {
		return "", shared.err
	}
	return shared.server.URL(), nil
}

func createDatabase(t testing.TB, admin string) string {
	t.Helper()
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatalf("%s is not a URL: %v", EnvURL, err)
	}
	name := "usher_" + strings.ToLower(rand.Text())
	// template0: nobody can be connected to it, so parallel creations do not
	// fail on one another as they can with template1.
	if err := execAdmin(admin, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		t.Fatalf("create a database for the test: %v", err)
	}
	t.Cleanup(func() {
		if err := execAdmin(admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	u.Path = "/" + name
	return u.String()
}

func execAdmin(admin, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}
