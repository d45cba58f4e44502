package partner_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

const (
	users = "/api/users/"
	one   = `{"username":"cersei.lannister","email":"cersei@example.com","password":"C3rs3i#L4nnist3r","emailVerified":true}`
)

func bearer(token string) string { return "Authorization: Bearer " + token }

func TestWhoMayAdminister(t *testing.T) {
	b64 := base64.StdEncoding.EncodeToString
	sys := `{"id":"__system","user":"__system"}`
	full := `{"id":"` + cersei + `","clientId":"1","authorization":{"accessToken":"` + adminAt + `"},"user":{"id":"` + cersei + `","username":"c","roles":null}}`
	for _, c := range []struct {
		name             string
		headers          []string
		internal, public int
		by               string
	}{
		{"nobody", nil, 401, 401, ""},
		{"the system, raw", []string{"x-user-ctx: " + sys}, 200, 401, "__system"},
		{"the system, without user", []string{`x-user-ctx: {"id":"__system"}`}, 200, 401, "__system"},
		{"the system, base64", []string{"x-user-ctx: " + b64([]byte(sys))}, 200, 401, "__system"},
		{"the system, base64 unpadded", []string{"x-user-ctx: " + strings.TrimRight(b64([]byte(sys+" ")), "=")}, 200, 401, "__system"},
		{"the system, URL alphabet", []string{"x-user-ctx: " + base64.URLEncoding.EncodeToString([]byte(`{"id":"__system","x":"~~~???"}`))}, 200, 401, "__system"},
		{"a user-context answer of an admin", []string{"x-user-ctx: " + full}, 200, 401, cersei},
		{"the same, base64", []string{"x-user-ctx: " + b64([]byte(full))}, 200, 401, cersei},
		{"an admin by id alone", []string{`x-user-ctx: {"id":"` + cersei + `","user":"` + cersei + `"}`}, 200, 401, cersei},
		{"a user without the role, by id", []string{`x-user-ctx: {"id":"` + jaime + `"}`}, 403, 401, ""},
		{"a user without the role, by token", []string{`x-user-ctx: {"id":"` + jaime + `","authorization":{"accessToken":"` + plainAt + `"}}`}, 403, 401, ""},
		{"an id that is nobody's", []string{`x-user-ctx: {"id":"` + nobody + `"}`}, 401, 401, ""},
		{"a dead token", []string{`x-user-ctx: {"id":"` + cersei + `","authorization":{"accessToken":"dead"}}`}, 401, 401, ""},
		{"another's token", []string{`x-user-ctx: {"id":"` + jaime + `","authorization":{"accessToken":"` + adminAt + `"}}`}, 401, 401, ""},
		{"the system with a token", []string{`x-user-ctx: {"id":"__system","authorization":{"accessToken":"` + adminAt + `"}}`}, 401, 401, ""},
		{"id and user differ", []string{`x-user-ctx: {"id":"__system","user":"` + cersei + `"}`}, 401, 401, ""},
		{"id and user object differ", []string{`x-user-ctx: {"id":"` + cersei + `","user":{"id":"` + jaime + `"}}`}, 401, 401, ""},
		{"another case", []string{`x-user-ctx: {"ID":"__system"}`}, 401, 401, ""},
		{"the same name twice", []string{`x-user-ctx: {"id":"` + jaime + `","id":"__system"}`}, 401, 401, ""},
		{"an id that is no text", []string{`x-user-ctx: {"id":["__system"]}`}, 401, 401, ""},
		{"an empty id", []string{`x-user-ctx: {"id":""}`}, 401, 401, ""},
		{"a user that is no text", []string{`x-user-ctx: {"id":"__system","user":7}`}, 401, 401, ""},
		{"a null user", []string{`x-user-ctx: {"id":"__system","user":null}`}, 401, 401, ""},
		{"no JSON", []string{"x-user-ctx: %%%"}, 401, 401, ""},
		{"base64 of nothing", []string{"x-user-ctx: ===="}, 401, 401, ""},
		{"base64 of a text", []string{"x-user-ctx: " + b64([]byte(`"__system"`))}, 401, 401, ""},
		{"bare", []string{"x-user-ctx: __system"}, 401, 401, ""},
		{"empty", []string{"x-user-ctx: "}, 401, 401, ""},
		{"too long", []string{`x-user-ctx: {"id":"__system","x":"` + strings.Repeat("x", 5000) + `"}`}, 401, 401, ""},
		{"twice", []string{"x-user-ctx: " + sys, "X-User-Ctx: " + sys}, 401, 401, ""},
		{"underscores", []string{"X_User_Ctx: " + sys}, 401, 401, ""},
		{"undecodable beside a good token", []string{"x-user-ctx: %%%", bearer(adminAt)}, 401, 200, cersei},
		{"an admin's token", []string{bearer(adminAt)}, 200, 200, cersei},
		{"the scheme in another case", []string{"Authorization: bearer " + adminAt}, 200, 200, cersei},
		{"a token without the role", []string{bearer(plainAt)}, 403, 403, ""},
		{"a dead token", []string{bearer("dead")}, 401, 401, ""},
		{"another door's token", []string{bearer(foreignAt)}, 401, 401, ""},
		{"another scheme", []string{"Authorization: Basic " + adminAt}, 401, 401, ""},
		{"no token", []string{"Authorization: Bearer "}, 401, 401, ""},
		{"two tokens", []string{bearer(adminAt), bearer(adminAt)}, 401, 401, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for listener, want := range map[string]int{"internal": c.internal, "public": c.public} {
				w := newWorld()
				h := w.internal()
				if listener == "public" {
					h = w.public()
				}
				got := call(h, "PUT", users, one, c.headers...)
				if got.Code != want {
					t.Errorf("%s: %d %s, want %d", listener, got.Code, got.Body, want)
				}
				if got.Code == 200 {
					if w.callers[0].By != c.by || w.callers[0].Source != "partner:__system" {
						t.Errorf("%s: called as %+v", listener, w.callers[0])
					}
					continue
				}
				if msg := errorBody(t, got); msg != map[int]string{401: "Unauthorized", 403: "Forbidden"}[want] {
					t.Errorf("%s: %q", listener, msg)
				}
				if len(w.syncs) > 0 {
					t.Errorf("%s: it was carried out", listener)
				}
			}
		})
	}
}

