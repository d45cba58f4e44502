package oidc_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/usher-id/usher/internal/proof/oidc"
	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/test/oidc/idp"
)

var _ registrant.Verifier = (*oidc.Issuer)(nil)

// bearer gives the claims of an access token as Keycloak makes them, changed as told.
func (w *world) bearer(change claims) claims {
	c := claims{"typ": "Bearer", "azp": idp.Client, "aud": []string{"account", "api"}, "sid": "s-1"}
	for name, v := range change {
		c[name] = v
	}
	return w.idp.Claims("ada", c)
}

func (w *world) bears(text string) registrant.Bearer {
	w.Helper()
	b, err := w.issuer.Bearer(w.Context(), text)
	if err != nil {
		w.Fatal(err)
	}
	return b
}

func (w *world) refusesBearer(what, text, why string) {
	w.Helper()
	b, err := w.issuer.Bearer(w.Context(), text)
	no, ok := errors.AsType[*signin.Unproven](err)
	if !ok || why != "" && no.Why != why || !reflect.DeepEqual(b, registrant.Bearer{}) {
		w.Errorf("%s: %+v and %v, want %q", what, b, err, why)
	}
}

// Given an access token of the realm's, then it says by itself whose it is, of which
// session, until when, and the roles at the portal's client; as often as it comes.
func TestWhatABearerTokenSays(t *testing.T) {
	w := newWorld(t, func(c *oidc.Config) { c.ClientIDs = []string{idp.Client} })
	now := time.Now().Truncate(time.Second)
	text := w.idp.Sign(w.bearer(claims{
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "email": "ada@example.org", "email_verified": true, "preferred_username": "ada",
		"resource_access": claims{idp.Client: claims{"roles": []string{"portal_admin", "", "a\x00b"}}, "account": claims{"roles": []string{"manage-account"}}},
	}))
	for range 2 {
		b := w.bears(text)
		if b.Identity != (user.IdentityKey{Issuer: w.idp.URL, Subject: "ada"}) || b.Subject != "ada" || b.Session != "s-1" ||
			!b.Issued.Equal(now) || !b.Expires.Equal(now.Add(time.Hour)) || !slices.Equal(b.Roles, []string{"portal_admin"}) || b.Groups != nil {
			t.Errorf("%+v", b)
		}
	}
	w.idp.Down()
	w.bears(text) // nobody is asked
	if n := w.idp.Asked(idp.UserInfo); n != 0 {
		t.Errorf("userinfo was asked %d times", n)
	}
	for what, good := range map[string]string{
		"aud is a text":       w.idp.Sign(w.bearer(claims{"aud": "account"})),
		"no aud":              w.idp.Sign(w.bearer(claims{"aud": nil})),
		"client_id":           w.idp.Sign(w.bearer(claims{"azp": nil, "client_id": idp.Client})),
		"RFC 9068":            w.idp.SignAs("at+jwt", w.bearer(claims{"typ": nil})),
		"no typ":              w.idp.SignAs("", w.bearer(nil)),
		"no session":          w.idp.Sign(w.bearer(claims{"sid": nil})),
		"older than an hour":  w.idp.Sign(w.bearer(claims{"iat": now.Add(-2 * time.Hour).Unix()})),
		"expired, by a blink": w.idp.Sign(w.bearer(claims{"exp": now.Add(-30 * time.Second).Unix()})),
	} {
		if b := w.bears(good); b.Subject != "ada" || b.Session == "" != (what == "no session") {
			t.Errorf("%s: %+v", what, b)
		}
	}
}

func TestBearerTokensThatAreRefused(t *testing.T) {
	w := newWorld(t)
	now := time.Now().Unix()
	for _, c := range []struct {
		what   string
		change claims
		why    string
	}{
		{"another issuer's", claims{"iss": "https://evil.example.org"}, "iss is not this verifier's"},
		{"expired", claims{"exp": now - 61}, "expired"},
		{"from the future", claims{"iat": now + 3600}, "iat is in the future"},
		{"another client's", claims{"azp": "stranger"}, "azp is not ours"},
		{"another client's, ours in aud", claims{"azp": "stranger", "aud": idp.Client}, "azp is not ours"},
		{"another client_id", claims{"azp": nil, "client_id": "stranger"}, "client_id is not ours"},
		{"nobody's", claims{"azp": nil}, "it names no client of ours"},
		{"an ID token", claims{"typ": "ID"}, "neither typ is that of an access token"},
		{"a refresh token", claims{"typ": "Refresh"}, "neither typ is that of an access token"},
		{"a logout token", claims{"typ": "Logout"}, "neither typ is that of an access token"},
		{"what says no typ", claims{"typ": nil}, "neither typ is that of an access token"},
		{"with events", claims{"events": claims{}}, "it is no access token"},
		{"with at_hash", claims{"at_hash": "x"}, "it is no access token"},
		{"without sub", claims{"sub": nil}, "sub or iat is missing"},
		{"without iat", claims{"iat": nil}, "sub or iat is missing"},
		{"without exp", claims{"exp": nil}, ""},
		{"sub is a list", claims{"sub": []string{"ada"}}, ""},
		{"sub is too long", claims{"sub": strings.Repeat("x", 300)}, "sub is not one of this issuer's"},
	} {
		w.refusesBearer(c.what, w.idp.Sign(w.bearer(c.change)), c.why)
	}
	good := w.idp.Sign(w.bearer(nil))
	w.bears(good)
	stranger := idp.New(t)
	stranger.Rotate()
	key := stranger.Key()
	key.KeyID = w.idp.Key().KeyID
	payload, err := json.Marshal(w.bearer(nil))
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"nothing": "", "a word": "garbage", "dots": "..", "one part less": good[:strings.LastIndexByte(good, '.')],
		"another's key": idp.Sign(t, jose.RS256, key, "JWT", string(payload)), "no algorithm": idp.Reheaded(good, `{"alg":"none","typ":"JWT"}`),
		"another typ":             w.idp.SignAs("logout+jwt", w.bearer(nil)),
		"an ID token as RFC 9068": w.idp.SignAs("at+jwt", w.bearer(claims{"typ": "ID"})),
		"a signature of nothing":  good[:strings.LastIndexByte(good, '.')+1],
	} {
		w.refusesBearer(what, text, "")
	}
	if strings.Contains(w.said.String(), good) {
		t.Error("the log holds the token")
	}
}

