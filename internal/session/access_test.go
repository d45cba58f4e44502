package session_test

import (
	"strings"
	"time"

	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

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
