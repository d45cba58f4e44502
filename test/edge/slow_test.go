package edge

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/test/harness"
)

// H9. Given hundreds of callers that begin a request and never finish it, when
// somebody else asks, then the answer comes; and each of them is hung up on.
func TestSlowCallersAreHungUpOn(t *testing.T) {
	t.Parallel()
	s := newScene(t, harness.Options{})
	context := "X-User-Ctx: " + harness.System + "\r\n"
	kinds := []struct {
		name, base, begin string
		drip              string // sent again and again
		callers           int
	}{
		{"nothing", s.Public, "", "", 50},
		{"half a request line", s.Public, "GET /auth/v1/pi", "", 50},
		{"a head without end", s.Public, "GET / HTTP/1.1\r\nHost: usher\r\n", "", 50},
		{"a head that drips", s.Public, "GET / HTTP/1.1\r\nHost: usher\r\n", "X-A: b\r\n", 50},
		{"half a body", s.Public, "POST /api/auth/login HTTP/1.1\r\nHost: usher\r\nContent-Length: 100\r\n\r\n{", "", 50},
		{"a body that drips", s.Public, "POST /api/auth/login HTTP/1.1\r\nHost: usher\r\nContent-Length: 10000\r\n\r\n{", " ", 50},
		{"half a chunk", s.Public, "POST /api/auth/login HTTP/1.1\r\nHost: usher\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{", "", 20},
		{"a body that nobody reads", s.Public, "PUT /api/users HTTP/1.1\r\nHost: usher\r\nContent-Length: 100\r\n\r\n{", "", 20},
		{"a batch within a line", s.Internal, "PUT /api/users:batch HTTP/1.1\r\nHost: usher\r\n" + context + "Transfer-Encoding: chunked\r\n\r\n64\r\n{\"email\":", "", 10},
		{"a batch within a line, by length", s.Internal, "PUT /api/users:batch HTTP/1.1\r\nHost: usher\r\n" + context + "Content-Length: 1000\r\n\r\n{\"email\":", "", 10},
		{"a batch within a line that is too long", s.Internal, "PUT /api/users:batch HTTP/1.1\r\nHost: usher\r\n" + context + "Content-Length: 1000000\r\n\r\n" + strings.Repeat("x", 70_000), "", 5},
	}
	var all sync.WaitGroup
	begun := make(chan struct{}, 1000)
	callers := 0
	for _, k := range kinds {
		for range k.callers {
			callers++
			all.Go(func() {
				if err := hungUpOn(hostOf(k.base), k.begin, k.drip, begun); err != nil {
					t.Errorf("%s: %v", k.name, err)
				}
			})
		}
	}
	for range callers {
		<-begun
	}
	for _, ask := range []harness.Ask{
		{Method: http.MethodGet, URL: s.Public + "/health/ready"},
		{Method: http.MethodGet, URL: s.Public + "/auth/v1/ping"},
		s.login("ada"), s.system(http.MethodPut, "/api/users/", newcomer("grace")),
	} {
		if a := harness.Send(t, ask); a.Status != http.StatusOK {
			t.Errorf("%s %s meanwhile: %d %s", ask.Method, ask.URL, a.Status, a.Text)
		}
	}
	all.Wait()
}

// hungUpOn begins a request and returns when the server ends the connection,
// which it must.
func hungUpOn(address, begin, drip string, begun chan<- struct{}) error {
	conn, err := net.DialTimeout("tcp", address, patience)
	if err == nil {
		_, err = io.WriteString(conn, begin)
	}
	begun <- struct{}{}
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	ended := make(chan struct{})
	defer close(ended)
	if drip != "" {
		go func() {
			for {
				select {
				case <-ended:
					return
				case <-time.After(500 * time.Millisecond):
					_, _ = io.WriteString(conn, drip)
				}
			}
		}()
	}
	if _, err = io.Copy(io.Discard, conn); err != nil {
		if ne, ok := err.(net.Error); ok && ne.Timeout() { //nolint:errorlint // net gives it bare
			return fmt.Errorf("the connection is open after %v", patience)
		}
	}
	return nil // closed or reset
}

// H9. A head has 16 KB, and what net/http adds to that.
func TestLargeHeadsAreRefused(t *testing.T) {
	s := harness.Start(t, harness.Options{})
	for name, c := range map[string]struct {
		line, heads string
		status      int
	}{
		"12 KB in one":    {"GET /auth/v1/ping HTTP/1.1", "X-Long: " + strings.Repeat("a", 12<<10) + "\r\n", 200},
		"32 KB in one":    {"GET /auth/v1/ping HTTP/1.1", "X-Long: " + strings.Repeat("a", 32<<10) + "\r\n", 431},
		"32 KB in many":   {"GET /auth/v1/ping HTTP/1.1", strings.Repeat("X-A: b\r\n", 4<<10), 431},
		"32 KB of cookie": {"GET /auth/v1/ping HTTP/1.1", "Cookie: edi-token=" + strings.Repeat("a", 32<<10) + "\r\n", 431},
		"32 KB of target": {"GET /" + strings.Repeat("a", 32<<10) + " HTTP/1.1", "", 431},
		"1 MB":            {"GET /auth/v1/ping HTTP/1.1", "X-Long: " + strings.Repeat("a", 1<<20) + "\r\n", 431},
	} {
		for _, base := range []string{s.Public, s.Internal} {
			if base == s.Internal && c.status == 200 {
				continue // it has no such path
			}
			got, err := talk(hostOf(base), c.line+"\r\nHost: usher\r\n"+c.heads+"Connection: close\r\n\r\n", false)
			if err != nil || len(got) > 1 || len(got) == 1 && got[0].status != c.status || len(got) == 0 && c.status == 200 {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
	}
}

// H9. A batch takes its time between lines.
func TestABatchMayPauseBetweenLines(t *testing.T) {
	t.Parallel()
	s := newScene(t, harness.Options{})
	conn, err := net.DialTimeout("tcp", hostOf(s.Internal), patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "PUT /api/users:batch HTTP/1.1\r\nHost: usher\r\nX-User-Ctx: %s\r\nTransfer-Encoding: chunked\r\n\r\n", harness.System)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answers := bufio.NewReader(res.Body)
	for n, name := range []string{"grace", "edsger"} {
		if n > 0 {
			time.Sleep(18 * time.Second) // longer than a whole request may take elsewhere, and than a line may stand still
		}
		line := fmt.Sprintf(`{"email":"%s@example.org","emailVerified":true}`+"\n", name)
		fmt.Fprintf(conn, "%x\r\n%s\r\n", len(line), line)
		if got, err := answers.ReadString('\n'); err != nil || !strings.Contains(got, `"statusCode":200`) {
			t.Fatalf("%s: %q, %v", name, got, err)
		}
	}
	fmt.Fprint(conn, "0\r\n\r\n")
	if rest, err := io.ReadAll(answers); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
}
