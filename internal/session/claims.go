package session

import (
	"fmt"
	"slices"
	"time"

	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// The EDI numbers of the original's system profiles and group, the same in
// every deployment (contract edi.md, section 2).
const (
	ediPublic        = "EDI-078e6e3cee4f7f2812f150701da9351acb51e089"
	ediAuthenticated = "EDI-7be3510d08def0dfc667824ebd4f4f1bbd770234"
	ediVetted        = "EDI-bdae74972ed710c56b1e0df18ccb6e23c31f60f6"
)

// Person is what an edi-token says beside the session.
type Person struct {
	Profile    user.Profile
	Identity   *user.Identity // the first that somebody came by, else the first that is known, if any
	Principals []string
}

// PersonOf reads what an edi-token says of a user.
func PersonOf(r store.Reader, u user.User) (Person, error) {
	p := Person{Profile: u.Profile, Principals: []string{ediPublic, ediAuthenticated}}
	identities, err := r.Identities(u.ID)
	if err != nil {
		return p, fmt.Errorf("reading identities: %w", err)
	}
	for i := range identities {
		if p.Identity == nil || p.Identity.Reserved && !identities[i].Reserved {
			p.Identity = &identities[i]
		}
	}
	in, err := memberOf(r, u.ID)
	if err != nil {
		return p, err
	}
	p.Principals = append(p.Principals, in...)
	slices.Sort(p.Principals)
	return p, nil
}

// memberOf gives the EDI numbers of the groups that a user is a member of.
func memberOf(r store.Reader, u user.ID) (numbers []string, err error) {
	groups, err := r.GroupsOf(u)
	if err != nil {
		return nil, fmt.Errorf("reading groups: %w", err)
	}
	memberships, err := r.Memberships(u)
	if err != nil {
		return nil, fmt.Errorf("reading memberships: %w", err)
	}
	for _, g := range groups {
		switch {
		case g.Kind == user.GroupSystem && g.Name == user.Vetted:
			numbers = append(numbers, ediVetted)
		case g.Kind == user.GroupEDI && slices.ContainsFunc(memberships, func(m user.Membership) bool {
			return m.Group == g.ID && m.Role != user.MemberOwner
		}):
			numbers = append(numbers, g.Name)
		}
	}
	return numbers, nil
}

// ediClaims are the original's claims, in its order, and jti, which names the
// session. Authorisation never reads principals.
type ediClaims struct {
	Subject       string   `json:"sub"`
	Name          *string  `json:"cn"`
	Email         *string  `json:"email"`
	Principals    []string `json:"principals"`
	Links         []string `json:"links"`
	EmailEnabled  bool     `json:"isEmailEnabled"`
	EmailVerified bool     `json:"isEmailVerified"`
	IDPName       *string  `json:"idpCommonName"`
	IDP           string   `json:"idpName"`
	IDPUID        *string  `json:"idpUid"`
	Issuer        string   `json:"iss"`
	HD            string   `json:"hd"`
	IssuedAt      int64    `json:"iat"`
	NotBefore     int64    `json:"nbf"`
	Expires       int64    `json:"exp"`
	ID            user.ID  `json:"jti"`
}

// providers, never written to, are the original's names of where a person
// signs in.
var providers = map[string]string{
	normal.IssuerORCID:  "orcid",
	normal.IssuerGitHub: "github",
	normal.IssuerGoogle: "google",
	normal.IssuerLDAP:   "ldap",
}

// provider gives the original's name of where a person signs in, and of the person
// there: the subject, where an idp_uid has no form for that issuer.
func (s *Service) provider(i user.Identity) (name string, uid *string) {
	known, ok := providers[i.Issuer]
	if !ok {
		if known, ok = s.edi.Providers[i.Issuer]; ok {
			uid = &i.Subject
		}
	}
	if text, ok := (normal.Identity{Issuer: i.Issuer, Subject: i.Subject}).Name(); ok {
		uid = &text
	}
	if known == "" || i.Reserved {
		known = "skeleton"
	}
	return known, uid
}

// Shown gives what an edi-token says of a person, by its claims' names: cn, email,
// idpName and idpUid; nil for what is not known.
func (s *Service) Shown(p Person) map[string]*string {
	out := map[string]*string{"cn": p.Profile.Get(user.Name), "email": p.Profile.Get(user.EmailAttr)}
	if p.Identity != nil {
		name, uid := s.provider(*p.Identity)
		out["idpName"], out["idpUid"] = &name, uid
	}
	return out
}

// SignCookie makes the edi-token of a session.
func (s *Service) SignCookie(sess user.Session, p Person, expires time.Time) (string, error) {
	now := s.now().Unix()
	c := ediClaims{
		Subject: sess.Subject, Name: p.Profile.Get(user.Name), Email: p.Profile.Get(user.EmailAttr),
		Principals: p.Principals, Links: []string{},
		EmailEnabled: p.Profile.Text(user.Notifications) == "true",
		IDPName:      p.Profile.Get(user.Name), IDP: "system",
		Issuer: s.edi.Issuer, HD: s.edi.HD, IssuedAt: now, NotBefore: now, Expires: expires.Unix(), ID: sess.ID,
	}
	if p.Identity != nil {
		c.IDP, c.IDPUID = s.provider(*p.Identity)
	}
	text, err := s.rings.Ring().Sign(c, "JWT")
	if err != nil {
		return "", fmt.Errorf("signing an edi-token: %w", err)
	}
	return text, nil
}

// idClaims are those of the partner door's idToken (contract partner.md).
type idClaims struct {
	Issuer        string `json:"iss"`
	Subject       string `json:"sub"`
	Audience      string `json:"aud"`
	Email         string `json:"email,omitempty"`
	EmailVerified bool   `json:"email_verified"`
	IssuedAt      int64  `json:"iat"`
	Expires       int64  `json:"exp"`
}

// IDToken makes the ID token of a sign-in: sub is the door's id of the user,
// aud the client's own name. It lives as long as an access token.
func (s *Service) IDToken(issuer, subject, audience string, p user.Profile) (string, error) {
	now := s.now()
	text, err := s.rings.Ring().Sign(idClaims{
		Issuer: issuer, Subject: subject, Audience: audience,
		Email: p.Text(user.EmailAttr), EmailVerified: p.Text(user.EmailVerified) == "true",
		IssuedAt: now.Unix(), Expires: now.Add(AccessLife).Unix(),
	}, "JWT")
	if err != nil {
		return "", fmt.Errorf("signing an ID token: %w", err)
	}
	return text, nil
}
