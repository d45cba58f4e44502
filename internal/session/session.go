package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

// Lifetimes of the partner door's tokens (contract partner.md) and of the
// edi-token (contract edi.md, section 2).
const (
	AccessLife  = time.Hour
	RefreshLife = 14 * 24 * time.Hour
	CookieLife  = 8 * time.Hour
	// longestLife is how long refreshing or renewing keeps a session alive before its
	// person has to sign in again (security T14).
	longestLife = 30 * 24 * time.Hour
)

// Rings gives the signing keys in force.
type Rings interface{ Ring() *token.Ring }

// Service keeps sessions.
type Service struct {
	store store.Store
	rings Rings
	edi   EDI
	now   func() time.Time
	rand  io.Reader
	// logins make and check the GraphQL door's login tokens; nil without WithLogins.
	logins *django.Logins

	verified verified
}

// New makes the service. now is the clock that reads are judged by; writes use
// the transaction's.
func New(s store.Store, r Rings, edi EDI, now func() time.Time) *Service {
	return &Service{store: s, rings: r, edi: edi, now: now, rand: rand.Reader}
}

// WithLogins gives the service the key of the GraphQL door's login tokens.
func (s *Service) WithLogins(l *django.Logins) *Service {
	s.logins = l
	return s
}

// Pair is a new access token and refresh token, made before the transaction
// that keeps their hashes.
type Pair struct {
	Access, Refresh         string
	accessHash, refreshHash []byte
}

// NewPair makes two opaque tokens.
func (s *Service) NewPair() (Pair, error) {
	a, ah, err := token.NewOpaque(s.rand)
	if err != nil {
		return Pair{}, fmt.Errorf("making an access token: %w", err)
	}
	r, rh, err := token.NewOpaque(s.rand)
	if err != nil {
		return Pair{}, fmt.Errorf("making a refresh token: %w", err)
	}
	return Pair{Access: a, Refresh: r, accessHash: ah[:], refreshHash: rh[:]}, nil
}

// Issue begins a session for a user who has just proven to be there, and keeps
// a pair of tokens for it.
func (s *Service) Issue(tx store.Tx, in user.Session, p Pair) (user.Session, error) {
	now := tx.Now()
	in.ID, in.Created, in.Proven, in.Expires = tx.NewID(), now, now, now.Add(RefreshLife)
	if err := store.Insert(tx, in); err != nil {
		return in, fmt.Errorf("beginning a session: %w", err)
	}
	if err := s.keep(tx, in, p); err != nil {
		return in, err
	}
	return in, event.Append(tx, event.New{
		Kind: event.SessionStarted, User: in.User, Actor: string(in.User), Door: in.Door,
		Body: map[string]any{"session": in.ID, "methods": in.Methods, "client": in.Client},
	})
}

