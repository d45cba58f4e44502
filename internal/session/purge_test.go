package session_test

import (
	"slices"
	"time"

	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// A session is kept for a while after its end and then forgotten, with its
// tokens; one that lives, and one that was ended before its time, stay.
func purgedSessions(w *world) {
	p := w.person("Ada")
	old, pair := w.begun(p, user.DoorPartner)
	w.clock.advance(session.RefreshLife)
	const keep = 24 * time.Hour
	purge := func() (n int) {
		w.Helper()
		w.update(func(tx store.Tx) error {
			var err error
			n, err = tx.Purge(tx.Now().Add(-keep))
			return err
		})
		return n
	}
	purge() // what other tests left
	left := func(want ...user.ID) {
		w.Helper()
		w.update(func(tx store.Tx) error {
			ss, err := tx.Sessions(p.user.ID)
			var have []user.ID
			for _, s := range ss {
				have = append(have, s.ID)
			}
			if !slices.Equal(have, want) {
				w.Errorf("left %s, want %s", have, want)
			}
			return err
		})
	}
	left(old.ID)
	w.clock.advance(keep + time.Second)
	live, livePair := w.begun(p, user.DoorPartner)
	ended, _ := w.begun(p, user.DoorPartner)
	w.update(func(tx store.Tx) error { return session.End(tx, ended, session.Ending{Why: session.SignedOut}) })
	if n := purge(); n < 2 {
		w.Errorf("%d rows", n)
	}
	left(live.ID, ended.ID)
	if n := purge(); n != 0 {
		w.Errorf("%d rows the second time", n)
	}
	_, err := w.sessions.Access(w.Context(), pair.Access)
	w.dead(err)
	if _, err := w.sessions.Access(w.Context(), livePair.Access); err != nil {
		w.Errorf("the live one: %v", err)
	}
}
