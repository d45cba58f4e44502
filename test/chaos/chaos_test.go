package chaos

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/test/harness"
	"github.com/usher-id/usher/test/replay"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	requests = 10_000
	seed     = 1847
)

// Given a server with users, clients and tokens, when it is sent ten thousand
// requests that were bent out of shape, then none is answered with a 5xx or
// not at all, and the server goes on as if nothing had been.
func TestRandomRequests(t *testing.T) {
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		o := store.Empty(t)
		o.Env = []string{"USHER_LOG_LEVEL=error"}
		s := harness.Start(t, o)
		d := newDice(t, s)
		codes := map[int]int{}
		for n := range requests {
			r := d.request()
			base := s.Public
			if r.internal {
				base = s.Internal
			}
			host := strings.TrimPrefix(base, "http://")
			sent := r.bytes(host)
			if d.chance(200) {
				abandon(t, host, sent[:d.IntN(len(sent))])
				continue
			}
			status, err := exchange(host, r.method, sent)
			if err != nil && status < 500 && !r.readable() {
				continue // hung up on, before or while it was told why
			}
			// The portal door has no realm here, and says so (docs/portal.md).
			closed := status == http.StatusNotImplemented && bytes.Contains(sent, []byte("/api/my-user"))
			if err != nil || status >= 500 && !closed {
				t.Errorf("request %d of seed %d: status %d, %v\n%q", n, seed, status, err, clip(sent))
			}
			codes[status]++
			if !s.Alive() {
				t.Fatalf("the server has ended; it said:\n%s", s.Said())
			}
		}
		t.Logf("answers: %v", codes)
		// A generator whose requests are all refused at the gate would test
		// nothing.
		for _, status := range []int{200, 400, 401, 403, 404, 405, 409} {
			if codes[status] == 0 {
				t.Errorf("no request was answered with %d", status)
			}
		}
		if said := s.Said(); strings.Contains(said, "panic") {
			t.Errorf("a request panicked:\n%s", said)
		}
		stillServes(t, s)
	})
}

// newDice plays the recorded cases of both doors once, so that requests can
// refer to what exists, dead and alive, and adds a cast: whoever a request
// locks or deletes, others are left.
func newDice(t *testing.T, s *harness.Server) *dice {
	t.Helper()
	d := &dice{Rand: rand.New(rand.NewPCG(seed, 0)), vars: replay.Vars{}}
	for _, door := range []string{"partner", "edi"} {
		cases, err := replay.Recorded(door)
		if err != nil {
			t.Fatal(err)
		}
		p := s.Player("0")
		for _, c := range cases {
			if diffs := p.Play(t.Context(), c); len(diffs) > 0 {
				t.Fatalf("%s: %v", c.Name, diffs)
			}
			if c.Request != nil {
				d.recorded = append(d.recorded, *c.Request)
			}
		}
		maps.Copy(d.vars, p.Vars)
	}
	d.cast = append(d.cast, maps.Clone(d.vars))
	for i := range 8 {
		d.cast = append(d.cast, newRole(t, s, fmt.Sprintf("role%d", i)))
	}
	return d
}

// newRole makes somebody who is signed in at both doors, under the names by
// which recorded requests call them.
func newRole(t *testing.T, s *harness.Server, name string) replay.Vars {
	t.Helper()
	const password = "lanterns-over-the-weir"
	var made struct {
		ID   string
		Guid string `json:"_guid"` //nolint:staticcheck // the wire's own name
	}
	harness.Send(t, harness.Ask{
		Method: http.MethodPut, URL: s.Internal + "/api/users/", Header: http.Header{"X-User-Ctx": {harness.System}},
		Body: map[string]any{"email": name + "@example.org", "username": name, "emailVerified": true, "password": password},
	}).JSON(t, http.StatusOK, &made)
	var in struct{ AccessToken, RefreshToken string }
	harness.Send(t, harness.Ask{Method: http.MethodPost, URL: s.Public + "/api/auth/login", Body: map[string]any{
		"type": "password", "clientId": "client-app-id", "clientSecret": "client-app-secret",
		"withPassword": map[string]string{"emailOrUsername": name, "password": password},
	}}).JSON(t, http.StatusOK, &in)
	var edi ediUser
	harness.Read(t, s.CLI("token", "mint", "--door", "edi", "--user", made.ID, "--json"), &edi)
	s.CLI("group", "add", "Vetted", made.ID)
	return replay.Vars{
		"run": name, "id": made.ID, "guid": made.Guid, "at": in.AccessToken, "rt": in.RefreshToken,
		"alice": edi.Token, "alice_edi": edi.EDIID, "alice_id": made.ID,
	}
}

const patience = 30 * time.Second

// exchange sends bytes and gives the status of the answer, which must be
// complete.
func exchange(host, method string, sent []byte) (int, error) {
	conn, err := net.DialTimeout("tcp", host, patience)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	// A server that refuses early may close before all was written; what it
	// said counts.
	_, writeErr := conn.Write(sent)
	answers := bufio.NewReader(conn)
	for {
		res, err := http.ReadResponse(answers, &http.Request{Method: method})
		if err != nil {
			return 0, errors.Join(fmt.Errorf("no answer: %w", err), writeErr)
		}
		if res.StatusCode < 200 {
			continue
		}
		_, err = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if err != nil {
			return res.StatusCode, fmt.Errorf("the answer breaks off: %w", err)
		}
		return res.StatusCode, nil
	}
}

// abandon sends a part of a request and goes away.
func abandon(t *testing.T, host string, part []byte) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", host, patience)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Write(part)
	conn.Close()
}

func stillServes(t *testing.T, s *harness.Server) {
	t.Helper()
	for _, url := range []string{s.Public + "/health/live", s.Public + "/health/ready", s.Public + "/auth/v1/ping"} {
		if a := harness.Send(t, harness.Ask{Method: http.MethodGet, URL: url}); a.Status != http.StatusOK {
			t.Errorf("%s: status %d: %s", url, a.Status, a.Text)
		}
	}
	a := harness.Send(t, harness.Ask{
		Method: http.MethodPut, URL: s.Internal + "/api/users/", Header: http.Header{"X-User-Ctx": {harness.System}},
		Body: map[string]any{"email": "afterwards@example.org", "emailVerified": true, "password": "still-standing-on-two-legs"},
	})
	if a.Status != http.StatusOK {
		t.Errorf("a sync afterwards: status %d: %s", a.Status, a.Text)
	}
}

func clip(b []byte) []byte {
	const most = 2000
	if len(b) > most {
		return b[:most]
	}
	return b
}
