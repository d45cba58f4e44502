package edi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/door/edi"
	"github.com/usher-id/usher/internal/edilogin"
	"github.com/usher-id/usher/internal/roundtrip"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/user"
)

// signIns remembers what it is asked, and answers as it is told.
type signIns struct {
	asked    []edilogin.Ask
	answered []roundtrip.Answer
	live     *session.Live
	err      error
}

func (s *signIns) Names() []string { return []string{"keycloak", "orcid"} }

func (s *signIns) Start(_ context.Context, a edilogin.Ask) (edilogin.Going, error) {
	s.asked = append(s.asked, a)
	return edilogin.Going{To: "https://idp.example.org/authorize?state=s", Browser: "the browser's"}, s.err
}

func (s *signIns) Callback(_ context.Context, _ string, a roundtrip.Answer, live *session.Live) (edilogin.Entered, error) {
	s.answered, s.live = append(s.answered, a), live
	return edilogin.Entered{Token: "an edi-token", Next: "/next?a=b"}, s.err
}

// show notes what a person would see.
func (w *world) show(rw http.ResponseWriter, _ *http.Request, status int, s edi.Screen) {
	w.shown = s
	rw.WriteHeader(status)
	_, _ = io.WriteString(rw, string(s.Says))
}

// A sign-in goes to the provider, with a cookie that no other host can set, and ends
// with the token as every other does.
func TestSignIn(t *testing.T) {
	w := newWorld()
	w.signIns = &signIns{}
	h := w.handler(t)
	a := call(h, "GET", "/auth/login/keycloak?target=%2Fa%3Fb%3Dc&login_type=client", "", "Cookie: __Host-usher_signin=was here")
	if a.Code != http.StatusFound || a.Header().Get("Location") != "https://idp.example.org/authorize?state=s" {
		t.Errorf("%d %v", a.Code, a.Header())
	}
	if got := a.Header().Get("Set-Cookie"); got != `__Host-usher_signin="the browser's"; Path=/; Max-Age=900; HttpOnly; Secure; SameSite=Lax` {
		t.Errorf("the cookie is %s", got)
	}
	if got := w.signIns.asked[0]; got.Provider != "keycloak" || got.Target != "/a?b=c" || got.Browser != "was here" || got.To != nil {
		t.Errorf("asked %+v", got)
	}
	a = call(h, "GET", "/auth/callback/keycloak?state=s&code=c&iss=i&error=e", "", "Cookie: __Host-usher_signin=x; edi-token=alice")
	if a.Code != http.StatusTemporaryRedirect || a.Header().Get("Location") != "/next?a=b" {
		t.Errorf("%d %v", a.Code, a.Header())
	}
	if got := a.Header().Get("Set-Cookie"); got != `edi-token="an edi-token"; Path=/; HttpOnly; Secure; SameSite=Lax` {
		t.Errorf("the token's cookie is %s", got)
	}
	if a.Header().Get("Cache-Control") != "no-store" || a.Header().Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%v", a.Header())
	}
	if got := w.signIns.answered[0]; got != (roundtrip.Answer{State: "s", Code: "c", Issuer: "i", Error: "e", Cookie: "x"}) || w.signIns.live == nil || w.signIns.live.User.ID != "alice" {
		t.Errorf("answered %+v", got)
	}
}

// Whoever adds a provider is shown first: a link of another site's goes no further.
func TestAProviderIsAddedByAPerson(t *testing.T) {
	w := newWorld()
	w.signIns = &signIns{}
	h := w.handler(t)
	const path = "/auth/login/orcid?login_type=link"
	if a := call(h, "GET", path, "", as("bob")); a.Code != http.StatusOK || w.shown.Says != edi.SaysLink || w.shown.Number != bobID || w.shown.Name != "Bob Example" ||
		w.shown.Go != "https://idp.example.org/authorize?state=s" || a.Header().Get("Location") != "" || w.signIns.asked[0].To.User.ID != "bob" {
		t.Errorf("%d %+v", a.Code, w.shown)
	}
	for _, cookie := range []string{"Cookie: x=y", as("nobody's"), "Cookie: edi-token=alice; edi-token=bob"} {
		if a := call(h, "GET", path, "", cookie); a.Code != http.StatusUnauthorized || w.shown.Says != edi.SaysSignInNow || len(w.signIns.asked) != 1 ||
			w.shown.Providers[0].Start != "/auth/login/keycloak?target=%2Fauth%2Flogin%2Forcid%3Flogin_type%3Dlink" {
			t.Errorf("%s: %d %+v", cookie, a.Code, w.shown)
		}
	}
}

