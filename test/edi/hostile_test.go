package edi

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/usher-id/usher/test/harness"
	"github.com/usher-id/usher/test/oidc/idp"
)

// Given an address that is somebody's, when another provider names it without having
// seen to it, or without its word counting for that, then nobody gets to who has it.
func TestAnAddressThatIsNotProven(t *testing.T) {
	inPlace(t, func(w place) {
		ann, ben := w.person("Ann", "ann@example.org"), w.person("Ben", "ben@example.org")
		b := w.browser()
		newcomer := b.comes("keycloak", "new")
		w.is("an address that is not verified", w.asks(newcomer, "GET", "/auth/v1/profile/"+newcomer.edi, ""), 200, `"common_name":"New"`)
		mallory := w.browser()
		mallory.goes(mallory.lied(map[string]any{"email": "ann@example.org", "email_verified": "true"}, nil))
		if mallory.who().edi == ann.edi {
			t.Error("verified as a text is verified")
		}
		// The realm is authoritative: the mailbox is Ann's, and so is the user.
		if in := w.browser().comes("keycloak", "ann"); in.edi != ann.edi {
			t.Errorf("Ann is %s, was %s", in.edi, ann.edi)
		}
		// The other is not: its word is good for a challenge, which says how to go on.
		b = w.browser()
		page := b.goes(b.back("local", "ben"))
		b.fails("a challenge", page, 409, "Your address belongs to another profile")
		// Those who run the service read why.
		if said := w.CLI("explain", ben.id); !strings.Contains(said, "not trusted to link") {
			t.Errorf("explain says %s", said)
		}
		on := "/auth/login/keycloak?target=" + url.QueryEscape("/auth/login/local?login_type=link")
		w.is("the way", page, 409, `href="`+on+`"`)
		first := b.goes(b.visits("keycloak", b.begins(on), "ben"))
		if to := first.Header.Get("Location"); to != "/auth/login/local?login_type=link" || b.who().edi != ben.edi {
			t.Fatalf("signed in as %s, to %s", b.who().edi, to)
		}
		ask := b.goes("/auth/login/local?login_type=link")
		w.is("asked", ask, 200, "Sign in with local as well?")
		added := b.visits("local", goesOn(ask), "ben")
		stranger := w.browser()
		stranger.fails("in another browser", stranger.goes(added), 410, "This sign-in is over")
		if a := b.goes(added); a.Status != 307 || b.who().edi != ben.edi {
			t.Errorf("adding: %d %s", a.Status, a.Text)
		}
		if in := w.browser().comes("local", "ben"); in.edi != ben.edi {
			t.Errorf("by the added provider: %s", in.edi)
		}
		// Another's cannot be added, and nothing is for who is not there.
		b = w.browser()
		b.comes("keycloak", "ann")
		another := b.goes(b.visits("local", goesOn(b.goes("/auth/login/local?login_type=link")), "ben"))
		w.is("another's", another, 409, "You have another profile")
		nobody := w.browser()
		nobody.fails("nobody", nobody.goes("/auth/login/local?login_type=link"), 401, "Sign in once more")
		old := w.browser() // minted by an operator: nobody proved to be there
		old.cookies["edi-token"] = ben.token
		w.is("by an operator's token", old.goes("/auth/login/keycloak?login_type=link"), 401, "Sign in once more")
	})
}

// goesOn is where the page leads that asks whether a provider shall be added.
func goesOn(page answer) string {
	_, rest, _ := strings.Cut(page.Text, `<p><a href="`)
	to, _, _ := strings.Cut(rest, `"`)
	return html.UnescapeString(to)
}

