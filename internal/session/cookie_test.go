package session_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

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

// A session that is renewed as often as can be ends thirty days after it began.
func renewedForEver(w *world) {
	p := w.person("Ada")
	s, _ := w.begun(p, user.DoorEDI)
	live, began := session.Live{Session: s, User: p.user}, w.clock.Now()
	const longest = 30 * 24 * time.Hour
	for {
		text, until, err := w.sessions.MintCookie(w.Context(), live)
		if err != nil {
			w.Fatal(err)
		}
		if until.After(began.Add(longest)) {
			w.Fatalf("good until %v after it began", until.Sub(began))
		}
		if until.Equal(began.Add(longest)) {
			w.clock.advance(until.Sub(w.clock.Now()))
			_, err := w.sessions.Cookie(w.Context(), text)
			w.dead(err)
			_, _, err = w.sessions.MintCookie(w.Context(), live)
			w.dead(err)
			return
		}
		w.clock.advance(session.CookieLife - time.Hour)
		if live, err = w.sessions.Cookie(w.Context(), text); err != nil {
			w.Fatal(err)
		}
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
