package session

import (
	"errors"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Again reads a live session's user inside a transaction, so that what ended
// the session a moment ago counts. BadToken when it is not alive any more.
func Again(tx store.Tx, live Live) (user.User, error) { return again(tx, live, alive) }

// AgainHere is Again at the GraphQL door, where an archived user's login tokens
// live on.
func AgainHere(tx store.Tx, live Live) (user.User, error) { return again(tx, live, aliveHere) }

func again(tx store.Tx, live Live, alive func(store.SessionState, time.Time) (Live, error)) (user.User, error) {
	st, err := tx.Session(live.Session.ID)
	if errors.Is(err, store.ErrNotFound) {
		return user.User{}, user.Refuse(user.BadToken, "")
	}
	if err != nil {
		return user.User{}, fmt.Errorf("reading the session: %w", err)
	}
	if _, err := alive(st, tx.Now()); err != nil {
		return user.User{}, user.Refuse(user.BadToken, "")
	}
	return st.User, nil
}
