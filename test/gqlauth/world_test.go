package gqlauth

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	good  = "seven-quiet-harbours"
	other = "three-loud-lighthouses"
	wrong = "nobody-has-this-one"
)

// town is a running usher.
type town struct {
	*testing.T
	*harness.Server
	taken map[string]int // links out of mails, by address and page
}

// inTown runs a test on each kind of database, side by side: answers to
// passwords are held back, and little else is waited for.
func inTown(t *testing.T, fn func(town), env ...string) {
	t.Helper()
	harness.OnEachStore(t, func(t *testing.T, s harness.Store) {
		t.Parallel()
		o := s.Empty(t)
		o.Env = env
		fn(newTown(t, o))
	})
}

func newTown(t *testing.T, o harness.Options) town {
	t.Helper()
	return town{t, harness.Start(t, o), map[string]int{}}
}

// fieldError is one of the errors of a field (contract section 4).
type fieldError struct{ Message, Code string }

// account is a UserNode.
type account struct {
	PK                  int
	Email, Username     string
	FirstName, LastName string
	Verified, Archived  bool
	SecondaryEmail      *string
}

// outcome is what a mutation answers.
type outcome struct {
	Success             bool
	Errors              map[string][]fieldError
	Token, RefreshToken string
	Unarchiving         bool
	User                *account
}

// code is that of the only error of a field, or what there is instead.
func (o outcome) code(field string) string {
	if e := o.Errors[field]; len(e) == 1 && len(o.Errors) == 1 && !o.Success {
		return e[0].Code
	}
	return fmt.Sprintf("success %v, errors %v", o.Success, o.Errors)
}

// post sends a document as JSON; a token that is empty is not sent.
func (w town) post(token, query string) harness.Answer {
	w.Helper()
	h := http.Header{}
	if token != "" {
		h.Set("Authorization", "JWT "+token)
	}
	return harness.Send(w, harness.Ask{Method: http.MethodPost, URL: w.Public + "/graphql", Header: h, Body: map[string]any{"query": query}})
}

// ask runs a document that must be answered without GraphQL errors.
func (w town) ask(token, query string, into any) {
	w.Helper()
	var got struct {
		Data   json.RawMessage
		Errors []json.RawMessage
	}
	a := w.post(token, query)
	a.JSON(w, http.StatusOK, &got)
	if len(got.Errors) > 0 {
		w.Fatalf("%s: %s", query, a.Text)
	}
	harness.Read(w, string(got.Data), into)
}

// do runs one mutation and gives its outcome. The arguments are name and value
// in turns; want is what to select beside success and errors.
func (w town) do(token, name, want string, arguments ...string) outcome {
	w.Helper()
	var got map[string]outcome
	w.ask(token, "mutation { "+call(name, want, arguments...)+" }", &got)
	return got[name]
}

func call(name, want string, arguments ...string) string {
	var args []string
	for i := 0; i+1 < len(arguments); i += 2 {
		args = append(args, fmt.Sprintf("%s: %q", arguments[i], arguments[i+1]))
	}
	return fmt.Sprintf("%s(%s) { success errors %s }", name, strings.Join(args, ", "), want)
}

const wholeUser = "pk email username firstName lastName verified archived secondaryEmail"

func (w town) tokenAuth(email, password string) outcome {
	w.Helper()
	return w.do("", "tokenAuth", "token refreshToken unarchiving user { "+wholeUser+" }", "email", email, "password", password)
}

// enter signs in, which must succeed.
func (w town) enter(email, password string) outcome {
	w.Helper()
	in := w.tokenAuth(email, password)
	if !in.Success || in.Token == "" || in.RefreshToken == "" || in.User == nil {
		w.Fatalf("%s does not sign in: %+v", email, in)
	}
	return in
}

// me is who a token stands for; nil is nobody.
func (w town) me(token string) *account {
	w.Helper()
	var got struct{ Me *account }
	w.ask(token, "{ me { "+wholeUser+" } }", &got)
	return got.Me
}

func (w town) register(email, username, password string) {
	w.Helper()
	if got := w.do("", "register", "", "email", email, "username", username, "password1", password, "password2", password); !got.Success {
		w.Fatalf("registering %s: %+v", email, got)
	}
}

// join registers and uses the mailed token.
func (w town) join(email, username, password string) {
	w.Helper()
	w.register(email, username, password)
	if got := w.do("", "verifyAccount", "", "token", w.mailed(email, "activate")); !got.Success {
		w.Fatalf("activating %s: %+v", email, got)
	}
}

// letters are what was mailed to an address, oldest first.
func (w town) letters(to string) []struct{ Subject, Text string } {
	w.Helper()
	var box struct {
		Messages []struct{ Subject, Text string }
	}
	harness.Send(w, harness.Ask{Method: http.MethodGet, URL: w.Public + "/dev/inbox.json?channel=email&to=" + url.QueryEscape(to)}).JSON(w, http.StatusOK, &box)
	return box.Messages
}

