package edi

import (
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/usher-id/usher/test/harness"
	"github.com/usher-id/usher/test/oidc/idp"
	"github.com/usher-id/usher/test/oidc/op"
)

// site is where people reach usher as far as it knows.
const (
	site   = "usher.example.org"
	portal = "https://portal.example.org"
	client = "usher"
	secret = "s3cret:with/signs %&+" //nolint:gosec // of a test
)

// people are those whom both real providers know.
var people = map[string]map[string]any{
	"ann":   {"email": "ann@example.org", "email_verified": true, "name": "Ann Archer", "given_name": "Ann", "family_name": "Archer"},
	"ben":   {"email": "ben@example.org", "email_verified": true, "name": "Ben"},
	"new":   {"email": "new@example.org", "email_verified": false, "name": "New"},
	"plain": {"name": "Plain"},
}

// place is a town with providers: keycloak, a real one that is authoritative; local, a
// real one that is not; and liar, which says whatever a test wants.
type place struct {
	town
	providers map[string]*op.Provider
	liar      *idp.Issuer
}

func inPlace(t *testing.T, fn func(place)) {
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte("edi: {redirects: ['"+portal+"']}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	harness.OnEachStore(t, func(t *testing.T, s harness.Store) {
		p := place{providers: map[string]*op.Provider{}, liar: newLiar(t, idp.New(t))}
		o := s.Empty(t)
		o.Args = []string{"--public_url", "https://" + site, "--policy", policy}
		for _, name := range []string{"keycloak", "local"} {
			p.providers[name] = op.Start(t, op.Settings{
				ClientID: client, ClientSecret: secret, RedirectURI: callback(name), SecretBy: "client_secret_basic", Conform: name == "local", People: people,
			})
			o.Args = append(o.Args, configured(name, p.providers[name].URL)...)
		}
		o.Args = append(append(o.Args, configured("liar", p.liar.URL)...), "--doors.edi.providers.keycloak.authoritative")
		p.town = town{t, harness.Start(t, o)}
		fn(p)
	})
}

func callback(provider string) string { return "https://" + site + "/auth/callback/" + provider }

func configured(provider, issuer string) []string {
	key := "--doors.edi.providers." + provider
	return []string{key + ".issuer", issuer, key + ".client_id", client, key + ".client_secret", secret}
}

// newLiar has a provider that lies do the code flow: what it gives for a code is the
// test's.
func newLiar(t *testing.T, i *idp.Issuer) *idp.Issuer {
	t.Helper()
	i.Lie("authorization_endpoint", i.URL+"/authorize")
	i.Lie("token_endpoint", i.URL+"/token")
	i.Lie("authorization_response_iss_parameter_supported", true)
	return i
}

// browser has cookies, and follows nothing by itself.
type browser struct {
	place
	cookies map[string]string
}

func (p place) browser() *browser { return &browser{p, map[string]string{}} }

// goes opens an address of usher's.
func (b *browser) goes(path string) answer {
	b.Helper()
	var all []string
	for name, value := range b.cookies {
		all = append(all, name+"="+value)
	}
	a := harness.Send(b, harness.Ask{Method: http.MethodGet, URL: b.Public + path, Host: site, Cookie: strings.Join(all, "; ")})
	for _, c := range (&http.Response{Header: a.Header}).Cookies() {
		if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			b.Errorf("the cookie is %v", c)
		}
		b.cookies[c.Name] = c.Value
	}
	return answer{Answer: a}
}

// token is the edi-token that a browser has.
func (b *browser) token() string { return b.cookies["edi-token"] }

// who is in.
func (b *browser) who() person {
	b.Helper()
	sub, _ := claims(b.T, b.token())["sub"].(string)
	return person{edi: sub, token: b.token()}
}

// begins sends a browser to a provider, and gives where it is sent.
func (b *browser) begins(path string) string {
	b.Helper()
	a := b.goes(path)
	if a.Status != http.StatusFound {
		b.Fatalf("%s: %d %s", path, a.Status, a.Text)
	}
	return a.Header.Get("Location")
}

// visits is somebody at a real provider: what a browser is sent back with.
func (b *browser) visits(provider, to, sub string) string {
	b.Helper()
	return "/auth/callback/" + provider + "?" + b.providers[provider].Follow(to+"&prompt=consent&login_hint="+url.QueryEscape(sub)).Encode()
}

// back goes all the way as somebody, but for the last step.
func (b *browser) back(provider, sub string) string {
	b.Helper()
	return b.visits(provider, b.begins("/auth/login/"+provider), sub)
}

// comes goes all the way, and gives who is in.
func (b *browser) comes(provider, sub string) person {
	b.Helper()
	a := b.goes(b.back(provider, sub))
	if a.Status != http.StatusTemporaryRedirect || a.Header.Get("Location") != "/auth/ui/signin" || b.token() == "" {
		b.Fatalf("as %s: %d to %q\n%s", sub, a.Status, a.Header.Get("Location"), a.Text)
	}
	return b.who()
}

// lied begins at the liar and comes back with a code, for which it gives an ID token
// of mallory's with these claims; changed says how the answer is not as it should be.
func (b *browser) lied(said, changed map[string]any) string {
	b.Helper()
	to, err := url.Parse(b.begins("/auth/login/liar"))
	if err != nil {
		b.Fatal(err)
	}
	return b.lies(b.liar, "liar", to.Query(), said, changed)
}

