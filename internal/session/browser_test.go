package session_test

import (
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// A browser's token is no other kind of token, nor is one of them it, and it dies
// with its session, its user's epoch or its time.
func browserAlone(w *world) {
	p := w.person("Ada")
	_, pair := w.begun(p, user.DoorPartner)
	begin := func() (text string, sess user.Session) {
		b, err := w.sessions.NewBrowser()
		if err != nil {
			w.Fatal(err)
		}
		w.update(func(tx store.Tx) error {
			u, err := tx.User(p.user.ID)
			if err != nil {
				return err
			}
			sess, err = w.sessions.IssueBrowser(tx, user.Session{User: u.ID, Strand: p.strand.ID, Door: user.DoorSunbird, Epoch: u.Epoch, Methods: []string{"sms"}}, b)
			return err
		})
		return b.Text, sess
	}
	text, sess := begin()
	live, err := w.sessions.Browser(w.Context(), text)
	if err != nil || live.Session.ID != sess.ID || live.User.ID != p.user.ID {
		w.Errorf("%+v, %v", live, err)
	}
	for _, other := range []string{"", pair.Access, pair.Refresh, text + "0"} {
		_, err := w.sessions.Browser(w.Context(), other)
		w.dead(err)
	}
	_, err = w.sessions.Access(w.Context(), text)
	w.dead(err)
	w.update(func(tx store.Tx) error { return session.End(tx, sess, session.Ending{Why: session.SignedOut}) })
	_, err = w.sessions.Browser(w.Context(), text)
	w.dead(err)

	text, _ = begin()
	w.clock.advance(session.BrowserLife)
	_, err = w.sessions.Browser(w.Context(), text)
	w.dead(err)

	text, _ = begin()
	w.change(p.user.ID, func(u *user.User) { u.Epoch++ })
	_, err = w.sessions.Browser(w.Context(), text)
	w.dead(err)
}
