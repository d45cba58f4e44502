package session_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// The edi-token carries the original's claims in the original's order (contract
// edi.md, section 2), and the session's id.
func ediTokenClaims(w *world) {
	p := w.person("Ada Lovelace")
	text, s := w.cookie(p)
	parts := strings.Split(text, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		w.Fatal(err)
	}
	iat := w.clock.Now().Unix()
	want := fmt.Sprintf(`{"sub":%q,"cn":"Ada Lovelace","email":%q,`+
		`"principals":["EDI-078e6e3cee4f7f2812f150701da9351acb51e089","EDI-7be3510d08def0dfc667824ebd4f4f1bbd770234"],`+
		`"links":[],"isEmailEnabled":false,"isEmailVerified":false,"idpCommonName":"Ada Lovelace","idpName":"orcid",`+
		`"idpUid":%q,"iss":%q,"hd":%q,"iat":%d,"nbf":%d,"exp":%d,"jti":%q}`,
		p.number, p.user.Profile.Text(user.EmailAttr), "https://orcid.org/"+p.orcid, issuer, hd, iat, iat, iat+8*60*60, s.ID)
	if string(payload) != want {
		w.Errorf("claims\n got %s\nwant %s", payload, want)
	}
	var header struct{ Alg, Typ, KID string }
	raw, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil || json.Unmarshal(raw, &header) != nil || header.Alg != "ES256" || header.Typ != "JWT" || header.KID == "" {
		w.Errorf("header %s, %v", raw, err)
	}

	// Somebody vetted who wants mail, of whom nothing else is known.
	w.update(func(tx store.Tx) error {
		yes := "true"
		g, err := tx.GroupByName(user.GroupSystem, user.Vetted)
		if errors.Is(err, store.ErrNotFound) {
			g = user.Group{ID: tx.NewID(), Kind: user.GroupSystem, Name: user.Vetted, System: true, Created: tx.Now()}
			err = store.Insert(tx, g)
		}
		if err != nil {
			return err
		}
		u, err := tx.User(p.user.ID)
		if err != nil {
			return err
		}
		u.Profile = user.Profile{user.Notifications: {Value: &yes}}
		if err := store.Put(tx, u); err != nil {
			return err
		}
		if err := store.Delete(tx, user.Identity{Issuer: "https://orcid.org", Subject: p.orcid}); err != nil {
			return err
		}
		in := func(g user.Group, role string) error {
			if g.ID == "" {
				g.ID, g.Created = tx.NewID(), tx.Now()
				if err := store.Insert(tx, g); err != nil {
					return err
				}
			}
			return store.Insert(tx, user.Membership{Group: g.ID, User: u.ID, Strand: p.strand.ID, Role: role, Since: tx.Now()})
		}
		return errors.Join(
			in(g, ""), in(user.Group{Kind: user.GroupEDI, Name: "EDI-joined"}, ""), in(user.Group{Kind: user.GroupEDI, Name: "EDI-led"}, "owner,member"),
			in(user.Group{Kind: user.GroupEDI, Name: "EDI-owned"}, user.MemberOwner), in(user.Group{Kind: user.GroupPlain, Name: "EDI-plain"}, ""),
		)
	})
	text, _ = w.cookie(p)
	payload, err = base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[1])
	if err != nil {
		w.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		w.Fatal(err)
	}
	for _, name := range []string{"cn", "email", "idpCommonName", "idpUid"} {
		if v, there := claims[name]; !there || v != nil {
			w.Errorf("%s is %v, want null", name, v)
		}
	}
	// Public, authenticated, Vetted and the groups they are a member of; not the
	// one they own and left, nor one of another kind.
	principals := []any{
		"EDI-078e6e3cee4f7f2812f150701da9351acb51e089", "EDI-7be3510d08def0dfc667824ebd4f4f1bbd770234",
		"EDI-bdae74972ed710c56b1e0df18ccb6e23c31f60f6", "EDI-joined", "EDI-led",
	}
	if got, _ := claims["principals"].([]any); claims["isEmailEnabled"] != true || claims["idpName"] != "system" || !slices.Equal(got, principals) {
		w.Errorf("claims %s", payload)
	}
}

// Who signs in at the EDI door has a session for as long as its token, which says whom
// they came by: not the reservation that waited for them.
func signingIn(w *world) {
	p := w.person("Ada Lovelace")
	w.update(func(tx store.Tx) error {
		if err := store.Delete(tx, user.Identity{Issuer: "https://orcid.org", Subject: p.orcid}); err != nil {
			return err
		}
		for _, i := range []user.Identity{
			{Issuer: "email", Subject: p.orcid + "@example.org", Reserved: true}, {Issuer: sso, Subject: "ada-" + p.orcid},
		} {
			i.User, i.Strand, i.Created = p.user.ID, p.strand.ID, tx.Now()
			if err := store.Insert(tx, i); err != nil {
				return err
			}
		}
		return nil
	})
	var (
		s      user.Session
		person session.Person
	)
	w.update(func(tx store.Tx) (err error) {
		s, person, err = w.sessions.IssueCookie(tx, user.Session{User: p.user.ID, Strand: p.strand.ID, Subject: p.number, Epoch: p.user.Epoch, Methods: []string{"fed"}})
		return err
	})
	if now := w.clock.Now(); s.Door != user.DoorEDI || !s.Proven.Equal(now) || !s.Expires.Equal(now.Add(session.CookieLife)) {
		w.Errorf("the session is %+v", s)
	}
	text, err := w.sessions.SignCookie(s, person, s.Expires)
	if err != nil {
		w.Fatal(err)
	}
	live, err := w.sessions.Cookie(w.Context(), text)
	if err != nil || live.Session.ID != s.ID || live.User.ID != p.user.ID {
		w.Errorf("%+v, %v", live, err)
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[1])
	if err != nil || !strings.Contains(string(payload), `"idpName":"keycloak","idpUid":"ada-`+p.orcid+`"`) {
		w.Errorf("claims %s, %v", payload, err)
	}
	shown := w.sessions.Shown(person)
	if *shown["cn"] != "Ada Lovelace" || *shown["idpName"] != "keycloak" || *shown["idpUid"] != "ada-"+p.orcid || !strings.Contains(*shown["email"], "@") {
		w.Errorf("shown %v", shown)
	}
	// The original's own names come first.
	person.Identity = &user.Identity{Issuer: "https://orcid.org", Subject: p.orcid}
	if shown := w.sessions.Shown(person); *shown["idpName"] != "orcid" || *shown["idpUid"] != "https://orcid.org/"+p.orcid {
		w.Errorf("shown %v", shown)
	}
}