func (b *browser) lies(liar *idp.Issuer, provider string, asked url.Values, said, changed map[string]any) string {
	b.Helper()
	c := map[string]any{"aud": client, "nonce": asked.Get("nonce"), "name": "Mallory"}
	maps.Copy(c, said)
	sub := "mallory"
	if text, ok := said["sub"].(string); ok {
		sub = text
	}
	text := liar.ID(sub, c)
	liar.Knows("a", map[string]any{"sub": sub}) // userinfo, which says no more
	liar.Fail("/token", func(w http.ResponseWriter, _ *http.Request) {
		idp.JSON(w, http.StatusOK, map[string]any{"id_token": text, "access_token": "a", "token_type": "Bearer", "expires_in": 60})
	})
	q := url.Values{"code": {"c"}, "state": {asked.Get("state")}, "iss": {liar.URL}}
	for name, v := range changed {
		if q.Del(name); v != nil {
			q.Set(name, v.(string))
		}
	}
	return "/auth/callback/" + provider + "?" + q.Encode()
}

// fails expects a page that says why nobody is in.
func (b *browser) fails(what string, a answer, status int, says string) {
	b.Helper()
	b.is(what, a, status, says)
	if b.token() != "" || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") || a.Header.Get("Cache-Control") != "no-store" {
		b.Errorf("%s: token %q, %v", what, b.token(), a.Header)
	}
}

// Given somebody whom a provider knows, when they sign in, then they have a profile
// with what it says of them, and the same one the next time.
func TestAPersonSignsIn(t *testing.T) {
	inPlace(t, func(w place) {
		b := w.browser()
		ann := b.comes("keycloak", "ann")
		w.is("the profile", w.asks(ann, "GET", "/auth/v1/profile/"+ann.edi, ""), 200, `"common_name":"Ann Archer","email":"ann@example.org"`)
		c := claims(t, ann.token)
		if c["idpName"] != "keycloak" || c["idpUid"] != "ann" || c["cn"] != "Ann Archer" || c["email"] != "ann@example.org" || c["exp"].(float64)-c["iat"].(float64) != 8*3600 {
			t.Errorf("the token says %v", c)
		}
		home := b.goes("/auth/ui/signin")
		w.is("the page", home, 200, "You are signed in as Ann Archer")
		w.is("its token", b.goes("/auth/ui/api/token/download"), 200, ".")
		w.is("edit", w.asks(ann, "PUT", "/auth/v1/profile/"+ann.edi, `{"common_name":"Annie"}`), 200, "Annie")

		again := w.browser().comes("keycloak", "ann")
		if again.edi != ann.edi || again.token == ann.token {
			t.Errorf("again: %s, was %s", again.edi, ann.edi)
		}
		w.is("the profile again", w.asks(again, "GET", "/auth/v1/profile/"+ann.edi, ""), 200, `"common_name":"Annie"`)

		// With no e-mail there is a profile too.
		plain := w.browser().comes("local", "plain")
		w.is("without an e-mail", w.asks(plain, "GET", "/auth/v1/profile/"+plain.edi, ""), 200, `"common_name":"Plain","email":null`)

		w.CLI("user", "lock", ann.edi)
		b = w.browser()
		b.fails("locked", b.goes(b.back("keycloak", "ann")), 403, "This profile is locked")
	})
}

// Given a skeleton that is named by an e-mail, with grants, when a provider proves that
// address to be somebody's, then the skeleton is theirs with its number and grants.
func TestASkeletonIsClaimed(t *testing.T) {
	inPlace(t, func(w place) {
		vera := w.person("Vera", "vera@example.org", "Vetted")
		made := w.asks(vera, "POST", "/auth/v1/profile", `{"idp_uid":"Ann@Example.org"}`)
		w.is("reserve", made, 200, "A new profile was created")
		id, _ := made.body["edi_id"].(string)
		birds := w.asks(vera, "POST", group, `{"title":"Birds","description":null}`)
		number, _ := birds.body["group_edi_id"].(string)
		w.is("grant", w.asks(vera, "POST", group+"/"+number+"/"+id, ""), 200, "added")
		w.is("nobody's", w.asks(vera, "GET", "/auth/v1/profile/"+id, ""), 200, `"common_name":null`)

		// Whoever only says so has another.
		mallory := w.browser()
		mallory.goes(mallory.lied(map[string]any{"email": "ann@example.org", "email_verified": false, "name": "Mallory"}, nil))
		if other := mallory.who(); other.edi == id {
			t.Error("an unproven address claimed the skeleton")
		}
		ann := w.browser().comes("keycloak", "ann")
		if ann.edi != id {
			t.Fatalf("ann is %s, her skeleton was %s", ann.edi, id)
		}
		w.is("the profile", w.asks(ann, "GET", "/auth/v1/profile/"+id, ""), 200, `"common_name":"Ann Archer","email":"ann@example.org"`)
		w.is("for others", w.asks(vera, "GET", "/auth/v1/profile/"+id, ""), 200, `"common_name":"Ann Archer"`)
		w.is("the group", w.asks(ann, "GET", group+"/"+number, ""), 200, id)
		if c := claims(t, ann.token); c["idpName"] != "keycloak" || !strings.Contains(strings.Join(texts(c["principals"]), " "), number) {
			t.Errorf("the token says %v", c)
		}
		w.is("reserve again", w.asks(vera, "POST", "/auth/v1/profile", `{"idp_uid":"ann@example.org"}`), 200, id)
		if again := w.browser().comes("keycloak", "ann"); again.edi != id {
			t.Errorf("again: %s", again.edi)
		}
	})
}

func texts(v any) (out []string) {
	list, _ := v.([]any)
	for _, one := range list {
		text, _ := one.(string)
		out = append(out, text)
	}
	return out
}
