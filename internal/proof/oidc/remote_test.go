package oidc_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/usher-id/usher/internal/proof/oidc"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/test/oidc/idp"
)

// stranger is a token under a kid that the provider does not have.
func (w *world) stranger(n int) string {
	key := w.idp.Key()
	key.KeyID = fmt.Sprint("nobody-", n)
	return w.remade(key)
}

// Given a provider that is down, then usher has a prover for it all the same;
// nobody is told that the token is wrong, and it is not asked again and again.
func TestAProviderThatIsDownAtFirst(t *testing.T) {
	w := newWorld(t)
	w.asked(0, 0)
	w.idp.Down()
	text := w.idp.ID("ada", nil)
	for range 5 {
		w.busy("down", text, signin.IDToken)
	}
	w.asked(1, 0)
	w.idp.Up()
	w.busy("a moment later", text, signin.IDToken)
	w.advance(11 * time.Second)
	w.proves(text, signin.IDToken)
	w.asked(2, 1)
	if !strings.Contains(w.said.String(), "status 500") {
		t.Errorf("the log says %q", w.said)
	}
}

// Given many tokens under keys that do not exist, then the provider is asked
// once in ten seconds and known keys work meanwhile.
func TestAStormOfUnknownKeys(t *testing.T) {
	w := newWorld(t)
	good := w.idp.ID("ada", nil)
	w.proves(good, signin.IDToken)
	w.asked(1, 1)
	var wg sync.WaitGroup
	for n := range 100 {
		text := w.stranger(n)
		wg.Go(func() { w.refuses("a stranger", text, signin.IDToken, "no key of that kid and alg") })
	}
	wg.Wait()
	w.asked(1, 1) // within the pause of the first
	for round := range 3 {
		w.advance(11 * time.Second)
		for n := range 50 {
			text := w.stranger(n)
			wg.Go(func() { w.refuses("a stranger", text, signin.IDToken, "no key of that kid and alg") })
		}
		wg.Wait()
		w.asked(2+round, 2+round)
		w.proves(good, signin.IDToken)
	}
}

// Parallel first tokens ask once.
func TestManyAtFirst(t *testing.T) {
	w := newWorld(t)
	text := w.idp.ID("ada", nil)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := w.issuer.Prove(w.Context(), text, signin.IDToken); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.asked(1, 1)
}

// Given a key that was replaced, then its successor is fetched when it is first
// met, and the old one is dead from then on.
func TestKeysRotate(t *testing.T) {
	w := newWorld(t)
	old := w.idp.ID("ada", nil)
	w.proves(old, signin.IDToken)
	w.idp.Rotate()
	next := w.idp.ID("ada", nil)
	w.refuses("within the pause", next, signin.IDToken, "no key of that kid and alg")
	w.advance(11 * time.Second)
	w.proves(next, signin.IDToken)
	w.refuses("the old key", old, signin.IDToken, "no key of that kid and alg")
	w.asked(2, 2)
}

// A key that is taken out is refused when the cache's time is over, whether or
// not anybody meets another.
func TestAKeyThatIsTakenOut(t *testing.T) {
	for control, life := range map[string]time.Duration{
		"": 5 * time.Minute, "no-cache": 5 * time.Minute, "max-age=1": 5 * time.Minute, "max-age=x": 5 * time.Minute,
		"public, max-age=3600": time.Hour, "max-age=99999999": 24 * time.Hour, "max-age=3600, no-store": 5 * time.Minute,
		"MAX-AGE=600": 10 * time.Minute, "max-age=-1": 5 * time.Minute, "s-maxage=99, max-age=900": 15 * time.Minute,
	} {
		w := newWorld(t)
		held := w.idp.Key()
		first := held.Public()
		w.idp.Fail(idp.KeySet, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Cache-Control", control)
			idp.JSON(rw, 200, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{first}})
		})
		w.proves(w.idp.ID("ada", nil), signin.IDToken)
		old := w.idp.Key()
		w.advance(life - time.Second)
		w.proves(w.remade(old), signin.IDToken)
		w.asked(1, 1)
		w.idp.Rotate()
		w.idp.Fail(idp.KeySet, nil)
		w.advance(2 * time.Second)
		w.refuses(control, w.remade(old), signin.IDToken, "no key of that kid and alg")
	}
}

