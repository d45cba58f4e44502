package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

// Lifetimes of the GraphQL door's tokens (contract gqlauth.md, section 8).
const (
	LoginLife        = 5 * time.Minute
	LoginRefreshLife = 7 * 24 * time.Hour
)

// Member is a live session of the GraphQL door with the account it is of.
type Member struct {
	Live
	store.AccountState
}

// NewRefresh makes a refresh token before the transaction that keeps its hash.
func (s *Service) NewRefresh() (Refresh, error) {
	text, hash, err := token.NewOpaque(s.rand)
	if err != nil {
		return Refresh{}, fmt.Errorf("making a refresh token: %w", err)
	}
	return Refresh{text, hash[:]}, nil
}

// Refresh is a refresh token of the GraphQL door; zero where none was wanted.
type Refresh struct {
	Text string
	hash []byte
}

// BeginLogin begins a session at the GraphQL door, which lives as long as the
// refresh token that is kept for it, or the login token where there is none.
func BeginLogin(tx store.Tx, in user.Session, r Refresh) (user.Session, error) {
	now := tx.Now()
	in.ID, in.Door, in.Created, in.Proven, in.Expires = tx.NewID(), user.DoorGQLAuth, now, now, now.Add(LoginLife)
	if r.hash != nil {
		in.Expires = now.Add(LoginRefreshLife)
	}
	if err := store.Insert(tx, in); err != nil {
		return in, fmt.Errorf("beginning a session: %w", err)
	}
	if err := r.keep(tx, in); err != nil {
		return in, err
	}
	return in, event.Append(tx, event.New{
		Kind: event.SessionStarted, User: in.User, Actor: string(in.User), Door: in.Door,
		Body: map[string]any{"session": in.ID, "methods": in.Methods},
	})
}

func (r Refresh) keep(tx store.Tx, sess user.Session) error {
	if r.hash == nil {
		return nil
	}
	now := tx.Now()
	err := store.Insert(tx, user.Token{
		Hash: r.hash, Kind: user.RefreshToken, Session: sess.ID, Created: now, Expires: earlier(now.Add(LoginRefreshLife), sess.Expires),
	})
	if err != nil {
		return fmt.Errorf("keeping a refresh token: %w", err)
	}
	return nil
}

// SignLogin makes the login token of a session, which names the account's first
// address, and the claims that are shown of it.
func (s *Service) SignLogin(sess user.Session, email string) (text string, payload json.RawMessage, err error) {
	return s.SignLoginUntil(sess, email, s.now().Add(LoginLife))
}

// SignLoginUntil is SignLogin for a token of another length of life.
func (s *Service) SignLoginUntil(sess user.Session, email string, until time.Time) (text string, payload json.RawMessage, err error) {
	now := s.now().Truncate(time.Second)
	l := django.Login{Subject: email, Issued: now, Expires: until.Truncate(time.Second), Session: sess.ID, Epoch: sess.Epoch}
	if text, err = s.logins.Sign(l); err != nil {
		return "", nil, fmt.Errorf("signing a login token: %w", err)
	}
	return text, s.logins.Payload(l), nil
}

// ErrExpiredLogin is a login token that was good.
var ErrExpiredLogin = errors.New("session: the login token has expired")

// LoginClaims gives the claims of a login token as they are shown: an object in
// the token's order. It asks for signature, expiry and epoch, not for the user.
// BadToken, or ErrExpiredLogin.
func (s *Service) LoginClaims(ctx context.Context, text string) (json.RawMessage, error) {
	l, err := s.logins.Verify(text)
	if errors.Is(err, django.ErrExpired) {
		return nil, ErrExpiredLogin
	}
	if err != nil {
		return nil, user.Refuse(user.BadToken, "")
	}
	if l.Session == "" {
		return s.logins.Payload(l), s.stillGood(ctx, l)
	}
	st, err := s.accountBySession(ctx, l.Session)
	if err != nil {
		return nil, err
	}
	if st.User.Epoch != l.Epoch {
		return nil, user.Refuse(user.BadToken, "")
	}
	return s.logins.Payload(l), nil
}

// stillGood refuses a token of the original whose user changed the password
// since. One whose user is unknown here is good: nothing speaks against it.
func (s *Service) stillGood(ctx context.Context, l django.Login) error {
	return s.store.View(ctx, func(r store.Reader) error {
		st, ok, err := originalAccount(r, l.Subject)
		if err == nil && ok && st.User.Outdates(l.Issued) {
			return user.Refuse(user.BadToken, "")
		}
		return err
	})
}

func (s *Service) accountBySession(ctx context.Context, id user.ID) (st store.AccountSession, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		st, err = r.AccountBySession(id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return st, user.Refuse(user.BadToken, "")
	}
	if err != nil {
		return st, fmt.Errorf("looking for a session: %w", err)
	}
	return st, nil
}

