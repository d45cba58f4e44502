package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// serving runs `usher serve` until it has said where it is, then stops it; it
// gives what was printed until then.
func serving(t *testing.T, environ []string, args ...string) []string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, w := io.Pipe()
	var said bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0"}, args...), environ, w, &said)
		w.Close()
	}()
	var lines []string
	for in := bufio.NewScanner(r); in.Scan(); {
		lines = append(lines, in.Text())
		if strings.HasPrefix(in.Text(), "Development mode") {
			stop()
		}
	}
	if code := <-ended; code != 0 {
		t.Fatalf("exit %d: %s", code, said.String())
	}
	return lines
}

// Given development mode, when usher starts on a folder that is not there, then
// it makes the database, and says what the operator's account is for.
func TestDevelopmentModeSaysWhatTheAccountIsFor(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	environ := []string{"USHER_DATA=" + dir, "USHER_LOG_LEVEL=error"}
	lines := serving(t, environ, "--dev")
	if len(lines) < 5 || !strings.HasPrefix(lines[0], "public    http://") || !strings.HasPrefix(lines[1], "internal  http://") ||
		!strings.HasPrefix(lines[2], "operator  "+devEmail+"  ") {
		t.Fatalf("%q", lines)
	}
	if !strings.Contains(lines[3], "role operator") {
		t.Errorf("what is it for? %q", lines[3])
	}
	if again := serving(t, environ, "--dev"); again[2] != lines[2] {
		t.Errorf("another account: %q, before %q", again[2], lines[2])
	}
	done(t, usher(t, environ, "user", "show", devEmail))
}

// Given an address that is taken, then it and the key that chooses another are
// named, and no database is made.
func TestATakenAddressIsNamed(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken, dir := l.Addr().String(), filepath.Join(t.TempDir(), "data")
	for key, args := range map[string][]string{
		"listen":          {"--listen", taken, "--internal-listen", "127.0.0.1:0"},
		"internal_listen": {"--listen", "127.0.0.1:0", "--internal-listen", taken},
	} {
		got := usher(t, nil, append([]string{"serve", "--data", dir}, args...)...)
		refused(t, got, 1, key+": cannot listen on "+taken, "another program", "--"+key, "USHER_"+strings.ToUpper(key))
	}
	refused(t, told{code: 1, err: cannotListen("listen", ":80", fs.ErrPermission).Error()}, 1, "this user may not listen there")
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder was made: %v", err)
	}
}

// Given a policy file with a mistake, then serve says so before it makes
// anything.
func TestAWrongPolicyFileMakesNothing(t *testing.T) {
	file, dir := filepath.Join(t.TempDir(), "policy.yaml"), filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(file, []byte("limits: {account_failure: 3}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := usher(t, nil, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0", "--policy", file)
	refused(t, got, 2, file, "did you mean account_failures?")
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder was made: %v", err)
	}
}