func TestAContextOfSomebodyWhoMayNotSignInIsNone(t *testing.T) {
	for name, spoil := range map[string]func(*store.Record){
		"locked":    func(r *store.Record) { r.LockedAt = born },
		"withdrawn": func(r *store.Record) { r.Strand.State = user.Withdrawn },
		"deleted":   func(r *store.Record) { r.User.Status = user.Deleted },
		"set aside": func(r *store.Record) { r.User.Status = user.SetAside },
	} {
		w := newWorld()
		rec := w.records[cersei]
		spoil(&rec)
		w.records[cersei] = rec
		if got := call(w.internal(), "GET", users+jaime, "", `x-user-ctx: {"id":"`+cersei+`"}`); got.Code != 401 {
			t.Errorf("%s: %d", name, got.Code)
		}
	}
}

func TestTheInternalSecret(t *testing.T) {
	w := newWorld()
	w.InternalSecret = "s3cret"
	for _, c := range []struct {
		headers []string
		status  int
	}{
		{nil, 401},
		{[]string{"X-Usher-Internal-Secret: wrong"}, 401},
		{[]string{"X-Usher-Internal-Secret: "}, 401},
		{[]string{"X-Usher-Internal-Secret: s3cret", "X-Usher-Internal-Secret: s3cret"}, 401},
		{[]string{"X-Usher-Internal-Secret: s3cret"}, 200},
	} {
		if got := call(w.internal(), "GET", users+cersei, "", append(c.headers, systemCtx)...); got.Code != c.status {
			t.Errorf("context with %v: %d", c.headers, got.Code)
		}
		if got := call(w.internal(), "POST", "/internal/auth/user-context?format=json", `{"accessToken":"`+adminAt+`"}`, c.headers...); got.Code != c.status {
			t.Errorf("user-context with %v: %d", c.headers, got.Code)
		}
	}
	if got := call(w.public(), "GET", users+cersei, "", bearer(adminAt)); got.Code != 200 {
		t.Errorf("the public listener asks for it: %d", got.Code)
	}
}

