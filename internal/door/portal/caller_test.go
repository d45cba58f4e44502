package portal_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/user"
)

const (
	noCredentials = "Authentication credentials were not provided."
	notVerified   = "Invalid Authorization header. Unable to verify bearer token"
)

// Given whoever is nobody here, then every method answers 403, for on that the apps
// renew their token; what is allowed is not told.
func TestWhoIsNobody(t *testing.T) {
	w := newWorld(t)
	for header, want := range map[string]string{
		"":                      noCredentials,
		"Basic YTpi":            noCredentials,
		"good":                  noCredentials,
		"Bearer":                "Invalid Authorization header. No credentials provided",
		"bearer ":               "Invalid Authorization header. No credentials provided",
		"Bearer a b":            "Invalid Authorization header. Credentials string should not contain spaces.",
		"Bearer good good":      "Invalid Authorization header. Credentials string should not contain spaces.",
		"Bearer garbage":        notVerified,
		"BEARER garbage":        notVerified,
		"Bearer " + long(17000): notVerified,
	} {
		for _, method := range []string{"GET", "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "PROPFIND"} {
			rec := w.asks(call{method: method, kind: "application/xml", body: "<a/>", header: map[string]string{"Authorization": header}})
			if rec.Code != 403 || rec.Body.String() != detail(want) || rec.Header().Get("Www-Authenticate") != "" || rec.Header().Get("Allow") != "" {
				t.Errorf("%s by %.20q: %d %s %v", method, header, rec.Code, rec.Body, rec.Header())
			}
		}
	}
	if len(w.people.changed) > 0 || slices.ContainsFunc(w.people.entered, func(s string) bool { return s != "garbage" }) {
		t.Errorf("%.100v", w.people.entered)
	}
	for _, header := range []string{"Bearer good", "bearer good", "BEARER  good "} {
		if rec := w.asks(call{method: http.MethodGet, header: map[string]string{"Authorization": header}}); rec.Code != 200 {
			t.Errorf("%q: %d", header, rec.Code)
		}
	}
}

func long(n int) string { return strings.Repeat("x", n) }

// In Italian the framework's own texts are Italian, and those of the original's code
// English.
func TestWhoIsNobodyInItalian(t *testing.T) {
	w := newWorld(t)
	for header, want := range map[string]string{
		"":               "Non sono state immesse le credenziali di autenticazione.",
		"Bearer":         "Invalid Authorization header. No credentials provided",
		"Bearer a b":     "Invalid Authorization header. Credentials string should not contain spaces.",
		"Bearer garbage": notVerified,
	} {
		w.answers(header, call{method: http.MethodGet, header: map[string]string{"Authorization": header, "Accept-Language": "it"}}, 403, detail(want))
	}
}

// A language that nobody asked for, or nobody speaks, is policy's.
func TestLanguages(t *testing.T) {
	const english, italian = noCredentials, "Non sono state immesse le credenziali di autenticazione."
	w := newWorld(t)
	for _, policy := range []string{"en", "it"} {
		w.rules.Portal.Language = policy
		fallback := map[string]string{"en": english, "it": italian}[policy]
		for header, want := range map[string]string{
			"": fallback, "de": fallback, "zh-Hant": fallback, "nonsense;;q": fallback, ";": fallback, long(5000): fallback,
			"it": italian, "it-IT": italian, "it-CH,it;q=0.9,en;q=0.1": italian, "de,it;q=0.5": italian, "IT": italian,
			"en": english, "en-GB": english, "en-US,en;q=0.9,it;q=0.8": english, "fr, en;q=0.3": english,
		} {
			rec := w.asks(call{method: http.MethodGet, header: map[string]string{"Authorization": "", "Accept-Language": header}})
			lang := map[string]string{english: "en", italian: "it"}[want]
			if rec.Body.String() != detail(want) || rec.Header().Get("Content-Language") != lang {
				t.Errorf("%.30q where policy is %s: %s in %s", header, policy, rec.Body, rec.Header().Get("Content-Language"))
			}
		}
	}
}