// Until says until when a pair made now is good: no token outlives its session.
func Until(sess user.Session, now time.Time) (access, refresh time.Time) {
	return earlier(now.Add(AccessLife), sess.Expires), earlier(now.Add(RefreshLife), sess.Expires)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (s *Service) keep(tx store.Tx, sess user.Session, p Pair) error {
	now := tx.Now()
	access, refresh := Until(sess, now)
	for _, t := range []user.Token{
		{Hash: p.accessHash, Kind: user.AccessToken, Session: sess.ID, Created: now, Expires: access},
		{Hash: p.refreshHash, Kind: user.RefreshToken, Session: sess.ID, Created: now, Expires: refresh},
	} {
		if err := store.InsertLater(tx, t); err != nil { // both with one statement
			return fmt.Errorf("keeping a token: %w", err)
		}
	}
	return nil
}

// Renew uses a refresh token and keeps the next pair, for which the session
// lives on, up to 30 days in all. A token that was used before ends its whole
// session: somebody has a copy. The refusal for that is committed with the
// end, so it is a result and not an error.
func (s *Service) Renew(tx store.Tx, refresh string, door user.Door, client string, p Pair) (Live, *user.Refusal, error) {
	dead := user.Refuse(user.BadToken, "refreshToken")
	hash, err := token.HashOpaque(refresh)
	if err != nil {
		return Live{}, dead, nil
	}
	st, err := tx.Token(hash)
	if errors.Is(err, store.ErrNotFound) {
		return Live{}, dead, nil
	}
	if err != nil {
		return Live{}, nil, fmt.Errorf("looking for a refresh token: %w", err)
	}
	now := tx.Now()
	if st.Token.Kind != user.RefreshToken || st.Session.Door != door || st.Session.Client != client || !st.Token.Expires.After(now) {
		return Live{}, dead, nil
	}
	live, err := alive(st.SessionState, now)
	if err != nil {
		return Live{}, dead, nil
	}
	first, err := tx.UseRefresh(hash, now)
	if err != nil {
		return Live{}, nil, fmt.Errorf("using a refresh token: %w", err)
	}
	if !first {
		return Live{}, dead, endReused(tx, st.Session)
	}
	if end := earlier(now.Add(RefreshLife), live.Session.Created.Add(longestLife)); end.After(live.Session.Expires) {
		live.Session.Expires = end
		if err := tx.Lengthen(live.Session.ID, end); err != nil {
			return Live{}, nil, fmt.Errorf("lengthening a session: %w", err)
		}
	}
	return live, nil, s.keep(tx, live.Session, p)
}

// endReused ends a session whose refresh token came twice. Nobody is named as
// the actor: it is not known which of the two is the person.
func endReused(tx store.Tx, sess user.Session) error {
	first, err := tx.EndSession(sess.ID, tx.Now())
	if err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	if !first { // of several at once, one tells
		return nil
	}
	err = event.Append(tx, event.New{
		Kind: event.RefreshReused, User: sess.User, Door: sess.Door, Body: map[string]any{"session": sess.ID},
	})
	if err != nil {
		return err
	}
	return Ending{Door: sess.Door, Why: Reused}.append(tx, sess.User, map[string]any{"session": sess.ID})
}

// Access resolves an opaque access token. The refusal is BadToken whatever is
// wrong with it.
func (s *Service) Access(ctx context.Context, access string) (Live, error) {
	return s.opaque(ctx, access, user.AccessToken, "accessToken")
}

// opaque resolves a kept token of one kind; field names it in the refusal.
func (s *Service) opaque(ctx context.Context, text string, kind user.TokenKind, field string) (Live, error) {
	dead := user.Refuse(user.BadToken, field)
	hash, err := token.HashOpaque(text)
	if err != nil {
		return Live{}, dead
	}
	var st store.TokenState
	err = s.store.View(ctx, func(r store.Reader) error {
		var err error
		st, err = r.Token(hash)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return Live{}, dead
	}
	if err != nil {
		return Live{}, fmt.Errorf("looking for a token of kind %s: %w", kind, err)
	}
	now := s.now()
	if st.Token.Kind != kind || !st.Token.Expires.After(now) {
		return Live{}, dead
	}
	live, err := alive(st.SessionState, now)
	if err != nil {
		return Live{}, dead
	}
	live.IssuedAt = st.Token.Created
	return live, nil
}

var errDead = errors.New("session: not alive")

// alive says whether a session counts; with aliveHere it is the one place that
// does.
func alive(st store.SessionState, now time.Time) (Live, error) {
	if st.User.Status == user.Archived {
		return Live{}, errDead
	}
	return aliveHere(st, now)
}

// aliveHere lets an archived user in (contract gqlauth.md, section 6:
// archiveAccount).
func aliveHere(st store.SessionState, now time.Time) (Live, error) {
	s, u := st.Session, st.User
	switch {
	case !s.Revoked.IsZero(), !s.Expires.After(now), s.Epoch != u.Epoch, st.Locked:
		return Live{}, errDead
	case u.Status != user.Active && u.Status != user.Reserved && u.Status != user.Archived:
		return Live{}, errDead
	}
	return Live{Session: s, User: u, IssuedAt: s.Created}, nil
}

// SingleAccess is one access token without a refresh token.
type SingleAccess struct {
	Text string
	hash []byte
}

// NewAccess makes an access token before the transaction that keeps its hash.
func (s *Service) NewAccess() (SingleAccess, error) {
	text, hash, err := token.NewOpaque(s.rand)
	if err != nil {
		return SingleAccess{}, fmt.Errorf("making an access token: %w", err)
	}
	return SingleAccess{text, hash[:]}, nil
}

// Keep keeps the token's hash for a session.
func (a SingleAccess) Keep(tx store.Tx, session user.ID, expires time.Time) error {
	err := store.Insert(tx, user.Token{
		Hash: a.hash, Kind: user.AccessToken, Session: session, Created: tx.Now(), Expires: expires,
	})
	if err != nil {
		return fmt.Errorf("keeping an access token: %w", err)
	}
	return nil
}
