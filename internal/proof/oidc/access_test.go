package oidc_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/proof/oidc"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/test/oidc/idp"
)

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

// Given an access token that was made for a client of ours, then the claims are
// those of userinfo.
func TestWhatAnAccessTokenProves(t *testing.T) {
	w := newWorld(t)
	person := claims{"email": "ada@example.org", "email_verified": true, "given_name": "Ada"}
	for what, text := range map[string]string{
		"azp":                    w.idp.Access("ada", nil, person),
		"client_id":              w.idp.Access("ada", claims{"azp": nil, "client_id": idp.Client}, person),
		"no aud, as Cognito has": w.idp.Access("ada", claims{"aud": nil, "azp": nil, "client_id": idp.Client}, person),
		"aud alone":              w.idp.Access("ada", claims{"aud": idp.Client, "azp": nil}, person),
		"Keycloak's": func() string {
			text := w.idp.Sign(w.idp.Claims("ada", claims{"aud": []string{"account", "api"}, "azp": idp.Client, "typ": "Bearer", "email": "other@example.org"}))
			w.idp.Knows(text, claims{"sub": "ada", "email": "ada@example.org", "email_verified": true, "given_name": "Ada"})
			return text
		}(),
	} {
		p := w.proves(text, signin.AccessToken)
		if p.Identity.Subject != "ada" || len(p.Addresses) != 1 || p.Addresses[0].Key != "ada@example.org" ||
			p.Addresses[0].Assurance != user.Proven || *p.Facts[user.GivenName] != "Ada" {
			t.Errorf("%s: %+v", what, p)
		}
	}
}

func TestAccessTokensThatAreRefused(t *testing.T) {
	w := newWorld(t)
	now := time.Now().Unix()
	for _, c := range []struct {
		what           string
		change, person claims
		why            string
	}{
		{"made for another client", claims{"azp": "stranger"}, nil, "azp is not ours"},
		{"made for another client, ours in aud", claims{"aud": idp.Client, "azp": "stranger"}, nil, "azp is not ours"},
		{"another client_id", claims{"azp": nil, "client_id": "stranger"}, nil, "client_id is not ours"},
		{"azp ours, client_id not", claims{"client_id": "stranger"}, nil, "client_id is not ours"},
		{"a client_id that is no text", claims{"azp": nil, "client_id": []string{idp.Client}}, nil, "client_id is not ours"},
		{"no client", claims{"azp": nil}, nil, "it names no client of ours"},
		{"no client, ours among several", claims{"azp": nil, "aud": []string{idp.Client, "api"}}, nil, "it names no client of ours"},
		{"nothing at all", claims{"azp": nil, "aud": nil}, nil, "it names no client of ours"},
		{"another issuer", claims{"iss": "https://evil.example.org"}, nil, "iss is not this verifier's"},
		{"expired", claims{"exp": now - 61}, nil, "expired"},
		{"old", claims{"iat": now - 12*60}, nil, "older than allowed"},
		{"no subject", claims{"sub": nil}, nil, "sub is missing"},
		{"Keycloak's ID token", claims{"typ": "ID"}, nil, "the claim typ is not that of an access token"},
		{"Keycloak's refresh token", claims{"typ": "Refresh"}, nil, "the claim typ is not that of an access token"},
		{"an ID token", claims{"at_hash": "x"}, nil, "it is no access token"},
		{"userinfo about somebody else", nil, claims{"sub": "eve"}, "userinfo is about somebody else"},
		{"userinfo about nobody", nil, claims{"sub": nil}, "userinfo is about somebody else"},
		{"userinfo about a list", nil, claims{"sub": []string{"ada"}}, "userinfo is about somebody else"},
	} {
		w.refuses(c.what, w.idp.Access("ada", c.change, c.person), signin.AccessToken, c.why)
	}
	w.refuses("an ID token that userinfo does not know", w.idp.ID("ada", nil), signin.AccessToken, "userinfo refuses it")
	w.refuses("a kind nobody knows", w.idp.ID("ada", nil), "code", "the kind is not known")
	text := w.idp.Access("ada", nil, nil)
	w.refuses("an access token for an ID token", text, signin.IDToken, "typ is not this verifier's")
	w.idp.Lie("userinfo_endpoint", nil)
	w.advance(6 * time.Minute)
	w.refuses("an issuer without userinfo", text, signin.AccessToken, "the issuer has no userinfo endpoint")
}

