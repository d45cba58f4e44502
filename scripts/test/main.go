// Command test runs the tests against a real PostgreSQL and says plainly what
// was left out:
//
//	go run ./scripts/test [arguments of go test]      (default ./...)
//
//	start PostgreSQL ──> go test -json ──> print failures and package lines
//	                                  └──> count, list every skipped test ──> stop it
//
// Exit 0 only if everything passed; with CI=true a skipped test fails the run.
// Keycloak is started likewise. PostgreSQL, nginx, haproxy, chromium, Node.js, Java and
// Maven are installed from the distribution where they
// are missing, it runs as root and apt-get exists.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/usher-id/usher/internal/testkeycloak"
	"github.com/usher-id/usher/internal/testpg"
)

func main() {
	code, err := run(os.Args[1:], os.Getenv("CI") == "true")
	if err != nil {
		fmt.Fprintln(os.Stderr, "test:", err)
	}
	os.Exit(code)
}

func run(args []string, ci bool) (int, error) {
	if len(args) == 0 {
		args = []string{"./..."}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	url := os.Getenv(testpg.EnvURL)
	if url == "" {
		server, err := launch(ctx)
		switch {
		case err == nil:
			url = server.URL()
			defer func() {
				if closeErr := server.Close(); closeErr != nil {
					fmt.Fprintln(os.Stderr, "test: close PostgreSQL:", closeErr)
				}
			}()
		case ci:
			return 1, fmt.Errorf("no PostgreSQL to test with: %w", err)
		default:
			fmt.Fprintln(os.Stderr, "WITHOUT POSTGRESQL:", err)
		}
	}

	if err := obtainBeside(ctx); err != nil {
		if ci {
			return 1, fmt.Errorf("no proxies to test behind: %w", err)
		}
		fmt.Fprintln(os.Stderr, "WITHOUT PROXIES:", err)
	}

	keycloak := os.Getenv(testkeycloak.EnvURL)
	if keycloak == "" {
		server, err := testkeycloak.Launch(ctx)
		switch {
		case err == nil:
			keycloak = server.URL
			defer func() {
				if closeErr := server.Close(); closeErr != nil {
					fmt.Fprintln(os.Stderr, "test: close Keycloak:", closeErr)
				}
			}()
		case ci:
			return 1, fmt.Errorf("no Keycloak to test with: %w", err)
		default:
			fmt.Fprintln(os.Stderr, "WITHOUT KEYCLOAK:", err)
		}
	}

	// The orders of people at four doors take most of go test's own ten minutes for a
	// package on a slow machine.
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json", "-timeout=30m"}, args...)...)
	cmd.Env = append(os.Environ(), testpg.EnvURL+"="+url, testkeycloak.EnvURL+"="+keycloak)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 1, fmt.Errorf("read go test: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("start go test: %w", err)
	}
	r := newReport(os.Stdout)
	readErr := r.read(out)
	waitErr := cmd.Wait()
	r.summary()
	switch {
	case readErr != nil:
		return 1, fmt.Errorf("read go test: %w", readErr)
	case waitErr != nil:
		return 1, fmt.Errorf("go test: %w", waitErr)
	case ci && len(r.skipped) > 0:
		return 1, errors.New("tests were skipped, and CI=true")
	}
	return 0, nil
}

func launch(ctx context.Context) (*testpg.Server, error) {
	if err := obtainPostgres(ctx); err != nil {
		return nil, err
	}
	return testpg.Launch()
}
