package oidc

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/usher-id/usher/test/harness"
	"github.com/usher-id/usher/test/oidc/idp"
)

func TestMain(m *testing.M) { harness.Main(m) }

type claims = map[string]any

// world is a provider and a running usher that takes its tokens.
type world struct {
	*testing.T
	*harness.Server
	idp *idp.Issuer
}

// inWorld runs a test on every store, with a provider that is marked as
// authoritative.
func inWorld(t *testing.T, fn func(*world), args ...string) {
	t.Helper()
	harness.OnEachStore(t, func(t *testing.T, s harness.Store) {
		w := &world{T: t, idp: idp.New(t)}
		o := s.Empty(t)
		o.Args = append([]string{
			"--doors.partner.oidc.name", "keycloak", "--doors.partner.oidc.issuer", w.idp.URL,
			"--doors.partner.oidc.client_ids", "other.example.org," + idp.Client, "--doors.partner.oidc.authoritative",
		}, args...)
		w.Server = harness.Start(t, o)
		fn(w)
	})
}

func login(provider, kind, token string) map[string]any {
	return map[string]any{
		"type": "oauth-provider", "clientId": "client-app-id", "clientSecret": "client-app-secret",
		"withOAuth": map[string]any{"providerName": provider, "providerToken": token, "providerTokenType": kind},
	}
}

func (w *world) send(body any) harness.Answer {
	w.Helper()
	return harness.Send(w, harness.Ask{Method: http.MethodPost, URL: w.Public + "/api/auth/login", Body: body})
}

// signedIn is what a sign-in answers.
type signedIn struct {
	AccessToken, AccessTokenExpiresAt, RefreshToken, RefreshTokenExpiresAt, Scope, UserID, ClientID, IDToken string
}

func (w *world) in(provider, kind, token string) signedIn {
	w.Helper()
	var s signedIn
	w.send(login(provider, kind, token)).JSON(w, http.StatusOK, &s)
	return s
}

func (w *world) byID(sub string, change claims) signedIn {
	w.Helper()
	return w.in("keycloak", "idtoken", w.idp.ID(sub, change))
}

// notFound is the one answer to everything that is wrong with a person.
const notFound = `{"statusCode":401,"message":"User not found","error":"Unauthorized"}`

func (w *world) out(what string, body any) {
	w.Helper()
	if a := w.send(body); a.Status != http.StatusUnauthorized || a.Text != notFound {
		w.Errorf("%s: %d %s", what, a.Status, a.Text)
	}
}

// person is what `usher user show --json` tells.
type person struct {
	ID, Status string
	Profile    map[string]*string
	Identities []struct {
		Issuer, Subject string
		Reserved        bool
	}
}

func (w *world) show(ref string) person {
	w.Helper()
	var p person
	harness.Read(w, w.CLI("user", "show", ref, "--json"), &p)
	return p
}

func (w *world) sync(u claims) (id string) {
	w.Helper()
	var r struct{ ID string }
	harness.Send(w, harness.Ask{
		Method: http.MethodPut, URL: w.Internal + "/api/users/", Body: u, Header: http.Header{"X-User-Ctx": {harness.System}},
	}).JSON(w, http.StatusOK, &r)
	return r.ID
}

// context is what the internal listener says of an access token.
func (w *world) context(access string) harness.Answer {
	w.Helper()
	return harness.Send(w, harness.Ask{
		Method: http.MethodPost, URL: w.Internal + "/internal/auth/user-context?format=json", Body: map[string]string{"accessToken": access},
	})
}

func (w *world) refresh(token string) harness.Answer {
	w.Helper()
	return w.send(claims{
		"type": "refresh-token", "clientId": "client-app-id", "clientSecret": "client-app-secret",
		"withRefreshToken": claims{"refreshToken": token},
	})
}

func (w *world) password(login, password string) harness.Answer {
	w.Helper()
	return w.send(claims{
		"type": "password", "clientId": "client-app-id", "clientSecret": "client-app-secret",
		"withPassword": claims{"emailOrUsername": login, "password": password},
	})
}

// reserve has somebody vetted make the profile of an idp_uid.
func (w *world) reserve(idpUID string) (ediID string) {
	w.Helper()
	var vera person
	harness.Read(w, w.CLI("user", "create", "--email", "vera@example.org", "--name", "Vera Vetted", "--verified", "--json"), &vera)
	w.CLI("group", "add", "Vetted", vera.ID)
	var minted struct{ Token string }
	harness.Read(w, w.CLI("token", "mint", "--door", "edi", "--user", vera.ID, "--json"), &minted)
	var made struct {
		EDIID string `json:"edi_id"`
	}
	harness.Send(w, harness.Ask{
		Method: http.MethodPost, URL: w.Public + "/auth/v1/profile", Cookie: "edi-token=" + minted.Token, Body: claims{"idp_uid": idpUID},
	}).JSON(w, http.StatusOK, &made)
	return made.EDIID
}

// keys are the members of an answer, in order.
func keys(t *testing.T, text string) (names []string) {
	t.Helper()
	var m map[string]json.RawMessage
	harness.Read(t, text, &m)
	for k := range m {
		names = append(names, k)
	}
	return names
}
