package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// tries is how often an account is tried in a series: less than makes it wait.
const tries = 19

const wrong = "wrong-password-77"

// household makes the accounts of one series of sign-ins, all with names of
// their own, so that no series finds what another has counted.
type household struct {
	*enumeration
	mark  string
	lines bytes.Buffer // bodies of a sync
	to    *series
}

// signIns makes a series of sign-ins that fail: at nobody's name, at usher's
// own hash, at others' hashes, and for more reasons.
func (e *enumeration) signIns(ctx context.Context, title, mark string, others func() ([]hashOf, error),
	more func(context.Context, *household) error,
) (*series, error) {
	h := &household{enumeration: e, mark: mark, to: &series{title: title, askers: e.askers, within: within}}
	h.to.add("unknown", h.at("unknown", wrong))
	hashes, err := others()
	if err != nil {
		return nil, err
	}
	for _, o := range slices.Concat([]hashOf{e.own}, hashes) {
		h.people(o.key, map[string]any{"passwordHash": o.text})
		h.to.add(o.name+", wrong password", h.at(o.key, wrong))
	}
	if more != nil {
		if err := more(ctx, h); err != nil {
			return nil, err
		}
		return h.to, nil
	}
	return h.to, h.sync(ctx)
}

// reasons adds those that have nothing to do with how a hash was made.
func (e *enumeration) reasons(ctx context.Context, h *household) error {
	own := map[string]any{"passwordHash": e.own.text}
	locked := map[string]any{"passwordHash": e.own.text, "isActive": false}
	h.people("without", nil)
	h.people("byname", own)
	h.people("lockedr", locked)
	h.people("lockedw", locked)
	h.people("deleted", own)
	h.people("closed", own)
	h.to.add("unknown username", h.login(func(n int) string { return h.name("unknown", n) }, wrong))
	h.to.add("not to be a name at all", h.login(func(n int) string { return fmt.Sprintf("%s \u202e<%d>@", h.mark, n%e.accounts) }, wrong))
	h.to.add("argon2id by username, wrong password", h.login(func(n int) string { return h.name("byname", n) }, wrong))
	h.to.add("no password", h.at("without", wrong))
	h.to.add("known to an operator alone", h.at("elsewhere", wrong))
	h.to.add("locked, right password", h.at("lockedr", plain))
	h.to.add("locked, wrong password", h.at("lockedw", wrong))
	h.to.add("deleted, right password", h.at("deleted", plain))
	closed := func(password string) func(int) question {
		return h.login(func(int) string { return h.name("closed", 0) + "@example.org" }, password)
	}
	h.to.add("closed after failures, right password", closed(plain))
	if err := h.sync(ctx); err != nil {
		return err
	}
	for n := range e.accounts {
		if _, err := e.command(ctx, "user", "create", "--verified", "--email", h.name("elsewhere", n)+"@example.org", "--json"); err != nil {
			return err
		}
	}
	return h.fail(ctx, closed(wrong)(0), tries+2)
}

// fail asks something over and over.
func (h *household) fail(ctx context.Context, q question, times int) error {
	var wg sync.WaitGroup
	errs := make(chan error, times)
	for range times {
		wg.Go(func() {
			_, _, err := h.put(ctx, http.DefaultClient, q)
			errs <- err
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *household) name(kind string, n int) string {
	return fmt.Sprintf("%s%s%d", h.mark, kind, n%h.accounts)
}

// people writes down accounts to be made.
func (h *household) people(kind string, with map[string]any) {
	for n := range h.accounts {
		u := map[string]any{"email": h.name(kind, n) + "@example.org", "username": h.name(kind, n), "emailVerified": true}
		for k, v := range with {
			u[k] = v
		}
		line, _ := json.Marshal(u) // strings and booleans
		h.lines.Write(append(line, '\n'))
	}
}

// sync makes the accounts, and deletes those that are to be deleted.
func (h *household) sync(ctx context.Context) error {
	answers, err := h.call(ctx, http.MethodPut, "/api/users:batch", h.lines.Bytes())
	if err != nil {
		return err
	}
	for line := range bytes.Lines(answers) {
		var got struct {
			StatusCode int
			User       struct{ ID, Username string }
		}
		if err := json.Unmarshal(line, &got); err != nil || got.StatusCode != http.StatusOK {
			return fmt.Errorf("making an account: %s %w", line, err)
		}
		if !strings.HasPrefix(got.User.Username, h.mark+"deleted") {
			continue
		}
		if _, err := h.call(ctx, http.MethodDelete, "/api/users/"+got.User.ID, nil); err != nil {
			return err
		}
	}
	return nil
}

// call asks at the internal listener.
func (e *enumeration) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+e.usher.inside+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-User-Ctx", `{"id":"__system","user":"__system"}`)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %d %s", method, path, res.StatusCode, text)
	}
	return text, err
}

// at signs in by e-mail, as each of a kind in turn.
func (h *household) at(kind, password string) func(int) question {
	return h.login(func(n int) string { return h.name(kind, n) + "@example.org" }, password)
}

func (h *household) login(name func(n int) string, password string) func(int) question {
	return func(n int) question { return signIn(name(n), password) }
}

func signIn(login, password string) question {
	return asking(map[string]any{
		"type": "password", "clientId": "client-app-id", "clientSecret": "client-app-secret",
		"withPassword": map[string]any{"emailOrUsername": login, "password": password},
	})
}

func asking(body map[string]any) question {
	text, _ := json.Marshal(body) // strings and maps of them
	return question{method: http.MethodPost, path: "/api/auth/login", body: string(text)}
}