// remade is a token made by a key at the world's own time.
func (w *world) remade(key jose.JSONWebKey) string {
	now := w.now()
	text, err := json.Marshal(w.idp.Claims("ada", claims{"iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}))
	if err != nil {
		w.Fatal(err)
	}
	return idp.Sign(w, jose.RS256, key, "JWT", string(text))
}

// Given a provider that goes down, or publishes nonsense, then known keys work
// for a day and no longer, and it is asked once in ten seconds at most.
func TestKnownKeysWorkForADay(t *testing.T) {
	many := jose.JSONWebKeySet{}
	held := newWorld(t).idp.Key()
	key := held.Public()
	for n := range 10_000 {
		k := key
		k.KeyID = fmt.Sprint(n)
		many.Keys = append(many.Keys, k)
	}
	huge, err := json.Marshal(many)
	if err != nil {
		t.Fatal(err)
	}
	some, err := json.Marshal(jose.JSONWebKeySet{Keys: many.Keys[:51]})
	if err != nil {
		t.Fatal(err)
	}
	write := func(kind string, body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write(body)
		}
	}
	elsewhere := newWorld(t)
	for what, f := range map[string]struct {
		path string
		fn   http.HandlerFunc
	}{
		"down":                {idp.Discovery, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }},
		"keys down":           {idp.KeySet, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }},
		"keys gone":           {idp.KeySet, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }},
		"10,000 keys":         {idp.KeySet, write("application/json", huge)},
		"51 keys":             {idp.KeySet, write("application/json", some)},
		"no keys":             {idp.KeySet, write("application/json", []byte(`{"keys":[]}`))},
		"keys that are none":  {idp.KeySet, write("application/json", []byte(`{"keys":{}}`))},
		"truncated":           {idp.KeySet, write("application/json", some[:len(some)/2])},
		"another type":        {idp.KeySet, write("text/html", []byte(`{"keys":[]}`))},
		"no type":             {idp.KeySet, write("", []byte(`{"keys":[]}`))},
		"two keys members":    {idp.KeySet, write("application/json", []byte(`{"keys":[],"keys":[]}`))},
		"a broken connection": {idp.KeySet, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		"cut short": {idp.KeySet, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "100000")
			_, _ = w.Write(some)
			panic(http.ErrAbortHandler)
		}},
		"moved":                    {idp.KeySet, http.RedirectHandler(elsewhere.idp.URL+idp.KeySet, http.StatusFound).ServeHTTP},
		"discovery moved":          {idp.Discovery, http.RedirectHandler(elsewhere.idp.URL+idp.Discovery, http.StatusMovedPermanently).ServeHTTP},
		"discovery of another":     {idp.Discovery, write("application/json", []byte(`{"issuer":"`+elsewhere.idp.URL+`","jwks_uri":"`+elsewhere.idp.URL+idp.KeySet+`"}`))},
		"discovery without keys":   {idp.Discovery, write("application/json", []byte(`{"issuer":"`+elsewhere.idp.URL+`"}`))},
		"discovery that is a list": {idp.Discovery, write("application/json", []byte(`[]`))},
		"discovery that is null":   {idp.Discovery, write("application/json", []byte(`null`))},
		"discovery without end":    {idp.Discovery, write("application/json", []byte(`{"issuer":"`+strings.Repeat("x", 300<<10)+`"}`))},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			w.proves(w.idp.ID("ada", nil), signin.IDToken)
			key := w.idp.Key()
			w.idp.Fail(f.path, f.fn)
			for range 3 {
				w.advance(6 * time.Minute)
				for range 3 {
					w.proves(w.remade(key), signin.IDToken)
				}
			}
			if n := w.idp.Asked(idp.Discovery); n != 4 {
				t.Errorf("asked %d times, want 4", n)
			}
			w.advance(23 * time.Hour)
			w.proves(w.remade(key), signin.IDToken)
			w.busy("a key that nobody can say is known", w.stranger(1), signin.IDToken)
			w.advance(time.Hour)
			w.busy("after a day", w.remade(key), signin.IDToken)
			w.idp.Fail(f.path, nil)
			w.advance(11 * time.Second)
			w.proves(w.remade(key), signin.IDToken)
		})
	}
	if n := elsewhere.idp.Asked(idp.KeySet) + elsewhere.idp.Asked(idp.Discovery); n != 0 {
		t.Errorf("another host was asked %d times", n)
	}
}

// A provider that answers too slowly is one that is down.
func TestASlowProvider(t *testing.T) {
	w := newWorld(t)
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	w.idp.Fail(idp.KeySet, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write([]byte(`{"keys":[`))
		_ = http.NewResponseController(rw).Flush()
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	})
	w.busy("a drip", w.idp.ID("ada", nil), signin.IDToken)
}

