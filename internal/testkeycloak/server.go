package testkeycloak

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// EnvURL names the variable that has the base URL of a running Keycloak, whose
// administrator is Administrator.
const EnvURL = "USHER_TEST_KEYCLOAK"

// Version is the Keycloak that tests run against.
const Version = "26.5.6"

// Administrator is who makes realms; Password is theirs. The server listens on
// loopback only.
const (
	Administrator = "admin"
	Password      = "admin"
)

const (
	fetchTimeout = 10 * time.Minute
	startTimeout = 5 * time.Minute
	stopTimeout  = 30 * time.Second
)

// ErrNotInstalled says that this machine lacks Java or Maven.
var ErrNotInstalled = errors.New("no Keycloak: it needs Java and Maven, and one of them is not installed")

// Server is a Keycloak that was started here.
type Server struct {
	URL  string
	cmd  *exec.Cmd
	done chan struct{}
	dir  string // its data
}

// Launch fetches Keycloak if need be and starts it. The caller must Close it.
func Launch(ctx context.Context) (*Server, error) {
	for _, program := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, ErrNotInstalled
		}
	}
	home, err := fetch(ctx)
	if err != nil {
		return nil, err
	}
	for range 3 { // a port found free may be taken before the server binds it
		var s *Server
		if s, err = start(ctx, home); err == nil {
			return s, nil
		}
	}
	return nil, err
}

// fetch gives the folder of the unpacked distribution.
func fetch(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a cache folder for Keycloak: %w", err)
	}
	home := filepath.Join(cache, "usher", "keycloak-"+Version)
	if _, err := os.Stat(filepath.Join(home, "bin", "kc.sh")); err == nil {
		return home, nil
	}
	if err := os.MkdirAll(filepath.Dir(home), 0o755); err != nil {
		return "", fmt.Errorf("make a folder for Keycloak: %w", err)
	}
	aside, err := os.MkdirTemp(filepath.Dir(home), "fetching-")
	if err != nil {
		return "", fmt.Errorf("make a folder for Keycloak: %w", err)
	}
	defer os.RemoveAll(aside)
	ctx, stop := context.WithTimeout(ctx, fetchTimeout)
	defer stop()
	fmt.Fprintln(os.Stderr, "fetching Keycloak", Version)
	out, err := exec.CommandContext(ctx, "mvn", "-q", "-B", "dependency:copy", "-Dtransitive=false", //nolint:gosec // a folder of our own
		"-Dartifact=org.keycloak:keycloak-quarkus-dist:"+Version+":tar.gz", "-DoutputDirectory="+aside).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("fetch Keycloak: %w\n%s", err, out)
	}
	unpacked := filepath.Join(aside, "unpacked")
	if err := unpack(filepath.Join(aside, "keycloak-quarkus-dist-"+Version+".tar.gz"), unpacked); err != nil {
		return "", fmt.Errorf("unpack Keycloak: %w", err)
	}
	err = os.Rename(unpacked, home)
	if _, there := os.Stat(filepath.Join(home, "bin", "kc.sh")); err != nil && there == nil {
		err = nil // another process was first
	}
	return home, err
}

// unpack writes an archive's files without their first folder.
func unpack(archive, to string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for files := tar.NewReader(z); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		_, name, ok := strings.Cut(h.Name, "/")
		if !ok || name == "" || !filepath.IsLocal(name) {
			continue
		}
		path := filepath.Join(to, name)
		if h.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(path, 0o755); err != nil {
				return err
			}
			continue
		}
		if err := write(path, files, h.FileInfo().Mode()); err != nil {
			return err
		}
	}
}

func write(path string, from io.Reader, mode os.FileMode) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, mode.Perm())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.Copy(f, from) //nolint:gosec // a distribution of known size
	return err
}

// start runs a server on free ports, with a database in memory.
func start(ctx context.Context, home string) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	management, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "usher-keycloak-")
	if err != nil {
		return nil, fmt.Errorf("make Keycloak's folder: %w", err)
	}
	logFile, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, fmt.Errorf("make Keycloak's log: %w", err)
	}
	defer logFile.Close()
	cmd := exec.Command(filepath.Join(home, "bin", "kc.sh"), "start-dev", "--db=dev-mem", "--cache=local", //nolint:gosec,noctx // ended by Close
		"--http-host=127.0.0.1", "--http-port="+strconv.Itoa(port), "--http-relative-path=/auth",
		"--http-management-host=127.0.0.1", "--http-management-port="+strconv.Itoa(management))
	cmd.Env = append(os.Environ(), "KC_BOOTSTRAP_ADMIN_USERNAME="+Administrator, "KC_BOOTSTRAP_ADMIN_PASSWORD="+Password,
		"JAVA_OPTS_KC_HEAP=-Xms64m -Xmx512m", "JAVA_OPTS_APPEND=-XX:TieredStopAtLevel=1")
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the script's Java ends with it
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start Keycloak: %w", err)
	}
	s := &Server{URL: "http://127.0.0.1:" + strconv.Itoa(port), cmd: cmd, done: make(chan struct{}), dir: dir}
	go func() {
		_ = cmd.Wait() // how it ended, the log says
		close(s.done)
	}()
	if err := s.awaitReady(ctx); err != nil {
		tail, _ := os.ReadFile(logFile.Name())
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, tail), s.Close())
	}
	return s, nil
}

func (s *Server) awaitReady(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, startTimeout)
	defer stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/auth/realms/master/.well-known/openid-configuration", nil)
		if err != nil {
			return fmt.Errorf("ask Keycloak: %w", err)
		}
		if answer, err := http.DefaultClient.Do(req); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-s.done:
			return errors.New("the started Keycloak ended before it answered")
		case <-ctx.Done():
			return errors.New("the started Keycloak does not answer")
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Close stops the server and removes its folder.
func (s *Server) Close() error {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(stopTimeout):
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		<-s.done
	}
	return os.RemoveAll(s.dir)
}

func freePort() (int, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
