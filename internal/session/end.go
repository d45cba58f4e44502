package session

import (
	"fmt"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Ending says on whose word sessions end, and why.
type Ending struct {
	Actor string    // as of event.New
	Door  user.Door // where it was asked for, if at a door
	Why   Why
}

// Why is why a session ended before its time.
type Why string

const (
	SignedOut       Why = "signed_out"       // the person's wish
	Revoked         Why = "revoked"          // somebody else's word
	Reused          Why = "refresh_reused"   // somebody has a copy of its refresh token
	PasswordChanged Why = "password_changed" // the old one opened it
	OwnerChanged    Why = "owner_changed"    // the proofs are somebody else's now
	Locked          Why = "locked"
	Left            Why = "left" // the strand, or the door, was left
)

// End ends one session from the next request on. One that has ended already
// stays as it is.
func End(tx store.Tx, sess user.Session, e Ending) error {
	if !sess.Revoked.IsZero() {
		return nil
	}
	first, err := tx.EndSession(sess.ID, tx.Now())
	if err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	if !first {
		return nil
	}
	return e.append(tx, sess.User, map[string]any{"session": sess.ID})
}

// EndAll ends a user's live sessions, or those of one strand when it is not
// empty. It writes one event, and none where no session was live.
func EndAll(tx store.Tx, u, strand user.ID, e Ending) error {
	n, err := tx.EndSessions(u, strand, tx.Now())
	if err != nil {
		return fmt.Errorf("ending the sessions of %s: %w", u, err)
	}
	if n == 0 {
		return nil
	}
	body := map[string]any{"sessions": n}
	if strand != "" {
		body["strand"] = strand
	}
	return e.append(tx, u, body)
}

func (e Ending) append(tx store.Tx, u user.ID, body map[string]any) error {
	body["why"] = e.Why
	return event.Append(tx, event.New{Kind: event.SessionEnded, User: u, Actor: e.Actor, Door: e.Door, Body: body})
}
