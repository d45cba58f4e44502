package session

import (
	"errors"
	"fmt"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token"
	"github.com/usher-id/usher/internal/user"
)

// RenewLogin uses a refresh token of the GraphQL door (contract gqlauth.md,
// section 6): the session lives on, up to 30 days in all, and next is kept if it
// is wanted. The token stays good, as the original's does, unless rotate is set:
// one that comes a second time then ends its session. The refusal for that is
// committed with the end, so it is a result and not an error.
func (s *Service) RenewLogin(tx store.Tx, refresh string, next Refresh, rotate bool) (Live, *user.Refusal, error) {
	dead := user.Refuse(user.BadToken, "")
	st, ok, err := loginRefresh(tx, refresh)
	if err != nil || !ok {
		return Live{}, dead, err
	}
	now := tx.Now()
	live, err := alive(st.SessionState, now)
	if err != nil || !st.Token.Expires.After(now) {
		return Live{}, dead, nil
	}
	switch {
	case !st.Token.Used.IsZero() && rotate:
		return Live{}, dead, endReused(tx, st.Session)
	case !st.Token.Used.IsZero():
		return Live{}, dead, nil
	case rotate:
		first, err := tx.UseRefresh(st.Token.Hash, now)
		if err != nil {
			return Live{}, nil, fmt.Errorf("using a refresh token: %w", err)
		}
		if !first {
			return Live{}, dead, endReused(tx, st.Session)
		}
	}
	until := now.Add(LoginLife)
	if next.hash != nil {
		until = now.Add(LoginRefreshLife)
	}
	if end := earlier(until, live.Session.Created.Add(longestLife)); end.After(live.Session.Expires) {
		live.Session.Expires = end
		if err := tx.Lengthen(live.Session.ID, end); err != nil {
			return Live{}, nil, fmt.Errorf("lengthening a session: %w", err)
		}
	}
	return live, nil, next.keep(tx, live.Session)
}

// RevokeLogin ends a refresh token of the GraphQL door, an expired one too.
// BadToken for one that is unknown or was ended before. The login tokens of its
// session live out their minutes, as the original's do.
func (s *Service) RevokeLogin(tx store.Tx, refresh string) (*user.Refusal, error) {
	st, ok, err := loginRefresh(tx, refresh)
	if err != nil {
		return nil, err
	}
	if !ok {
		return user.Refuse(user.BadToken, ""), nil
	}
	first, err := tx.UseRefresh(st.Token.Hash, tx.Now())
	if err != nil {
		return nil, fmt.Errorf("revoking a refresh token: %w", err)
	}
	if !first {
		return user.Refuse(user.BadToken, ""), nil
	}
	return nil, nil
}

// loginRefresh finds a refresh token of the GraphQL door.
func loginRefresh(tx store.Tx, text string) (store.TokenState, bool, error) {
	hash, err := token.HashOpaque(text)
	if err != nil {
		return store.TokenState{}, false, nil //nolint:nilerr // no token of ours
	}
	st, err := tx.Token(hash)
	if errors.Is(err, store.ErrNotFound) {
		return st, false, nil
	}
	if err != nil {
		return st, false, fmt.Errorf("looking for a refresh token: %w", err)
	}
	return st, st.Token.Kind == user.RefreshToken && st.Session.Door == user.DoorGQLAuth, nil
}
