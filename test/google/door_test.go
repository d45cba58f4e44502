package google

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	site   = "usher.example.org"
	portal = "https://portal.example.org"
)

// town is a running usher, reached by https as far as it knows, whose Google is the
// provider.
type town struct {
	*provider
	*harness.Server
}

// browser has cookies, and follows nothing by itself.
type browser struct {
	town
	cookies map[string]string
}

func inTown(t *testing.T, fn func(town)) {
	t.Helper()
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte("sunbird: {redirects: ['"+portal+"'], session_clients: [android]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	harness.OnEachStore(t, func(t *testing.T, s harness.Store) {
		p := start(t, settings{"client_secret_basic", false, people})
		o := s.Empty(t)
		o.Args = []string{
			"--public_url", "https://" + site, "--policy", policy,
			"--doors.sunbird.google.issuer", p.URL, "--doors.sunbird.google.client_ids", clientID, "--doors.sunbird.google.client_secret", secret,
		}
		fn(town{p, harness.Start(t, o)})
	})
}

func (w town) browser() *browser { return &browser{w, map[string]string{}} }

// goes opens an address of usher's and gives where it leads.
func (b *browser) goes(path string) string {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, b.Public+path, http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	r.Host = site
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	a, err := client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, a.Body)
	_ = a.Body.Close()
	for _, c := range a.Cookies() {
		if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || !strings.HasPrefix(c.Name, "__Host-") {
			b.Errorf("the cookie is %v", c)
		}
		b.cookies[c.Name] = c.Value
	}
	return a.Header.Get("Location")
}

func asking(client string) string {
	return "/google/auth?" + url.Values{
		"client_id": {client}, "redirect_uri": {portal + "/learn?a=b&auth_callback=1"}, "error_callback": {portal + "/failed"}, "state": {"s1"},
	}.Encode()
}

// back is where the provider sends somebody back to, without the host.
func (b *browser) back(client, sub string) string {
	b.Helper()
	answer := b.Follow(b.goes(asking(client)) + "&login_hint=" + url.QueryEscape(sub))
	return "/google/auth/callback?" + answer.Encode()
}

func (w town) user(ref string) (p struct {
	ID, Status string
	Identities []struct{ Issuer, Subject string }
},
) {
	w.Helper()
	harness.Read(w.T, w.CLI("user", "show", ref, "--json"), &p)
	return p
}

// Given a portal that sends a person to Google by usher, when they come back, then
// they are a user with a session, in the browser that asked and once; the second
// time it is the same user.
func TestAPersonComesByGoogle(t *testing.T) {
	inTown(t, func(w town) {
		b := w.browser()
		back := b.back("portal", amit)
		stranger := w.browser()
		if to := stranger.goes(back); !strings.HasPrefix(to, "/sso/sign-in/error") {
			w.Errorf("in another browser it leads to %s", to)
		}
		if to := b.goes(back); to != portal+"/learn?a=b" {
			w.Fatalf("it leads to %s", to)
		}
		if b.cookies["__Host-usher_session"] == "" || len(stranger.cookies) != 0 {
			w.Errorf("cookies %v, and a stranger's %v", b.cookies, stranger.cookies)
		}
		if to := b.goes(back); !strings.HasPrefix(to, "/sso/sign-in/error") {
			w.Errorf("a second time it leads to %s", to)
		}
		first := w.user("amit.kumar@gmail.com")
		if len(first.Identities) != 1 || first.Identities[0].Subject != amit {
			w.Errorf("is %+v", first)
		}
		again := w.browser()
		if to := again.goes(again.back("portal", amit)); to != portal+"/learn?a=b" || w.user("amit.kumar@gmail.com").ID != first.ID {
			w.Errorf("again: %s", to)
		}
		app := w.browser()
		to, err := url.Parse(app.goes(app.back("android", amit)))
		if err != nil || to.Query().Get("access_token") == "" || to.Query().Get("refresh_token") == "" || to.Query().Has("a") {
			w.Errorf("an app is opened with %s", to)
		}
	})
}

// Given people who cannot be let in, then the portal is told why in its own words,
// with what it asked for.
func TestAPersonWhoDoesNotComeIn(t *testing.T) {
	inTown(t, func(w town) {
		failed := func(b *browser, back, says string) {
			w.Helper()
			to, err := url.Parse(b.goes(back))
			if err != nil || !strings.HasPrefix(to.String(), portal+"/failed?") || !strings.Contains(to.Query().Get("error_message"), says) ||
				to.Query().Get("client_id") != "portal" || to.Query().Get("state") != "s1" || b.cookies["__Host-usher_session"] != "" {
				w.Errorf("it leads to %s (%v), wanted %q", to, err, says)
			}
		}
		b := w.browser()
		denied := url.Values{"error": {"access_denied"}, "state": {b.Follow(b.goes(asking("portal")) + "&login_hint=" + amit).Get("state")}}
		failed(b, "/google/auth/callback?"+denied.Encode(), "Google Security settings")
		b = w.browser()
		failed(b, b.back("portal", "nobody"), "Google Security settings")

		b = w.browser()
		b.goes(b.back("portal", "hosted"))
		w.CLI("user", "lock", w.user("amit@school.example.org").ID)
		b = w.browser()
		failed(b, b.back("portal", "hosted"), "blocked")

		b = w.browser()
		other := b.back("portal", amit) + "&iss=x"
		failed(b, strings.Replace(other, "iss="+url.QueryEscape(w.URL), "x=", 1), "Google Security settings")
		for _, bad := range []string{
			"/google/auth?client_id=portal",
			"/google/auth?client_id=portal&redirect_uri=https://evil.test/&error_callback=" + portal,
			"/google/auth?client_id=portal&redirect_uri=" + portal + "&error_callback=//evil.test/",
		} {
			if to := w.browser().goes(bad); to != "/library" {
				w.Errorf("%s leads to %s", bad, to)
			}
		}
	})
}
