package oidc_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/proof/oidc"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/test/oidc/idp"
)

const (
	ours     = "n-0S6_WzA2Mj" // the nonce
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	back     = "https://usher.example.org/google/auth/callback"
	secret   = "s3cret:with/signs %&+ü"
)

// challenge is the verifier's (RFC 7636, appendix B).
const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

// newCodeWorld is a world whose provider answers /token by fn; the issuer asks for
// codes as the provider's own client.
func newCodeWorld(t *testing.T, fn http.HandlerFunc, change ...func(*oidc.Config)) *world {
	t.Helper()
	w := newWorld(t, append([]func(*oidc.Config){func(c *oidc.Config) {
		c.ClientIDs, c.ClientSecret = []string{idp.Client, "android.example.org"}, secret
	}}, change...)...)
	w.idp.Lie("authorization_endpoint", w.idp.URL+"/authorize?tenant=7")
	w.idp.Lie("token_endpoint", w.idp.URL+"/token")
	w.idp.Fail("/token", fn)
	return w
}

// brings answers with an ID token, and with an access token if there is one.
func (w *world) brings(id, access string) {
	w.idp.Fail("/token", func(rw http.ResponseWriter, _ *http.Request) {
		answer := claims{"id_token": id, "token_type": "Bearer"}
		if access != "" {
			answer["access_token"] = access
		}
		idp.JSON(rw, http.StatusOK, answer)
	})
}

func (w *world) exchange() (signin.Proof, error) {
	return w.issuer.Exchange(w.Context(), "code-1", verifier, back, ours)
}

func (w *world) exchanges() signin.Proof {
	w.Helper()
	p, err := w.exchange()
	if err != nil {
		w.Fatal(err, w.said.String())
	}
	return p
}

func (w *world) noExchange(what, why string) {
	w.Helper()
	p, err := w.exchange()
	no, ok := errors.AsType[*signin.Unproven](err)
	if !ok || no.Why != why || p.Identity != (user.IdentityKey{}) {
		w.Errorf("%s: %v and %v, want %q", what, p.Identity, err, why)
	}
}

func (w *world) busyExchange(what, log string) {
	w.Helper()
	w.said.Reset()
	_, err := w.exchange()
	if no, ok := errors.AsType[*user.Refusal](err); !ok || no.Code != user.Busy || no.RetryAfter != 10 {
		w.Errorf("%s: %v, want Busy for 10 s", what, err)
	}
	if said := w.said.String(); !strings.Contains(said, log) || strings.Contains(said, secret) || strings.Contains(said, verifier) {
		w.Errorf("%s: the log says %q, want %q", what, said, log)
	}
}

func TestWhereAPersonIsSentForACode(t *testing.T) {
	w := newCodeWorld(t, nil)
	if sum := sha256.Sum256([]byte(verifier)); base64.RawURLEncoding.EncodeToString(sum[:]) != challenge {
		t.Fatal("the challenge is not the verifier's")
	}
	base := url.Values{
		"tenant": {"7"}, "client_id": {idp.Client}, "response_type": {"code"}, "redirect_uri": {back}, "state": {"st"}, "nonce": {ours},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"}, "scope": {"openid email profile"},
	}
	for what, c := range map[string]struct{ extra, more url.Values }{
		"nothing more":         {nil, nil},
		"as the contract says": {url.Values{"access_type": {"offline"}, "prompt": {"consent"}}, url.Values{"access_type": {"offline"}, "prompt": {"consent"}}},
		"another scope":        {url.Values{"scope": {"email"}}, url.Values{"scope": {"openid email"}}},
		"a whole scope":        {url.Values{"scope": {"profile openid"}}, url.Values{"scope": {"profile openid"}}},
		"an odd value":         {url.Values{"login_hint": {"a&nonce=x#y"}}, url.Values{"login_hint": {"a&nonce=x#y"}}},
	} {
		text, err := w.issuer.AuthURL(t.Context(), "st", ours, challenge, back, c.extra)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		want := url.Values{}
		for _, from := range []url.Values{base, c.more} {
			for k, v := range from {
				want[k] = v
			}
		}
		if u.Query().Encode() != want.Encode() || u.Scheme+"://"+u.Host+u.Path != w.idp.URL+"/authorize" || u.Fragment != "" {
			t.Errorf("%s: %s", what, text)
		}
	}
	w.asked(1, 1)
	for what, extra := range map[string]url.Values{
		"another state": {"state": {"x"}}, "another nonce": {"nonce": {""}}, "a way back": {"redirect_uri": {"https://evil.example.org"}},
		"plain PKCE": {"code_challenge_method": {"plain"}}, "an implicit flow": {"response_type": {"token"}}, "a fragment": {"response_mode": {"fragment"}},
		"a request object": {"request": {"eyJ"}}, "one fetched": {"request_uri": {"https://evil.example.org"}}, "another client": {"client_id": {"x"}},
		"two values": {"prompt": {"none", "consent"}}, "no value": {"prompt": {}},
	} {
		if to, err := w.issuer.AuthURL(t.Context(), "st", ours, challenge, back, extra); err == nil {
			t.Errorf("%s: %s", what, to)
		}
	}
	for what, ask := range map[string][4]string{
		"no state": {"", ours, challenge, back}, "no nonce": {"st", "", challenge, back}, "no challenge": {"st", ours, "", back},
		"the verifier for its challenge, padded": {"st", ours, verifier + "=", back}, "no way back": {"st", ours, challenge, ""},
	} {
		if to, err := w.issuer.AuthURL(t.Context(), ask[0], ask[1], ask[2], ask[3], nil); err == nil {
			t.Errorf("%s: %s", what, to)
		}
	}
}