// While the keys cannot be read nobody's token is judged.
func TestABearerTokenWithoutKeys(t *testing.T) {
	w := newWorld(t)
	w.idp.Down()
	_, err := w.issuer.Bearer(t.Context(), w.idp.Sign(w.bearer(nil)))
	if no, ok := errors.AsType[*user.Refusal](err); !ok || no.Code != user.Busy || no.RetryAfter == 0 {
		t.Errorf("got %v", err)
	}
}

// What the realm says when it is asked: the person of now, with their groups, none
// where it names none.
func TestAskingTheRealm(t *testing.T) {
	w := newWorld(t)
	text := w.idp.Sign(w.bearer(claims{"email": "old@example.org", "groups": []string{"/old"}}))
	w.idp.Knows(text, claims{
		"sub": "ada", "preferred_username": "ada", "email": "Ada@Example.org", "email_verified": true, "given_name": "Ada", "family_name": "L",
		"groups": []string{"/end_users", "", "/a\nb", "/analysts"},
	})
	p, err := w.issuer.Ask(t.Context(), text, "ada")
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Addresses) != 1 || p.Addresses[0].Assurance != user.Proven || *p.Facts[user.EmailAttr] != p.Addresses[0].Display ||
		*p.Facts[user.EmailVerified] != "true" || *p.Facts[user.PreferredName] != "ada" || *p.Facts[user.FamilyName] != "L" ||
		!slices.Equal(p.Groups, []string{"/end_users", "/analysts"}) {
		t.Errorf("%+v", p)
	}
	w.idp.Knows(text, claims{"sub": "ada", "email": "ada@example.org", "preferred_username": "a\x00b"})
	if p, err = w.issuer.Ask(t.Context(), text, "ada"); err != nil || *p.Facts[user.EmailVerified] != "false" || p.Addresses[0].Assurance != user.Asserted ||
		p.Groups == nil || len(p.Groups) > 0 || p.Facts[user.PreferredName] != nil {
		t.Errorf("%+v, %v", p, err)
	}
	w.idp.Knows(text, claims{"sub": "ada"})
	if p, err = w.issuer.Ask(t.Context(), text, "ada"); err != nil || len(p.Addresses) > 0 || p.Facts[user.EmailAttr] != nil {
		t.Errorf("%+v, %v", p, err)
	}
}

// What the realm refuses is unproven; what it cannot say now is busy.
func TestAskingARealmThatDoesNotSay(t *testing.T) {
	w := newWorld(t)
	text := w.idp.Sign(w.bearer(nil))
	ask := func() error { _, err := w.issuer.Ask(t.Context(), text, "ada"); return err }
	if _, ok := errors.AsType[*signin.Unproven](ask()); !ok {
		t.Error("a token that userinfo does not know")
	}
	w.idp.Knows(text, claims{"sub": "eve"})
	if _, ok := errors.AsType[*signin.Unproven](ask()); !ok {
		t.Error("userinfo about somebody else")
	}
	for status, busy := range map[int]bool{400: false, 401: false, 403: false, 302: true, 404: true, 429: true, 500: true, 503: true} {
		w.idp.Fail(idp.UserInfo, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(status) })
		no, refused := errors.AsType[*user.Refusal](ask())
		_, unproven := errors.AsType[*signin.Unproven](ask())
		if unproven == busy || busy && (!refused || no.Code != user.Busy) {
			t.Errorf("%d: %v", status, ask())
		}
	}
	w.idp.Fail(idp.UserInfo, func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("<html>")) })
	if no, ok := errors.AsType[*user.Refusal](ask()); !ok || no.Code != user.Busy {
		t.Errorf("HTML: %v", ask())
	}
}