// Each refusal has its answer: what concerns who it is, is 403; what may be tried
// again, 503 with when.
func TestRefusals(t *testing.T) {
	forbidden := []user.Code{user.BadToken, user.Unauthenticated, user.BadCredential, user.InvalidClient, user.UserLocked, user.UserDeleted, user.Challenge}
	again := []user.Code{user.Busy, user.Throttled}
	notFound := []user.Code{user.NotFound, user.NotMember}
	denied := []user.Code{user.Forbidden, user.UntrustedSource}
	w := newWorld(t)
	for _, code := range user.Codes() {
		no := user.Refuse(code, "something")
		no.RetryAfter = 7
		w.people.closed = no
		rec := w.asks(call{method: http.MethodGet})
		status, text := 400, "Malformed request."
		switch {
		case slices.Contains(forbidden, code):
			status, text = 403, notVerified
		case slices.Contains(again, code):
			status, text = 503, "The service cannot do this at the moment. Please try again."
		case slices.Contains(notFound, code):
			status, text = 404, "Not found."
		case slices.Contains(denied, code):
			status, text = 403, "You do not have permission to perform this action."
		case code == user.TooLarge:
			status, text = 413, "The request is too large."
		}
		retry := map[bool]string{true: "7"}[status == 503]
		if rec.Code != status || rec.Body.String() != detail(text) || rec.Header().Get("Retry-After") != retry {
			t.Errorf("%s: %d %s, after %q", code, rec.Code, rec.Body, rec.Header().Get("Retry-After"))
		}
	}
	w.people.closed = user.Refuse(user.Busy, "provider") // which does not say when
	if rec := w.asks(call{method: http.MethodGet}); rec.Header().Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", rec.Header().Get("Retry-After"))
	}
}

// A fault is told to the log alone.
func TestFaults(t *testing.T) {
	w := newWorld(t)
	w.people.closed = errors.New("a password in a cable")
	rec := w.asks(call{method: http.MethodGet})
	if rec.Code != 503 || rec.Body.String() != detail("The service cannot do this at the moment. Please try again.") || rec.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if !strings.Contains(w.log.String(), "a password in a cable") || strings.Contains(w.log.String(), "good") {
		t.Error(w.log.String())
	}
}

// Given a page's cookie, then it counts where no token is sent.
func TestABrowser(t *testing.T) {
	w := newWorld(t)
	in, asked := true, 0
	var fault error
	w.options.Browser = func(*http.Request) (registrant.Here, bool, error) {
		asked++
		return w.people.here(), in, fault
	}
	get := call{method: http.MethodGet, header: map[string]string{"Authorization": ""}}
	if rec := w.asks(get); rec.Code != 200 || len(w.people.entered) > 0 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	in = false
	w.answers("nobody's cookie", get, 403, detail(noCredentials))
	fault = user.Refuse(user.Busy, "store")
	if rec := w.asks(get); rec.Code != 503 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	in, fault, asked = true, nil, 0
	w.answers("a bad token beside a good cookie", call{method: http.MethodGet, header: map[string]string{"Authorization": "Bearer bad"}}, 403, detail(notVerified))
	if asked > 0 {
		t.Error("the cookie made up for the token")
	}
}

func TestMethodsThatAreNotAllowed(t *testing.T) {
	w := newWorld(t)
	for _, method := range []string{"POST", "DELETE", "TRACE", "PROPFIND", "patch"} {
		w.answers(method, call{method: method}, 405, `{"detail":"Method \"`+method+`\" not allowed."}`)
		w.answers(method, call{method: method, header: map[string]string{"Accept-Language": "it"}}, 405, `{"detail":"Metodo \"`+method+`\" non consentito"}`)
		if got := w.asks(call{method: method}).Header().Get("Allow"); got != "GET, PUT, PATCH, HEAD, OPTIONS" {
			t.Errorf("Allow %q", got)
		}
	}
}
