package testkeycloak

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

//go:embed realm.json
var template string

// Realm is a realm of a test's own.
type Realm struct {
	URL         string // of the server
	Name        string
	Issuer      string
	ClientID    string // public, with the password grant
	AdminID     string // the service account's client
	AdminSecret string
	t           testing.TB
	bearer      string
	bearerUntil time.Time
	mu          sync.Mutex
}

var (
	once    sync.Once
	running *Server
	at      string
	failed  error
)

// Stop stops the server that was started for a package's tests, if one was. Its
// TestMain calls it when they are over.
func Stop() {
	if running == nil {
		return
	}
	if err := running.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "stopping Keycloak:", err)
	}
}

func server(t testing.TB) string {
	t.Helper()
	once.Do(func() {
		if at = os.Getenv(EnvURL); at != "" {
			return
		}
		if running, failed = Launch(context.Background()); failed == nil {
			at = running.URL
		}
	})
	switch {
	case failed == nil:
	case errors.Is(failed, ErrNotInstalled) && os.Getenv("CI") != "true":
		t.Skip(failed)
	default:
		t.Fatal(failed)
	}
	return at
}

// New makes a realm as the portal needs it: groups, client roles, a public client
// and a service account.
func New(t testing.TB) *Realm {
	t.Helper()
	return Named(t, "t-"+uuid.NewString()[:8], "portal")
}

// Named is New with the names that recorded cases know. One that a run before left is
// replaced: no two tests at once may use one name.
func Named(t testing.TB, name, client string) *Realm {
	t.Helper()
	r := &Realm{
		URL: server(t), Name: name, ClientID: client, AdminID: "usher-service", AdminSecret: uuid.NewString(), t: t,
	}
	r.Issuer = r.URL + "/auth/realms/" + name
	doc := strings.NewReplacer(`"REALM"`, `"`+name+`"`, `"SECRET"`, `"`+r.AdminSecret+`"`, `"portal"`, `"`+client+`"`).Replace(template)
	r.call("DELETE", "/auth/admin/realms/"+name, nil)
	r.master("POST", "/auth/admin/realms", json.RawMessage(doc), nil)
	t.Cleanup(func() { r.master("DELETE", "/auth/admin/realms/"+name, nil, nil) })
	return r
}

// Person is somebody of a realm's.
type Person struct {
	Subject, Email, Password string
}

// Register makes somebody, as the realm's own page would.
func (r *Realm) Register(email, first, last string, verified bool) Person {
	r.t.Helper()
	p := Person{Email: email, Password: "a-password-of-" + email}
	answer := r.master("POST", "/auth/admin/realms/"+r.Name+"/users", map[string]any{
		"username": email, "email": email, "firstName": first, "lastName": last, "enabled": true, "emailVerified": verified,
		"credentials": []map[string]any{{"type": "password", "value": p.Password, "temporary": false}},
	}, nil)
	at := answer.Get("Location")
	p.Subject = at[strings.LastIndexByte(at, '/')+1:]
	return p
}

// Find gives somebody who registered by themselves.
func (r *Realm) Find(email string) Person {
	r.t.Helper()
	var found []struct{ ID string }
	r.master("GET", "/auth/admin/realms/"+r.Name+"/users?exact=true&username="+url.QueryEscape(email), nil, &found)
	if len(found) != 1 {
		r.t.Fatalf("%d people are called %s", len(found), email)
	}
	return Person{Subject: found[0].ID, Email: email}
}

// Tokens are what a sign-in gives.
type Tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// SignIn signs somebody in by their password.
func (r *Realm) SignIn(p Person) Tokens {
	r.t.Helper()
	return r.SignInAt(r.URL, p)
}

// SignInAt is SignIn by another address of the server's, which the tokens then name.
func (r *Realm) SignInAt(at string, p Person) (out Tokens) {
	r.t.Helper()
	r.token(at, url.Values{
		"grant_type": {"password"}, "client_id": {r.ClientID}, "scope": {"openid email profile"}, "username": {p.Email}, "password": {p.Password},
	}, r.Name, &out)
	return out
}

