package edge

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usher-id/usher/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// patience ends a test that hangs; none waits for it to pass.
const patience = time.Minute

// scene is a server with somebody at each door.
type scene struct {
	*harness.Server
	t *testing.T

	ada    person // of the partner, without a role
	bearer string // ada's
	vera   person // of EDI, vetted
	cookie string // vera's
}

type person struct {
	ID    string
	EDIID string `json:"edi_id"`
	Token string
}

const password = "lanterns-over-the-weir"

func newScene(t *testing.T, o harness.Options) *scene {
	t.Helper()
	o.Env = append(o.Env, "USHER_LOG_LEVEL=info")
	s := &scene{Server: harness.Start(t, o), t: t}
	s.ada = s.bring("ada")
	var in struct{ AccessToken string }
	harness.Send(t, s.login("ada")).JSON(t, http.StatusOK, &in)
	s.bearer = "Bearer " + in.AccessToken
	s.CLI("user", "create", "--email", "vera@example.org", "--name", "Vera", "--verified")
	s.CLI("group", "add", "Vetted", "vera@example.org")
	harness.Read(t, s.CLI("token", "mint", "--door", "edi", "--user", "vera@example.org", "--json"), &s.vera)
	s.cookie = "edi-token=" + s.vera.Token
	return s
}

// bring syncs a user as the partner does.
func (s *scene) bring(name string) (p person) {
	s.t.Helper()
	harness.Send(s.t, s.system(http.MethodPut, "/api/users/", newcomer(name))).JSON(s.t, http.StatusOK, &p)
	return p
}

func newcomer(name string) map[string]any {
	return map[string]any{"email": name + "@example.org", "username": name, "emailVerified": true, "password": password}
}

// system asks as the partner's own service does.
func (s *scene) system(method, path string, body any) harness.Ask {
	return harness.Ask{Method: method, URL: s.Internal + path, Body: body, Header: http.Header{"X-User-Ctx": {harness.System}}}
}

func (s *scene) login(name string) harness.Ask {
	return harness.Ask{Method: http.MethodPost, URL: s.Public + "/api/auth/login", Body: map[string]any{
		"type": "password", "clientId": "client-app-id", "clientSecret": "client-app-secret",
		"withPassword": map[string]any{"emailOrUsername": name, "password": password},
	}}
}

// stored is all that the partner can list and EDI can read.
func (s *scene) stored() string {
	s.t.Helper()
	users := harness.Send(s.t, s.system(http.MethodGet, "/api/users?limit=200", nil))
	profile := harness.Send(s.t, harness.Ask{Method: http.MethodGet, URL: s.Public + "/auth/v1/profile/" + s.vera.EDIID, Cookie: s.cookie})
	if users.Status != http.StatusOK || profile.Status != http.StatusOK {
		s.t.Fatalf("looking: %d, %d", users.Status, profile.Status)
	}
	return users.Text + profile.Text
}

func hostOf(base string) string { return strings.TrimPrefix(base, "http://") }

// reply is one answer on a raw connection.
type reply struct {
	status int
	id     string // X-Request-Id
	header http.Header
	body   string
}

// talk sends bytes as they are and reads every answer until the connection
// ends, which it must. halfClose says at once that nothing more comes.
func talk(address, sent string, halfClose bool) ([]reply, error) {
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	// A server that refuses early may close before all was written; what it said
	// counts.
	_, _ = io.WriteString(conn, sent)
	if halfClose {
		_ = conn.(*net.TCPConn).CloseWrite()
	}
	method, _, _ := strings.Cut(sent, " ")
	var got []reply
	for in := bufio.NewReader(conn); ; {
		if _, err := in.Peek(1); err != nil {
			if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
				return got, fmt.Errorf("after %d answers the connection stays open", len(got))
			}
			return got, nil // closed or reset
		}
		res, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			return got, fmt.Errorf("after %d answers: %w", len(got), err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			return got, fmt.Errorf("answer %d breaks off: %w", len(got)+1, err)
		}
		if res.StatusCode >= 200 {
			got = append(got, reply{res.StatusCode, res.Header.Get("X-Request-Id"), res.Header, string(body)})
		}
		method = http.MethodGet
	}
}

// once is talk where exactly one answer must come.
func once(t *testing.T, address, sent string) reply {
	t.Helper()
	got, err := talk(address, sent, false)
	if err != nil || len(got) != 1 {
		t.Fatalf("%d answers, %v, to %q", len(got), err, clip(sent))
	}
	return got[0]
}

func clip(s string) string { return s[:min(len(s), 1000)] }

var counter atomic.Int64

// newID names a request, so that its answer and its line in the log are known.
func newID() string { return fmt.Sprintf("edge-%d", counter.Add(1)) }

// handled is how often the server's log tells of a request.
func (s *scene) handled(id string) int {
	n := 0
	for line := range strings.SplitSeq(s.Said(), "\n") {
		if strings.Contains(line, "msg=request ") && strings.Contains(line+" ", "request_id="+id+" ") {
			n++
		}
	}
	return n
}

// awaitHandled waits for a request's line in the log: what was handled before
// it is then there too.
func (s *scene) awaitHandled(id string) {
	for end := time.Now().Add(patience); s.handled(id) == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Errorf("the log never tells of %s", id)
			return
		}
	}
}

func contextHeaders() []string {
	return []string{harness.System, base64.StdEncoding.EncodeToString([]byte(harness.System))}
}
