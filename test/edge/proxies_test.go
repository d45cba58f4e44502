package edge

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/test/harness"
)

// proxy is a reverse proxy that people put in front of usher. Its configuration
// has two listeners: one as its makers advise, one that lets through all that
// it can be told to let through.
type proxy struct {
	name   string
	args   func(dir, file string) []string
	config string // DIR, STRICT, LAX and USHER are filled in
}

var proxies = []proxy{
	{
		"nginx",
		func(dir, file string) []string { return []string{"-p", dir, "-c", file, "-e", "stderr"} },
		`daemon off;
master_process off;
pid DIR/pid;
error_log stderr error;
events { worker_connections 256; }
http {
	access_log off;
	client_body_temp_path DIR/body;
	proxy_temp_path DIR/proxy;
	fastcgi_temp_path DIR/fastcgi;
	uwsgi_temp_path DIR/uwsgi;
	scgi_temp_path DIR/scgi;
	client_header_timeout 1s;
	client_body_timeout 1s;
	keepalive_timeout 1s;
	lingering_close off;
	upstream usher { server USHER; keepalive 8; }
	proxy_http_version 1.1;
	proxy_set_header Connection "";
	proxy_set_header Host $host;
	server { listen STRICT; location / { proxy_pass http://usher; } }
	server {
		listen LAX;
		underscores_in_headers on;
		ignore_invalid_headers off;
		proxy_request_buffering off;
		location / { proxy_pass http://usher; }
	}
}
`,
	},
	{
		"haproxy",
		func(_, file string) []string { return []string{"-db", "-q", "-f", file} },
		`defaults
	mode http
	timeout connect 5s
	timeout client 1s
	timeout server 30s
	timeout http-request 1s
	timeout http-keep-alive 1s
	http-reuse always
frontend strict
	bind STRICT
	default_backend usher
frontend lax
	bind LAX
	option accept-invalid-http-request
	default_backend usher
backend usher
	server usher USHER
`,
	},
}

// run starts the proxy in front of a server and gives its two addresses.
func (p proxy) run(t *testing.T, usher string) (strict, lax string) {
	t.Helper()
	program, err := exec.LookPath(p.name)
	if err != nil {
		// Debian keeps servers where only root's PATH looks.
		program, err = exec.LookPath(filepath.Join("/usr/sbin", p.name))
	}
	if err != nil {
		t.Skipf("%s is not installed (Debian: apt-get install nginx-light haproxy): nothing was tried behind it", p.name)
	}
	// A port found free may be taken before the proxy binds it.
	var said string
	for range 5 {
		strict, lax = freeAddress(t), freeAddress(t)
		if said = p.start(t, program, usher, strict, lax); said == "" {
			return strict, lax
		}
	}
	t.Fatalf("%s does not start:\n%s", p.name, said)
	return "", ""
}

// start gives what the proxy said when it ended, or nothing when it listens.
func (p proxy) start(t *testing.T, program, usher, strict, lax string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "conf")
	text := strings.NewReplacer("DIR", dir, "STRICT", strict, "LAX", lax, "USHER", usher).Replace(p.config)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, p.args(dir, file)...) //nolint:gosec // the proxy that was looked up
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		stop()
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // killed, or it says why below
		close(ended)
	}()
	t.Cleanup(func() { stop(); <-ended })
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		select {
		case <-ended:
			return out.String()
		default:
		}
		if listens(strict) && listens(lax) {
			return ""
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not listen", p.name)
		}
	}
}