// At userinfo a false answer is no proof, and a broken one nobody's fault.
func TestUserInfoThatFails(t *testing.T) {
	w := newWorld(t)
	text := w.idp.Access("ada", nil, nil)
	for status, busy := range map[int]bool{400: false, 401: false, 403: false, 302: true, 404: true, 429: true, 500: true, 503: true} {
		w.idp.Fail(idp.UserInfo, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Location", w.idp.URL+idp.KeySet)
			rw.WriteHeader(status)
		})
		if busy {
			w.busy(http.StatusText(status), text, signin.AccessToken)
		} else {
			w.refuses(http.StatusText(status), text, signin.AccessToken, "userinfo refuses it")
		}
	}
	for what, body := range map[string]string{
		"no JSON": "<html>", "a member twice": `{"sub":"eve","sub":"ada"}`, "a member twice by case": `{"sub":"ada","SUB":"ada"}`,
		"a list": `["ada"]`, "null": "null", "nothing": "",
	} {
		w.idp.Fail(idp.UserInfo, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			_, _ = rw.Write([]byte(body))
		})
		w.busy(what, text, signin.AccessToken)
	}
	if strings.Contains(w.said.String(), text) {
		t.Error("the log holds the token")
	}
}

const opaque = "ya29.a0Af-opaque_token..."

func (w *world) info(change claims) claims {
	c := claims{
		"azp": idp.Client, "aud": idp.Client, "sub": "103547991597142817347", "scope": "openid email",
		"exp": "9999999999", "expires_in": "3599", "email": "ada@gmail.com", "email_verified": "true",
	}
	c["exp"] = w.now().Add(time.Hour).Unix()
	for k, v := range change {
		if c[k] = v; v == nil {
			delete(c, k)
		}
	}
	return c
}

// An opaque token is what the issuer says it is: Google's words are all text.
func TestOpaqueAccessTokens(t *testing.T) {
	for _, c := range []struct {
		what           string
		trust          oidc.Trust
		change, person claims
		email          string
		assure         user.Assurance
	}{
		{"tokeninfo alone has the e-mail", oidc.Google, nil, nil, "ada@gmail.com", user.Proven},
		{"exp as text", oidc.Google, claims{"exp": ""}, nil, "ada@gmail.com", user.Proven},
		{"only Google's text is true", oidc.Authoritative, nil, nil, "ada@gmail.com", user.Asserted},
		{"true itself", oidc.Authoritative, claims{"email_verified": true}, nil, "ada@gmail.com", user.Proven},
		{"false", oidc.Google, claims{"email_verified": "false"}, nil, "ada@gmail.com", user.Asserted},
		{"userinfo has the e-mail", oidc.Google, nil, claims{"email": "a@example.org", "email_verified": true, "hd": "example.org"}, "a@example.org", user.Proven},
		{"userinfo's true is no text", oidc.Google, nil, claims{"email": "a@gmail.com", "email_verified": "true"}, "a@gmail.com", user.Asserted},
		{"userinfo's e-mail is its own word", oidc.Google, nil, claims{"email": "a@gmail.com"}, "a@gmail.com", user.Asserted},
		{"userinfo vouches for no other's e-mail", oidc.Google, claims{"email_verified": "false"}, claims{"email_verified": true}, "ada@gmail.com", user.Asserted},
		{"no azp", oidc.Google, claims{"azp": nil}, nil, "ada@gmail.com", user.Proven},
	} {
		w := newWorld(t, func(o *oidc.Config) { o.Trust = c.trust })
		info := w.info(c.change)
		if info["exp"] == "" {
			info["exp"] = strconv.FormatInt(w.now().Add(time.Hour).Unix(), 10)
		}
		w.idp.Issued(opaque, info)
		person := claims{"sub": info["sub"]}
		for k, v := range c.person {
			person[k] = v
		}
		w.idp.Knows(opaque, person)
		p := w.proves(opaque, signin.AccessToken)
		if len(p.Addresses) != 1 || p.Addresses[0].Key != c.email || p.Addresses[0].Assurance != c.assure || p.Identity.Subject != info["sub"] {
			t.Errorf("%s: %+v", c.what, p)
		}
		if again := w.proves(opaque, signin.AccessToken); again.Once != p.Once {
			t.Errorf("%s: one token has two names", c.what)
		}
	}
}