// Addresses in the discovery document are https, or on this machine where the
// issuer is.
func TestDiscoveryThatLies(t *testing.T) {
	for _, address := range []any{
		"http://keys.example.org/", "http://169.254.169.254/latest", "file:///etc/passwd", "//127.0.0.1/keys", "keys", "", nil, 7,
		"https://a:b@keys.example.org/", "https:///keys", "gopher://127.0.0.1/", "https://keys.example.org/#a",
		"https://keys.example.org/" + strings.Repeat("a", 3000), "http://127.0.0.1.evil.example.org/", "http://[::ffff:10.0.0.1]/",
	} {
		w := newWorld(t)
		w.idp.Lie("jwks_uri", address)
		w.busy(fmt.Sprint("jwks_uri ", address), w.idp.ID("ada", nil), signin.IDToken)
		if s, isText := address.(string); isText && s != "" {
			w = newWorld(t)
			w.idp.Lie("userinfo_endpoint", address)
			w.busy(fmt.Sprint("userinfo_endpoint ", address), w.idp.ID("ada", nil), signin.IDToken)
		}
	}
}

// An issuer without a slash and one with a slash are two.
func TestAnIssuerWithASlash(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	c.Issuer += "/"
	w.idp.URL += "/"
	var err error
	if w.issuer, err = oidc.New(c); err != nil {
		t.Fatal(err)
	}
	p := w.proves(w.idp.ID("ada", nil), signin.IDToken)
	if p.Identity.Issuer != w.idp.URL {
		t.Errorf("known at %s", p.Identity.Issuer)
	}
	w.refuses("without", w.idp.ID("ada", claims{"iss": strings.TrimSuffix(w.idp.URL, "/")}), signin.IDToken, "iss is not this verifier's")
}

// Who hangs up is told nothing, and what they began goes on for the others.
func TestWhoAsksHangsUp(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := contextOf(t)
	asked, goOn := make(chan struct{}), make(chan struct{})
	w.idp.Fail(idp.Discovery, func(rw http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-goOn
		w.idp.Fail(idp.Discovery, nil)
		idp.JSON(rw, 200, claims{"issuer": w.idp.URL, "jwks_uri": w.idp.URL + idp.KeySet})
	})
	done := make(chan error)
	text := w.idp.ID("ada", nil)
	go func() {
		_, err := w.issuer.Prove(ctx, text, signin.IDToken)
		done <- err
	}()
	<-asked
	cancel()
	if err := <-done; err == nil || ctx.Err() == nil {
		t.Errorf("got %v", err)
	}
	close(goOn)
	w.proves(text, signin.IDToken)
	w.asked(1, 1)
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	whole := newWorld(t).config()
	for what, change := range map[string]func(*oidc.Config){
		"no issuer":             func(c *oidc.Config) { c.Issuer = "" },
		"plain http":            func(c *oidc.Config) { c.Issuer = "http://id.example.org" },
		"a query":               func(c *oidc.Config) { c.Issuer = "https://id.example.org?a" },
		"a user":                func(c *oidc.Config) { c.Issuer = "https://a@id.example.org" },
		"no clients":            func(c *oidc.Config) { c.ClientIDs = nil },
		"an empty client":       func(c *oidc.Config) { c.ClientIDs = []string{"a", ""} },
		"no trust":              func(c *oidc.Config) { c.Trust = "" },
		"a made-up trust":       func(c *oidc.Config) { c.Trust = "full" },
		"no source":             func(c *oidc.Config) { c.Source = "" },
		"no purpose":            func(c *oidc.Config) { c.Purpose = "" },
		"no log":                func(c *oidc.Config) { c.Log = nil },
		"no clock":              func(c *oidc.Config) { c.Now = nil },
		"tokeninfo in the open": func(c *oidc.Config) { c.TokenInfo = "http://id.example.org/tokeninfo" },
		"Google without its rule": func(c *oidc.Config) {
			c.Issuer, c.Trust, c.TokenInfo = idp.GoogleURL, oidc.Authoritative, ""
		},
		"Google, misspelt": func(c *oidc.Config) { c.Issuer, c.Trust, c.TokenInfo = idp.GoogleURL+"/", oidc.Google, "" },
	} {
		c := whole
		change(&c)
		if _, err := oidc.New(c); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}
