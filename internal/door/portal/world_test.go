package portal_test

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/door/portal"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/user"
)

const site = "https://portal.example.org"

// people is somebody whose token is good, and what they say of themselves.
type people struct {
	account registrant.Account
	entered []string
	changed []registrant.Change
	closed  error // to everybody
	fault   error // of a change
}

// Enter implements portal.People.
func (p *people) Enter(_ context.Context, token string) (here registrant.Here, err error) {
	p.entered = append(p.entered, token)
	if p.closed != nil {
		return here, p.closed
	}
	if token != "good" {
		return here, user.Refuse(user.BadToken, "token")
	}
	return p.here(), nil
}

func (p *people) here() (here registrant.Here) {
	here.State.Profile.Type = p.account.Type
	return here
}

// Look implements portal.People.
func (p *people) Look(registrant.Here) registrant.Account { return p.account }

// Change implements portal.People.
func (p *people) Change(_ context.Context, _ registrant.Here, ch registrant.Change) (registrant.Account, error) {
	p.changed = append(p.changed, ch)
	return p.account, p.fault
}

// world is the door and its people.
type world struct {
	testing.TB
	rules   policy.Policy
	people  *people
	options portal.Options
	log     strings.Builder
}

func (w *world) Current() policy.Policy { return w.rules }

func newWorld(t testing.TB) *world {
	w := &world{TB: t, rules: policy.Default(), people: &people{account: registrant.Account{
		Subject: "0a1b", Username: "ada@example.org", Email: "ada@example.org", First: "Ada", Last: "Lovelace",
		Joined: time.Date(2026, 11, 22, 4, 48, 19, 251_663_000, time.UTC), Language: "en", Values: map[string]string{},
		Missing: []string{"age", "accepted_terms_of_service", "occupation"},
	}}}
	w.options = portal.Options{People: w.people, Policies: w, Log: slog.New(slog.NewTextHandler(&w.log, nil)), PublicURL: site}
	return w
}

// call is a request of somebody's, with what differs from a good one.
type call struct {
	method, path, kind, body string
	header                   map[string]string // an empty value takes one out
}

func (w *world) asks(c call) *httptest.ResponseRecorder {
	w.Helper()
	if c.method == "" {
		c.method = http.MethodPatch
	}
	if c.path == "" {
		c.path = "/api/my-user"
	}
	r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
	header := map[string]string{"Authorization": "Bearer good", "Accept-Language": "en", "Content-Type": c.kind}
	maps.Copy(header, c.header)
	for name, v := range header {
		if v != "" {
			r.Header.Set(name, v)
		}
	}
	rec := httptest.NewRecorder()
	portal.New(w.options).Handler().ServeHTTP(rec, r)
	return rec
}

// answers expects an answer to the letter.
func (w *world) answers(what string, c call, status int, body string) {
	w.Helper()
	rec := w.asks(c)
	if rec.Code != status || rec.Body.String() != body {
		w.Errorf("%s: %d %s\nwant %d %s", what, rec.Code, rec.Body, status, body)
	}
	if body != "" && rec.Header().Get("Content-Type") != "application/json" {
		w.Errorf("%s: Content-Type %q", what, rec.Header().Get("Content-Type"))
	}
}

func detail(text string) string { return `{"detail":"` + text + `"}` }

const jsonKind = "application/json"
