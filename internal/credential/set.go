package credential

import (
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/notify"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Change is a password that its user chose.
type Change struct {
	User   user.User
	Strand user.ID // what it hangs on
	Hash   string
	Door   user.Door
	// How is for the record: "changed", "reset", "set".
	How string
}

// Set makes it the user's one password. What could still be used of before ends:
// sessions at every door, refresh tokens, mailed tokens, waits for wrong tries.
// It writes the user and gives it back.
func Set(tx store.Tx, pol policy.Policy, c Change) (user.User, error) {
	u, now := c.User, tx.Now()
	old, err := tx.Passwords(u.ID)
	if err != nil {
		return u, fmt.Errorf("reading the passwords of %s: %w", u.ID, err)
	}
	for _, p := range old {
		if err := store.Delete(tx, p); err != nil {
			return u, fmt.Errorf("ending a password of %s: %w", u.ID, err)
		}
	}
	if err := store.Put(tx, user.Password{User: u.ID, Strand: c.Strand, Hash: c.Hash, Set: now}); err != nil {
		return u, fmt.Errorf("setting the password of %s: %w", u.ID, err)
	}
	u.MoveEpoch(now)
	u.Updated = now
	if err := store.Put(tx, u); err != nil {
		return u, fmt.Errorf("writing user %s: %w", u.ID, err)
	}
	err = session.EndAll(tx, u.ID, "", session.Ending{Actor: string(u.ID), Door: c.Door, Why: session.PasswordChanged})
	if err != nil {
		return u, err
	}
	if _, err := tx.EndMailed(u.ID, now); err != nil {
		return u, fmt.Errorf("ending the mailed tokens of %s: %w", u.ID, err)
	}
	if err := signin.Forgive(tx, u.ID); err != nil {
		return u, err
	}
	err = event.Append(tx, event.New{
		Kind: event.PasswordChanged, User: u.ID, Actor: string(u.ID), Door: c.Door, Body: map[string]any{"how": c.How, "strand": c.Strand},
	})
	if err != nil || !pol.Notify.PasswordChanged {
		return u, err
	}
	at := now.Format(time.RFC3339Nano)
	return u, notify.Owner(tx, u, "password-changed", at, map[string]string{"at": now.Format(time.RFC3339)})
}
