package order

import (
	"net/http"
	"testing"

	"github.com/usher-id/usher/test/harness"
	"github.com/usher-id/usher/test/oidc/idp"
)

func TestMain(m *testing.M) { harness.Main(m) }

// world is a running usher with somebody who may reserve profiles.
type world struct {
	*harness.Server
	t      *testing.T
	google *idp.Issuer // for which the Sunbird door takes a provider of the test's
	vetted string      // cookie
	before int         // users there are when nobody of the test has come yet
}

// newWorld starts a server, with more arguments than it would have.
func newWorld(t *testing.T, store harness.Store, args ...string) *world {
	t.Helper()
	o := store.Empty(t)
	google := idp.New(t)
	o.Args = append([]string{"--doors.sunbird.google.issuer", google.URL, "--doors.sunbird.google.client_ids", idp.Client}, args...)
	w := &world{Server: harness.Start(t, o), t: t, google: google}
	vera := w.create("--email", "vera@example.org", "--name", "Vera Vetted", "--verified")
	w.CLI("group", "add", "Vetted", vera.ID)
	w.vetted = w.ediToken(vera.ID).cookie()
	w.before = len(w.users())
	return w
}

// person is what `usher user show --json` tells.
type person struct {
	ID            string
	Status        string
	Email         *string
	EmailVerified bool   `json:"email_verified"`
	MergedInto    string `json:"merged_into"`
	Locked        bool
	Groups        []string
	Profile       map[string]*string
	Handles       []handle
	Identities    []identity
}

type handle struct {
	Space, Value string
	Dead         bool
}

type identity struct {
	Issuer, Subject string
	Reserved        bool
}

func (w *world) show(ref string) person {
	w.t.Helper()
	var p person
	harness.Read(w.t, w.CLI("user", "show", ref, "--json"), &p)
	return p
}

func (w *world) users() []person {
	w.t.Helper()
	var list []person
	harness.Read(w.t, w.CLI("user", "list", "--limit", "1000", "--json"), &list)
	return list
}

func (w *world) create(args ...string) person {
	w.t.Helper()
	var p person
	harness.Read(w.t, w.CLI(append(append([]string{"user", "create"}, args...), "--json")...), &p)
	return p
}

// ediToken is what `usher token mint --door edi` prints.
type ediToken struct {
	Token string
	EDIID string `json:"edi_id"`
}

func (e ediToken) cookie() string { return "edi-token=" + e.Token }

func (w *world) ediToken(ref string) ediToken {
	w.t.Helper()
	var e ediToken
	harness.Read(w.t, w.CLI("token", "mint", "--door", "edi", "--user", ref, "--json"), &e)
	return e
}

// record is a partner's user as it is answered.
type record struct {
	ID            string
	Email         string
	EmailVerified bool
	Username      *string
	FirstName     *string
	LastName      *string
}

// put syncs one user as the system.
func (w *world) put(user map[string]any) harness.Answer {
	w.t.Helper()
	return harness.Send(w.t, harness.Ask{
		Method: http.MethodPut, URL: w.Internal + "/api/users/", Body: user,
		Header: http.Header{"X-User-Ctx": {harness.System}},
	})
}

func (w *world) sync(user map[string]any) record {
	w.t.Helper()
	var r record
	w.put(user).JSON(w.t, http.StatusOK, &r)
	return r
}

func (w *world) record(id string) record {
	w.t.Helper()
	var r record
	harness.Send(w.t, harness.Ask{
		Method: http.MethodGet, URL: w.Internal + "/api/users/" + id, Header: http.Header{"X-User-Ctx": {harness.System}},
	}).JSON(w.t, http.StatusOK, &r)
	return r
}

// signedIn is what a sign-in at the partner door gives.
type signedIn struct {
	UserID       string
	AccessToken  string
	RefreshToken string
}

func (w *world) tryPassword(login, password string) harness.Answer {
	w.t.Helper()
	return harness.Send(w.t, harness.Ask{Method: http.MethodPost, URL: w.Public + "/api/auth/login", Body: map[string]any{
		"type": "password", "clientId": "client-app-id", "clientSecret": "client-app-secret",
		"withPassword": map[string]string{"emailOrUsername": login, "password": password},
	}})
}

func (w *world) signIn(login, password string) signedIn {
	w.t.Helper()
	var s signedIn
	w.tryPassword(login, password).JSON(w.t, http.StatusOK, &s)
	return s
}

// keptOut asserts that a login with this password fails as every login fails.
func (w *world) keptOut(login, password string) {
	w.t.Helper()
	if a := w.tryPassword(login, password); a.Status != http.StatusUnauthorized {
		w.t.Errorf("%s with %q: status %d, wanted 401: %s", login, password, a.Status, a.Text)
	}
}

// alive asks whether what a sign-in gave still works: its access token and, by
// using it up, its refresh token.
func (w *world) alive(s signedIn) (access, refresh bool) {
	w.t.Helper()
	a := harness.Send(w.t, harness.Ask{
		Method: http.MethodPost, URL: w.Internal + "/internal/auth/user-context?format=json",
		Body: map[string]string{"accessToken": s.AccessToken},
	})
	r := harness.Send(w.t, harness.Ask{Method: http.MethodPost, URL: w.Public + "/api/auth/login", Body: map[string]any{
		"type": "refresh-token", "clientId": "client-app-id", "clientSecret": "client-app-secret",
		"withRefreshToken": map[string]string{"refreshToken": s.RefreshToken},
	}})
	for _, answer := range []harness.Answer{a, r} {
		if answer.Status != http.StatusOK && answer.Status != http.StatusUnauthorized {
			w.t.Fatalf("status %d: %s", answer.Status, answer.Text)
		}
	}
	return a.Status == http.StatusOK, r.Status == http.StatusOK
}

func (w *world) dead(s signedIn) {
	w.t.Helper()
	if access, refresh := w.alive(s); access || refresh {
		w.t.Errorf("a session that should have ended lives: access %v, refresh %v", access, refresh)
	}
}

// reserve asks for the profile of an idp_uid, as somebody vetted.
func (w *world) reserve(idpUID string) string {
	w.t.Helper()
	var made struct {
		EDIID string `json:"edi_id"`
	}
	harness.Send(w.t, harness.Ask{
		Method: http.MethodPost, URL: w.Public + "/auth/v1/profile", Cookie: w.vetted, Body: map[string]string{"idp_uid": idpUID},
	}).JSON(w.t, http.StatusOK, &made)
	return made.EDIID
}

// profile is an EDI profile as its owner reads it.
type profile struct {
	EDIID      string  `json:"edi_id"`
	CommonName *string `json:"common_name"`
	Email      *string
}

func (w *world) profile(id, cookie string) profile {
	w.t.Helper()
	var p profile
	harness.Send(w.t, harness.Ask{Method: http.MethodGet, URL: w.Public + "/auth/v1/profile/" + id, Cookie: cookie}).
		JSON(w.t, http.StatusOK, &p)
	return p
}

func text(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}
