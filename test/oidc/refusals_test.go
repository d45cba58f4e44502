package oidc

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/test/harness"
	"github.com/usher-id/usher/test/oidc/idp"
)

// Whatever is wrong, with the token or with whom it proves, the answer is the
// one of a wrong password, byte for byte.
func TestOneAnswer(t *testing.T) {
	inWorld(t, func(w *world) {
		ada := w.byID("ada-1", claims{"email": email, "email_verified": true})
		w.CLI("user", "lock", ada.UserID, "--reason", "lost")
		if a := w.context(ada.AccessToken); a.Status != http.StatusUnauthorized {
			t.Errorf("the session of a locked user: %d", a.Status)
		}
		if a := w.refresh(ada.RefreshToken); a.Status != http.StatusUnauthorized {
			t.Errorf("refresh of a locked user: %d", a.Status)
		}
		bob := w.byID("bob-1", claims{"email": "bob@example.org", "email_verified": true})
		used := w.idp.ID("bob-1", nil)
		w.in("keycloak", "idtoken", used)
		good, now := w.idp.ID("bob-1", nil), time.Now().Unix()
		id := func(change claims) map[string]any { return login("keycloak", "idtoken", w.idp.ID("bob-1", change)) }
		access := func(change, who claims) map[string]any {
			return login("keycloak", "accesstoken", w.idp.Access("bob-1", change, who))
		}
		for what, body := range map[string]map[string]any{
			"locked":                           login("keycloak", "idtoken", w.idp.ID("ada-1", nil)),
			"locked, by the address":           login("keycloak", "idtoken", w.idp.ID("ada-2", claims{"email": email, "email_verified": true})),
			"a mailbox given to somebody else": login("keycloak", "idtoken", w.idp.ID("bob-2", claims{"email": "bob@example.org", "email_verified": true})),
			"a replay":                         login("keycloak", "idtoken", used),
			"another audience":                 id(claims{"aud": "stranger"}),
			"another party":                    id(claims{"azp": "stranger"}),
			"the issuer with a slash":          id(claims{"iss": w.idp.URL + "/"}),
			"expired":                          id(claims{"exp": now - 120}),
			"made in the future":               id(claims{"iat": now + 300}),
			"old":                              id(claims{"iat": now - 3600}),
			"no subject":                       id(claims{"sub": nil}),
			"alg none":                         login("keycloak", "idtoken", idp.Reheaded(good, `{"alg":"none","typ":"JWT"}`)),
			"no token at all":                  login("keycloak", "idtoken", "x"),
			"an ID token for an access token":  login("keycloak", "accesstoken", good),
			"an access token for an ID token":  login("keycloak", "idtoken", w.idp.Access("bob-1", nil, nil)),
			"another client's access token":    access(claims{"azp": "stranger"}, nil),
			"another person's userinfo":        access(nil, claims{"sub": "ada-1"}),
			"an opaque access token":           login("keycloak", "accesstoken", "ya29.opaque"),
		} {
			w.out(what, body)
		}
		if a := w.password("nobody@example.org", word); a.Status != http.StatusUnauthorized || a.Text != notFound {
			t.Errorf("a password login says %d %s", a.Status, a.Text)
		}
		if got := w.byID("bob-1", nil); got.UserID != bob.UserID {
			t.Errorf("bob is %s, was %s", got.UserID, bob.UserID)
		}
	})
}

// What is wrong with the request, the client or the provider is said.
func TestWhatIsSaid(t *testing.T) {
	inWorld(t, func(w *world) {
		w.idp.Down()
		good := w.idp.ID("ada-1", nil)
		for what, c := range map[string]struct {
			change func(b, with map[string]any)
			status int
			text   string
		}{
			"another provider": {
				func(_, with map[string]any) { with["providerName"] = "google" }, 400,
				`{"statusCode":400,"message":["withOAuth.providerName must be one of the following values: keycloak"],"error":"Bad Request"}`,
			},
			"another kind": {
				func(_, with map[string]any) { with["providerTokenType"] = "code" }, 400,
				`{"statusCode":400,"message":["withOAuth.providerTokenType must be one of the following values: idtoken, accesstoken"],"error":"Bad Request"}`,
			},
			"a list for a token": {
				func(_, with map[string]any) { with["providerToken"] = []string{good} }, 400,
				`{"statusCode":400,"message":["withOAuth.providerToken must be a string"],"error":"Bad Request"}`,
			},
			"another client": {
				func(b, _ map[string]any) { b["clientId"] = "nobody" }, 401,
				`{"statusCode":401,"message":"Invalid client","error":"Unauthorized"}`,
			},
			"no secret": {
				func(b, _ map[string]any) { delete(b, "clientSecret") }, 401,
				`{"statusCode":401,"message":"Invalid client","error":"Unauthorized"}`,
			},
		} {
			b := login("keycloak", "idtoken", good)
			c.change(b, b["withOAuth"].(map[string]any)) //nolint:errcheck,forcetypeassert // made above
			if a := w.send(b); a.Status != c.status || a.Text != c.text {
				t.Errorf("%s: %d %s", what, a.Status, a.Text)
			}
		}
		if n := w.idp.Asked(idp.Discovery); n != 0 {
			t.Errorf("the provider was asked %d times before a client was known", n)
		}
		a := w.send(login("keycloak", "idtoken", good))
		if a.Status != 503 || a.Header.Get("Retry-After") != "10" || a.Text != `{"statusCode":503,"message":"Service unavailable, try again later","error":"Service Unavailable"}` {
			t.Errorf("a provider that is down: %d %s, Retry-After %q", a.Status, a.Text, a.Header.Get("Retry-After"))
		}
		if strings.Contains(w.Said(), good) {
			t.Error("the log holds the token")
		}
	})
}

// Without the mark a verified address is a word: it makes a user, and leads to
// nobody's.
func TestAProviderWithoutTheMark(t *testing.T) {
	inWorld(t, func(w *world) {
		number := w.sync(claims{"username": "ada", "email": email, "emailVerified": true, "password": word})
		w.out("a partner's user", login("keycloak", "idtoken", w.idp.ID("ada-1", verified)))
		bob := w.byID("bob-1", claims{"email": "bob@example.org", "email_verified": true})
		if w.show(bob.UserID).ID == w.show(number).ID {
			t.Error("two people are one")
		}
	}, "--doors.partner.oidc.authoritative=false")
}

// A configuration that would take anybody's token does not start.
func TestConfigurationsThatDoNotStart(t *testing.T) {
	s := harness.Start(t, harness.Options{})
	for what, args := range map[string][]string{
		"no clients":       {"--doors.partner.oidc.issuer", "https://id.example.org"},
		"plain http":       {"--doors.partner.oidc.issuer", "http://id.example.org", "--doors.partner.oidc.client_ids", "a"},
		"clients alone":    {"--doors.partner.oidc.client_ids", "a"},
		"a name of spaces": {"--doors.partner.oidc.name", "a b"},
		"Google marked": {
			"--doors.partner.oidc.issuer", idp.GoogleURL, "--doors.partner.oidc.client_ids", "a", "--doors.partner.oidc.authoritative",
		},
	} {
		ran, err := s.Run(t.Context(), append([]string{"serve", "--dev", "--listen", "127.0.0.1:0", "--internal-listen", ""}, args...)...)
		if err != nil || ran.Code != 2 || !strings.Contains(ran.Stderr, "doors.partner.oidc.") {
			t.Errorf("%s: exit %d, %v: %s", what, ran.Code, err, ran.Stderr)
		}
	}
}
