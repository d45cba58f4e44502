package harness

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/usher-id/usher/test/replay"
)

// Options say how a server is started. The zero value is development mode on
// SQLite in a folder of the test's own.
type Options struct {
	DatabaseURL string   // empty: SQLite in Data
	Data        string   // folder of database and key; empty: a new one
	Args        []string // more of `usher serve`
	Env         []string // more variables, as "USHER_POLICY=…"
	Production  bool     // without --dev
	Binary      string   // another build than Main's
}

// Server is a running usher. Its methods fail the test rather than return
// errors, except where a test is about failing.
type Server struct {
	Public, Internal string // base URLs

	t    testing.TB
	o    Options
	cmd  *exec.Cmd
	said *tail         // what it wrote to standard error
	done chan struct{} // closed when cmd has ended, after ended was set
	// ended is how it ended; nil for status 0.
	ended error
	more  []string // variables set by Env
}

const (
	readyTimeout = 2 * time.Minute // a loaded machine takes its time
	stopTimeout  = time.Minute
)

// listening is what `usher serve` prints once it answers.
var listening = regexp.MustCompile(`^(public|internal)\s+(http://\S+)$`)

// Start starts a server on free ports and returns when it answers. It is
// stopped when the test ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Data == "" {
		o.Data = t.TempDir()
	}
	s := &Server{t: t, o: o}
	s.start()
	t.Cleanup(func() {
		if s.cmd != nil {
			s.Stop()
		}
		if t.Failed() {
			t.Logf("the server said:\n%s", s.said)
		}
	})
	return s
}

func (s *Server) start() {
	s.t.Helper()
	args := []string{"serve"}
	if !s.o.Production {
		args = append(args, "--dev")
	}
	args = append(args, "--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0")
	cmd := s.command(context.Background(), append(args, s.o.Args...)...)
	s.said = &tail{}
	cmd.Stderr = s.said
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatalf("start usher: %v", err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("start usher: %v", err)
	}
	s.cmd, s.done = cmd, make(chan struct{})
	ready := make(chan map[string]string, 1)
	go func() {
		ready <- addresses(stdout)
		_, _ = io.Copy(s.said, stdout)
		s.ended = cmd.Wait()
		close(s.done)
	}()
	select {
	case at := <-ready:
		s.Public, s.Internal = at["public"], at["internal"]
	case <-time.After(readyTimeout):
	}
	if s.Public == "" || s.Internal == "" {
		_ = cmd.Process.Kill()
		<-s.done
		s.cmd = nil
		s.t.Fatalf("usher serve did not say where it listens: %v\n%s", s.ended, s.said)
	}
}

// addresses reads lines until both listeners were named, or the output ends.
func addresses(r io.Reader) map[string]string {
	at := map[string]string{}
	for lines := bufio.NewScanner(r); len(at) < 2 && lines.Scan(); {
		if m := listening.FindStringSubmatch(strings.TrimSpace(lines.Text())); m != nil {
			at[m[1]] = m[2]
		}
	}
	return at
}

// command prepares the program on this server's database. Of the variables
// around it only those that are not usher's are handed on, and it runs where
// no configuration file lies.
func (s *Server) command(ctx context.Context, args ...string) *exec.Cmd {
	s.t.Helper()
	binary := s.o.Binary
	if binary == "" {
		binary = os.Getenv(EnvBinary)
	}
	if binary == "" {
		s.t.Fatalf("%s is not set; the package's TestMain must call harness.Main", EnvBinary)
	}
	cmd := exec.CommandContext(ctx, binary, args...) //nolint:gosec // the program under test
	cmd.Dir = s.o.Data
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "USHER_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "USHER_DATA="+s.o.Data, "USHER_DATABASE_URL="+s.o.DatabaseURL, "USHER_LOG_LEVEL=warn")
	cmd.Env = append(cmd.Env, s.o.Env...)
	cmd.Env = append(cmd.Env, s.more...)
	return cmd
}

// Run runs a command, and says how it ended and what it printed. An error is
// for a program that could not be run.
func (s *Server) Run(ctx context.Context, args ...string) (replay.Ran, error) {
	s.t.Helper()
	cmd := s.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ended, ok := errors.AsType[*exec.ExitError](err); ok && ended.Exited() {
		err = nil
	}
	if err != nil {
		return replay.Ran{}, fmt.Errorf("usher %s: %w", strings.Join(args, " "), err)
	}
	return replay.Ran{Code: cmd.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}, nil
}

// CLI runs a command that must succeed and gives what it printed.
func (s *Server) CLI(args ...string) string {
	s.t.Helper()
	ran, err := s.Run(s.t.Context(), args...)
	if err != nil {
		s.t.Fatal(err)
	}
	if ran.Code != 0 {
		s.t.Fatalf("usher %s: exit %d\n%s%s", strings.Join(args, " "), ran.Code, ran.Stderr, ran.Stdout)
	}
	return ran.Stdout
}

// Player plays recorded cases against this server.
func (s *Server) Player(run string) *replay.Player {
	return &replay.Player{Public: s.Public, Internal: s.Internal, CLI: s.Run, Vars: replay.Vars{"run": run}}
}

// Alive says whether the process still runs.
func (s *Server) Alive() bool {
	select {
	case <-s.done:
		return false
	default:
		return s.cmd != nil
	}
}

// Said is what the server wrote to standard error, its end at least.
func (s *Server) Said() string { return s.said.String() }

// Stop ends the server as an operator does, with SIGTERM. It must end by
// itself, with status 0.
func (s *Server) Stop() {
	s.t.Helper()
	if s.cmd == nil {
		return
	}
	cmd := s.cmd
	s.cmd = nil
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Errorf("stop usher: %v", err)
	}
	select {
	case <-s.done:
		if s.ended != nil {
			s.t.Errorf("usher ended with %v", s.ended)
		}
	case <-time.After(stopTimeout):
		_ = cmd.Process.Kill()
		<-s.done
		s.t.Errorf("usher did not end within %v of SIGTERM", stopTimeout)
	}
}

// Kill ends the server without any warning.
func (s *Server) Kill() {
	s.t.Helper()
	if s.cmd == nil {
		return
	}
	cmd := s.cmd
	s.cmd = nil
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Fatalf("kill usher: %v", err)
	}
	<-s.done
}

// Dies waits for the server to end without being told to, and gives what it
// said last.
func (s *Server) Dies(within time.Duration) string {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(within):
		s.t.Fatalf("the server still runs after %v", within)
	}
	s.cmd = nil
	return s.said.String()
}

// Env sets variables for the next start, over those of the options.
func (s *Server) Env(variables ...string) { s.more = variables }

// Fails starts the server where it cannot become ready, and gives what it said.
func Fails(t testing.TB, o Options) string {
	t.Helper()
	s := &Server{t: t, o: o}
	cmd := s.command(t.Context(), append([]string{"serve", "--dev", "--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0"}, o.Args...)...)
	said, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("the server ended well:\n%s", said)
	}
	return string(said)
}

// Again starts the server anew on the same data, on other ports.
func (s *Server) Again() {
	s.t.Helper()
	if s.cmd != nil {
		s.t.Fatal("the server still runs")
	}
	s.start()
}

// tail keeps the end of what a process wrote.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailMost = 16 << 10

func (l *tail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	if extra := len(l.text) - tailMost; extra > 0 {
		l.text = append(l.text[:0], l.text[extra:]...)
	}
	return len(p), nil
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}
