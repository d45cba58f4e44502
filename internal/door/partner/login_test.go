package partner_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/user"
)

const (
	login    = "/api/auth/login"
	byName   = `{"type":"password","clientId":"app","clientSecret":"s","withPassword":{"emailOrUsername":"jaime","password":" p w "}}`
	byGoogle = `{"type":"oauth-provider","clientId":"app","withOAuth":{"providerName":"google","providerToken":"t","providerTokenType":"idtoken"}}`
)

func TestLogin(t *testing.T) {
	want := `{"accessToken":"` + plainAt + `","accessTokenExpiresAt":"2023-05-04T01:34:03.320Z","refreshToken":"` + adminAt +
		`","refreshTokenExpiresAt":"2023-05-04T02:34:03.320Z","scope":"read write","userId":"500768179843385796","clientId":"500767817378164404","idToken":"500768179843385796 for app"}`
	for _, path := range []string{login, "/auth/login"} {
		w := newWorld()
		for name, h := range map[string]http.Handler{"public": w.public(), "internal": w.internal()} {
			got := call(h, "POST", path, byName, "x-user-ctx: %%%")
			if got.Code != 200 || got.Body.String() != want || got.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s at %s: %d %s", path, name, got.Code, got.Body)
			}
		}
		a := w.attempts[0]
		if a.Door != user.DoorPartner || a.ClientID != "app" || *a.ClientSecret != "s" || a.Login != "jaime" || a.Password != " p w " {
			t.Errorf("tried %+v", a)
		}
		if a.Network != netip.MustParsePrefix("192.0.2.1/32") {
			t.Errorf("from %v", a.Network)
		}
	}
}

func TestLoginWithoutASecret(t *testing.T) {
	w := newWorld()
	call(w.public(), "POST", login, strings.Replace(byName, `"clientSecret":"s",`, "", 1))
	call(w.public(), "POST", login, strings.Replace(byName, `"s"`, "null", 1))
	for _, a := range w.attempts {
		if a.ClientSecret != nil {
			t.Errorf("a secret was made up: %q", *a.ClientSecret)
		}
	}
	if len(w.attempts) != 2 {
		t.Errorf("%d tries", len(w.attempts))
	}
}

func TestRefresh(t *testing.T) {
	w := newWorld()
	got := call(w.public(), "POST", login, `{"type":"refresh-token","clientId":"app","withRefreshToken":{"refreshToken":"rt"}}`)
	if got.Code != 200 || len(w.renewals) != 1 || w.renewals[0].RefreshToken != "rt" || w.renewals[0].ClientID != "app" || w.renewals[0].ClientSecret != nil {
		t.Errorf("%d %s, %+v", got.Code, got.Body, w.renewals)
	}
}

func TestProviderLogin(t *testing.T) {
	const body = byGoogle
	if got := call(newWorld().public(), "POST", login, body); got.Code != 400 || errorBody(t, got) != "Unsupported login type" {
		t.Errorf("where no provider is configured: %d %s", got.Code, got.Body)
	}
	for kind, path := range map[string]string{"idtoken": login, "accesstoken": "/auth/login"} {
		w := newWorld()
		w.Providers = []string{"google"}
		got := call(w.public(), "POST", path, strings.Replace(body, "idtoken", kind, 1))
		want := signin.ProviderAttempt{
			Door: user.DoorPartner, ClientID: "app", Provider: "google", Token: "t", Kind: signin.TokenKind(kind),
			Network: netip.MustParsePrefix("192.0.2.1/32"),
		}
		if got.Code != 200 || len(w.proofs) != 1 || w.proofs[0] != want {
			t.Errorf("%s: %d %s, %+v", kind, got.Code, got.Body, w.proofs)
		}
	}
	for _, c := range []struct{ from, to, want string }{
		{`"idtoken"`, `"code"`, "withOAuth.providerTokenType must be one of the following values: idtoken, accesstoken"},
		{`"idtoken"`, `""`, "withOAuth.providerTokenType should not be empty"},
		{`"google"`, `"Google"`, "withOAuth.providerName must be one of the following values: google, keycloak"},
		{`"google"`, `["google"]`, "withOAuth.providerName must be a string"},
		{`"t"`, `null`, "withOAuth.providerToken must be a string"},
		{`"t"`, `"` + strings.Repeat("x", 16<<10+1) + `"`, "withOAuth.providerToken must be shorter than or equal to 16384 characters"},
		{`"withOAuth"`, `"withGoogle"`, "withOAuth must be an object"},
	} {
		w := newWorld()
		w.Providers = []string{"google", "keycloak"}
		got := call(w.public(), "POST", login, strings.Replace(body, c.from, c.to, 1))
		if msg := errorBody(t, got); got.Code != 400 || msg != c.want || len(w.proofs) > 0 {
			t.Errorf("%.40s: %d %q, want %q", c.to, got.Code, msg, c.want)
		}
	}
}

