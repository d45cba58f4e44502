package partner_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/user"
)

const batchPath = "/api/users:batch"

type line struct {
	Line       int             `json:"line"`
	StatusCode int             `json:"statusCode"`
	Created    bool            `json:"created"`
	Ignored    []string        `json:"ignored"`
	User       map[string]any  `json:"user"`
	Message    json.RawMessage `json:"message"`
	Error      string          `json:"error"`
}

func readLines(t *testing.T, body string) []line {
	t.Helper()
	var out []line
	for text := range strings.Lines(body) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		out = append(out, l)
	}
	return out
}

func TestBatchAnswersEachLineInOrder(t *testing.T) {
	w := newWorld()
	w.result.Ignored = []string{"password"}
	w.refuse = func(in feed.Sync) error {
		if in.Email.Value != nil && *in.Email.Value == "taken@b.c" {
			return user.Refuse(user.InUse, "email")
		}
		return nil
	}
	body := strings.Join([]string{
		`{"email":"a@b.c","password":"C3rs3i#L4nnist3r"}`,
		`{oops`,
		``,
		`{"email":7}`,
		`{"email":"taken@b.c"}`,
		`{"firstName":"nobody"}`,
		`[]`,
		`{"email":"` + strings.Repeat("x", 1<<17) + `"}`,
		"  \t\r",
		`{"email":"z@b.c"}`, // without a line's end
	}, "\n")
	got := call(w.internal(), "PUT", batchPath, body, systemCtx)
	if got.Code != 200 || got.Header().Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("%d %v", got.Code, got.Header())
	}
	want := []struct {
		line, status int
		message      string
	}{
		{1, 200, ""},
		{2, 400, `"Invalid JSON: line 1, column 2: `},
		{4, 400, `["email must be a string"]`},
		{5, 409, `"User already exists"`},
		{6, 400, `["email must be an email"]`},
		{7, 400, `"The body must be a JSON object"`},
		{8, 413, `"The line is too long"`},
		{10, 200, ""},
	}
	lines := readLines(t, got.Body.String())
	if len(lines) != len(want) {
		t.Fatalf("%d lines: %s", len(lines), got.Body)
	}
	for i, l := range lines {
		if l.Line != want[i].line || l.StatusCode != want[i].status || !strings.HasPrefix(string(l.Message), want[i].message) {
			t.Errorf("line %d: %+v, message %s", i, l, l.Message)
		}
		if ok := l.StatusCode == 200; ok != (l.User["id"] == cersei) || ok && (l.User["password"] != "$usher$redacted" || len(l.Ignored) != 1) {
			t.Errorf("line %d: %+v", i, l.User)
		}
	}
	if len(w.echoed) > 0 {
		t.Error("a hash was made for the answer")
	}
}

func TestBatchSyncsInChunks(t *testing.T) {
	w := newWorld()
	n := 3*feed.BatchSize + 5
	got := call(w.internal(), "PUT", batchPath, strings.Repeat(`{"email":"a@b.c"}`+"\n", n), systemCtx)
	if lines := readLines(t, got.Body.String()); len(lines) != n || lines[n-1].Line != n {
		t.Errorf("%d lines", len(lines))
	}
	if fmt.Sprint(w.chunks) != "[64 64 64 5]" {
		t.Errorf("chunks %v", w.chunks)
	}
}

func TestBatchDryRunWritesNothing(t *testing.T) {
	w := newWorld()
	w.result.Changes = []feed.Change{{Attr: user.GivenName, To: user.Text("C")}}
	got := call(w.internal(), "PUT", batchPath+"?dryRun=true", `{"email":"a@b.c"}`, systemCtx)
	if len(w.chunks) > 0 || len(w.modes) != 1 || w.modes[0] != feed.DryRun || !strings.Contains(got.Body.String(), `"changes":[{"field":"firstName"`) {
		t.Errorf("%v %v %s", w.chunks, w.modes, got.Body)
	}
}

func TestAFaultIsSaidOfEachLineOfItsChunk(t *testing.T) {
	w := newWorld()
	w.fail = errors.New("disk on fire")
	got := call(w.internal(), "PUT", batchPath, strings.Repeat(`{"email":"a@b.c"}`+"\n", 2)+"{oops\n", systemCtx)
	lines := readLines(t, got.Body.String())
	if len(lines) != 3 || lines[0].StatusCode != 503 || lines[1].StatusCode != 503 || lines[2].StatusCode != 400 || strings.Contains(got.Body.String(), "fire") {
		t.Errorf("%s", got.Body)
	}
}

func TestBatchEndsWithItsCaller(t *testing.T) {
	w := newWorld()
	w.onSync = func(context.Context) int { w.lives = map[string]session.Live{}; return 0 } // the token dies after the first chunk
	got := call(w.public(), "PUT", batchPath, strings.Repeat(`{"email":"a@b.c"}`+"\n", 3*feed.BatchSize), bearer(adminAt))
	lines := readLines(t, got.Body.String())
	if last := lines[len(lines)-1]; len(w.chunks) != 1 || last.StatusCode != 401 || last.Line != feed.BatchSize+1 {
		t.Errorf("%d chunks, last %+v", len(w.chunks), last)
	}
}