// patience is for work that is done after an answer, on a loaded machine.
const patience = time.Minute

// link waits for a mail with a link to a page, and gives the oldest such link
// that it has not given yet.
func (w town) link(to, page string) (link string) {
	w.Helper()
	key := to + " " + page
	w.until("another mail to "+to+" links to /"+page, func() bool {
		found := w.links(to, page)
		if len(found) <= w.taken[key] {
			return false
		}
		link = found[w.taken[key]]
		return true
	})
	w.taken[key]++
	return link
}

// until waits for what happens after an answer.
func (w town) until(what string, so func() bool) {
	w.Helper()
	for end := time.Now().Add(patience); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// links are all such links, oldest first.
func (w town) links(to, page string) (found []string) {
	w.Helper()
	wanted := regexp.MustCompile(`(?m)^https?://\S+/` + page + `/\S+$`)
	for _, l := range w.letters(to) {
		found = append(found, wanted.FindAllString(strings.ReplaceAll(l.Text, "\r", ""), -1)...)
	}
	return found
}

// mailed is the token of such a link.
func (w town) mailed(to, page string) string {
	w.Helper()
	link := w.link(to, page)
	return link[strings.LastIndex(link, "/")+1:]
}

// metric adds up the series of a metric that have all these labels, as
// `door="gqlauth"`.
func (w town) metric(name string, labels ...string) float64 {
	w.Helper()
	a := harness.Send(w, harness.Ask{Method: http.MethodGet, URL: w.Internal + "/metrics"})
	if a.Status != http.StatusOK {
		w.Fatalf("metrics: %d %s", a.Status, a.Text)
	}
	sum, known := 0.0, false
lines:
	for in := bufio.NewScanner(strings.NewReader(a.Text)); in.Scan(); {
		series, value, _ := strings.Cut(in.Text(), "} ")
		if bare, rest, found := strings.Cut(in.Text(), " "); found && bare == name {
			series, value = bare, rest
		}
		if series != name && !strings.HasPrefix(series, name+"{") {
			continue
		}
		known = true
		for _, l := range labels {
			if !strings.Contains(series, l) {
				continue lines
			}
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			w.Fatalf("metric %q: %v", in.Text(), err)
		}
		sum += n
	}
	if !known {
		w.Fatalf("there is no metric %s", name)
	}
	return sum
}

func (w town) hashes() int { return int(w.metric("usher_password_hash_duration_seconds_count")) }

// partner is a signed-in state at the partner door.
type partner struct{ UserID, AccessToken, RefreshToken string }

func (w town) partnerLogin(login, password string) harness.Answer {
	w.Helper()
	return harness.Send(w, harness.Ask{Method: http.MethodPost, URL: w.Public + "/api/auth/login", Body: map[string]any{
		"type": "password", "clientId": "client-app-id", "clientSecret": "client-app-secret",
		"withPassword": map[string]any{"emailOrUsername": login, "password": password},
	}})
}

func (w town) partnerEnter(login, password string) (p partner) {
	w.Helper()
	w.partnerLogin(login, password).JSON(w, http.StatusOK, &p)
	return p
}

func (w town) partnerRefused(what, login, password string) {
	w.Helper()
	if a := w.partnerLogin(login, password); a.Status != http.StatusUnauthorized || !strings.Contains(a.Text, "User not found") {
		w.Errorf("%s: the partner door says %d %s", what, a.Status, a.Text)
	}
}

// partnerRefresh says how the partner door takes a refresh token.
func (w town) partnerRefresh(p partner) int {
	w.Helper()
	return harness.Send(w, harness.Ask{Method: http.MethodPost, URL: w.Public + "/api/auth/login", Body: map[string]any{
		"type": "refresh-token", "clientId": "client-app-id", "clientSecret": "client-app-secret",
		"withRefreshToken": map[string]any{"refreshToken": p.RefreshToken},
	}}).Status
}

// partnerContext says whether the partner door knows an access token.
func (w town) partnerContext(p partner) int {
	w.Helper()
	return w.system(http.MethodPost, "/internal/auth/user-context?format=json", map[string]any{"accessToken": p.AccessToken}).Status
}

func (w town) system(method, path string, body any) harness.Answer {
	w.Helper()
	return harness.Send(w, harness.Ask{Method: method, URL: w.Internal + path, Body: body, Header: http.Header{"X-User-Ctx": {harness.System}}})
}

// synced is a user whom the partner brings.
func (w town) synced(body map[string]any) (id string) {
	w.Helper()
	var got struct{ ID string }
	w.system(http.MethodPut, "/api/users/", body).JSON(w, http.StatusOK, &got)
	return got.ID
}

// shown is what an operator sees.
type shown struct {
	ID, Status, Email string
	EmailVerified     bool `json:"email_verified"`
}

func (w town) show(ref string) (s shown) {
	w.Helper()
	harness.Read(w, w.CLI("user", "show", ref, "--json"), &s)
	return s
}
