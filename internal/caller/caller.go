package caller

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Service keeps callers and issuers. By is written down as the actor.
type Service struct {
	store store.Store
	by    string
}

// New makes the service for one operator.
func New(s store.Store, by string) *Service { return &Service{s, by} }

// name is what a caller, an issuer or a channel can be called in a header, a URL
// and a terminal.
var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$`)

const nameRule = "must be 1 to 128 letters, digits or . _ : / @ -, beginning with a letter or digit"

// tokenBytes make a token that nobody guesses.
const tokenBytes = 32

// prefix lets scanners for leaked secrets know what they found.
const prefix = "usc_"

// Minted is a token, shown once.
type Minted struct {
	Caller  store.Caller
	Token   string
	Expires time.Time // zero: never
}

// Create registers a caller and gives its first token, which does not expire.
// Refusals: Invalid, InUse.
func (s *Service) Create(ctx context.Context, c store.Caller) (Minted, error) {
	if !name.MatchString(c.Name) {
		return Minted{}, user.Refuse(user.Invalid, "name", "why", nameRule)
	}
	text, hash := newToken()
	err := s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		c.Created = tx.Now()
		err := store.Insert(tx, c)
		if errors.Is(err, store.ErrExists) {
			return user.Refuse(user.InUse, "name", "name", c.Name)
		}
		if err != nil {
			return fmt.Errorf("registering a caller: %w", err)
		}
		if err := store.Insert(tx, store.CallerToken{Hash: hash, Door: c.Door, Caller: c.Name, Created: tx.Now()}); err != nil {
			return fmt.Errorf("keeping a caller's token: %w", err)
		}
		return event.Append(tx, event.New{
			Kind: event.CallerCreated, Actor: s.by, Door: c.Door,
			Body: map[string]any{"caller": c.Name, "may_attest": c.MayAttest, "may_administer": c.MayAdminister},
		})
	})
	return Minted{Caller: c, Token: text}, err
}

// Mint gives a caller another token; life 0 means until it is taken away. Refusals:
// NotFound, Invalid.
func (s *Service) Mint(ctx context.Context, door user.Door, called string, life time.Duration) (m Minted, err error) {
	if life < 0 {
		return m, user.Refuse(user.Invalid, "ttl", "why", "must not be negative")
	}
	text, hash := newToken()
	m.Token = text
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		var err error
		m.Caller, err = tx.Caller(door, called)
		if errors.Is(err, store.ErrNotFound) {
			return user.Refuse(user.NotFound, "caller", "caller", called)
		}
		if err != nil {
			return fmt.Errorf("reading a caller: %w", err)
		}
		kept := store.CallerToken{Hash: hash, Door: door, Caller: called, Created: tx.Now()}
		if life > 0 {
			kept.Expires = tx.Now().Add(life)
		}
		m.Expires = kept.Expires
		if err := store.Insert(tx, kept); err != nil {
			return fmt.Errorf("keeping a caller's token: %w", err)
		}
		return event.Append(tx, event.New{
			Kind: event.CallerTokenMinted, Actor: s.by, Door: door, Body: map[string]any{"caller": called, "expires": m.Expires},
		})
	})
	return m, err
}

// Of says whose a token is. BadToken whatever is wrong with it.
func (s *Service) Of(ctx context.Context, door user.Door, token string, now time.Time) (c store.Caller, err error) {
	hash := sha256.Sum256([]byte(token))
	err = s.store.View(ctx, func(r store.Reader) error {
		t, found, err := r.CallerByToken(hash[:])
		switch {
		case errors.Is(err, store.ErrNotFound):
			return user.Refuse(user.BadToken, "token")
		case err != nil:
			return fmt.Errorf("looking for a caller: %w", err)
		case t.Door != door, !t.Expires.IsZero() && !now.Before(t.Expires):
			return user.Refuse(user.BadToken, "token")
		}
		c = found
		return nil
	})
	return c, err
}

func newToken() (text string, hash []byte) {
	var b [tokenBytes]byte
	_, _ = rand.Read(b[:]) // never fails (Go 1.24)
	text = prefix + base64.RawURLEncoding.EncodeToString(b[:])
	sum := sha256.Sum256([]byte(text))
	return text, sum[:]
}