func TestOpaqueAccessTokensThatAreRefused(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		what   string
		change claims
		why    string
	}{
		{"made for another client", claims{"aud": "stranger", "azp": "stranger"}, "aud is not ours"},
		{"made by another client", claims{"azp": "stranger"}, "azp is not ours"},
		{"for nobody", claims{"aud": nil, "azp": nil}, "aud is not ours"},
		{"by ours, for another", claims{"aud": "stranger"}, "aud is not ours"},
		{"for a list", claims{"aud": []string{idp.Client}}, "aud is not ours"},
		{"an azp that is no text", claims{"azp": 7}, "azp is not ours"},
		{"of another issuer", claims{"iss": "https://evil.example.org"}, "iss is not this issuer's"},
		{"inactive", claims{"active": false}, "tokeninfo does not know it"},
		{"active as text", claims{"active": "true"}, "tokeninfo does not know it"},
		{"an error", claims{"error": "invalid_token"}, "tokeninfo does not know it"},
		{"of nobody", claims{"sub": nil}, "sub is missing"},
		{"of a number", claims{"sub": 103547}, "sub is missing"},
		{"without an end", claims{"exp": nil}, "exp is missing"},
		{"with an end in words", claims{"exp": "tomorrow"}, "exp is missing"},
		{"expired", claims{"exp": time.Now().Unix() - 1}, "expired"},
		{"for years", claims{"exp": time.Now().Unix() + 90_000}, "lives too long"},
		{"of somebody with a line break", claims{"sub": "ada\neve"}, "sub is not one of this issuer's"},
	} {
		info := w.info(c.change)
		w.idp.Issued(opaque, info)
		w.idp.Knows(opaque, claims{"sub": info["sub"]})
		w.refuses(c.what, opaque, signin.AccessToken, c.why)
	}
	w.idp.Issued(opaque, w.info(nil))
	w.idp.Knows(opaque, claims{"sub": "somebody-else"})
	w.refuses("userinfo about somebody else", opaque, signin.AccessToken, "userinfo is about somebody else")
	w.refuses("one that nobody knows", "ya29.stolen", signin.AccessToken, "tokeninfo refuses it")
	before := w.idp.Asked(idp.TokenInfo)
	for what, text := range map[string]string{
		"a header": "a\r\nX-Evil: 1", "a space": "a b", "endless": strings.Repeat("a", 5000), "umlauts": "ä", "none": "\x00",
	} {
		w.refuses(what, text, signin.AccessToken, "not the form of an access token")
	}
	if n := w.idp.Asked(idp.TokenInfo); n != before {
		t.Errorf("asked %d times about what cannot be one", n-before)
	}
	w.idp.Fail(idp.TokenInfo, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(500) })
	w.busy("tokeninfo down", opaque, signin.AccessToken)
	nobody := newWorld(t, func(c *oidc.Config) { c.TokenInfo = "" })
	nobody.refuses("nobody to ask", opaque, signin.AccessToken, "opaque, and there is nobody to ask about it")
	if n := nobody.idp.Asked(idp.Discovery); n != 0 {
		t.Errorf("the issuer was asked %d times for nothing", n)
	}
}
