package gqlauth

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"golang.org/x/text/language"

	"github.com/usher-id/usher/internal/user"
)

const (
	scheme     = "JWT"
	cookieName = "JWT"
)

// carrier is where a login token came from.
type carrier uint8

const (
	nowhere carrier = iota
	inHeader
	inCookie
)

// presented finds the login token of a request (contract section 2.1): the
// header, if it is of the form "JWT <token>", else the cookie named JWT. What is
// anything else counts as not sent.
func presented(r *http.Request) (string, carrier) {
	if token, ok := fromHeader(r.Header["Authorization"]); ok {
		return token, inHeader
	}
	// A sibling host can add a cookie of the same name: of two it is not known
	// which is ours.
	if all := r.CookiesNamed(cookieName); len(all) == 1 && all[0].Value != "" {
		return all[0].Value, inCookie
	}
	return "", nowhere
}

// fromHeader splits an Authorization header: exactly two parts, the scheme in
// any case.
func fromHeader(lines []string) (string, bool) {
	if len(lines) != 1 {
		return "", false
	}
	parts := strings.Fields(lines[0])
	if len(parts) != 2 || !strings.EqualFold(parts[0], scheme) {
		return "", false
	}
	return parts[1], true
}

// preferred is the language that a client would rather have, or empty.
func preferred(r *http.Request) string {
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil || len(tags) == 0 {
		return ""
	}
	return tags[0].String()
}

// stranger is the caller of mutations that do not ask who it is.
func (x *exchange) stranger() Caller { return Caller{Network: x.network, Lang: x.lang} }

// self is the caller's own user: the one that was read with the token, where
// nothing in this request can have changed it.
func (x *exchange) self(ctx context.Context, c Caller) (User, error) {
	x.mu.Lock()
	me := x.me
	x.mu.Unlock()
	if me != nil {
		return *me, nil
	}
	return x.door.Directory.Me(ctx, c)
}

// caller is who asks. The token is read once; from then on the session is
// carried, so that a mutation that makes the token invalid (swapEmails) does not
// lock out the ones after it. The error is a fault that was noted.
func (x *exchange) caller() (Caller, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	c := x.stranger()
	if !x.resolved {
		live, me, err := x.door.Sessions.JWT(x.ctx, x.token)
		_, dead := errors.AsType[*user.Refusal](err)
		switch {
		case err == nil:
			x.live = &live
			if x.reading {
				x.me = &me
			}
		case !dead:
			return c, x.faultLocked(err)
		}
		x.resolved = true
	}
	c.Live = x.live
	return c, nil
}