// The code goes out with the verifier, and the secret where the provider wants it.
// An answer that names another issuer is none of this one's, and one that names nobody
// is not where the issuer promises to (RFC 9207).
func TestWhoAnswers(t *testing.T) {
	w := newCodeWorld(t, nil)
	from := func(issuer, why string) {
		t.Helper()
		err := w.issuer.From(t.Context(), issuer)
		no, ok := errors.AsType[*signin.Unproven](err)
		if why == "" && err != nil || why != "" && (!ok || no.Why != why) {
			t.Errorf("%q: %v, want %q", issuer, err, why)
		}
	}
	const another, nobody = "iss of the answer is another's", "the answer does not say iss"
	from(w.idp.URL, "")
	from("", "")
	from(w.idp.URL+"/", another)
	from("https://evil.example.org", another)
	for _, promise := range []struct {
		says any
		why  string
	}{{true, nobody}, {false, ""}, {"true", ""}, {nil, ""}} {
		w.idp.Lie("authorization_response_iss_parameter_supported", promise.says)
		w.advance(25 * time.Hour) // what was fetched is old
		from("", promise.why)
		from(w.idp.URL, "")
	}
	w.idp.Fail(idp.Discovery, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusBadGateway) })
	w.advance(25 * time.Hour)
	if no, ok := errors.AsType[*user.Refusal](w.issuer.From(t.Context(), "")); !ok || no.Code != user.Busy {
		t.Error("it cannot be asked whether it promises, and is believed")
	}
	from(w.idp.URL, "")
}

func TestHowACodeIsRedeemed(t *testing.T) {
	for what, c := range map[string]struct {
		says  any
		basic bool
	}{
		"it does not say": {nil, true}, "basic": {[]string{"client_secret_basic"}, true}, "post": {[]string{"client_secret_post"}, false},
		"both": {[]string{"client_secret_post", "client_secret_basic"}, true}, "nonsense": {7, true},
	} {
		var got *http.Request
		w := newCodeWorld(t, nil)
		if c.says != nil {
			w.idp.Lie("token_endpoint_auth_methods_supported", c.says)
		}
		text := w.idp.ID("ada", claims{"nonce": ours, "email": "a@example.org", "email_verified": true, "name": "Ada"})
		w.idp.Fail("/token", func(rw http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			got = r
			idp.JSON(rw, http.StatusOK, claims{"id_token": text})
		})
		p := w.exchanges()
		if p.Identity.Subject != "ada" || len(p.Addresses) != 1 || p.Addresses[0].Assurance != user.Proven || *p.Facts[user.GivenName] != "Ada" {
			t.Errorf("%s: %+v", what, p)
		}
		want := url.Values{"grant_type": {"authorization_code"}, "code": {"code-1"}, "code_verifier": {verifier}, "redirect_uri": {back}}
		id, pass, basic := got.BasicAuth()
		if c.basic {
			if id != url.QueryEscape(idp.Client) || pass != url.QueryEscape(secret) {
				t.Errorf("%s: %q %q", what, id, pass)
			}
		} else {
			want.Set("client_id", idp.Client)
			want.Set("client_secret", secret)
		}
		if basic != c.basic || got.Form.Encode() != want.Encode() || got.Method != http.MethodPost || got.URL.RawQuery != "" {
			t.Errorf("%s: %s %s", what, got.Method, got.Form)
		}
		// It is the same token at the other way in: once for both.
		if direct := w.proves(text, signin.IDToken); direct.Once != p.Once {
			t.Errorf("%s: one token has two names", what)
		}
	}
}

