package edi

import (
	"net/http"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/user"
)

const (
	// cookieName is matched in exact case.
	cookieName = "edi-token"
	// renewAfter is the age from which a token is renewed with whatever answer.
	renewAfter = time.Hour
	// maxToken is more than any token this door or the original made.
	maxToken = 8 << 10
)

// presented is what became of the cookie of a request.
type presented struct {
	live session.Live
	err  error // a refusal where there is no good token, else a fault
}

// present reads the only carrier of credentials this door knows (contract
// edi.md, 1.1) and checks it.
func (d *Door) present(r *http.Request) presented {
	token, ok := cookieToken(r.Header.Values("Cookie"))
	if !ok {
		return presented{err: user.Refuse(user.BadToken, cookieName)}
	}
	live, err := d.Sessions.Cookie(r.Context(), token)
	return presented{live: live, err: err}
}

// cookieToken finds the one edi-token. Cookies are split by hand since net/http
// drops those with bytes it dislikes: a second token, tossed in from a sibling
// host, would go unseen.
func cookieToken(headers []string) (string, bool) {
	token, count := "", 0
	for _, h := range headers {
		for pair := range strings.SplitSeq(h, ";") {
			name, value, _ := strings.Cut(pair, "=")
			if strings.Trim(name, " \t") != cookieName {
				continue
			}
			count++
			token = strings.Trim(value, " \t")
		}
	}
	if len(token) >= 2 && token[0] == '"' && token[len(token)-1] == '"' {
		token = token[1 : len(token)-1]
	}
	return token, count == 1 && token != "" && len(token) <= maxToken
}

// renew puts a fresh token into the answer when the presented one has aged. A
// fault in making one is no reason to withhold the answer.
func (d *Door) renew(w http.ResponseWriter, r *http.Request, p presented) {
	if p.err != nil || d.Now().Sub(p.live.IssuedAt) <= renewAfter {
		return
	}
	token, _, err := d.Sessions.MintCookie(r.Context(), p.live)
	if err != nil {
		d.Log.WarnContext(r.Context(), "renewing an edi-token", "error", err)
		return
	}
	d.setToken(w, token)
}

// setToken gives a browser its token, for as long as it runs.
func (d *Door) setToken(w http.ResponseWriter, token string) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure follows the public URL's scheme
		Name: cookieName, Value: token, Path: "/", HttpOnly: true, Secure: d.secure, SameSite: http.SameSiteLaxMode,
	})
}

// renewIfPresented is renew for paths that ask nobody who they are.
func (d *Door) renewIfPresented(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Cookie") == "" {
		return
	}
	d.renew(w, r, d.present(r))
}