func listens(address string) bool {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// behind runs a test behind each proxy, strict and lax.
func behind(t *testing.T, test func(t *testing.T, s *scene, address string)) {
	for _, p := range proxies {
		t.Run(p.name, func(t *testing.T) {
			s := newScene(t, harness.Options{})
			strict, lax := p.run(t, hostOf(s.Public))
			for name, address := range map[string]string{"strict": strict, "lax": lax} {
				t.Run(name, func(t *testing.T) { test(t, s, address) })
			}
		})
	}
}

// atOnce does things side by side, since a proxy may wait before it gives up.
func atOnce[T any](of []T, do func(T)) {
	var all sync.WaitGroup
	turn := make(chan struct{}, 8)
	for _, x := range of {
		turn <- struct{}{}
		all.Go(func() { defer func() { <-turn }(); do(x) })
	}
	all.Wait()
}

// H2 behind proxies: one answer to each request, and none that the context
// made another.
func TestTheContextMeansNothingBehindAProxy(t *testing.T) {
	type try struct {
		route
		lines string
	}
	behind(t, func(t *testing.T, s *scene, address string) {
		before := s.stored()
		without := map[route]reply{}
		var tries []try
		for _, r := range s.routes() {
			without[r] = once(t, address, r.bytes(""))
			for _, sp := range spellings {
				tries = append(tries, try{r, strings.ReplaceAll(sp.lines, "VALUE", harness.System)})
			}
			tries = append(tries, try{r, "Connection: keep-alive, x-user-ctx\r\nX-User-Ctx: " + harness.System},
				try{r, "Connection: X_User_Ctx\r\nX_User_Ctx: " + harness.System}, try{r, "Trailer: x-user-ctx\r\nx-user-ctx: " + harness.System})
		}
		atOnce(tries, func(x try) {
			got, err := talk(address, x.bytes(x.lines+"\r\n"), false)
			switch plain := without[x.route]; {
			case err != nil || len(got) != 1:
				t.Errorf("%s %s, %q: %d answers, %v", x.method, x.path, x.lines, len(got), err)
			case got[0].status != http.StatusBadRequest && (got[0].status != plain.status || got[0].body != plain.body):
				t.Errorf("%s %s, %q: %d %s\nwithout it %d %s", x.method, x.path, x.lines, got[0].status, got[0].body, plain.status, plain.body)
			}
		})
		if after := s.stored(); after != before {
			t.Errorf("was %s\n is %s", before, after)
		}
		t.Logf("%d requests", len(tries))
	})
}

// H7 behind proxies. However a request is framed, the answers come in the order
// of the requests, each once; nobody else's connection is touched; and usher
// handles nothing that its sender gets no answer for.
func TestNoRequestHidesBehindAProxy(t *testing.T) {
	type try struct {
		framing
		target string
	}
	var tries []try
	for _, target := range targets {
		for _, f := range framings() {
			if f.name != "HTTP/0.9" { // it has no head: neither an id nor a status to go by
				tries = append(tries, try{f, target})
			}
		}
	}
	behind(t, func(t *testing.T, s *scene, address string) {
		atOnce(tries, func(x try) {
			first, second, other := newID(), newID(), newID()
			got, err := talk(address, x.bytes(x.target, first, second), false)
			if err != nil {
				t.Errorf("%s, %s: %v", x.target, x.name, err)
			}
			bystander, err := talk(address, "GET /auth/v1/ping HTTP/1.1\r\nHost: usher\r\nX-Request-Id: "+other+"\r\nConnection: close\r\n\r\n", false)
			if err != nil || len(bystander) != 1 || bystander[0].id != other || bystander[0].status != http.StatusOK || bystander[0].body != "pong" {
				t.Errorf("%s, %s: the next caller got %+v, %v", x.target, x.name, bystander, err)
			}
			s.awaitHandled(other)
			if wrong := s.outOfStep(got, first, second); wrong != "" {
				t.Errorf("%s, %s: %s\n%+v", x.target, x.name, wrong, got)
			}
		})
		t.Logf("%d requests", len(tries))
	})
}

// outOfStep says what is wrong with the answers to two requests through a
// proxy, or nothing. One without an id is the proxy's own, or net/http's.
func (s *scene) outOfStep(got []reply, first, second string) string {
	expected, answered := []string{first, second, ""}, map[string]int{}
	for n, r := range got {
		for r.id != "" && len(expected) > 0 && expected[0] != r.id {
			expected = expected[1:]
		}
		if len(expected) == 0 {
			return fmt.Sprintf("answer %d has id %q", n+1, r.id)
		}
		if r.id == "" && r.status < 400 {
			return fmt.Sprintf("answer %d is %d and nobody's", n+1, r.status)
		}
		if answered[r.id]++; r.id != "" && answered[r.id] > 1 {
			return "a request is answered twice"
		}
	}
	if len(got) > 2 {
		return fmt.Sprintf("%d answers to two requests", len(got))
	}
	for _, id := range []string{first, second} {
		if s.handled(id) > 1 {
			return "a request was handled twice"
		}
	}
	if s.handled(second) > answered[second] || s.handled(second+"-hidden") > 0 {
		return "a request was handled whose sender got no answer"
	}
	return ""
}
