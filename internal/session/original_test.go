package session_test

import (
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

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
