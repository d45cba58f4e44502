package oidc

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"unicode"

	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/token"
	"github.com/usher-id/usher/internal/user"
)

// Bearer verifies an access token here, without asking anybody but for keys: JWS
// with the realm's keys, iss, exp, a client of ours, and typ Bearer (contract
// portal.md, Keycloak facts: aud may be a text or a list, and is an API's). It
// fails as Prove does.
func (i *Issuer) Bearer(ctx context.Context, text string) (registrant.Bearer, error) {
	typ := typJWT
	if isAccessTyp(text) {
		typ = typAccess
	}
	// It is good as long as it says, not once.
	c, err := i.verifyWith(ctx, func(k *known) (token.Claims, bool, error) { return i.verifyBy(k, text, typ, 0) })
	if err != nil {
		return registrant.Bearer{}, err
	}
	if why := i.issuedTo(c); why != "" {
		return registrant.Bearer{}, unproven("%s", why)
	}
	switch {
	case c.Text("typ") != "Bearer" && typ != typAccess, c.Has("typ") && c.Text("typ") != "Bearer":
		return registrant.Bearer{}, unproven("neither typ is that of an access token")
	case c.Has("events"), c.Has("at_hash"):
		return registrant.Bearer{}, unproven("it is no access token")
	case c.Subject == "" || c.IssuedAt.IsZero():
		return registrant.Bearer{}, unproven("sub or iat is missing")
	}
	name, err := normal.NewIdentity(i.Issuer, c.Subject)
	if err != nil {
		return registrant.Bearer{}, unproven("sub is not one of this issuer's")
	}
	return registrant.Bearer{
		Identity: user.IdentityKey{Issuer: name.Issuer, Subject: name.Subject}, Subject: c.Subject,
		Session: c.Text("sid"), Issued: c.IssuedAt, Expires: c.Expires, Roles: i.roles(c),
		Person: i.person(c, func(name string, v any) bool { return c.Get(name, v) }),
	}, nil
}

// Ask has the realm say, by userinfo, whether an access token still counts, and who
// its person is now. It fails as Prove does.
func (i *Issuer) Ask(ctx context.Context, text, subject string) (registrant.Person, error) {
	k, err := i.sites.current(ctx)
	if err != nil {
		return registrant.Person{}, i.unavailable(ctx, err)
	}
	if k.sites.userInfo == "" {
		return registrant.Person{}, unproven("the issuer has no userinfo endpoint")
	}
	said, err := i.userInfo(ctx, k.sites.userInfo, text, subject)
	if err != nil {
		return registrant.Person{}, err
	}
	p := i.person(said, func(name string, v any) bool {
		raw, ok := said[name]
		return ok && json.Unmarshal(raw, v) == nil
	})
	if p.Groups == nil {
		p.Groups = []string{} // absent when empty (contract portal.md, Keycloak facts)
	}
	for _, a := range []user.Attr{user.GivenName, user.FamilyName, user.EmailAttr, user.EmailVerified} {
		if _, said := p.Facts[a]; !said {
			p.Facts[a] = nil // taken away there
		}
	}
	return p, nil
}

// roles are the client roles of the first client, as Keycloak writes them.
func (i *Issuer) roles(c token.Claims) []string {
	var access map[string]map[string]json.RawMessage
	roles := []string{}
	if !c.Get("resource_access", &access) || json.Unmarshal(access[i.ClientIDs[0]]["roles"], &roles) != nil {
		return []string{} // Keycloak leaves out who has none
	}
	return plainTexts(roles)
}

// maxGroups bounds how many groups of a person are looked at.
const maxGroups = 500

func (i *Issuer) person(c claims, get func(name string, v any) bool) registrant.Person {
	p := registrant.Person{Addresses: address(c, i.Trust), Facts: facts(c)}
	if name := c.Text("preferred_username"); name != "" && len(name) <= maxName && !strings.ContainsFunc(name, unicode.IsControl) {
		p.Facts[user.PreferredName] = &name
	}
	for _, a := range p.Addresses {
		p.Facts[user.EmailAttr] = user.Text(a.Display)
		verified := "false"
		if c.True("email_verified") {
			verified = "true"
		}
		p.Facts[user.EmailVerified] = &verified
	}
	var groups []string
	if get("groups", &groups) && groups != nil {
		p.Groups = plainTexts(groups)
	}
	return p
}

// plainTexts leaves out what is no name.
func plainTexts(in []string) []string {
	in = slices.DeleteFunc(in, func(s string) bool {
		return s == "" || len(s) > maxName || strings.ContainsFunc(s, unicode.IsControl)
	})
	return in[:min(len(in), maxGroups)]
}
