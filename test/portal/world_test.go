package portal

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/testkeycloak"
	"github.com/usher-id/usher/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// world is a server whose portal belongs to a realm of a test's own.
type world struct {
	*testing.T
	*harness.Server
	*road
	realm *testkeycloak.Realm
}

// road leads to Keycloak, and can be closed. The realm has its address, since
// Keycloak calls itself as it is called.
type road struct {
	*httptest.Server
	closed atomic.Bool
	odd    atomic.Bool // answers HTML
	asked  atomic.Int64
}

func newRoad(t *testing.T, to string) *road {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	r := &road{}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(target)
		p.Out.Host = p.In.Host
	}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.asked.Add(1)
		switch {
		case r.closed.Load():
			panic(http.ErrAbortHandler)
		case r.odd.Load():
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html>not what you asked for</html>")
		default:
			proxy.ServeHTTP(w, req)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// inWorld runs a test on each store. env are more variables of the server's.
func inWorld(t *testing.T, fn func(world), env ...string) {
	t.Helper()
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		realm := testkeycloak.New(t)
		fn(newWorld(t, store.Empty(t), realm, newRoad(t, realm.URL), env...))
	})
}

// beside is inWorld without a road: what the realm says by itself has its own address.
func beside(t *testing.T, fn func(world), env ...string) {
	t.Helper()
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		realm := testkeycloak.New(t)
		fn(newWorld(t, store.Empty(t), realm, &road{Server: &httptest.Server{URL: realm.URL}}, env...))
	})
}

func newWorld(t *testing.T, o harness.Options, realm *testkeycloak.Realm, r *road, env ...string) world {
	t.Helper()
	o.Env = append(o.Env,
		"USHER_DOORS_PORTAL_ISSUER="+r.URL+"/auth/realms/"+realm.Name, "USHER_DOORS_PORTAL_CLIENT_ID="+realm.ClientID,
		"USHER_DOORS_PORTAL_ADMIN_CLIENT_ID="+realm.AdminID, "USHER_DOORS_PORTAL_ADMIN_CLIENT_SECRET="+realm.AdminSecret)
	o.Env = append(o.Env, env...)
	w := world{T: t, Server: harness.Start(t, o), road: r, realm: realm}
	realm.TellLogouts(w.Public + "/portal/backchannel-logout")
	return w
}

// signIn gives an access token of somebody, by the road.
func (w world) signIn(p testkeycloak.Person) testkeycloak.Tokens {
	w.Helper()
	return w.realm.SignInAt(w.URL, p)
}

// myUser is what the API answers.
type myUser struct {
	Status      int            `json:"-"`
	Detail      string         `json:"detail"`
	UUID        string         `json:"uuid"`
	Username    string         `json:"username"`
	Email       string         `json:"email"`
	FirstName   string         `json:"first_name"`
	Nickname    string         `json:"nickname"`
	Profile     map[string]any `json:"profile"`
	ProfileType *string        `json:"profile_type"`
	Missing     []string       `json:"missing_fields"`
	Pending     *string        `json:"pending_approval"`
	LinkPending bool           `json:"link_pending"`
	RetryAfter  string         `json:"-"`
}

func (w world) call(method, token string, body any) (out myUser) {
	w.Helper()
	var doc []byte
	if body != nil {
		var err error
		if doc, err = json.Marshal(body); err != nil {
			w.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(w.Context(), method, w.Public+"/api/my-user", bytes.NewReader(doc))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil || len(said) > 0 && json.Unmarshal(said, &out) != nil {
		w.Fatalf("%s: %d %s %v", method, answer.StatusCode, said, err)
	}
	out.Status, out.RetryAfter = answer.StatusCode, answer.Header.Get("Retry-After")
	return out
}

// whole is what an app sends to complete a profile.
var whole = map[string]any{
	"profile": map[string]any{"gender": "male", "bio": "rides", "occupation": "freelancer", "age": "19 - 30"}, "accepted_terms_of_service": true,
}

// soon waits until something holds.
func (w world) soon(what string, within time.Duration, holds func() bool) {
	w.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if holds() {
			return
		}
	}
	w.Errorf("not within %s: %s", within, what)
}

// shown is what `usher user show --json` says.
type shown struct {
	ID     string
	Status string
	Email  string
	Name   string
	Groups []string // by name
}

func (w world) show(ref string) (s shown) {
	w.Helper()
	harness.Read(w.T, w.CLI("user", "show", ref, "--json"), &s)
	return s
}
