package session_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Given a live session with an access token and an edi-token, when anything
// happens that ends it, then neither is good any more, from the next request
// on (security T13).
func TestWhatEndsASession(t *testing.T) {
	ends := map[string]func(w *world, p person, s user.Session){
		"it is revoked": func(w *world, _ person, s user.Session) {
			w.update(func(tx store.Tx) error { _, err := tx.EndSessions(s.User, "", tx.Now()); return err })
		},
		"its strand's sessions end": func(w *world, _ person, s user.Session) {
			w.update(func(tx store.Tx) error { _, err := tx.EndSessions(s.User, s.Strand, tx.Now()); return err })
		},
		"the epoch moves": func(w *world, p person, _ user.Session) { w.change(p.user.ID, func(u *user.User) { u.Epoch++ }) },
		"the user archives": func(w *world, p person, _ user.Session) {
			w.change(p.user.ID, func(u *user.User) { u.Status = user.Archived })
		},
		"the user is deleted": func(w *world, p person, _ user.Session) {
			w.change(p.user.ID, func(u *user.User) { u.Status = user.Deleted })
		},
		"the user is set aside": func(w *world, p person, _ user.Session) {
			w.change(p.user.ID, func(u *user.User) { u.Status = user.SetAside })
		},
		"the user is locked": func(w *world, p person, _ user.Session) {
			w.update(func(tx store.Tx) error {
				return store.Put(tx, user.Lock{User: p.user.ID, Source: "operator", At: tx.Now()})
			})
		},
		"the user is erased": func(w *world, p person, _ user.Session) {
			w.update(func(tx store.Tx) error {
				u, err := tx.User(p.user.ID)
				if err != nil {
					return err
				}
				return ledger.Open(tx, policy.Default(), "x").Erase(u, user.ClosedByPerson)
			})
		},
		"the user is merged into another":   func(w *world, p person, _ user.Session) { w.merge(w.person("Other").user.ID, p.user.ID) },
		"another is merged into the user":   func(w *world, p person, _ user.Session) { w.merge(p.user.ID, w.person("Other").user.ID) },
		"the session's time is over":        func(w *world, _ person, _ user.Session) { w.clock.advance(session.RefreshLife) },
		"the token's time is over (longer)": func(w *world, _ person, _ user.Session) { w.clock.advance(session.CookieLife) },
	}
	each(t, func(w *world) {
		all := w.T
		for name, end := range ends {
			all.Run(name, func(t *testing.T) {
				w.T = t
				p := w.person("Ada")
				text, cookieSession := w.cookie(p)
				s, pair := w.begun(p, user.DoorPartner)
				access, err := w.sessions.Access(t.Context(), pair.Access)
				if err != nil || access.User.ID != p.user.ID || access.Session.ID != s.ID {
					t.Fatalf("given a live access token: %+v, %v", access, err)
				}
				live, err := w.sessions.Cookie(t.Context(), text)
				if err != nil || live.User.ID != p.user.ID || live.Session.ID != cookieSession.ID {
					t.Fatalf("given a live edi-token: %+v, %v", live, err)
				}
				end(w, p, s)
				_, err = w.sessions.Access(t.Context(), pair.Access)
				w.dead(err)
				if name == "the token's time is over (longer)" {
					if _, err = w.sessions.Cookie(t.Context(), text); err == nil {
						t.Error("an edi-token outlived its eight hours")
					}
					return
				}
				_, err = w.sessions.Cookie(t.Context(), text)
				w.dead(err)
				_, _, err = w.sessions.MintCookie(t.Context(), live)
				w.dead(err)
			})
		}
		w.T = all
	})
}

func (w *world) merge(into, other user.ID) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		a, err := tx.User(into)
		if err != nil {
			return err
		}
		b, err := tx.User(other)
		if err != nil {
			return err
		}
		_, err = ledger.Open(tx, policy.Default(), "x").Merge(a, b)
		return err
	})
}

func TestSession(t *testing.T) {
	each(t, func(w *world) {
		for name, run := range map[string]func(*world){
			"access": accessAlone, "claims": ediTokenClaims, "foreign tokens": foreignTokens,
			"cookies": cookiesOfOthers, "minting": minting, "original": originalTokens,
			"rotation": rotatedKeys, "one access token": oneAccessToken,
		} {
			all := w.T
			all.Run(name, func(t *testing.T) {
				w.T = t
				run(w)
			})
			w.T = all
		}
	})
}

