package keycloak

import (
	"context"
	"encoding/json"
	"math"
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
	// Subject is whom it happened to; empty where only a session is named.
	Subject string
	// Session is the realm's session that ended, for a log-out.
	Session string
	// LoggedOut: their session ended; else what is known of them changed.
	LoggedOut bool
}

// maxPages bounds how much is read at once; the rest is read the next time.
const maxPages = 50

// Changes gives what happened from a moment on, oldest first: log-outs, and users
// that were changed, disabled, deleted, put into groups or taken out. Nothing is told
// of a realm that does not save its events, nor of a group that is deleted or given
// other roles. Where there is more than can be read at once it ends early: what comes
// after the last change is still to be asked for.
func (a *Admin) Changes(ctx context.Context, since time.Time) ([]Change, error) {
	var out []Change
	from := strconv.FormatInt(since.UnixMilli(), 10)
	type userEvent struct {
		Time    int64  `json:"time"`
		Type    string `json:"type"`
		UserID  string `json:"userId"`
		Session string `json:"sessionId"`
	}
	const told = "/events?type=LOGOUT&type=UPDATE_PROFILE&type=UPDATE_EMAIL&type=VERIFY_EMAIL&type=DELETE_ACCOUNT" +
		"&type=USER_DISABLED_BY_PERMANENT_LOCKOUT"
	var last int64
	whole, err := pages(ctx, a, told, from, func(e userEvent) {
		if last = e.Time; e.UserID != "" {
			out = append(out, Change{At: time.UnixMilli(e.Time), Subject: e.UserID, Session: e.Session, LoggedOut: e.Type == "LOGOUT"})
		}
	})
	if err != nil {
		return nil, err
	}
	end := cut(int64(math.MaxInt64), last, whole)
	type adminEvent struct {
		Time int64  `json:"time"`
		Path string `json:"resourcePath"`
	}
	const done = "/admin-events?resourceTypes=USER&resourceTypes=GROUP_MEMBERSHIP&resourceTypes=CLIENT_ROLE_MAPPING&resourceTypes=USER_SESSION"
	whole, err = pages(ctx, a, done, from, func(e adminEvent) {
		last = e.Time
		if session, ok := strings.CutPrefix(e.Path, "sessions/"); ok {
			out = append(out, Change{At: time.UnixMilli(e.Time), Session: session, LoggedOut: true})
		}
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
	end = cut(end, last, whole)
	out = slices.DeleteFunc(out, func(c Change) bool { return c.At.UnixMilli() > end })
	slices.SortStableFunc(out, func(x, y Change) int { return x.At.Compare(y.At) })
	return out, nil
}

// cut moves the end up to which everything is known to the last event of a list that
// goes on: the other list may have been read further.
func cut(end, last int64, whole bool) int64 {
	if whole {
		return end
	}
	return min(end, last)
}

// pages reads a list of events, oldest first; whole tells that it reached the end.
func pages[E any](ctx context.Context, a *Admin, path, from string, each func(E)) (whole bool, err error) {
	for n := range maxPages {
		q := url.Values{"dateFrom": {from}, "direction": {"asc"}, "first": {strconv.Itoa(n * pageSize)}, "max": {strconv.Itoa(pageSize)}}
		var some []json.RawMessage
		if err := a.call(ctx, http.MethodGet, path+"&"+q.Encode(), nil, &some); err != nil {
			return false, err
		}
		for _, raw := range some {
			var e E
			if json.Unmarshal(raw, &e) == nil {
				each(e)
			}
		}
		if len(some) < pageSize {
			return true, nil
		}
	}
	return false, nil
}
