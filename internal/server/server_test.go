package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestHealth(t *testing.T) {
	secret := errors.New("dial postgres://usher:hunter2@db")
	for _, tc := range []struct {
		name               string
		ready              error
		status             int
		publicly, internal string
	}{
		{"ready", nil, 200, `{"status":"ok"}`, `{"status":"ok"}`},
		{
			"one reason", Reason("database", secret), 503,
			`{"status":"unavailable","reasons":["database"]}`,
			`{"status":"unavailable","reasons":["database: dial postgres://usher:hunter2@db"]}`,
		},
		{
			"two, one without a public text", errors.Join(Reason("database", secret), secret), 503,
			`{"status":"unavailable","reasons":["database","a part of the service does not answer"]}`,
			`{"status":"unavailable","reasons":["database: dial postgres://usher:hunter2@db","dial postgres://usher:hunter2@db"]}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			run := serve(t, Options{Ready: func(context.Context) error { return tc.ready }})
			for address, want := range map[string]string{run.public: tc.publicly, run.internal: tc.internal} {
				if a := get(t, "http://"+address+"/health/live"); a.status != 200 || a.body != `{"status":"ok"}` {
					t.Errorf("live: %+v", a)
				}
				if a := get(t, "http://"+address+"/health/ready"); a.status != tc.status || a.body != want {
					t.Errorf("ready: %d %s, want %s", a.status, a.body, want)
				}
			}
		})
	}
}

func TestHealthIsReadOnly(t *testing.T) {
	run := serve(t, Options{})
	if a := post(t, "http://"+run.public+"/health/ready", nil); a.status != 405 || a.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("got %+v", a)
	}
	if a := get(t, "http://"+run.public+"/health/other"); a.status != 404 {
		t.Errorf("got %+v", a)
	}
}

func TestListenersServeTheirOwn(t *testing.T) {
	run := serve(t, Options{Public: says("public"), Internal: says("internal")})
	if a := get(t, "http://"+run.public); a.body != "public" {
		t.Errorf("got %+v", a)
	}
	if a := get(t, "http://"+run.internal); a.body != "internal" {
		t.Errorf("got %+v", a)
	}
}

// Given a request under way, when the server is told to stop: readiness turns
// false, no new request is taken, the old one gets its answer, and Serve ends.
func TestDrain(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	run := serve(t, Options{Public: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-release
		if r.Context().Err() != nil {
			t.Error("the request under way was cancelled")
		}
		io.WriteString(w, "finished")
	})})
	got := make(chan answer, 1)
	go func() { got <- get(t, "http://"+run.public) }()
	<-entered
	run.stop()
	eventually(t, "readiness false while draining", func() bool {
		a := get(t, "http://"+run.internal+"/health/ready")
		return a.status == 503 && strings.Contains(a.body, "draining")
	})
	eventually(t, "public listener closed", func() bool {
		conn, err := net.Dial("tcp", run.public)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	select {
	case err := <-run.done:
		t.Fatalf("ended with a request under way: %v", err)
	default:
	}
	close(release)
	if a := <-got; a.body != "finished" {
		t.Errorf("got %+v", a)
	}
	if err := <-run.done; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestDrainCutsOffWhatTakesTooLong(t *testing.T) {
	entered := make(chan struct{})
	run := serve(t, Options{DrainTimeout: time.Millisecond, Public: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})})
	go http.Get("http://" + run.public)
	<-entered
	run.stop()
	if err := <-run.done; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Serve: %v", err)
	}
}

func TestFailingListenerEndsTheServer(t *testing.T) {
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	var log logBuffer
	s := New(Options{PublicListener: l, Public: says(""), Log: log.logger()})
	if err := s.Serve(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if _, internal := s.Addrs(); internal != nil {
		t.Errorf("an internal address without a listener: %v", internal)
	}
}

func TestLargeHeadersAreRefused(t *testing.T) {
	var handled atomic.Bool
	run := serve(t, Options{Public: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { handled.Store(true) })})
	answers, closed := raw(t, run.public, "GET / HTTP/1.1\r\nHost: h\r\nX-Long: "+strings.Repeat("a", 32<<10)+"\r\n\r\n", 1)
	if handled.Load() || !closed || (len(answers) == 1 && answers[0].status != 431) {
		t.Errorf("handled %v, closed %v, %+v", handled.Load(), closed, answers)
	}
}

func TestHTTP2IsNotSpokenInClear(t *testing.T) {
	run := serve(t, Options{Public: says("ok")})
	conn, err := net.Dial("tcp", run.public)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	got, _ := io.ReadAll(conn)
	if !bytes.HasPrefix(got, []byte("HTTP/1.1 ")) {
		t.Errorf("got %q", got)
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := Listen(t.Context(), "unix:"+path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := Listen(t.Context(), "unix:"+path); err == nil {
		t.Error("a socket in use was taken over")
	}
	// A killed process leaves the file behind.
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	l, err = Listen(t.Context(), "unix:"+path)
	if err != nil {
		t.Fatalf("a dead socket is in the way: %v", err)
	}
	l.Close()
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), "unix:"+path); err == nil {
		t.Error("a file was taken for a socket")
	}
}