// An access token is one text, good for its hour, and no other kind of token
// is one.
func accessAlone(w *world) {
	p := w.person("Ada")
	_, pair := w.begun(p, user.DoorPartner)
	cookie, _ := w.cookie(p)
	for _, text := range []string{"", pair.Refresh, strings.ToUpper(pair.Access), pair.Access + " ", pair.Access[1:], strings.Repeat("0", 40), cookie} {
		_, err := w.sessions.Access(w.Context(), text)
		w.dead(err)
	}
	live, err := w.sessions.Access(w.Context(), pair.Access)
	if err != nil || !live.IssuedAt.Equal(w.clock.Now()) {
		w.Errorf("issued at %v, %v", live.IssuedAt, err)
	}
	w.clock.advance(session.AccessLife - time.Second)
	if _, err := w.sessions.Access(w.Context(), pair.Access); err != nil {
		w.Errorf("within the hour: %v", err)
	}
	w.clock.advance(time.Second)
	_, err = w.sessions.Access(w.Context(), pair.Access)
	w.dead(err)
}

// An access token without a refresh token dies with its session or its time.
func oneAccessToken(w *world) {
	p := w.person("Ada")
	s, _ := w.begun(p, user.DoorPartner)
	a, err := w.sessions.NewAccess()
	if err != nil {
		w.Fatal(err)
	}
	w.update(func(tx store.Tx) error { return a.Keep(tx, s.ID, tx.Now().Add(time.Minute)) })
	if live, err := w.sessions.Access(w.Context(), a.Text); err != nil || live.Session.ID != s.ID {
		w.Errorf("%+v, %v", live, err)
	}
	w.clock.advance(time.Minute)
	_, err = w.sessions.Access(w.Context(), a.Text)
	w.dead(err)
}

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
		return store.Insert(tx, user.Membership{Group: g.ID, User: u.ID, Strand: p.strand.ID, Since: tx.Now()})
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
	principals, _ := claims["principals"].([]any)
	if claims["isEmailEnabled"] != true || claims["idpName"] != "system" || len(principals) != 3 ||
		!slices.Contains(principals, any("EDI-bdae74972ed710c56b1e0df18ccb6e23c31f60f6")) {
		w.Errorf("claims %s", payload)
	}
}

// What is signed by the right key and still is no edi-token, and the reverse.
func foreignTokens(w *world) {
	p := w.person("Ada")
	_, s := w.cookie(p)
	now := w.clock.Now().Unix()
	claims := func(change func(map[string]any)) map[string]any {
		c := map[string]any{"sub": p.number, "iss": issuer, "hd": hd, "iat": now, "nbf": now, "exp": now + 3600, "jti": s.ID}
		change(c)
		return c
	}
	sign := func(c map[string]any, typ string) string {
		text, err := w.settings.Ring().Sign(c, typ)
		if err != nil {
			w.Fatal(err)
		}
		return text
	}
	if _, err := w.sessions.Cookie(w.Context(), sign(claims(func(map[string]any) {}), "JWT")); err != nil {
		w.Fatalf("given claims that are enough: %v", err)
	}
	for name, change := range map[string]func(map[string]any){
		"another hd":          func(c map[string]any) { c["hd"] = "elsewhere.org" },
		"no hd":               func(c map[string]any) { delete(c, "hd") },
		"another issuer":      func(c map[string]any) { c["iss"] = "https://elsewhere.org" },
		"no issuer":           func(c map[string]any) { delete(c, "iss") },
		"an audience":         func(c map[string]any) { c["aud"] = "client" },
		"another subject":     func(c map[string]any) { c["sub"] = "EDI-0" },
		"no subject":          func(c map[string]any) { delete(c, "sub") },
		"no session":          func(c map[string]any) { delete(c, "jti") },
		"a session of nobody": func(c map[string]any) { c["jti"] = "0" },
		"no exp":              func(c map[string]any) { delete(c, "exp") },
		"expired":             func(c map[string]any) { c["exp"] = now },
		"a text as exp":       func(c map[string]any) { c["exp"] = "tomorrow" },
		"of the future":       func(c map[string]any) { c["nbf"] = now + 60 },
	} {
		if _, err := w.sessions.Cookie(w.Context(), sign(claims(change), "JWT")); err == nil {
			w.Errorf("%s was taken", name)
		} else {
			w.dead(err)
		}
	}
	_, err := w.sessions.Cookie(w.Context(), sign(claims(func(map[string]any) {}), "at+jwt"))
	w.dead(err)
	for name, header := range map[string]string{
		"another key":              `{"alg":"ES256","typ":"JWT","kid":"x"}`,
		"the kid of usher's":       fmt.Sprintf(`{"alg":"ES256","typ":"JWT","kid":%q}`, kidOf(sign(claims(func(map[string]any) {}), "JWT"))),
		"no algorithm":             `{"alg":"none","typ":"JWT"}`,
		"a symmetric one":          `{"alg":"HS256","typ":"JWT"}`,
		"a critical header member": `{"alg":"ES256","typ":"JWT","crit":["x"],"x":1}`,
	} {
		key := *w.original
		_, err := w.sessions.Cookie(w.Context(), jws(w.T, &key, header, claims(func(map[string]any) {})))
		if err == nil {
			w.Errorf("%s was taken", name)
		} else {
			w.dead(err)
		}
	}
	for _, text := range []string{"", ".", "..", "a.b.c", strings.Repeat("a", 20_000)} {
		_, err := w.sessions.Cookie(w.Context(), text)
		w.dead(err)
	}
}

