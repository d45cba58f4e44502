package takeover

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/test/harness"
	"github.com/usher-id/usher/test/oidc/idp"
)

func TestMain(m *testing.M) { harness.Main(m) }

type fields = map[string]any

const (
	attackersWord = "i-was-here-before-you"
	victimsWord   = "seven-quiet-harbours"
	wrongWord     = "nobody-has-this-one"
)

// Settings of a world.
const (
	trusted   = "trusted"
	untrusted = "untrusted"

	marked   = "provider marked authoritative"
	unmarked = "provider without the mark"
)

// world is a provider and a running usher that takes its tokens.
type world struct {
	*testing.T
	*harness.Server
	idp *idp.Issuer
}

// inWorld runs a test on every store, under this trust in the partner and this
// mark of the provider.
func inWorld(t *testing.T, trust, mark string, fn func(*world)) {
	t.Helper()
	harness.OnEachStore(t, func(t *testing.T, s harness.Store) {
		w := &world{T: t, idp: idp.New(t)}
		file := filepath.Join(t.TempDir(), "policy.yaml")
		if err := os.WriteFile(file, []byte("sources:\n  partner: {trust: "+trust+"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		o := s.Empty(t)
		o.Env = append(o.Env, "USHER_POLICY="+file)
		o.Args = []string{
			"--doors.partner.oidc.name", "keycloak", "--doors.partner.oidc.issuer", w.idp.URL, "--doors.partner.oidc.client_ids", idp.Client,
			"--doors.partner.oidc.authoritative=" + strconv.FormatBool(mark == marked),
		}
		w.Server = harness.Start(t, o)
		fn(w)
	})
}

// inWorlds does so under every trust and mark.
func inWorlds(t *testing.T, fn func(w *world, trust, mark string)) {
	t.Helper()
	for _, trust := range []string{untrusted, trusted} {
		for _, mark := range []string{marked, unmarked} {
			t.Run(trust+", "+mark, func(t *testing.T) {
				inWorld(t, trust, mark, func(w *world) { fn(w, trust, mark) })
			})
		}
	}
}

// put is what the partner's own service sends of a user.
func (w *world) put(record fields) harness.Answer {
	w.Helper()
	return harness.Send(w, harness.Ask{
		Method: http.MethodPut, URL: w.Internal + "/api/users/", Body: record, Header: http.Header{"X-User-Ctx": {harness.System}},
	})
}

// sync puts a record that must be taken, and gives what of it was not.
func (w *world) sync(record fields) (ignored string) {
	w.Helper()
	a := w.put(record)
	if a.Status != http.StatusOK {
		w.Fatalf("syncing %v: %d %s", record, a.Status, a.Text)
	}
	return a.Header.Get("Usher-Ignored")
}

// conflicts puts a record that must be refused.
func (w *world) conflicts(what string, record fields) {
	w.Helper()
	if a := w.put(record); a.Status != http.StatusConflict {
		w.Errorf("%s: %d %s", what, a.Status, a.Text)
	}
}

// naming is what a record says of identities at the provider.
func (w *world) naming(subject string) []fields {
	return []fields{{"issuer": w.idp.URL, "subject": subject}}
}

// signedIn is what a sign-in at the partner door answers.
type signedIn struct{ UserID, AccessToken, RefreshToken string }

func (w *world) login(body fields) harness.Answer {
	w.Helper()
	body["clientId"], body["clientSecret"] = "client-app-id", "client-app-secret"
	return harness.Send(w, harness.Ask{Method: http.MethodPost, URL: w.Public + "/api/auth/login", Body: body})
}

// arrives is somebody here with a token of the provider, which says their
// address and that it is theirs.
func (w *world) arrives(subject, email string) (in signedIn) {
	w.Helper()
	token := w.idp.ID(subject, fields{"email": email, "email_verified": true})
	w.login(fields{"type": "oauth-provider", "withOAuth": fields{
		"providerName": "keycloak", "providerToken": token, "providerTokenType": "idtoken",
	}}).JSON(w, http.StatusOK, &in)
	return in
}

func (w *world) tries(name, word string) harness.Answer {
	w.Helper()
	return w.login(fields{"type": "password", "withPassword": fields{"emailOrUsername": name, "password": word}})
}

func (w *world) enters(name, word string) (in signedIn) {
	w.Helper()
	w.tries(name, word).JSON(w, http.StatusOK, &in)
	return in
}

func (w *world) keptOut(what, name, word string) {
	w.Helper()
	if a := w.tries(name, word); a.Status != http.StatusUnauthorized || !strings.Contains(a.Text, "User not found") {
		w.Errorf("%s, as %s: %d %s", what, name, a.Status, a.Text)
	}
}

// opensNot fails where a password opens this very user.
func (w *world) opensNot(name, word, victim string) {
	w.Helper()
	var in signedIn
	a := w.tries(name, word)
	if a.Status != http.StatusOK {
		return
	}
	harness.Read(w, a.Text, &in)
	if w.whose(in) == victim {
		w.Errorf("as %s the attacker's password opens the victim's user", name)
	}
}

// lives says whether the internal listener knows an access token.
func (w *world) lives(in signedIn) bool {
	w.Helper()
	a := harness.Send(w, harness.Ask{
		Method: http.MethodPost, URL: w.Internal + "/internal/auth/user-context?format=json", Body: fields{"accessToken": in.AccessToken},
	})
	if a.Status != http.StatusOK && a.Status != http.StatusUnauthorized {
		w.Fatalf("the context of a token: %d %s", a.Status, a.Text)
	}
	return a.Status == http.StatusOK
}

// dead fails unless both tokens of a session are.
func (w *world) dead(what string, in signedIn) {
	w.Helper()
	if w.lives(in) {
		w.Errorf("%s: the access token lives", what)
	}
	a := w.login(fields{"type": "refresh-token", "withRefreshToken": fields{"refreshToken": in.RefreshToken}})
	if a.Status != http.StatusUnauthorized {
		w.Errorf("%s: the refresh token gives %d", what, a.Status)
	}
}

// person is what `usher user show --json` tells.
type person struct {
	ID, Status string
	Locked     bool
	Groups     []string
	Profile    map[string]*string
	Identities []struct{ Issuer, Subject string }
}

func (w *world) show(ref string) (p person) {
	w.Helper()
	harness.Read(w, w.CLI("user", "show", ref, "--json"), &p)
	return p
}

// whose is the user behind a session.
func (w *world) whose(in signedIn) string {
	w.Helper()
	return w.show(in.UserID).ID
}

// operators is a user made on the command line, with the victim's password.
func (w *world) operators(args ...string) (p person) {
	w.Helper()
	harness.Read(w, w.CLI(append([]string{"user", "create", "--password", victimsWord, "--json"}, args...)...), &p)
	return p
}

// imports brings a record of another source, which is trusted.
func (w *world) imports(source string, record fields) {
	w.Helper()
	line, err := json.Marshal(record)
	if err != nil {
		w.Fatal(err)
	}
	file := filepath.Join(w.TempDir(), "users.ndjson")
	if err := os.WriteFile(file, append(line, '\n'), 0o600); err != nil {
		w.Fatal(err)
	}
	w.CLI("import", "users", file, "--source", source, "--results", file+".results")
}

// graphql runs a mutation without arguments that need escaping, and gives the
// answer as it came.
func (w *world) graphql(name, arguments, want string) string {
	w.Helper()
	a := harness.Send(w, harness.Ask{Method: http.MethodPost, URL: w.Public + "/graphql", Body: fields{
		"query": fmt.Sprintf("mutation { %s(%s) { success errors %s } }", name, arguments, want),
	}})
	if a.Status != http.StatusOK {
		w.Fatalf("%s: %d %s", name, a.Status, a.Text)
	}
	return a.Text
}

// does is graphql that must succeed.
func (w *world) does(name, arguments string) {
	w.Helper()
	if got := w.graphql(name, arguments, ""); !strings.Contains(got, `"success":true`) {
		w.Fatalf("%s: %s", name, got)
	}
}

// tryToRegister gives the answer of a sign-up at the GraphQL door.
func (w *world) tryToRegister(email, name, word string) string {
	w.Helper()
	return w.graphql("register", fmt.Sprintf("email: %q, username: %q, password1: %q, password2: %[3]q", email, name, word), "")
}

func (w *world) registers(email, name, word string) {
	w.Helper()
	if got := w.tryToRegister(email, name, word); !strings.Contains(got, `"success":true`) {
		w.Fatalf("registering %s: %s", email, got)
	}
}

func (w *world) tokenAuth(email, word string) string {
	w.Helper()
	return w.graphql("tokenAuth", fmt.Sprintf("email: %q, password: %q", email, word), "token")
}

// patience is for a mail that is sent after an answer, on a loaded machine.
const patience = time.Minute

var activation = regexp.MustCompile(`https?://\S+/activate/(\S+)`)

// mailed is the token of the newest link that was mailed to activate a sign-up.
func (w *world) mailed(to string) string {
	w.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var box struct{ Messages []struct{ Text string } }
		harness.Send(w, harness.Ask{
			Method: http.MethodGet, URL: w.Public + "/dev/inbox.json?channel=email&to=" + url.QueryEscape(to),
		}).JSON(w, http.StatusOK, &box)
		for _, m := range box.Messages {
			if found := activation.FindStringSubmatch(m.Text); found != nil {
				return found[1]
			}
		}
	}
	w.Fatalf("no link was mailed to %s", to)
	return ""
}

// metric adds up the series of a metric that have all these labels.
func (w *world) metric(name string, labels ...string) (sum int) {
	w.Helper()
	a := harness.Send(w, harness.Ask{Method: http.MethodGet, URL: w.Internal + "/metrics"})
	known := false
lines:
	for in := bufio.NewScanner(strings.NewReader(a.Text)); in.Scan(); {
		at := strings.LastIndexByte(in.Text(), ' ')
		if series := in.Text()[:max(at, 0)]; series != name && !strings.HasPrefix(series, name+"{") {
			continue
		}
		known = true
		for _, l := range labels {
			if !strings.Contains(in.Text(), l) {
				continue lines
			}
		}
		n, err := strconv.ParseFloat(in.Text()[at+1:], 64)
		if err != nil {
			w.Fatalf("metric %q: %v", in.Text(), err)
		}
		sum += int(n)
	}
	if !known {
		w.Fatalf("there is no metric %s", name)
	}
	return sum
}

// turnedAway is how many tries a door refused without a look at the password.
func (w *world) turnedAway(door string) int {
	w.Helper()
	return w.metric("usher_sign_ins_throttled_total", `door="`+door+`"`, `waits="account"`)
}
