package oidc

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/user"
)

// Logout is what a logout token says: a session ended, or all of somebody's.
type Logout struct {
	Identity user.IdentityKey // zero where only the session is named
	Session  string           // empty: all of theirs
	At       time.Time
}

// logoutEvent is the member of events that makes a token one.
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// typLogout is the type of a logout token in its header; older issuers say JWT.
const typLogout = "logout+jwt"

// LogoutToken verifies a logout token (OpenID Connect Back-Channel Logout 1.0,
// section 2.6). It fails as Prove does.
func (i *Issuer) LogoutToken(ctx context.Context, text string) (Logout, error) {
	typ := typJWT
	if head, _, _ := strings.Cut(text, "."); head != "" {
		if h, err := header(head); err == nil && h.Text("typ") == typLogout {
			typ = typLogout
		}
	}
	c, err := i.verify(ctx, text, typ)
	if err != nil {
		return Logout{}, err
	}
	var events map[string]json.RawMessage
	switch {
	case !slices.ContainsFunc(c.Audience, func(id string) bool { return slices.Contains(i.ClientIDs, id) }):
		return Logout{}, unproven("aud is not ours")
	case !c.Get("events", &events) || events[logoutEvent] == nil || events[logoutEvent][0] != '{':
		return Logout{}, unproven("it is no logout token")
	case c.Has("nonce"):
		return Logout{}, unproven("a logout token has no nonce")
	case c.Has("sid") && c.Text("sid") == "":
		return Logout{}, unproven("sid is not text") // and not all of their sessions, then
	case c.Subject == "" && !c.Has("sid"):
		return Logout{}, unproven("neither sub nor sid")
	case c.ID == "":
		return Logout{}, unproven("jti is missing")
	}
	out := Logout{Session: c.Text("sid"), At: c.IssuedAt}
	if c.Subject != "" {
		name, err := normal.NewIdentity(i.Issuer, c.Subject)
		if err != nil {
			return Logout{}, unproven("sub is not one of this issuer's")
		}
		out.Identity = user.IdentityKey{Issuer: name.Issuer, Subject: name.Subject}
	}
	return out, nil
}