func kidOf(text string) string {
	var h struct {
		KID string `json:"kid"`
	}
	raw, _ := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[0])
	_ = json.Unmarshal(raw, &h)
	return h.KID
}

// A partner's session makes no edi-token good.
func cookiesOfOthers(w *world) {
	p := w.person("Ada")
	s, _ := w.begun(p, user.DoorPartner)
	text, err := w.sessions.SignCookie(s, session.Person{Profile: p.user.Profile}, w.clock.Now().Add(time.Hour))
	if err != nil {
		w.Fatal(err)
	}
	_, err = w.sessions.Cookie(w.Context(), text)
	w.dead(err)
}

// A fresh edi-token lengthens its session to its own life, never shortens it,
// and shows the person as they are now.
func minting(w *world) {
	p := w.person("Ada")
	var s user.Session
	w.update(func(tx store.Tx) error {
		s = user.Session{
			ID: tx.NewID(), User: p.user.ID, Strand: p.strand.ID, Door: user.DoorEDI, Subject: p.number, Epoch: p.user.Epoch,
			Created: tx.Now(), Proven: tx.Now(), Expires: tx.Now().Add(session.CookieLife),
		}
		return store.Insert(tx, s)
	})
	w.clock.advance(session.CookieLife - time.Minute)
	name := "Ada King"
	w.change(p.user.ID, func(u *user.User) { u.Profile = user.Profile{user.Name: {Value: &name}} })
	text, until, err := w.sessions.MintCookie(w.Context(), session.Live{Session: s, User: p.user})
	if err != nil || !until.Equal(w.clock.Now().Add(session.CookieLife)) {
		w.Fatalf("until %v, %v", until, err)
	}
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[1])
	if !strings.Contains(string(payload), name) {
		w.Errorf("shows %s", payload)
	}
	w.clock.advance(session.CookieLife - time.Second)
	live, err := w.sessions.Cookie(w.Context(), text)
	if err != nil || !live.IssuedAt.Equal(w.clock.Now().Add(time.Second-session.CookieLife)) {
		w.Errorf("within eight hours: issued %v, %v", live.IssuedAt, err)
	}
	w.clock.advance(time.Second)
	_, err = w.sessions.Cookie(w.Context(), text)
	w.dead(err)

	long, _ := w.begun(p, user.DoorEDI)
	if _, _, err := w.sessions.MintCookie(w.Context(), session.Live{Session: long, User: p.user}); err != nil {
		w.Fatal(err)
	}
	w.update(func(tx store.Tx) error {
		st, err := tx.Session(long.ID)
		if !st.Session.Expires.Equal(long.Expires) {
			w.Errorf("a longer session now ends %v, before %v", st.Session.Expires, long.Expires)
		}
		return err
	})
}