// What an ID token leaves out is asked for; an address and its worth come from one
// place.
func TestUserInfoCompletesACode(t *testing.T) {
	for _, c := range []struct {
		what        string
		id, person  claims
		email, name string
		assure      user.Assurance
		asked       int
	}{
		{"all in the token", claims{"email": "a@example.org", "email_verified": true, "name": "Ada"}, claims{"email": "x@example.org"}, "a@example.org", "Ada", user.Proven, 0},
		{"a given name will do", claims{"email": "a@example.org", "given_name": "Ada"}, nil, "a@example.org", "Ada", user.Asserted, 0},
		{"nothing in the token", claims{}, claims{"email": "a@example.org", "email_verified": true, "name": "Ada"}, "a@example.org", "Ada", user.Proven, 1},
		{"no name", claims{"email": "a@example.org"}, claims{"email": "a@example.org", "email_verified": true, "name": "Ada"}, "a@example.org", "Ada", user.Asserted, 1},
		{"no e-mail", claims{"name": "Ada", "email_verified": true}, claims{"email": "a@example.org", "name": "Eve"}, "a@example.org", "Ada", user.Asserted, 1},
		{"verified as text", claims{}, claims{"email": "a@example.org", "email_verified": "true", "name": "Ada"}, "a@example.org", "Ada", user.Asserted, 1},
	} {
		w := newCodeWorld(t, nil)
		c.id["nonce"] = ours
		person := claims{"sub": "ada"}
		for k, v := range c.person {
			person[k] = v
		}
		w.idp.Knows("ya29.access", person)
		w.brings(w.idp.ID("ada", c.id), "ya29.access")
		p := w.exchanges()
		if len(p.Addresses) != 1 || p.Addresses[0].Key != c.email || p.Addresses[0].Assurance != c.assure || *p.Facts[user.GivenName] != c.name {
			t.Errorf("%s: %+v", c.what, p)
		}
		if n := w.idp.Asked(idp.UserInfo); n != c.asked {
			t.Errorf("%s: userinfo was asked %d times", c.what, n)
		}
	}
	w := newCodeWorld(t, nil)
	w.idp.Knows("ya29.access", claims{"sub": "eve", "email": "eve@example.org"})
	w.brings(w.idp.ID("ada", claims{"nonce": ours}), "ya29.access")
	w.noExchange("userinfo about somebody else", "userinfo is about somebody else")
	w.brings(w.idp.ID("ada", claims{"nonce": ours}), "")
	if p := w.exchanges(); len(p.Addresses) != 0 {
		t.Errorf("an e-mail from nowhere: %+v", p.Addresses)
	}
	w.brings(w.idp.ID("ada", claims{"nonce": ours}), "ya29.a\r\nX-Evil: 1")
	w.busyExchange("an access token of two lines", "userinfo")
}

