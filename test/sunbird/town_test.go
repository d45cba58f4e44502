package sunbird

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/test/harness"
	"github.com/usher-id/usher/test/stateportal"
)

func TestMain(m *testing.M) { harness.Main(m) }

// town is a running usher with a state's channel and school in it.
type town struct {
	*testing.T
	*harness.Server
	state  stateportal.Portal
	school string // id
	portal string // token of the caller who may attest
	texts  map[string]int
}

func inTown(t *testing.T, fn func(town), args ...string) {
	t.Helper()
	state := stateportal.New(t)
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		o := store.Empty(t)
		o.Args = args
		w := town{T: t, Server: harness.Start(t, o), state: state, texts: map[string]int{}}
		w.CLI("group", "create", "--kind", "channel", "gj")
		var made struct{ ID, Token string }
		harness.Read(t, w.CLI("group", "create", "--kind", "organisation", "--parent", "gj", "--external-id", "321456", "school", "--json"), &made)
		w.school = made.ID
		w.CLI("issuer", "add", "--door", "sunbird", "--iss", "gj", "--channel", "gj", "--public-key", state.PublicKey())
		harness.Read(t, w.CLI("token", "mint", "--door", "sunbird", "--caller", "portal", "--json"), &made)
		w.portal = made.Token
		fn(w)
	})
}

// policyFile is a policy for `usher serve --policy`.
func policyFile(t *testing.T, doc string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(path, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

type claims = stateportal.Claims

func (w town) token(sub string, more claims) string { return w.state.Token(sub, more) }

// said is an answer of the API.
type said struct {
	Params struct {
		Err, Errmsg, Status string
	}
	Result struct {
		UserID   string `json:"userId"`
		Exists   bool
		Response json.RawMessage
	}
}

// shown is a user as the door shows them.
type shown struct {
	ID, FirstName, LastName, UserName, Channel string
	Roles                                      []string
	EmailVerified, PhoneVerified               bool
}

// call sends a body's request, with a Bearer token if there is one.
func (w town) call(path, token string, request map[string]any) (a said, status int) {
	w.Helper()
	ask := harness.Ask{Method: http.MethodPost, URL: w.Public + path, Body: map[string]any{"request": request}, Header: http.Header{"Content-Type": {"application/json"}}}
	if token != "" {
		ask.Header.Set("Authorization", "Bearer "+token)
	}
	got := harness.Send(w.T, ask)
	harness.Read(w.T, got.Text, &a)
	return a, got.Status
}

// does is call that must be carried out, and gives the user's id.
func (w town) does(path, token string, request map[string]any) string {
	w.Helper()
	a, status := w.call(path, token, request)
	if status != http.StatusOK {
		w.Fatalf("%s %v: status %d, %+v", path, request, status, a.Params)
	}
	return a.Result.UserID
}

// no is call that must be refused with a code.
func (w town) no(path, token string, request map[string]any, code string) {
	w.Helper()
	if a, status := w.call(path, token, request); a.Params.Err != code {
		w.Errorf("%s %v: status %d, %+v, wanted %s", path, request, status, a.Params, code)
	}
}

func (w town) get(kind, value string) (s shown, code string) {
	w.Helper()
	got := harness.Send(w.T, harness.Ask{Method: http.MethodGet, URL: w.Public + "/v1/user/get/" + kind + "/" + url.PathEscape(value)})
	var a said
	harness.Read(w.T, got.Text, &a)
	if got.Status == http.StatusOK {
		harness.Read(w.T, string(a.Result.Response), &s)
	}
	return s, a.Params.Err
}

var sixDigits = regexp.MustCompile(`\b[1-9][0-9]{5}\b`)

// text waits for the next message to a phone or mailbox and gives its code.
func (w town) text(to string) string {
	w.Helper()
	key := to
	if !strings.Contains(to, "@") {
		key = "+91" + to
	}
	for range 200 {
		var box struct{ Messages []struct{ Text string } }
		harness.Send(w.T, harness.Ask{Method: http.MethodGet, URL: w.Public + "/dev/inbox.json?to=" + url.QueryEscape(key)}).JSON(w.T, http.StatusOK, &box)
		if n := w.texts[key]; len(box.Messages) > n {
			w.texts[key]++
			return sixDigits.FindString(box.Messages[n].Text)
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.Fatalf("nothing was sent to %s", key)
	return ""
}

// code asks for one and reads it.
func (w town) code(kind, key string) string {
	w.Helper()
	w.does("/v1/otp/generate", "", map[string]any{"key": key, "type": kind})
	return w.text(key)
}

// signUp makes a user with a code.
func (w town) signUp(phone, name string) string {
	w.Helper()
	return w.does("/v2/user/create", "", map[string]any{"firstName": name, "phone": phone, "OTP": w.code("phone", phone)})
}

// browser follows no redirect and keeps cookies.
type browser struct {
	town
	http.Client
}

func (w town) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	return &browser{w, http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// goes opens an address and gives the status and where it leads.
func (b *browser) goes(path string) (status int, location string) {
	b.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.Public + path
	}
	r, err := b.Get(path)
	if err != nil {
		b.Fatal(err)
	}
	_ = r.Body.Close()
	return r.StatusCode, r.Header.Get("Location")
}

// presses sends a form of usher's own page.
func (b *browser) presses(path string, form url.Values) (status int, location string) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, b.Public+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	a, err := b.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	_ = a.Body.Close()
	return a.StatusCode, a.Header.Get("Location")
}

// leads fails unless an address leads where a pattern says.
func (b *browser) leads(path, pattern string) string {
	b.Helper()
	_, to := b.goes(path)
	if !regexp.MustCompile(pattern).MatchString(to) {
		b.Fatalf("%.80s leads to %q, wanted %s", path, to, pattern)
	}
	return to
}

func visit(token string) string { return "/v2/user/session/create?token=" + token }

// person is a user as an operator sees them.
type person struct {
	ID, Status string
	Handles    []struct{ Space, Value string }
	Identities []struct{ Issuer, Subject string }
	Groups     []string
}

func (w town) show(ref string) (p person) {
	w.Helper()
	harness.Read(w.T, w.CLI("user", "show", ref, "--json"), &p)
	return p
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