// Login resolves a login token: usher's own by the session it names, one of the
// service that usher took over from by the address. It is dead once that is not
// the account's first any more. BadToken whatever is wrong with it. An archived
// user is let in.
func (s *Service) Login(ctx context.Context, text string) (Member, error) {
	dead := user.Refuse(user.BadToken, "")
	l, err := s.logins.Verify(text)
	if err != nil {
		return Member{}, dead
	}
	if l.Session == "" {
		if l.Session, err = s.originalLogin(ctx, l); err != nil {
			return Member{}, err
		}
	} else if l.Epoch < 1 {
		return Member{}, dead
	}
	st, err := s.accountBySession(ctx, l.Session)
	if err != nil {
		return Member{}, err
	}
	live, err := aliveHere(store.SessionState{Session: st.Session, User: st.User, Locked: st.Locked}, s.now())
	if err != nil || st.Session.Door != user.DoorGQLAuth || st.Account.PK == 0 {
		return Member{}, dead
	}
	if l.Epoch != 0 && l.Epoch != st.User.Epoch || !names(l.Subject, st.AccountState) {
		return Member{}, dead
	}
	live.IssuedAt = l.Issued
	return Member{live, st.AccountState}, nil
}

// Mailbox is an account's first address: its own, or where it hangs on another
// source's strand that of the profile.
func Mailbox(st store.AccountState) user.Mailbox {
	if !st.Account.First.None() {
		return st.Account.First
	}
	shown := st.User.Profile.Text(user.EmailAttr)
	e, err := normal.ParseEmail(shown)
	if err != nil {
		return user.Mailbox{Display: shown}
	}
	return user.Mailbox{Display: shown, Key: e.Key()}
}

// names says whether a login token's subject is still an account's first
// address.
func names(subject string, st store.AccountState) bool {
	e, err := normal.ParseEmail(subject)
	return err == nil && e.Key() == Mailbox(st).Key
}

// originalAccount finds whom a token of the original means: who proved the
// address before who only says that it is theirs, and nobody where several say
// so.
func originalAccount(r store.Reader, subject string) (store.AccountState, bool, error) {
	e, err := normal.ParseEmail(subject)
	if err != nil {
		return store.AccountState{}, false, nil //nolint:nilerr // names nobody
	}
	found, err := r.AccountsAt(e.Key())
	if err != nil {
		return store.AccountState{}, false, fmt.Errorf("looking for an account: %w", err)
	}
	var first []store.AccountState
	for _, st := range found {
		if Mailbox(st).Key != e.Key() {
			continue
		}
		if st.Account.Verified {
			return st, true, nil
		}
		first = append(first, st)
	}
	if len(first) == 1 {
		return first[0], true, nil
	}
	return store.AccountState{}, false, nil
}

// originalLogin gives the session of a login token of the original. It begins
// the first time the token is seen, under an id that follows from what was
// signed.
func (s *Service) originalLogin(ctx context.Context, l django.Login) (user.ID, error) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%d", l.Subject, l.Issued.Unix(), l.Expires.Unix()))
	id := user.ID("login-" + hex.EncodeToString(sum[:16]))
	_, err := s.accountBySession(ctx, id)
	if _, refused := errors.AsType[*user.Refusal](err); !refused {
		return id, err
	}
	var refused bool
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		refused = true
		who, err := movedIn(tx, l.Subject)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if who.User.Outdates(l.Issued) {
			return nil
		}
		err = store.Insert(tx, user.Session{
			ID: id, User: who.User.ID, Strand: who.Account.Strand, Door: user.DoorGQLAuth, Subject: Number(who.Account.PK),
			Epoch: who.User.Epoch, Methods: []string{"original"}, Proven: l.Issued, Created: tx.Now(), Expires: l.Expires,
		})
		if errors.Is(err, store.ErrExists) { // it was begun, and has ended
			return nil
		}
		refused = err != nil
		return err
	})
	if err == nil && refused {
		err = user.Refuse(user.BadToken, "")
	}
	return id, err
}

// movedIn finds whom a token of the original means, somebody included who was
// taken over by import and is here for the first time.
func movedIn(tx store.Tx, subject string) (store.AccountState, error) {
	st, ok, err := originalAccount(tx, subject)
	if err != nil || ok {
		return st, err
	}
	e, err := normal.ParseEmail(subject)
	if err != nil {
		return st, store.ErrNotFound
	}
	u, err := vouchedFor(tx, e.Key())
	if err != nil {
		return st, err
	}
	if _, err := AccountOf(tx, u, ""); err != nil {
		return st, err
	}
	return tx.Account(u)
}

// vouchedFor finds the one user that owns an e-mail address, or for whom alone
// a trusted source vouches.
func vouchedFor(r store.Reader, address string) (user.ID, error) {
	o, err := r.Owner(user.Email, address)
	if err == nil {
		return o.User, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return "", fmt.Errorf("looking for the owner of an address: %w", err)
	}
	claims, err := r.Claims(user.Email, address)
	if err != nil {
		return "", fmt.Errorf("reading the claims on an address: %w", err)
	}
	var found user.ID
	for _, c := range claims {
		if c.Assurance != user.Attested || c.User == found {
			continue
		}
		if found != "" {
			return "", store.ErrNotFound
		}
		found = c.User
	}
	if found == "" {
		return "", store.ErrNotFound
	}
	return found, nil
}
