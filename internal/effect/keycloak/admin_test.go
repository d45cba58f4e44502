package keycloak_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/effect/keycloak"
)

func TestWhatIsNoRealm(t *testing.T) {
	good := keycloak.Config{Issuer: "https://id.example.org/realms/main", ClientID: "portal", AdminClientID: "service", AdminClientSecret: "x"}
	if _, err := keycloak.New(good); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*keycloak.Config){
		"another provider":   func(c *keycloak.Config) { c.Issuer = "https://accounts.google.com" },
		"a realm of no name": func(c *keycloak.Config) { c.Issuer = "https://id.example.org/realms/" },
		"a slash at the end": func(c *keycloak.Config) { c.Issuer += "/" },
		"no portal's client": func(c *keycloak.Config) { c.ClientID = "" },
		"no service account": func(c *keycloak.Config) { c.AdminClientID = "" },
		"no secret":          func(c *keycloak.Config) { c.AdminClientSecret = "" },
	} {
		c := good
		change(&c)
		if _, err := keycloak.New(c); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}

// each is every call there is.
var each = map[string]func(context.Context, *keycloak.Admin) error{
	"user":    func(ctx context.Context, a *keycloak.Admin) error { _, err := a.User(ctx, ada); return err },
	"groups":  func(ctx context.Context, a *keycloak.Admin) error { _, err := a.Groups(ctx, ada); return err },
	"roles":   func(ctx context.Context, a *keycloak.Admin) error { _, err := a.Roles(ctx, ada, nil); return err },
	"join":    func(ctx context.Context, a *keycloak.Admin) error { return a.Join(ctx, ada, "/end_users") },
	"leave":   func(ctx context.Context, a *keycloak.Admin) error { return a.Leave(ctx, ada, "/end_users") },
	"disable": func(ctx context.Context, a *keycloak.Admin) error { return a.SetEnabled(ctx, ada, false) },
	"changes": func(ctx context.Context, a *keycloak.Admin) error {
		_, err := a.Changes(ctx, time.Unix(0, 0))
		return err
	},
}

// Given a realm that misbehaves, then nothing is concluded from what it says, and
// what was to be done can be done again once it is well.
func TestMisbehaviour(t *testing.T) {
	stranger := newFake(t)
	stranger.misbehaves(says(200, `{"id":"`+ada+`"}`))
	f := newFake(t)
	a := f.admin(t)
	for what, c := range map[string]struct {
		answer http.HandlerFunc
		want   error
	}{
		"a fault":                     {says(500, `{"error":"unknown_error"}`), keycloak.ErrBusy},
		"starting up":                 {says(503, ``), keycloak.ErrBusy},
		"too many calls":              {says(429, ``), keycloak.ErrBusy},
		"HTML":                        {says(200, `<html><body>Welcome</body></html>`), keycloak.ErrBusy},
		"nothing":                     {says(200, ``), keycloak.ErrBusy},
		"null":                        {says(200, `null`), keycloak.ErrBusy},
		"half of it":                  {says(200, `[{"id":"`), keycloak.ErrBusy},
		"a connection that breaks":    {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, keycloak.ErrBusy},
		"no admin API":                {says(404, `<html>Not here</html>`), keycloak.ErrBusy},
		"no such address":             {says(404, `{"error":"HTTP 404 Not Found"}`), keycloak.ErrBusy},
		"no such realm":               {says(404, `{"error":"Realm not found."}`), keycloak.ErrBusy},
		"an answer without an end":    {endless, keycloak.ErrBusy},
		"sent elsewhere":              {elsewhere(stranger.URL), keycloak.ErrBusy},
		"a right that is missing":     {says(403, `{"error":"HTTP 403 Forbidden"}`), keycloak.ErrDenied},
		"a token that is never taken": {says(401, `{"error":"HTTP 401 Unauthorized"}`), keycloak.ErrDenied},
	} {
		f.misbehaves(c.answer)
		for name, call := range each {
			err := call(t.Context(), a)
			if !errors.Is(err, c.want) {
				t.Errorf("%s, %s: %v, want %v", what, name, err, c.want)
				continue
			}
			for _, secret := range []string{ada, "s: cret", "token-", f.URL} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%s, %s: %v says %s", what, name, err, secret)
				}
			}
		}
		f.misbehaves(nil)
		for name, call := range each {
			if err := call(t.Context(), a); err != nil {
				t.Errorf("after %s, %s: %v", what, name, err)
			}
		}
	}
	if n := stranger.asked(""); n != 0 {
		t.Errorf("%d calls followed to another host", n)
	}
}

func endless(w http.ResponseWriter, _ *http.Request) {
	chunk := strings.Repeat(" ", 1<<20)
	for range 5 {
		if _, err := io.WriteString(w, chunk); err != nil {
			return
		}
	}
}

func elsewhere(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to+r.URL.RequestURI(), http.StatusTemporaryRedirect)
	}
}

// Given a realm that answers with JSON of something else, then nobody is disabled,
// put out of groups or written by it.
func TestAnswersAboutSomethingElse(t *testing.T) {
	f := newFake(t)
	a := f.admin(t)
	for _, body := range []string{`{}`, `{"status":"UP"}`, `{"id":"` + nobody + `","enabled":true}`} {
		f.on("GET "+realmPath+"/users/"+ada, says(200, body))
		if u, err := a.User(t.Context(), ada); !errors.Is(err, keycloak.ErrBusy) || u != (keycloak.User{}) {
			t.Errorf("%s: %+v %v", body, u, err)
		}
		if err := a.SetEnabled(t.Context(), ada, true); !errors.Is(err, keycloak.ErrBusy) {
			t.Errorf("%s: %v", body, err)
		}
	}
	if n := f.asked("PUT "); n != 0 {
		t.Errorf("%d users were written", n)
	}
	for _, body := range []string{`[{}]`, `[{"id":"` + group1 + `","path":"end_users"}]`} {
		f.on("GET "+realmPath+"/users/"+ada+"/groups", says(200, body))
		if paths, err := a.Groups(t.Context(), ada); !errors.Is(err, keycloak.ErrBusy) || paths != nil {
			t.Errorf("%s: %v %v", body, paths, err)
		}
	}
	f.on("GET "+realmPath+"/group-by-path/end_users", says(200, `{}`))
	if err := a.Join(t.Context(), ada, "/end_users"); !errors.Is(err, keycloak.ErrBusy) {
		t.Error(err)
	}
}

