package portal_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/usher-id/usher/internal/user"
)

// Given a logout token, then it is taken over, or refused as OpenID Connect
// Back-Channel Logout 1.0, section 2.8, has it; nothing of it is kept by anybody
// between.
func TestBackChannelLogout(t *testing.T) {
	const path = "/portal/backchannel-logout"
	w := newWorld(t)
	var got []string
	var fault error
	w.options.Logout = func(_ context.Context, token string) error {
		got = append(got, token)
		return fault
	}
	ask := call{method: http.MethodPost, path: path, kind: formKind, body: "logout_token=a.b.c", header: map[string]string{"Authorization": ""}}
	if rec := w.asks(ask); rec.Code != 200 || rec.Body.Len() > 0 || rec.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s %v", rec.Code, rec.Body, rec.Header())
	}
	if len(got) != 1 || got[0] != "a.b.c" {
		t.Errorf("%v", got)
	}
	fault = user.Refuse(user.BadToken, "token")
	w.answers("a bad token", ask, 400, `{"error":"invalid_request"}`)
	if got := w.asks(ask).Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	fault = user.Refuse(user.Busy, "provider")
	if rec := w.asks(ask); rec.Code != 503 || rec.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
	fault = errors.New("a cable")
	if rec := w.asks(ask); rec.Code != 503 {
		t.Errorf("%d", rec.Code)
	}

	got, fault = nil, nil
	for what, c := range map[string]call{
		"nothing":              {kind: formKind},
		"an empty token":       {kind: formKind, body: "logout_token="},
		"a token in the query": {path: path + "?logout_token=a.b.c", kind: formKind},
		"JSON":                 {kind: jsonKind, body: `{"logout_token":"a.b.c"}`},
		"a long token":         {kind: formKind, body: "logout_token=" + long(17000)},
		"no form":              {kind: formKind, body: "%zz"},
	} {
		c.method = http.MethodPost
		if c.path == "" {
			c.path = path
		}
		w.answers(what, c, 400, `{"error":"invalid_request"}`)
	}
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		if rec := w.asks(call{method: method, path: path + "?logout_token=a.b.c"}); rec.Code != 405 {
			t.Errorf("%s: %d", method, rec.Code)
		}
	}
	w.options.Logout = nil
	w.answers("no realm", ask, 400, `{"error":"invalid_request"}`)
	if len(got) > 0 {
		t.Errorf("%.60v", got)
	}
}