func TestLoginBodies(t *testing.T) {
	for body, want := range map[string]string{
		`{oops`:                                 "Invalid JSON: line 1, column 2: ",
		``:                                      "Invalid JSON: ",
		`[]`:                                    "The body must be a JSON object",
		`null`:                                  "The body must be a JSON object",
		`{}`:                                    "type must be a string; clientId must be a string",
		`{"type":"telepathy","clientId":"app"}`: "Unsupported login type",
		`{"type":"Password","clientId":"app"}`:  "Unsupported login type",
		`{"type":"telepathy"}`:                  "Unsupported login type",
		`{"type":7,"clientId":"app"}`:           "type must be a string",
		`{"type":"password","clientId":"app"}`:  "withPassword must be an object",
		`{"type":"password","withPassword":[]}`: "clientId must be a string; withPassword must be an object",
		`{"type":"password","clientId":"app","withPassword":{}}`:                       "withPassword.emailOrUsername must be a string; withPassword.password must be a string",
		strings.Replace(byName, `" p w "`, `""`, 1):                                    "withPassword.password should not be empty",
		strings.Replace(byName, `" p w "`, `"a\u0000"`, 1):                             "withPassword.password must not contain NUL",
		strings.Replace(byName, `" p w "`, `"`+strings.Repeat("x", 1025)+`"`, 1):       "withPassword.password must be shorter than or equal to 1024 characters",
		strings.Replace(byName, `" p w "`, `["p"]`, 1):                                 "withPassword.password must be a string",
		strings.Replace(byName, `"s"`, `7`, 1):                                         "clientSecret must be a string",
		strings.Replace(byName, `"s"`, `"s","clientId":"other"`, 1):                    "Invalid JSON: ",
		strings.Replace(byName, `"s"`, `"s","CLIENTID":"other"`, 1):                    "Invalid JSON: ",
		strings.Replace(byName, `jaime`, "jai\xffme", 1):                               "Invalid JSON: ",
		`{"type":"refresh-token","clientId":"app","withRefreshToken":{}}`:              "withRefreshToken.refreshToken must be a string",
		`{"type":"refresh-token","clientId":"app","withPassword":{"refreshToken":""}}`: "withRefreshToken must be an object",
	} {
		w := newWorld()
		got := call(w.public(), "POST", login, body)
		if msg := errorBody(t, got); got.Code != 400 || !strings.HasPrefix(msg, want) {
			t.Errorf("%.60s: %d %q, want %q", body, got.Code, msg, want)
		}
		if len(w.attempts)+len(w.renewals) > 0 {
			t.Errorf("%.60s: it was tried", body)
		}
	}
}

func TestLoginRefusals(t *testing.T) {
	distinct := user.Refuse(user.BadCredential, "password")
	later := user.Refuse(user.Throttled, "")
	later.RetryAfter = 30
	for _, c := range []struct {
		err    error
		status int
		want   string
		retry  string
	}{
		{user.Refuse(user.InvalidClient, "clientId"), 401, "Invalid client", ""},
		{user.Refuse(user.BadCredential, ""), 401, "User not found", ""},
		{distinct, 401, "Invalid password", ""},
		{user.Refuse(user.UserLocked, ""), 401, "User is locked", ""},
		{user.Refuse(user.Challenge, ""), 409, "Sign in to the existing account first", ""},
		{user.Refuse(user.BadToken, ""), 401, "Invalid token", ""},
		{later, 429, "Too many requests", "30"},
		{user.Refuse(user.Busy, ""), 503, "Service unavailable, try again later", "1"},
		{errors.New("disk on fire"), 503, "Service unavailable, try again later", "1"},
		{fmt.Errorf("wrapped: %w", user.Refuse(user.BadCredential, "")), 401, "User not found", ""},
	} {
		w := newWorld()
		w.fail, w.Providers = c.err, []string{"google"}
		got := call(w.public(), "POST", login, byName)
		by := call(w.public(), "POST", login, byGoogle)
		if by.Code != got.Code || by.Body.String() != got.Body.String() || by.Header().Get("Retry-After") != got.Header().Get("Retry-After") {
			t.Errorf("%v: %d %s by a provider, %d %s by password", c.err, by.Code, by.Body, got.Code, got.Body)
		}
		if msg := errorBody(t, got); got.Code != c.status || msg != c.want || got.Header().Get("Retry-After") != c.retry {
			t.Errorf("%v: %d %q, Retry-After %q", c.err, got.Code, msg, got.Header().Get("Retry-After"))
		}
	}
	w := newWorld()
	w.fail = user.Refuse(user.BadCredential, "")
	if got := call(w.public(), "POST", login, byName); got.Body.String() != `{"statusCode":401,"message":"User not found","error":"Unauthorized"}` {
		t.Errorf("the published words: %s", got.Body)
	}
}