// Renew gives new tokens of the same session.
func (r *Realm) Renew(old Tokens) (out Tokens) {
	r.t.Helper()
	r.token(r.URL, url.Values{"grant_type": {"refresh_token"}, "client_id": {r.ClientID}, "refresh_token": {old.Refresh}}, r.Name, &out)
	return out
}

// Enable lets somebody sign in, or not.
func (r *Realm) Enable(p Person, enabled bool) {
	r.t.Helper()
	r.master("PUT", r.user(p), map[string]any{"enabled": enabled, "email": p.Email, "username": p.Email}, nil)
}

// Delete deletes somebody.
func (r *Realm) Delete(p Person) {
	r.t.Helper()
	r.master("DELETE", r.user(p), nil, nil)
}

// LogOut ends all sessions of somebody.
func (r *Realm) LogOut(p Person) {
	r.t.Helper()
	r.master("POST", r.user(p)+"/logout", nil, nil)
}

// Groups are the full paths of somebody's groups.
func (r *Realm) Groups(p Person) (paths []string) {
	r.t.Helper()
	var found []struct{ Path string }
	r.master("GET", r.user(p)+"/groups", nil, &found)
	for _, g := range found {
		paths = append(paths, g.Path)
	}
	return paths
}

// Join puts somebody into a group, Leave takes them out.
func (r *Realm) Join(p Person, path string) { r.t.Helper(); r.membership("PUT", p, path) }

// Leave takes somebody out of a group.
func (r *Realm) Leave(p Person, path string) { r.t.Helper(); r.membership("DELETE", p, path) }

func (r *Realm) membership(method string, p Person, path string) {
	r.t.Helper()
	var g struct{ ID string }
	r.master("GET", "/auth/admin/realms/"+r.Name+"/group-by-path"+path, nil, &g)
	r.master(method, r.user(p)+"/groups/"+g.ID, nil, nil)
}

func (r *Realm) user(p Person) string { return "/auth/admin/realms/" + r.Name + "/users/" + p.Subject }

// token asks a realm for tokens.
func (r *Realm) token(at string, form url.Values, realm string, out any) {
	r.t.Helper()
	answer, err := http.PostForm(at+"/auth/realms/"+realm+"/protocol/openid-connect/token", form) //nolint:noctx // a test's own server
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || json.Unmarshal(body, out) != nil {
		r.t.Fatalf("Keycloak gives no token: %d %s %v", answer.StatusCode, body, err)
	}
}

// administrator gives the server's administrator's token.
func (r *Realm) administrator() string {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Now().Before(r.bearerUntil) {
		return r.bearer
	}
	var got Tokens
	r.token(r.URL, url.Values{"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {Administrator}, "password": {Password}}, "master", &got)
	r.bearer, r.bearerUntil = got.Access, time.Now().Add(30*time.Second)
	return r.bearer
}

// TellLogouts has the realm tell log-outs to an address.
func (r *Realm) TellLogouts(to string) {
	r.t.Helper()
	var found []map[string]any
	r.master("GET", "/auth/admin/realms/"+r.Name+"/clients?clientId="+r.ClientID, nil, &found)
	attributes, _ := found[0]["attributes"].(map[string]any)
	attributes["backchannel.logout.url"] = to
	attributes["backchannel.logout.session.required"] = "true"
	r.master("PUT", "/auth/admin/realms/"+r.Name+"/clients/"+found[0]["id"].(string), found[0], nil)
}

// master makes a call as the server's administrator, which must succeed.
func (r *Realm) master(method, path string, in, out any) http.Header {
	r.t.Helper()
	status, header, said := r.call(method, path, in)
	if status > 299 {
		r.t.Fatalf("Keycloak answers %s %s with %d %s", method, path, status, said)
	}
	if out != nil {
		if err := json.Unmarshal(said, out); err != nil {
			r.t.Fatalf("Keycloak answers %s: %v", said, err)
		}
	}
	return header
}

func (r *Realm) call(method, path string, in any) (int, http.Header, []byte) {
	r.t.Helper()
	var body io.Reader
	if in != nil {
		doc, err := json.Marshal(in)
		if err != nil {
			r.t.Fatal(err)
		}
		body = bytes.NewReader(doc)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, r.URL+path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.administrator())
	req.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, said
}