func TestBatchRefusesWhoMayNot(t *testing.T) {
	for header, status := range map[string]int{"X-Nothing: 1": 401, bearer(plainAt): 403} {
		w := newWorld()
		if got := call(w.public(), "PUT", batchPath, one, header); got.Code != status || len(w.chunks) > 0 {
			t.Errorf("%s: %d", header, got.Code)
		}
	}
}

// A caller may send a line, read its answer and only then send the next; and
// neither the server's deadlines nor the length of the whole end the batch.
func TestBatchIsADialogue(t *testing.T) {
	w := newWorld()
	srv := httptest.NewUnstartedServer(w.internal())
	srv.Config.ReadTimeout, srv.Config.WriteTimeout = time.Nanosecond, time.Nanosecond
	srv.Config.ReadHeaderTimeout = time.Minute
	srv.Start()
	defer srv.Close()
	body, send := io.Pipe()
	req, err := http.NewRequest("PUT", srv.URL+batchPath, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-user-ctx", `{"id":"__system"}`)
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answers := bufio.NewReader(resp.Body)
	for i := range 5 {
		if _, err := fmt.Fprintf(send, "{\"email\":\"%d@b.c\"}\n", i); err != nil {
			t.Fatal(err)
		}
		text, err := answers.ReadString('\n')
		if err != nil || !strings.HasPrefix(text, fmt.Sprintf(`{"line":%d,"statusCode":200,`, i+1)) {
			t.Fatalf("answer %d: %s %v", i, text, err)
		}
	}
	_ = send.Close()
	if rest, err := io.ReadAll(answers); err != nil || len(rest) > 0 {
		t.Errorf("after the end: %q, %v", rest, err)
	}
}

// endless gives n lines without holding them.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	const text = `{"email":"a@b.c","firstName":"Cersei","lastName":"Lannister","password":"C3rs3i#L4nnist3r"}` + "\n"
	if e.n == 0 {
		return 0, io.EOF
	}
	n := 0
	for e.n > 0 && n+len(text) <= len(p) {
		n += copy(p[n:], text)
		e.n--
	}
	return n, nil
}

// discard is an http.ResponseWriter that keeps nothing but the count.
type discard struct {
	header http.Header
	lines  int
}

func (d *discard) Header() http.Header { return d.header }
func (d *discard) WriteHeader(int)     {}
func (d *discard) Write(p []byte) (int, error) {
	d.lines++
	return len(p), nil
}

func TestBatchHoldsOneChunk(t *testing.T) {
	w := newWorld()
	var peak uint64
	w.onSync = func(context.Context) int {
		w.syncs, w.callers, w.modes = nil, nil, nil
		if len(w.chunks)%100 == 0 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
		return 0
	}
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	const n = 50_000
	r := httptest.NewRequest("PUT", batchPath, bufio.NewReader(&endless{n}))
	r.Header.Set("X-User-Ctx", `{"id":"__system"}`)
	out := &discard{header: http.Header{}}
	w.internal().ServeHTTP(out, r)
	if out.lines != n {
		t.Errorf("%d lines answered", out.lines)
	}
	if grown := int64(peak) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("%d bytes held for a batch", grown)
	}
}

// A caller that stops within a line, whole or too long, is hung up on soon; the
// lines before it were taken. One that thinks between lines is not.
func TestBatchDoesNotWaitWithinALine(t *testing.T) {
	for name, piece := range map[string]string{"short": `{"email":`, "too long": strings.Repeat("x", 1<<17)} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.LineIdle, w.BatchIdle = time.Millisecond, time.Hour
			srv := httptest.NewServer(w.internal())
			defer srv.Close()
			conn, err := net.Dial("tcp", srv.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: h\r\n%s\r\nTransfer-Encoding: chunked\r\n\r\n", batchPath, systemCtx)
			in := bufio.NewReader(conn)
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			answers := bufio.NewReader(resp.Body)
			for i := range 2 {
				text := one + "\n"
				fmt.Fprintf(conn, "%x\r\n%s\r\n", len(text), text)
				if got, err := answers.ReadString('\n'); err != nil || !strings.HasPrefix(got, fmt.Sprintf(`{"line":%d,"statusCode":200,`, i+1)) {
					t.Fatalf("answer %d: %s %v", i, got, err)
				}
			}
			fmt.Fprintf(conn, "%x\r\n%s", len(piece)+1, piece)
			rest, err := io.ReadAll(answers)
			if err != nil || !strings.Contains(string(rest), "The body broke off") {
				t.Errorf("%q, %v", rest, err)
			}
			if more, err := io.ReadAll(in); len(more) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the connection stays: %q, %v", more, err)
			}
		})
	}
}

// panicking is a body that breaks whatever reads it.
type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("a fault while reading") }

// Given a fault while a batch is read, which happens beside the request's own
// goroutine, then the connection is cut and the program goes on.
func TestAPanicOfABatchEndsThatBatchAlone(t *testing.T) {
	w := newWorld()
	h := w.internal()
	defer func() {
		v := recover()
		if err, _ := v.(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("the handler ended with %v", v)
		}
	}()
	r := httptest.NewRequest("PUT", batchPath, panicking{})
	r.Header.Set("X-User-Ctx", `{"id":"__system"}`)
	h.ServeHTTP(httptest.NewRecorder(), r)
}
