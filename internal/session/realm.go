package session

import (
	"errors"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// RealmLife is how long a session of an outside realm's lives here after the realm
// was last asked about it. Its tokens end sooner; this bounds what is kept.
const RealmLife = longestLife

// BeginRealm begins a session that stands for one of an outside realm's, known by
// key, or goes on with it: the realm has just been asked about a token issued then.
// BadToken for one that is older than the end of that session here.
func BeginRealm(tx store.Tx, in user.Session, key []byte, issued time.Time) error {
	now := tx.Now()
	st, err := tx.Token(key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("looking for a session: %w", err)
	}
	until := now.Add(RealmLife)
	if ended := st.Session.Revoked; !ended.IsZero() && !issued.After(ended) {
		return user.Refuse(user.BadToken, "token")
	}
	if err == nil {
		if _, dead := alive(st.SessionState, now); dead == nil && st.Session.User == in.User {
			in.ID, in.Created = st.Session.ID, st.Session.Created
		}
	}
	began := in.ID == ""
	if began {
		in.ID, in.Created = tx.NewID(), now
	}
	in.Proven, in.Expires = now, until
	if issued.After(now) { // the realm's clock is ahead
		in.Proven = issued
	}
	if err := store.Put(tx, in); err != nil {
		return fmt.Errorf("keeping a session: %w", err)
	}
	t := user.Token{Hash: key, Kind: user.RealmToken, Session: in.ID, Created: now, Expires: until}
	if err := store.Put(tx, t); err != nil {
		return fmt.Errorf("keeping the name of a session: %w", err)
	}
	if !began {
		return nil
	}
	return event.Append(tx, event.New{
		Kind: event.SessionStarted, User: in.User, Actor: string(in.User), Door: in.Door,
		Body: map[string]any{"session": in.ID, "methods": in.Methods, "realm": in.Client},
	})
}

// OfRealm says whether a session that stands for an outside realm's is alive.
func OfRealm(st store.TokenState, now time.Time) (Live, bool) {
	if st.Token.Kind != user.RealmToken || !st.Token.Expires.After(now) {
		return Live{}, false
	}
	live, err := alive(st.SessionState, now)
	return live, err == nil
}
