package web_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/web"
)

var ways = []web.SignInWay{
	{Provider: "keycloak", Start: "/auth/login/keycloak?target=%2Fa", Link: "/auth/login/keycloak?login_type=link"},
	{Provider: "sso", Start: "/auth/login/sso?target=%2Fa", Link: "/auth/login/sso?login_type=link"},
}

func signIn(t *testing.T, s web.SignIn) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	newPages(t, someMail(), web.Start{}).SignIn(w, httptest.NewRequest("GET", "/auth/login/sso", nil), 418, s)
	return w
}

// Whatever becomes of a sign-in has a page of its own that everybody can read, with
// somewhere to go on where there is.
func TestPagesOfASignIn(t *testing.T) {
	const again, way = `href="/auth/login/sso?again=1"`, `href="/auth/login/keycloak?target=%2Fa"`
	heads := map[string]string{}
	for says, leads := range map[string]string{
		"home": way, "link": `href="https://idp.example.org/a?b=c&amp;d=e"`, "unknown": way, "target": way, "cancelled": again, "over": again,
		"failed": again, "unverified": again, "locked": "ask them", "deleted": "ask them", "challenge": way, "taken": again, "sign-in": way,
		"down": way, "trouble": again,
	} {
		w := signIn(t, web.SignIn{Says: says, Provider: "sso", Ways: ways, Again: "/auth/login/sso?again=1", Go: "https://idp.example.org/a?b=c&d=e"})
		body := w.Body.String()
		t.Run(says, func(t *testing.T) {
			canBeRead(t, w, "en")
			contains(t, "the page", body, leads)
			lacks(t, "the page", body, "<script", "ZgotmplZ", "<no value>")
			if w.Code != 418 || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Referrer-Policy") != "no-referrer" ||
				!strings.Contains(w.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'") || w.Header().Get("X-Robots-Tag") == "" {
				t.Errorf("%d %v", w.Code, w.Header())
			}
		})
		head := text(named(parse(t, body), "h1")[0])
		if other, taken := heads[head]; taken {
			t.Errorf("%s and %s have one head: %s", says, other, head)
		}
		heads[head] = says
	}
}

// Who is in is told so, by name, and how to get a token; on the page of a sign-in that
// was used before, too.
func TestThePageOfWhoIsIn(t *testing.T) {
	for _, says := range []string{"home", "over"} {
		w := signIn(t, web.SignIn{Says: says, Provider: "sso", Ways: ways, In: true, Number: "EDI-1", Name: `<b>"Ann"</b>`, Again: "/again"})
		t.Run(says, func(t *testing.T) { canBeRead(t, w, "en") })
		contains(t, says, w.Body.String(), "EDI-1", `href="/auth/ui/api/token/download"`, `href="/auth/login/sso?login_type=link"`, "Sign in with Keycloak as well")
		lacks(t, says, w.Body.String(), "<b>", "/again")
	}
	contains(t, "home", signIn(t, web.SignIn{Says: "home", In: true, Name: "Ann"}).Body.String(), "You are signed in as Ann")
	// An address that would run something is none.
	lacks(t, "link", signIn(t, web.SignIn{Says: "link", Provider: "sso", Go: "javascript:alert(1)"}).Body.String(), "javascript:")
}