func TestARealmThatIsDown(t *testing.T) {
	f := newFake(t)
	a := f.admin(t)
	f.Close()
	for name, call := range each {
		if err := call(t.Context(), a); !errors.Is(err, keycloak.ErrBusy) || strings.Contains(err.Error(), "realms/main/protocol") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Given a realm that does not answer, then a call ends with who made it.
func TestARealmThatIsSlow(t *testing.T) {
	f := newFake(t)
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	a := f.admin(t)
	begun := make(chan struct{}, 1)
	f.misbehaves(func(_ http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		select {
		case <-r.Context().Done():
		case <-over:
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-begun; cancel() }()
	if _, err := a.User(ctx, ada); !errors.Is(err, keycloak.ErrBusy) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	// And without anybody's patience, by its own.
	f.misbehaves(func(_ http.ResponseWriter, _ *http.Request) { <-over })
	hasty := f.admin(t, func(c *keycloak.Config) { c.HTTP = &http.Client{Timeout: 50 * time.Millisecond} })
	if _, err := hasty.User(t.Context(), ada); !errors.Is(err, keycloak.ErrBusy) {
		t.Errorf("%v", err)
	}
}

// One token serves until shortly before its end.
func TestTheServiceAccountsToken(t *testing.T) {
	f := newFake(t)
	a := f.admin(t)
	tokens := func(want int, when string) {
		t.Helper()
		if _, err := a.User(t.Context(), ada); err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		if f.tokens != want {
			t.Errorf("%s: %d tokens, want %d", when, f.tokens, want)
		}
	}
	tokens(1, "at first")
	tokens(1, "again")
	f.advance(284 * time.Second)
	tokens(1, "16 s before its end")
	f.advance(time.Second)
	tokens(2, "15 s before its end")
	f.expires = 5
	f.advance(time.Hour)
	tokens(3, "a short one")
	tokens(4, "a short one is used once")
}

// Given a token that is not taken any more, then one new one is fetched, however many
// calls were refused at once.
func TestATokenThatIsRefused(t *testing.T) {
	f := newFake(t)
	a := f.admin(t)
	if _, err := a.User(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	const callers = 8
	var all sync.WaitGroup
	all.Add(callers)
	f.misbehaves(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer token-1" {
			all.Done()
			all.Wait() // until everybody was refused with it
			says(401, `{"error":"HTTP 401 Unauthorized"}`)(w, r)
			return
		}
		says(200, `{"id":"`+ada+`"}`)(w, r)
	})
	faults := make(chan error, callers)
	for range callers {
		go func() {
			_, err := a.User(t.Context(), ada)
			faults <- err
		}()
	}
	for range callers {
		if err := <-faults; err != nil {
			t.Error(err)
		}
	}
	if f.tokens != 2 {
		t.Errorf("%d tokens were fetched, want 2", f.tokens)
	}
}

func TestNoToken(t *testing.T) {
	for what, c := range map[string]struct {
		answer http.HandlerFunc
		want   error
	}{
		"a wrong secret":           {says(401, `{"error":"unauthorized_client"}`), keycloak.ErrDenied},
		"no service account":       {says(400, `{"error":"unauthorized_client"}`), keycloak.ErrDenied},
		"no such realm":            {says(404, `{"error":"Realm does not exist"}`), keycloak.ErrBusy},
		"a fault":                  {says(500, ``), keycloak.ErrBusy},
		"HTML":                     {says(200, `<html>`), keycloak.ErrBusy},
		"an answer without one":    {says(200, `{}`), keycloak.ErrBusy},
		"an answer without an end": {endless, keycloak.ErrBusy},
		"sent elsewhere":           {elsewhere("http://127.0.0.1:9"), keycloak.ErrBusy},
	} {
		f := newFake(t)
		f.on("POST /auth/realms/main/protocol/openid-connect/token", c.answer)
		if _, err := f.admin(t).User(t.Context(), ada); !errors.Is(err, c.want) || strings.Contains(err.Error(), "cret") {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
		if n := f.asked("GET "); n != 0 {
			t.Errorf("%s: %d calls without a token", what, n)
		}
	}
}

// An error of a right that is missing names it.
func TestWhichRightIsMissing(t *testing.T) {
	f := newFake(t)
	a := f.admin(t)
	f.misbehaves(says(403, ``))
	for name, want := range map[string]string{"user": "view-users", "groups": "view-users", "join": "view-users", "changes": "view-events"} {
		if err := each[name](t.Context(), a); !errors.Is(err, keycloak.ErrDenied) || !strings.HasSuffix(err.Error(), "needs "+want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	f.misbehaves(nil)
	f.on("PUT "+realmPath+"/users/"+ada, says(403, ``))
	if err := a.SetEnabled(t.Context(), ada, false); !errors.Is(err, keycloak.ErrDenied) || !strings.HasSuffix(err.Error(), "needs manage-users") {
		t.Error(err)
	}
}