// Every way to fail is a page with its status; none sets a token.
func TestSignInsThatFail(t *testing.T) {
	failed := func(link bool, err error) error { return &edilogin.Failed{Target: "/t", Link: link, Err: err} }
	busy := user.Refuse(user.Busy, "provider")
	busy.RetryAfter = 10
	for _, c := range []struct {
		what   string
		err    error
		status int
		says   edi.Says
		again  string
	}{
		{"over", user.Refuse(user.BadToken, "state"), 410, edi.SaysOver, "/auth/login/keycloak"},
		{"no such", user.Refuse(user.NotFound, "provider"), 404, edi.SaysUnknown, ""},
		{"cancelled", failed(false, user.Refuse(user.Forbidden, "provider", "error", "access_denied")), 403, edi.SaysCancelled, "/auth/login/keycloak?target=%2Ft"},
		{"adding, cancelled", failed(true, user.Refuse(user.Forbidden, "provider", "error", "access_denied")), 403, edi.SaysCancelled, "/auth/login/keycloak?login_type=link&target=%2Ft"},
		{"its error", failed(false, user.Refuse(user.Forbidden, "provider", "error", "server_error")), 503, edi.SaysDown, "/auth/login/keycloak?target=%2Ft"},
		{"its no to usher", failed(false, user.Refuse(user.Forbidden, "provider", "error", "invalid_scope")), 403, edi.SaysFailed, "/auth/login/keycloak?target=%2Ft"},
		{"another's", failed(false, user.Refuse(user.Forbidden, "provider", "why", "iss")), 403, edi.SaysFailed, "/auth/login/keycloak?target=%2Ft"},
		{"no proof", failed(false, user.Refuse(user.BadToken, "token")), 403, edi.SaysFailed, "/auth/login/keycloak?target=%2Ft"},
		{"not verified", failed(false, user.Refuse(user.Invalid, "email")), 403, edi.SaysUnverified, "/auth/login/keycloak?target=%2Ft"},
		{"locked", failed(false, user.Refuse(user.UserLocked, "user")), 403, edi.SaysLocked, "/auth/login/keycloak?target=%2Ft"},
		{"deleted", failed(false, user.Refuse(user.UserDeleted, "user")), 403, edi.SaysDeleted, "/auth/login/keycloak?target=%2Ft"},
		{"challenged", failed(false, user.Refuse(user.Challenge, "user")), 409, edi.SaysChallenge, "/auth/login/keycloak?target=%2Ft"},
		{"another's already", failed(true, user.Refuse(user.Conflict, "user")), 409, edi.SaysTaken, "/auth/login/keycloak?login_type=link&target=%2Ft"},
		{"gone meanwhile", failed(true, user.Refuse(user.Unauthenticated, "session")), 401, edi.SaysSignInNow, "/auth/login/keycloak?login_type=link&target=%2Ft"},
		{"down", failed(false, busy), 503, edi.SaysDown, "/auth/login/keycloak?target=%2Ft"},
		{"a fault", failed(false, errors.New("the database")), 503, edi.SaysTrouble, "/auth/login/keycloak?target=%2Ft"},
	} {
		w := newWorld()
		w.signIns = &signIns{err: c.err}
		a := call(w.handler(t), "GET", "/auth/callback/keycloak?state=s&code=c", "")
		if a.Code != c.status || w.shown.Says != c.says || w.shown.Again != c.again || len(a.Header().Values("Set-Cookie")) != 0 ||
			(a.Code == 503) != (a.Header().Get("Retry-After") != "") {
			t.Errorf("%s: %d %+v %v", c.what, a.Code, w.shown, a.Header())
		}
	}
	w := newWorld()
	w.signIns = &signIns{err: user.Refuse(user.Invalid, "target")}
	if a := call(w.handler(t), "GET", "/auth/login/keycloak?target=//evil", ""); a.Code != 400 || w.shown.Says != edi.SaysTarget || strings.Contains(w.shown.Providers[0].Start, "evil") {
		t.Errorf("an evil target: %d %+v", a.Code, w.shown)
	}
}

// A service that somebody was to come back to hears why they do not.
func TestAServiceIsTold(t *testing.T) {
	for why, err := range map[string]error{
		"Login+cancelled":                             user.Refuse(user.Forbidden, "provider", "error", "access_denied"),
		"Login+failed%3A+Email+not+verified":          user.Refuse(user.Invalid, "email"),
		"Login+failed%3A+Try+again+later":             errors.New("the database"),
		"Login+unsuccessful%3A+The+profile+is+locked": user.Refuse(user.UserLocked, "user"),
	} {
		w := newWorld()
		w.signIns = &signIns{err: &edilogin.Failed{Target: "https://portal.example.org/in?a=b", There: true, Err: err}}
		a := call(w.handler(t), "GET", "/auth/callback/keycloak?state=s", "")
		if want := "https://portal.example.org/in?a=b&error=" + why; a.Code != 307 || a.Header().Get("Location") != want || len(a.Header().Values("Set-Cookie")) != 0 {
			t.Errorf("%d %v, want %s", a.Code, a.Header(), want)
		}
	}
}

// The page of sign-ins says who is in; a database that is away is no stranger.
func TestWhoIsIn(t *testing.T) {
	w := newWorld()
	w.signIns = &signIns{}
	h := w.handler(t)
	if a := call(h, "GET", "/auth/ui/signin", "", as("aged")); a.Code != 200 || !w.shown.In || w.shown.Number != aliceID || !strings.Contains(a.Header().Get("Set-Cookie"), "edi-token=fresh") {
		t.Errorf("%d %+v %v", a.Code, w.shown, a.Header())
	}
	if a := call(h, "GET", "/auth/ui/signin?target=/x", ""); a.Code != 200 || w.shown.In || w.shown.Providers[1] != (edi.Way{Provider: "orcid", Start: "/auth/login/orcid?target=%2Fx", Link: "/auth/login/orcid?login_type=link"}) {
		t.Errorf("%d %+v", a.Code, w.shown)
	}
	w.fault = errors.New("down")
	for _, path := range []string{"/auth/ui/signin", "/auth/login/orcid?login_type=link", "/auth/callback/orcid?state=s"} {
		if a := call(h, "GET", path, "", as("alice")); a.Code != 503 || w.shown.Says != edi.SaysTrouble {
			t.Errorf("%s: %d %+v", path, a.Code, w.shown)
		}
	}
	if len(w.signIns.asked)+len(w.signIns.answered) != 0 {
		t.Error("a sign-in went on")
	}
	for _, path := range []string{"/auth/ui/signin", "/auth/login/orcid", "/auth/callback/orcid"} {
		for _, method := range []string{"HEAD", "POST", "PUT"} {
			if a := call(h, method, path, ""); a.Code != 405 {
				t.Errorf("%s %s: %d", method, path, a.Code)
			}
		}
	}
}