func TestUserContext(t *testing.T) {
	const path = "/internal/auth/user-context"
	w := newWorld()
	doc := w.records[jaime].Strand.Document
	doc[user.GivenName] = user.Fact{Value: user.Text("Jaime")}
	doc[user.Roles] = user.Fact{Value: user.Text(`["knight"]`)}
	want := `{"id":"500768179843385796","clientId":"500767817378164404","authorization":{"accessToken":"` + plainAt + `"},` +
		`"user":{"id":"500768179843385796","username":"jaime.lannister","firstName":"Jaime","lastName":null,"locale":null,"roles":["knight"],"phoneNumber":null,"avatar":null}}`
	asJSON := call(w.internal(), "POST", path+"?format=json", `{"accessToken":"`+plainAt+`"}`)
	if asJSON.Code != 200 || asJSON.Body.String() != want {
		t.Errorf("got %d %s", asJSON.Code, asJSON.Body)
	}
	asText := call(w.internal(), "POST", path, `{"accessToken":"`+plainAt+`"}`)
	if asText.Body.String() != base64.StdEncoding.EncodeToString([]byte(want)) || !strings.HasPrefix(asText.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("got %d %s", asText.Code, asText.Body)
	}
	guest := call(w.internal(), "POST", path+"?format=json", `{"accessToken":"`+guestAt+`"}`)
	if !strings.Contains(guest.Body.String(), `"username":null,"firstName":"From Elsewhere"`) {
		t.Errorf("somebody this partner never brought: %s", guest.Body)
	}
	for body, status := range map[string]int{
		`{"accessToken":"dead"}`:                401,
		`{"accessToken":"` + foreignAt + `"}`:   401,
		`{}`:                                    400,
		`{"accessToken":null}`:                  400,
		`{"accessToken":7}`:                     400,
		`{"accessToken":""}`:                    400,
		`[]`:                                    400,
		``:                                      400,
		`{"accessToken":"a","accessToken":"b"}`: 400,
		`{"x":"` + strings.Repeat("x", 1e5) + `"}`: 413,
	} {
		if got := call(w.internal(), "POST", path+"?format=json", body); got.Code != status {
			t.Errorf("%.40s: %d %s", body, got.Code, got.Body)
		} else {
			errorBody(t, got)
		}
	}
	if got := call(w.public(), "POST", path+"?format=json", `{"accessToken":"`+plainAt+`"}`); got.Code != 404 {
		t.Errorf("in public: %d", got.Code)
	}
}

func TestTheUserContextComesBackAsACaller(t *testing.T) {
	w := newWorld()
	for _, format := range []string{"", "?format=json"} {
		ctx := call(w.internal(), "POST", "/internal/auth/user-context"+format, `{"accessToken":"`+adminAt+`"}`)
		got := call(w.internal(), "POST", users+jaime+"/lock", "", "x-user-ctx: "+ctx.Body.String())
		if got.Code != 200 || w.locked[len(w.locked)-1] != "lock "+jaime+" by "+cersei {
			t.Errorf("%q: %d %v", format, got.Code, w.locked)
		}
	}
}

func TestAFaultIsNeverTheCallersFault(t *testing.T) {
	for _, where := range []string{"access", "member", "read"} {
		w := newWorld()
		w.fault = func(of string) error {
			if of == where {
				return fmt.Errorf("asking: %w", store.ErrUnavailable)
			}
			return nil
		}
		headers := []string{bearer(adminAt)}
		if where == "read" {
			headers = []string{`x-user-ctx: {"id":"` + cersei + `"}`}
		}
		got := call(w.internal(), "PUT", users, one, headers...)
		if got.Code != 503 || got.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", where, got.Code, got.Body)
		}
	}
}

func TestUnknownPathsAndWrongVerbs(t *testing.T) {
	for _, c := range []struct {
		method, target string
		status         int
		allow          string
	}{
		{"GET", "/", 404, ""},
		{"GET", "/api/user", 404, ""},
		{"GET", "/api/users/" + cersei + "/", 404, ""},
		{"POST", "/api/users/" + cersei + "/erase", 404, ""},
		{"GET", "/api//users", 404, ""},
		{"GET", "/api/x/../users", 404, ""},
		{"GET", "/internal/auth", 404, ""},
		{"GET", "/api/auth/login", 405, "POST"},
		{"OPTIONS", "/auth/login", 405, "POST"},
		{"POST", "/api/users", 405, "GET, PUT"},
		{"DELETE", "/api/users/", 405, "GET, PUT"},
		{"PUT", "/api/users/" + cersei, 405, "DELETE, GET, PATCH"},
		{"GET", "/api/users/" + cersei + "/lock", 405, "POST"},
		{"POST", "/api/users:batch", 405, "PUT"},
		{"GET", "/internal/auth/user-context", 405, "POST"},
	} {
		got := call(newWorld().internal(), c.method, c.target, "", systemCtx)
		if got.Code != c.status || got.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: %d %q", c.method, c.target, got.Code, got.Header().Get("Allow"))
		}
		errorBody(t, got)
	}
}
