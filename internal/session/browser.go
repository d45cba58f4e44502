package session

import (
	"context"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token"
	"github.com/usher-id/usher/internal/user"
)

// BrowserLife is how long a browser's session lives without another proof.
const BrowserLife = 12 * time.Hour

// Browser is what the cookie of a browser's session holds.
type Browser struct {
	Text string
	hash []byte
}

// NewBrowser makes one before the transaction that keeps its hash.
func (s *Service) NewBrowser() (Browser, error) {
	text, hash, err := token.NewOpaque(s.rand)
	if err != nil {
		return Browser{}, fmt.Errorf("making a browser's token: %w", err)
	}
	return Browser{text, hash[:]}, nil
}

// IssueBrowser begins a session for a user who has just proven to be there, which a
// cookie holds.
func (s *Service) IssueBrowser(tx store.Tx, in user.Session, b Browser) (user.Session, error) {
	now := tx.Now()
	in.ID, in.Created, in.Proven, in.Expires = tx.NewID(), now, now, now.Add(BrowserLife)
	if err := store.Insert(tx, in); err != nil {
		return in, fmt.Errorf("beginning a session: %w", err)
	}
	if err := b.Keep(tx, in.ID, in.Expires); err != nil {
		return in, err
	}
	return in, event.Append(tx, event.New{
		Kind: event.SessionStarted, User: in.User, Actor: string(in.User), Door: in.Door,
		Body: map[string]any{"session": in.ID, "methods": in.Methods, "browser": true},
	})
}

// Browser resolves the text of a browser's cookie. BadToken whatever is wrong with
// it.
func (s *Service) Browser(ctx context.Context, text string) (Live, error) {
	return s.opaque(ctx, text, user.BrowserToken, "session")
}

// Keep keeps the hash for a session that goes on until then.
func (b Browser) Keep(tx store.Tx, session user.ID, until time.Time) error {
	err := store.Insert(tx, user.Token{Hash: b.hash, Kind: user.BrowserToken, Session: session, Created: tx.Now(), Expires: until})
	if err != nil {
		return fmt.Errorf("keeping a browser's token: %w", err)
	}
	return nil
}

// HashBrowser gives what the text of a browser's cookie is kept as; an error for
// what is none.
func HashBrowser(text string) ([]byte, error) { return token.HashOpaque(text) }

// OfBrowser says whether the session that a browser's token belongs to is alive.
func OfBrowser(st store.TokenState, now time.Time) (Live, bool) {
	if st.Token.Kind != user.BrowserToken || !st.Token.Expires.After(now) {
		return Live{}, false
	}
	live, err := alive(st.SessionState, now)
	return live, err == nil
}
