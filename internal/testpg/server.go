package testpg

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	startTimeout = 60 * time.Second
	stopTimeout  = 60 * time.Second
)

// Server is one PostgreSQL server on a loopback port, in a folder of its own.
// Its port and data survive Stop and Start.
type Server struct {
	bin  string // folder of initdb and postgres
	dir  string // holds data/ and log
	port int
	as   *account // nil: run as ourselves

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{} // closed when cmd has ended
}

// Launch finds PostgreSQL's binaries, makes a fresh cluster and starts it. The
// caller must Close it.
func Launch() (*Server, error) {
	bin, err := findBinaries()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin}
	if os.Geteuid() == 0 {
		if s.as, err = lookupAccount("postgres"); err != nil {
			return nil, fmt.Errorf("PostgreSQL does not run as root: %w", err)
		}
	}
	if s.dir, err = os.MkdirTemp("", "usher-pg-"); err != nil {
		return nil, fmt.Errorf("make PostgreSQL's folder: %w", err)
	}
	if err := s.create(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	// A port found free may be taken before the server binds it.
	for range 5 {
		if s.port, err = freePort(); err != nil {
			break
		}
		if err = s.Start(); err == nil {
			return s, nil
		}
	}
	return nil, errors.Join(err, os.RemoveAll(s.dir))
}

// URL is a superuser's connection URL of the database "postgres".
func (s *Server) URL() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", s.port)
}

// Start starts a stopped server on its old port and returns when it answers.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		return errors.New("PostgreSQL already runs")
	}
	logFile, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open PostgreSQL's log: %w", err)
	}
	defer logFile.Close()

	cmd := s.command("postgres", "-D", s.data(), "-p", strconv.Itoa(s.port))
	cmd.Stdout, cmd.Stderr = logFile, logFile
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is told by whoever stops it, and by the log
		close(done)
	}()
	if err := s.awaitReady(done); err != nil {
		_ = cmd.Process.Signal(syscall.SIGQUIT)
		<-done
		tail, _ := os.ReadFile(logFile.Name())
		return fmt.Errorf("%w\n%s", err, tail)
	}
	s.cmd, s.done = cmd, done
	return nil
}

// Stop ends the server in one of PostgreSQL's shutdown modes: "smart" waits for
// clients, "fast" disconnects them, "immediate" is a crash: the next Start
// recovers from the write-ahead log.
func (s *Server) Stop(mode string) error {
	signals := map[string]syscall.Signal{
		"smart": syscall.SIGTERM, "fast": syscall.SIGINT, "immediate": syscall.SIGQUIT,
	}
	sig, ok := signals[mode]
	if !ok {
		return fmt.Errorf("unknown shutdown mode %q: smart, fast or immediate", mode)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return nil
	}
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	select {
	case <-s.done:
	case <-time.After(stopTimeout):
		_ = s.cmd.Process.Kill()
		<-s.done
		return fmt.Errorf("PostgreSQL did not stop (%s) within %s and was killed", mode, stopTimeout)
	}
	s.cmd, s.done = nil, nil
	return nil
}

// Close stops the server and removes its folder.
func (s *Server) Close() error {
	return errors.Join(s.Stop("fast"), os.RemoveAll(s.dir))
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// create makes the cluster. Durability stays on, as in production: what is
// tested here includes what survives a crash.
func (s *Server) create() error {
	if s.as != nil {
		if err := os.Chown(s.dir, s.as.uid, s.as.gid); err != nil {
			return fmt.Errorf("give PostgreSQL its folder: %w", err)
		}
	}
	out, err := s.command("initdb", "-D", s.data(), "-U", "postgres", "-A", "trust",
		"-E", "UTF8", "--locale=C", "--no-sync").CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	files := map[string]string{
		"pg_hba.conf": "host all all 127.0.0.1/32 trust\n",
		"postgresql.auto.conf": `listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = '32MB'
fsync = on
timezone = 'UTC'
`,
	}
	for name, content := range files {
		// The files exist already and keep their owner.
		if err := os.WriteFile(filepath.Join(s.data(), name), []byte(content), 0o600); err != nil {
			return fmt.Errorf("configure PostgreSQL: %w", err)
		}
	}
	return nil
}

// command prepares one of PostgreSQL's programs: as its account, in a group of
// its own so that an interrupt typed at the terminal reaches the tests alone,
// and ended with us where the system can do that.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if s.as != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(s.as.uid), Gid: uint32(s.as.gid)}
	}
	endWithParent(cmd.SysProcAttr)
	return cmd
}

func (s *Server) awaitReady(done <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.URL())
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-done:
			return errors.New("PostgreSQL ended while starting")
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL not ready within %s: %w", startTimeout, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
