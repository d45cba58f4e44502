package oidc_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/usher-id/usher/internal/proof/oidc"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/testkeycloak"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/test/oidc/idp"
)

func TestMain(m *testing.M) {
	code := m.Run()
	testkeycloak.Stop()
	os.Exit(code)
}

const (
	logoutTyp   = "logout+jwt"
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
)

// logout gives the claims of a logout token as Keycloak makes them, changed as told.
func (w *world) logout(change claims) claims {
	now := w.now()
	c := w.idp.Claims("ada", claims{
		"sid": "s-1", "typ": "Logout", "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(), "events": claims{logoutEvent: claims{}},
	})
	maps.Copy(c, change)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

func (w *world) refusesLogout(what, text, why string) {
	w.Helper()
	l, err := w.issuer.LogoutToken(w.Context(), text)
	no, ok := errors.AsType[*signin.Unproven](err)
	if !ok || why != "" && no.Why != why || l != (oidc.Logout{}) {
		w.Errorf("%s: %+v and %v, want %q", what, l, err, why)
	}
}

// Given a logout token as OpenID Connect Back-Channel Logout 1.0, section 2.4, has
// it, then it says whose session ended, or which.
func TestWhatALogoutTokenSays(t *testing.T) {
	w := newWorld(t)
	ada := user.IdentityKey{Issuer: w.idp.URL, Subject: "ada"}
	for what, c := range map[string]struct {
		typ    string
		change claims
		want   oidc.Logout
	}{
		"a session of theirs":    {logoutTyp, nil, oidc.Logout{Identity: ada, Session: "s-1"}},
		"all of theirs":          {logoutTyp, claims{"sid": nil}, oidc.Logout{Identity: ada}},
		"a session of nobody's":  {logoutTyp, claims{"sub": nil}, oidc.Logout{Session: "s-1"}},
		"by the older type":      {"JWT", nil, oidc.Logout{Identity: ada, Session: "s-1"}},
		"without a type":         {"", nil, oidc.Logout{Identity: ada, Session: "s-1"}},
		"ours among several":     {logoutTyp, claims{"aud": []string{"api", idp.Client}}, oidc.Logout{Identity: ada, Session: "s-1"}},
		"an event that says why": {logoutTyp, claims{"events": claims{logoutEvent: claims{"why": "idle"}, "other": 1}}, oidc.Logout{Identity: ada, Session: "s-1"}},
	} {
		claims := w.logout(c.change)
		got, err := w.issuer.LogoutToken(t.Context(), w.idp.SignAs(c.typ, claims))
		c.want.At = time.Unix(claims["iat"].(int64), 0)
		if err != nil || !got.At.Equal(c.want.At) {
			t.Errorf("%s: %v of %v, want %v", what, err, got.At, c.want.At)
		}
		if got.Identity != c.want.Identity || got.Session != c.want.Session {
			t.Errorf("%s: %+v, want %+v", what, got, c.want)
		}
	}
	w.asked(1, 1)
}

// Each rule of section 2.6, and what else these tokens could be mistaken for.
func TestLogoutTokensThatAreRefused(t *testing.T) {
	w := newWorld(t)
	now := w.now().Unix()
	for _, c := range []struct {
		what   string
		change claims
		why    string
	}{
		{"another issuer", claims{"iss": "https://evil.example.org"}, "iss is not this verifier's"},
		{"no issuer", claims{"iss": nil}, "iss is not this verifier's"},
		{"another audience", claims{"aud": "stranger"}, "aud is not ours"},
		{"no audience", claims{"aud": nil}, "aud is not ours"},
		{"no time of making", claims{"iat": nil}, "iat is missing"},
		{"made in the future", claims{"iat": now + 120}, "iat is in the future"},
		{"made long ago", claims{"iat": now - 12*60}, "older than allowed"},
		{"expired", claims{"exp": now - 61}, "expired"},
		{"no end", claims{"exp": nil}, "exp is missing"},
		{"neither sub nor sid", claims{"sub": nil, "sid": nil}, "neither sub nor sid"},
		{"an empty sub and no sid", claims{"sub": "", "sid": nil}, ""},
		{"a sid that is a number", claims{"sid": 7}, "sid is not text"},
		{"an empty sid", claims{"sid": ""}, "sid is not text"},
		{"no sub, and a sid that is a list", claims{"sub": nil, "sid": []string{"s-1"}}, "sid is not text"},
		{"an endless sub", claims{"sub": strings.Repeat("x", 300)}, "sub is not one of this issuer's"},
		{"no events", claims{"events": nil}, "it is no logout token"},
		{"another event", claims{"events": claims{"http://schemas.openid.net/event/other": claims{}}}, "it is no logout token"},
		{"an event that is no object", claims{"events": claims{logoutEvent: true}}, "it is no logout token"},
		{"an event that is null", claims{"events": claims{logoutEvent: any(nil)}}, "it is no logout token"},
		{"events that are a list", claims{"events": []string{logoutEvent}}, "it is no logout token"},
		{"a nonce", claims{"nonce": "n"}, "a logout token has no nonce"},
		{"an empty nonce", claims{"nonce": ""}, "a logout token has no nonce"},
		{"no jti", claims{"jti": nil}, "jti is missing"},
	} {
		for _, typ := range []string{logoutTyp, "JWT"} {
			w.refusesLogout(c.what+" as "+typ, w.idp.SignAs(typ, w.logout(c.change)), c.why)
		}
	}
	w.refusesLogout("an ID token", w.idp.ID("ada", nil), "it is no logout token")
	w.refusesLogout("an access token", w.idp.Access("ada", nil, nil), "typ is not this verifier's")
	w.refusesLogout("an ID token by another name", w.idp.SignAs(logoutTyp, w.idp.Claims("ada", nil)), "it is no logout token")
}

func text(t *testing.T, c claims) string {
	t.Helper()
	doc, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

// Given a signature that is not the issuer's, or none, then it says nothing.
func TestForgedLogoutTokens(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	other.idp.Rotate() // a provider begins with the key that all of them have
	good := w.idp.SignAs(logoutTyp, w.logout(nil))
	parts := strings.Split(good, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	w.refusesLogout("signed by another", other.idp.SignAs(logoutTyp, w.logout(nil)), "")
	passedOff := other.idp.Key()
	passedOff.KeyID = w.idp.Key().KeyID
	w.refusesLogout("signed by another by our key's name", idp.Sign(t, jose.RS256, passedOff, logoutTyp, text(t, w.logout(nil))), "")
	w.refusesLogout("signed by nobody", b64([]byte(`{"alg":"none","typ":"logout+jwt"}`))+"."+parts[1]+".", "")
	w.refusesLogout("signed with the public key", idp.Sign(t, jose.HS256, []byte("the public key is no secret, and long enough"), logoutTyp, `{}`), "")
	w.refusesLogout("with another payload", parts[0]+"."+b64([]byte(`{"sub":"eve"}`))+"."+parts[2], "")
	for _, text := range []string{"", ".", "..", "...", "garbage", parts[0], parts[0] + ".", good + ".", " " + good, strings.Repeat("a", 1<<20)} {
		w.refusesLogout("garbage", text, "")
	}
	w.asked(1, 1) // the keys are asked for again after a pause only

	// Given that the keys cannot be had, then it is not the token that is to blame.
	down := newWorld(t)
	late := down.idp.SignAs(logoutTyp, down.logout(nil))
	down.idp.Down()
	l, err := down.issuer.LogoutToken(t.Context(), late)
	if no, ok := errors.AsType[*user.Refusal](err); !ok || no.Code != user.Busy || l != (oidc.Logout{}) {
		t.Errorf("%+v %v, want Busy", l, err)
	}
	down.idp.Up()
	down.advance(11 * time.Second)
	if _, err := down.issuer.LogoutToken(t.Context(), late); err != nil {
		t.Errorf("and then %v", err)
	}
}

// Given a real Keycloak, when somebody's sessions end there, then it sends a token
// that says so, whoever ended them.
func TestLogoutTokensOfKeycloak(t *testing.T) {
	realm := testkeycloak.New(t)
	said := make(chan string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said <- r.PostFormValue("logout_token")
		w.WriteHeader(http.StatusOK)
	}))
	t.Cleanup(receiver.Close)
	realm.TellLogouts(receiver.URL)
	w := newWorld(t, func(c *oidc.Config) { c.Issuer, c.ClientIDs, c.TokenInfo = realm.Issuer, []string{realm.ClientID}, "" })
	stranger := newWorld(t, func(c *oidc.Config) { c.Issuer, c.TokenInfo = realm.Issuer, "" })
	ada := realm.Register("ada@example.org", "Ada", "Lovelace", true)
	for who, end := range map[string]func(testkeycloak.Tokens){
		"an administrator": func(testkeycloak.Tokens) { realm.LogOut(ada) },
		"they themselves":  func(of testkeycloak.Tokens) { realm.SignOut(of) },
	} {
		in := realm.SignIn(ada)
		session, err := w.issuer.Bearer(t.Context(), in.Access)
		if err != nil {
			t.Fatal(err)
		}
		end(in)
		text := <-said
		got, err := w.issuer.LogoutToken(t.Context(), text)
		if err != nil || got.Identity != session.Identity || got.Session != session.Session || got.Session == "" || got.At.Before(session.Issued) {
			t.Errorf("%s: %+v %v, want of %+v", who, got, err, session)
		}
		stranger.refusesLogout("another client", text, "aud is not ours")
		w.refuses("as an ID token", text, signin.IDToken, "typ is not this verifier's")
		w.refusesLogout("an access token", in.Access, "it is no logout token")
		w.refusesLogout("a refresh token", in.Refresh, "")
		if _, err := w.issuer.Bearer(t.Context(), text); err == nil {
			t.Errorf("%s: a logout token is taken for an access token", who)
		}
	}
}