func TestCodesThatProveNothing(t *testing.T) {
	w := newCodeWorld(t, nil)
	now := time.Now().Unix()
	for _, c := range []struct {
		what   string
		change claims
		why    string
	}{
		{"no nonce", nil, "nonce is not ours"},
		{"another nonce", claims{"nonce": "x"}, "nonce is not ours"},
		{"a nonce that begins alike", claims{"nonce": ours + "x"}, "nonce is not ours"},
		{"a list of nonces", claims{"nonce": []string{ours}}, "nonce is not ours"},
		{"made for the app, not for who asks", claims{"nonce": ours, "aud": "android.example.org"}, "aud is another client of ours"},
		{"made for a stranger", claims{"nonce": ours, "aud": "stranger"}, "aud is not ours"},
		{"asked for by a stranger", claims{"nonce": ours, "azp": "stranger"}, "azp is not ours"},
		{"of another issuer", claims{"nonce": ours, "iss": "https://evil.example.org"}, "iss is not this verifier's"},
		{"expired", claims{"nonce": ours, "exp": now - 61}, "expired"},
		{"not yet", claims{"nonce": ours, "nbf": now + 70}, "nbf is in the future"},
		{"a logout token", claims{"nonce": ours, "events": claims{}}, "it is a logout token"},
	} {
		w.brings(w.idp.ID("ada", c.change), "")
		w.noExchange(c.what, c.why)
	}
	w.brings(w.idp.ID("ada", claims{"nonce": ours})+"A", "")
	w.noExchange("an ID token with a letter more", "signature does not verify")
	w.idp.Fail("/token", func(rw http.ResponseWriter, _ *http.Request) {
		idp.JSON(rw, http.StatusBadRequest, claims{"error": "invalid_grant", "error_description": "used"})
	})
	w.noExchange("a code that is used", "the code is not taken")
	before := w.idp.Asked("/token")
	for what, code := range map[string]string{"none": "", "endless": strings.Repeat("a", 2049), "a line break": "a\nb", "not ASCII": "ä", "NUL": "a\x00"} {
		_, err := w.issuer.Exchange(t.Context(), code, verifier, back, ours)
		if no, ok := errors.AsType[*signin.Unproven](err); !ok || no.Why != "not the form of a code" {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, ask := range map[string][3]string{
		"no verifier": {"", back, ours}, "a short one": {verifier[:42], back, ours}, "a long one": {strings.Repeat("a", 129), back, ours},
		"one with a sign": {verifier[:42] + "+", back, ours}, "no way back": {verifier, "", ours}, "no nonce": {verifier, back, ""},
	} {
		_, err := w.issuer.Exchange(t.Context(), "code-1", ask[0], ask[1], ask[2])
		if _, ok := errors.AsType[*signin.Unproven](err); ok || err == nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if n := w.idp.Asked("/token"); n != before {
		t.Errorf("asked %d times about what cannot be redeemed", n-before)
	}
}

// A fault of the provider's, or of the configuration, is not the person's.
func TestTokenEndpointsThatFail(t *testing.T) {
	w := newCodeWorld(t, nil)
	answer := func(status int, kind, body string) {
		w.idp.Fail("/token", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", kind)
			rw.Header().Set("Location", w.idp.URL+"/elsewhere")
			rw.WriteHeader(status)
			_, _ = rw.Write([]byte(body))
		})
	}
	const kind = "application/json"
	for _, c := range []struct {
		status          int
		kind, body, log string
	}{
		{401, kind, `{"error":"invalid_client"}`, "status 401 invalid_client"},
		{400, kind, `{"error":"redirect_uri_mismatch"}`, "status 400 redirect_uri_mismatch"},
		{400, kind, `{"error":"no\nsuch"}`, "status 400\""},
		{400, kind, `{"error":["invalid_grant"]}`, "status 400\""},
		{400, kind, `{"error":"x","error":"invalid_grant"}`, "status 400\""},
		{400, "text/html", `{"error":"invalid_grant"}`, "status 400\""},
		{403, kind, `{"error":"invalid_grant"}`, "status 403 invalid_grant"},
		{302, kind, `{}`, "status 302"},
		{307, kind, `{}`, "status 307"},
		{429, kind, `{}`, "status 429"},
		{500, kind, `{}`, "status 500"},
		{200, "text/html", `{}`, "not JSON by its type"},
		{200, kind, `{}`, "the answer has no ID token"},
		{200, kind, `{"id_token":["eyJ"]}`, "the answer has no ID token"},
		{200, kind, `[]`, "reading a document"},
		{200, kind, `{"id_token":"a","id_token":"b"}`, "reading a document"},
		{200, kind, `{"x":"` + strings.Repeat("x", 256<<10) + `"}`, "longer than 256 KB"},
	} {
		answer(c.status, c.kind, c.body)
		w.busyExchange(c.body[:min(len(c.body), 40)], c.log)
	}
	if n := w.idp.Asked("/elsewhere"); n != 0 {
		t.Errorf("a redirect was followed %d times", n)
	}
	for name, lie := range map[string]any{
		"token_endpoint": "http://169.254.169.254/", "authorization_endpoint": "javascript:alert(1)",
		"token_endpoint_auth_methods_supported": []string{"private_key_jwt"},
	} {
		w := newCodeWorld(t, nil)
		w.idp.Lie(name, lie)
		if name == "authorization_endpoint" {
			_, err := w.issuer.AuthURL(t.Context(), "st", ours, challenge, back, nil)
			if no, ok := errors.AsType[*user.Refusal](err); !ok || no.Code != user.Busy {
				t.Errorf("%s: %v", name, err)
			}
		} else {
			w.busyExchange(name, "token_endpoint")
		}
		// Tokens are verified all the same.
		w.proves(w.idp.ID("ada", nil), signin.IDToken)
	}
	w = newCodeWorld(t, nil)
	w.idp.Down()
	w.busyExchange("down", "status 500")
	if _, err := w.issuer.AuthURL(t.Context(), "st", ours, challenge, back, nil); err == nil {
		t.Error("a provider that is down has an address")
	}
}

// Without a secret there is no code flow, and nobody is asked.
func TestWithoutASecret(t *testing.T) {
	w := newCodeWorld(t, nil, func(c *oidc.Config) { c.ClientSecret = "" })
	_, err := w.exchange()
	_, errURL := w.issuer.AuthURL(t.Context(), "st", ours, challenge, back, nil)
	if err == nil || errURL == nil {
		t.Errorf("%v, %v", err, errURL)
	}
	w.asked(0, 0)
}