// Given an answer that is not the provider's to this browser, now, then nobody is in.
func TestAnswersThatAreNotOurs(t *testing.T) {
	inPlace(t, func(w place) {
		b := w.browser()
		back := b.back("keycloak", "ann")
		stranger := w.browser()
		stranger.fails("another browser", stranger.goes(back), 410, "in the one browser that began it")
		stranger.begins("/auth/login/keycloak")
		stranger.fails("another browser that began its own", stranger.goes(back), 410, "This sign-in is over")
		b.fails("at another provider", b.goes(strings.Replace(back, "/callback/keycloak", "/callback/local", 1)), 410, "This sign-in is over")
		b.fails("no state", b.goes("/auth/callback/keycloak?code=c"), 410, "This sign-in is over")
		b.fails("a made-up provider", b.goes("/auth/callback/evil?code=c"), 404, "There is no such way to sign in")
		if a := b.goes(back); a.Status != 307 || b.token() == "" {
			t.Fatalf("then: %d %s", a.Status, a.Text)
		}
		// The second click and the back button find somebody signed in.
		w.is("twice", b.goes(back), 410, "You are signed in already")
		delete(b.cookies, "edi-token")
		b.fails("the code again", b.goes(back), 410, "begin anew")

		mixed := b.back("keycloak", "ann")
		at, query, _ := strings.Cut(mixed, "?")
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if q.Get("iss") != w.providers["keycloak"].URL {
			t.Fatalf("the provider says iss %q", q.Get("iss"))
		}
		q.Set("iss", w.liar.URL)
		b.fails("iss of another", b.goes(at+"?"+q.Encode()), 403, "does not prove who you are")
		b.fails("its code later", b.goes(mixed), 410, "This sign-in is over")

		refused := func(what string, said, changed map[string]any) {
			t.Helper()
			b := w.browser()
			b.fails(what, b.goes(b.lied(said, changed)), 403, "liar could not sign you in")
		}
		refused("no iss, though it is promised", nil, map[string]any{"iss": nil})
		refused("another nonce", map[string]any{"nonce": "another"}, nil)
		refused("no nonce", map[string]any{"nonce": nil}, nil)
		refused("another aud", map[string]any{"aud": "another"}, nil)
		refused("another iss in the token", map[string]any{"iss": w.providers["keycloak"].URL}, nil)
		refused("no code", nil, map[string]any{"code": nil})
		refused("an error of the client", nil, map[string]any{"code": nil, "error": "unauthorized_client"})

		b = w.browser()
		page := b.goes(b.lied(nil, map[string]any{"code": nil, "error": "access_denied"}))
		b.fails("cancelled", page, 403, "You said no at liar")
		w.is("and again", page, 403, `href="/auth/login/liar"`)
		b.fails("down for a moment", b.goes(b.lied(nil, map[string]any{"code": nil, "error": "temporarily_unavailable"})), 503, "liar does not answer")

		// A token is good for one sign-in: here for the first of two.
		said := map[string]any{"jti": "one", "sub": "oscar"}
		first := w.browser()
		if a := first.goes(first.lied(said, nil)); a.Status != 307 {
			t.Errorf("once: %d %s", a.Status, a.Text)
		}
		second := w.browser()
		second.fails("the token again", second.goes(second.lied(said, nil)), 403, "could not sign you in")
	})
}

// Given two tabs of one browser at providers, then both come back.
func TestTwoTabs(t *testing.T) {
	inPlace(t, func(w place) {
		b := w.browser()
		first, second := b.begins("/auth/login/keycloak?target=/a"), b.begins("/auth/login/local?target=/b")
		if a := b.goes(b.visits("keycloak", first, "ann")); a.Status != 307 || a.Header.Get("Location") != "/a" {
			t.Errorf("the first: %d %s", a.Status, a.Text)
		}
		ann := b.who().edi
		if a := b.goes(b.visits("local", second, "plain")); a.Status != 307 || a.Header.Get("Location") != "/b" || b.who().edi == ann {
			t.Errorf("the second: %d %s", a.Status, a.Text)
		}
	})
}

// A sign-in ends where it may: at home, or at a service that policy names, which gets
// the token and hears what went wrong.
func TestWhereASignInEnds(t *testing.T) {
	inPlace(t, func(w place) {
		for _, evil := range []string{
			"https://evil.example", "//evil.example", `/\evil.example`, `\\evil.example`, "https:evil.example", "javascript:alert(1)", "/\t/evil.example",
			"https://" + site + "@evil.example/", "https://" + site + ".evil.example/", "http://" + site + "/", portal + ".evil.example/", "http://portal.example.org/",
			portal + ":444/", "https://u@portal.example.org/", "relative", "?x", "#x", "/%zz", " /a", "/a\r\nX: y",
		} {
			b := w.browser()
			b.fails(evil, b.goes("/auth/login/keycloak?target="+url.QueryEscape(evil)), 400, "A sign-in cannot end there")
		}
		for _, good := range []string{"/", "/a?b=c#d", "https://" + site + "/x", "/auth/ui/api/token/download"} {
			b := w.browser()
			a := b.goes(b.visits("keycloak", b.begins("/auth/login/keycloak?target="+url.QueryEscape(good)), "ann"))
			if a.Status != 307 || a.Header.Get("Location") != good || a.Header.Get("Referrer-Policy") != "no-referrer" || a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %v", good, a.Status, a.Header)
			}
		}
		b := w.browser()
		start := "/auth/login/keycloak?login_type=client&target=" + url.QueryEscape(portal+"/in?a=b")
		to, err := url.Parse(b.goes(b.visits("keycloak", b.begins(start), "plain")).Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		got := to.Query()
		if to.Host != "portal.example.org" || got.Get("a") != "b" || got.Get("edi_token") != b.token() || got.Get("edi_id") != b.who().edi ||
			got.Get("full_name") != "Plain" || got.Get("email") != "None" || got.Get("idp_name") != "keycloak" || got.Get("idp_uid") != "plain" {
			t.Errorf("the portal is told %s", to)
		}
		b = w.browser()
		query := url.Values{"error": {"access_denied"}, "iss": {w.providers["keycloak"].URL}}
		asked, err := url.Parse(b.begins(start))
		if err != nil {
			t.Fatal(err)
		}
		query.Set("state", asked.Query().Get("state"))
		a := b.goes("/auth/callback/keycloak?" + query.Encode())
		if a.Status != 307 || a.Header.Get("Location") != portal+"/in?a=b&error=Login+cancelled" || b.token() != "" {
			t.Errorf("cancelled: %d %v", a.Status, a.Header)
		}
	})
}

