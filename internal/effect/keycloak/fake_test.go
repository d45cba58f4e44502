package keycloak_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/effect/keycloak"
	"github.com/usher-id/usher/internal/testkeycloak"
)

func TestMain(m *testing.M) {
	code := m.Run()
	testkeycloak.Stop()
	os.Exit(code)
}

const (
	ada    = "3b241101-e2bb-4255-8caf-4136c566a962"
	nobody = "00000000-0000-4000-8000-000000000000"
	group1 = "7d444840-9dc0-11d1-b245-5ffdce74fad2"
	group2 = "7d444840-9dc0-11d1-b245-5ffdce74fad3"
)

// fake answers as a realm does, except for what it is told to answer otherwise.
type fake struct {
	*httptest.Server
	mu      sync.Mutex
	answers map[string]http.HandlerFunc // by method and path
	always  http.HandlerFunc            // before all of them
	calls   []string                    // with their queries
	bodies  []string
	tokens  int // how many were given
	expires int // seconds
	now     time.Time
}

const realmPath = "/auth/admin/realms/main"

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{answers: map[string]http.HandlerFunc{}, expires: 300, now: time.Unix(1_790_000_000, 0)}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	f.on("POST /auth/realms/main/protocol/openid-connect/token", func(w http.ResponseWriter, r *http.Request) {
		if id, secret, _ := r.BasicAuth(); id != "service" || secret != "s%3A+cret" || r.FormValue("grant_type") != "client_credentials" {
			says(http.StatusUnauthorized, `{"error":"unauthorized_client"}`)(w, r)
			return
		}
		f.mu.Lock()
		f.tokens++
		n, expires := f.tokens, f.expires
		f.mu.Unlock()
		says(http.StatusOK, fmt.Sprintf(`{"access_token":"token-%d","expires_in":%d}`, n, expires))(w, r)
	})
	f.on("GET "+realmPath+"/users/"+ada, says(200, `{"id":"`+ada+`","username":"ada@example.org","enabled":true,"attributes":{"colour":["red"]}}`))
	f.on("PUT "+realmPath+"/users/"+ada, says(204, ""))
	f.on("GET "+realmPath+"/users/"+ada+"/groups", says(200, `[{"id":"`+group1+`","path":"/end_users"}]`))
	f.on("GET "+realmPath+"/users/"+ada+"/role-mappings", says(200, `{}`))
	f.on("GET "+realmPath+"/group-by-path/end_users", says(200, `{"id":"`+group1+`","path":"/end_users","clientRoles":{}}`))
	f.on("PUT "+realmPath+"/users/"+ada+"/groups/"+group1, says(204, ""))
	f.on("DELETE "+realmPath+"/users/"+ada+"/groups/"+group1, says(204, ""))
	f.on("GET "+realmPath+"/events", says(200, `[]`))
	f.on("GET "+realmPath+"/admin-events", says(200, `[]`))
	return f
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func (f *fake) on(route string, answer http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[route] = answer
}

// misbehaves has every call of the admin API answered so; nil: as it should be.
func (f *fake) misbehaves(answer http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.always = answer
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	f.mu.Lock()
	f.calls = append(f.calls, r.Method+" "+strings.TrimPrefix(r.URL.RequestURI(), realmPath))
	f.bodies = append(f.bodies, string(body))
	answer := f.answers[r.Method+" "+r.URL.Path]
	if f.always != nil && strings.HasPrefix(r.URL.Path, realmPath) {
		answer = f.always
	}
	f.mu.Unlock()
	if answer == nil {
		answer = says(http.StatusNotFound, `{"error":"HTTP 404 Not Found"}`)
	}
	answer(w, r)
}

// asked gives how many calls began so.
func (f *fake) asked(prefix string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if strings.HasPrefix(c, prefix) {
			n++
		}
	}
	return n
}

// sent is the body of the last call, as JSON.
func (f *fake) sent(t *testing.T) (out map[string]any) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := json.Unmarshal([]byte(f.bodies[len(f.bodies)-1]), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func (f *fake) admin(t *testing.T, change ...func(*keycloak.Config)) *keycloak.Admin {
	t.Helper()
	c := keycloak.Config{
		Issuer: f.URL + "/auth/realms/main", ClientID: "portal", AdminClientID: "service", AdminClientSecret: "s: cret",
		Now: func() time.Time { f.mu.Lock(); defer f.mu.Unlock(); return f.now },
	}
	for _, fn := range change {
		fn(&c)
	}
	a, err := keycloak.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (f *fake) advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}
