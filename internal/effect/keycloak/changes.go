package keycloak

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Change is something that happened to somebody at the realm.
type Change struct {
	At time.Time // in milliseconds
	// Subject is whom it happened to; empty for a group that changed: then to any.
	Subject string
	// Session is the realm's session that ended, for a log-out.
	Session string
	// LoggedOut: their session ended; else what is known of them changed.
	LoggedOut bool
}

// maxPages bounds how much is read at once; the rest is read the next time.
const maxPages = 50

// Changes gives what happened from a moment on, oldest first: log-outs, and users
// that were changed, disabled, deleted, put into groups or taken out.
func (a *Admin) Changes(ctx context.Context, since time.Time) ([]Change, error) {
	var out []Change
	from := strconv.FormatInt(since.UnixMilli(), 10)
	type userEvent struct {
		Time    int64  `json:"time"`
		Type    string `json:"type"`
		UserID  string `json:"userId"`
		Session string `json:"sessionId"`
	}
	err := pages(ctx, a, "/events?type=LOGOUT&type=UPDATE_PROFILE&type=UPDATE_EMAIL&type=VERIFY_EMAIL&type=DELETE_ACCOUNT", from, func(e userEvent) {
		if e.UserID != "" {
			out = append(out, Change{At: time.UnixMilli(e.Time), Subject: e.UserID, Session: e.Session, LoggedOut: e.Type == "LOGOUT"})
		}
	})
	if err != nil {
		return nil, err
	}
	type adminEvent struct {
		Time int64  `json:"time"`
		Path string `json:"resourcePath"`
		Kind string `json:"resourceType"`
	}
	err = pages(ctx, a, "/admin-events?resourceTypes=USER&resourceTypes=GROUP_MEMBERSHIP&resourceTypes=CLIENT_ROLE_MAPPING&resourceTypes=USER_SESSION", from, func(e adminEvent) {
		rest, ok := strings.CutPrefix(e.Path, "users/")
		if !ok {
			return
		}
		subject, _, _ := strings.Cut(rest, "/")
		out = append(out, Change{At: time.UnixMilli(e.Time), Subject: subject, LoggedOut: strings.HasSuffix(rest, "/logout")})
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(out, func(x, y Change) int { return x.At.Compare(y.At) })
	return out, nil
}

// pages reads a list of events, oldest first.
func pages[E any](ctx context.Context, a *Admin, path, from string, each func(E)) error {
	for n := range maxPages {
		q := url.Values{"dateFrom": {from}, "direction": {"asc"}, "first": {strconv.Itoa(n * pageSize)}, "max": {strconv.Itoa(pageSize)}}
		var some []json.RawMessage
		if err := a.call(ctx, http.MethodGet, path+"&"+q.Encode(), nil, &some); err != nil {
			return err
		}
		for _, raw := range some {
			var e E
			if json.Unmarshal(raw, &e) == nil {
				each(e)
			}
		}
		if len(some) < pageSize {
			return nil
		}
	}
	return nil
}