// A provider that is down keeps people out for that long, with a page that says so.
func TestAProviderThatIsDown(t *testing.T) {
	i := newLiar(t, idp.New(t))
	down := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	i.Fail(idp.Discovery, down)
	p := place{town: town{t, harness.Start(t, harness.Options{Args: append([]string{"--public_url", "https://" + site}, configured("liar", i.URL)...)})}, liar: i}
	b := p.browser()
	a := b.goes("/auth/login/liar")
	b.fails("down at the start", a, 503, "liar does not answer")
	if a.Header.Get("Retry-After") == "" {
		t.Errorf("%v", a.Header)
	}
	b.fails("no such", b.goes("/auth/login/github"), 404, "There is no such way to sign in")
	p.is("with whom", b.goes("/auth/ui/signin?target=/x"), 200, `href="/auth/login/liar?target=%2Fx"`)
}

// Where no provider is configured there is no sign-in.
func TestNoProvider(t *testing.T) {
	w := town{t, harness.Start(t, harness.Options{})}
	for _, path := range []string{"/auth/login/keycloak", "/auth/callback/keycloak", "/auth/ui/signin"} {
		w.is(path, w.asks(person{}, "GET", path, ""), 404, `{"detail":"Not Found"}`)
	}
}

// Given skeletons of an ORCID iD and of a Google account, when their issuers, and none
// else, say who is there, then they are claimed.
func TestSkeletonsOfKnownIssuers(t *testing.T) {
	for _, c := range []struct{ provider, issuer, uid, sub, others string }{
		{"orcid", "https://orcid.org", "https://orcid.org/0000-0002-1825-0097", "0000-0002-1825-0097", "0000-0001-5109-3700"},
		{"google", idp.GoogleURL, "103547991597142817347", "103547991597142817347", "103547991597142817348"},
	} {
		named, env := idp.Named(t, c.issuer)
		newLiar(t, named)
		evil := newLiar(t, idp.New(t))
		s := harness.Start(t, harness.Options{
			Env:  env,
			Args: append(append([]string{"--public_url", "https://" + site}, configured(c.provider, c.issuer)...), configured("evil", evil.URL)...),
		})
		w := place{town: town{t, s}}
		vera := w.person("Vera", "vera@example.org", "Vetted")
		made := w.asks(vera, "POST", "/auth/v1/profile", `{"idp_uid":"`+c.uid+`"}`)
		id, _ := made.body["edi_id"].(string)
		come := func(i *idp.Issuer, provider string, said map[string]any) *browser {
			b := w.browser()
			to, err := url.Parse(b.begins("/auth/login/" + provider))
			if err != nil {
				t.Fatal(err)
			}
			b.goes(b.lies(i, provider, to.Query(), said, nil))
			return b
		}
		if in := come(evil, "evil", map[string]any{"sub": c.sub}).who(); in.edi == id {
			t.Errorf("%s: another issuer's same subject claims it", c.provider)
		}
		if in := come(named, c.provider, map[string]any{"sub": c.others, "name": "Other"}).who(); in.edi == id {
			t.Errorf("%s: another subject claims it", c.provider)
		}
		in := come(named, c.provider, map[string]any{"sub": c.sub, "name": nil, "given_name": "Josiah", "family_name": "Carberry"}).who()
		if in.edi != id {
			t.Errorf("%s: is %s, the skeleton was %s", c.provider, in.edi, id)
		}
		if got := claims(t, in.token); got["idpName"] != c.provider || got["idpUid"] != c.uid || got["cn"] != "Josiah Carberry" {
			t.Errorf("%s: the token says %v", c.provider, got)
		}
		w.is("the profile", w.asks(in, "GET", "/auth/v1/profile/"+id, ""), 200, `"common_name":"Josiah Carberry"`)
		if c.provider == "google" {
			b := come(named, c.provider, map[string]any{"sub": "103547991597142817349", "email": "x@gmail.com", "email_verified": false})
			if b.token() != "" {
				t.Error("Google does not vouch for the address, and somebody is in")
			}
		}
	}
}
