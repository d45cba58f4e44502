package server

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience ends a test that hangs; none waits for it to pass.
const patience = 20 * time.Second

// logBuffer keeps what was logged, for goroutines that log while a test reads.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// running is a server under test.
type running struct {
	public, internal string // host:port
	log              *logBuffer
	stop             context.CancelFunc
	done             chan error // what Serve returned
}

func serve(t *testing.T, o Options) *running {
	t.Helper()
	listen := func() net.Listener {
		l, err := Listen(t.Context(), "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	if o.Public == nil {
		o.Public = http.NotFoundHandler()
	}
	if o.Internal == nil {
		o.Internal = o.Public
	}
	if o.DrainTimeout == 0 {
		o.DrainTimeout = patience
	}
	run := &running{log: &logBuffer{}, done: make(chan error, 1)}
	o.PublicListener, o.InternalListener, o.Log = listen(), listen(), run.log.logger()
	s := New(o)
	public, internal := s.Addrs()
	run.public, run.internal = public.String(), internal.String()
	ctx, cancel := context.WithCancel(context.Background())
	run.stop = cancel
	ended := make(chan struct{})
	go func() {
		run.done <- s.Serve(ctx)
		close(ended)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return run
}

// answer is a parsed response with its whole body.
type answer struct {
	status int
	header http.Header
	body   string
}

// raw sends bytes as they are and reads answers until the connection ends or
// n have come; closed says whether the server ended it.
func raw(t *testing.T, address, request string, n int) (answers []answer, closed bool) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	for len(answers) < n {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return answers, true
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatalf("read answer: %v", err)
		}
		answers = append(answers, answer{resp.StatusCode, resp.Header, string(body)})
		if resp.Close {
			_, err := in.ReadByte()
			return answers, err == io.EOF
		}
	}
	return answers, false
}

func get(t *testing.T, url string) answer {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// eventually waits for what another goroutine is about to do.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

func mustContain(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("missing %q in %s", want, text)
		}
	}
}