// Tokens of the service that usher took over from keep working until what they
// stand for changes hands.
func originalTokens(w *world) {
	claims := func(p person, iat time.Time) map[string]any {
		return map[string]any{
			"sub": p.number, "cn": "Ada", "iss": issuer, "hd": hd, "iat": iat.Unix(), "nbf": iat.Unix(), "exp": iat.Add(8 * time.Hour).Unix(),
			"principals": []string{}, "avatarUrl": "x",
		}
	}
	const header = `{"alg":"ES256","typ":"JWT"}`
	p := w.person("Ada")
	begun := w.clock.Now().Add(-time.Hour)
	text := jws(w.T, w.original, header, claims(p, begun))
	first, err := w.sessions.Cookie(w.Context(), text)
	if err != nil || first.User.ID != p.user.ID || first.Session.Subject != p.number || !first.IssuedAt.Equal(begun) {
		w.Fatalf("%+v, %v", first, err)
	}
	again, err := w.sessions.Cookie(w.Context(), text)
	if err != nil || again.Session.ID != first.Session.ID {
		w.Errorf("the second time %s, %v", again.Session.ID, err)
	}
	// Another encoding of the same claims is the same session.
	reordered := jws(w.T, w.original, `{"typ":"JWT","alg":"ES256"}`, claims(p, begun))
	if other, err := w.sessions.Cookie(w.Context(), reordered); err != nil || other.Session.ID != first.Session.ID {
		w.Errorf("signed again %s, %v", other.Session.ID, err)
	}
	fresh, _, err := w.sessions.MintCookie(w.Context(), first)
	if err != nil {
		w.Fatal(err)
	}
	if live, err := w.sessions.Cookie(w.Context(), fresh); err != nil || live.Session.ID != first.Session.ID {
		w.Errorf("renewed as %+v, %v", live, err)
	}
	for name, change := range map[string]func(map[string]any){
		"another hd": func(c map[string]any) { c["hd"] = "elsewhere.org" },
		"nobody":     func(c map[string]any) { c["sub"] = "EDI-0" },
		"no subject": func(c map[string]any) { delete(c, "sub") },
		"no exp":     func(c map[string]any) { delete(c, "exp") },
	} {
		c := claims(p, begun)
		change(c)
		if _, err := w.sessions.Cookie(w.Context(), jws(w.T, w.original, header, c)); err == nil {
			w.Errorf("%s was taken", name)
		} else {
			w.dead(err)
		}
	}
	_, err = w.sessions.Cookie(w.Context(), jws(w.T, w.original, `{"alg":"ES256","typ":"JWT","kid":"x"}`, claims(p, begun)))
	w.dead(err)

	// Once ended, or once the proofs changed hands, no such token begins anew.
	w.update(func(tx store.Tx) error { _, err := tx.EndSessions(p.user.ID, "", tx.Now()); return err })
	_, err = w.sessions.Cookie(w.Context(), text)
	w.dead(err)
	if _, err = w.sessions.Cookie(w.Context(), jws(w.T, w.original, header, claims(p, begun.Add(time.Minute)))); err != nil {
		w.Errorf("another token of the same person: %v", err)
	}
	w.change(p.user.ID, func(u *user.User) { u.Epoch++ })
	for _, iat := range []time.Time{begun.Add(time.Minute), begun.Add(2 * time.Minute)} {
		_, err = w.sessions.Cookie(w.Context(), jws(w.T, w.original, header, claims(p, iat)))
		w.dead(err)
	}
}

// A token that was remembered as verified is dead with the key that signed it.
func rotatedKeys(w *world) {
	p := w.person("Ada")
	s, _ := w.begun(p, user.DoorEDI)
	w.update(func(tx store.Tx) error {
		s.Expires = tx.Now().Add(1000 * 24 * time.Hour)
		return store.Put(tx, s)
	})
	text, err := w.sessions.SignCookie(s, session.Person{}, s.Expires)
	if err != nil {
		w.Fatal(err)
	}
	for range 2 {
		if _, err := w.sessions.Cookie(w.Context(), text); err != nil {
			w.Fatal(err)
		}
	}
	for range 2 {
		w.clock.advance(91 * 24 * time.Hour)
		if err := w.settings.Rotate(w.Context()); err != nil {
			w.Fatal(err)
		}
	}
	_, err = w.sessions.Cookie(w.Context(), text)
	w.dead(err)
}
