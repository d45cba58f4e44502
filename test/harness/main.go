package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/usher-id/usher/internal/testkeycloak"
	"github.com/usher-id/usher/internal/testpg"
)

// EnvBinary names the variable with the program under test. Main sets it to a
// fresh build where it is not set already.
const EnvBinary = "USHER_TEST_BINARY"

const program = "github.com/usher-id/usher/cmd/usher"

// Main runs the tests of a package that starts servers:
//
//	func TestMain(m *testing.M) { harness.Main(m) }
func Main(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if os.Getenv(EnvBinary) == "" {
		dir, err := os.MkdirTemp("", "usher-build-")
		if err != nil {
			return failed("make a folder to build in", err)
		}
		defer os.RemoveAll(dir)
		if err := build(filepath.Join(dir, "usher")); err != nil {
			return failed("build "+program, err)
		}
	}
	// testpg.Start would start a server at first need as well, and has testpg.Main
	// stop it, which does not give the control back.
	if os.Getenv(testpg.EnvURL) == "" {
		server, err := testpg.Launch()
		if err == nil {
			defer func() {
				if err := server.Close(); err != nil {
					fmt.Fprintln(os.Stderr, "harness: close PostgreSQL:", err)
				}
			}()
			err = os.Setenv(testpg.EnvURL, server.URL())
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "harness: PostgreSQL:", err) // each test that needs it says so again
		}
	}
	defer testkeycloak.Stop()
	return m.Run()
}

func build(to string) error {
	if err := compile(to); err != nil {
		return err
	}
	return os.Setenv(EnvBinary, to)
}

func compile(to string, flags ...string) error {
	args := append(append([]string{"build"}, flags...), "-o", to, program)
	cmd := exec.CommandContext(context.Background(), "go", args...) //nolint:gosec // a folder of our own
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// Tagged builds the program with a build tag, for Options.Binary.
func Tagged(t testing.TB, tag string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "usher-"+tag)
	if err := compile(to, "-tags", tag); err != nil {
		t.Fatalf("build %s with -tags %s: %v", program, tag, err)
	}
	return to
}

func failed(doing string, err error) int {
	fmt.Fprintf(os.Stderr, "harness: %s: %v\n", doing, err)
	return 1
}

// Store is a kind of database.
type Store string

// The databases usher runs on.
const (
	SQLite   Store = "sqlite"
	Postgres Store = "postgres"
)

// Empty gives the options of a server on an empty database of its own.
func (s Store) Empty(t testing.TB) Options {
	t.Helper()
	if s == Postgres {
		return Options{DatabaseURL: testpg.Start(t)}
	}
	return Options{}
}

// OnEachStore runs a test for every kind of database.
func OnEachStore(t *testing.T, test func(t *testing.T, s Store)) {
	t.Helper()
	for _, s := range []Store{SQLite, Postgres} {
		t.Run(string(s), func(t *testing.T) { test(t, s) })
	}
}
