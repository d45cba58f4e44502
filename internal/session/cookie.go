package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token"
	"github.com/usher-id/usher/internal/user"
)

// EDI says how the edi-token is made and checked (contract edi.md, section 2).
type EDI struct {
	Issuer string // iss
	HD     string // hd
	// Own checks usher's tokens. Original, if set, checks those of the service
	// that usher took over from; they carry no session.
	Own      *token.Verifier
	Original *token.Verifier
	// Providers are the names of the issuers that people sign in with at this door,
	// besides those that the original knew.
	Providers map[string]string
}

// Cookie resolves an edi-token. The refusal is BadToken whatever is wrong with
// it.
func (s *Service) Cookie(ctx context.Context, text string) (Live, error) {
	claims, err := s.verified.own(s.edi.Own, s.rings.Ring(), text, s.now())
	if err != nil && s.edi.Original != nil {
		return s.original(ctx, text)
	}
	if err != nil || claims.hd != s.edi.HD || claims.subject == "" || claims.id == "" {
		return Live{}, user.Refuse(user.BadToken, "edi-token")
	}
	live, err := s.byID(ctx, claims.id)
	if err != nil {
		return Live{}, err
	}
	if live.Session.Door != user.DoorEDI || live.Session.Subject != claims.subject {
		return Live{}, user.Refuse(user.BadToken, "edi-token")
	}
	live.IssuedAt = claims.issued
	return live, nil
}

// byID reads a session and judges it.
func (s *Service) byID(ctx context.Context, id user.ID) (Live, error) {
	var st store.SessionState
	err := s.store.View(ctx, func(r store.Reader) error {
		var err error
		st, err = r.Session(id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return Live{}, user.Refuse(user.BadToken, "edi-token")
	}
	if err != nil {
		return Live{}, fmt.Errorf("looking for a session: %w", err)
	}
	live, err := alive(st, s.now())
	if err != nil {
		return Live{}, user.Refuse(user.BadToken, "edi-token")
	}
	return live, nil
}

// original takes a token of the service that usher took over from. It begins
// a session the first time it is seen, under an id that follows from what was
// signed. Tokens from before a user's proofs changed hands, or its password was
// changed, are dead.
func (s *Service) original(ctx context.Context, text string) (Live, error) {
	dead := user.Refuse(user.BadToken, "edi-token")
	claims, err := s.edi.Original.Verify(text)
	if err != nil || claims.Text("hd") != s.edi.HD || claims.Subject == "" {
		return Live{}, dead
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%d", claims.Subject, claims.IssuedAt.Unix(), claims.Expires.Unix()))
	id := user.ID("original-" + hex.EncodeToString(sum[:16]))
	live, err := s.byID(ctx, id)
	if _, refused := errors.AsType[*user.Refusal](err); err != nil && !refused {
		return Live{}, err
	}
	if err == nil {
		live.IssuedAt = claims.IssuedAt
		return live, nil
	}
	var refused bool
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		refused = true
		rec, err := tx.RecordByHandle(user.SpaceEDI, claims.Subject, user.SpaceEDI)
		if errors.Is(err, store.ErrNotFound) || err == nil && rec.User.Outdates(claims.IssuedAt) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("looking for an EDI number: %w", err)
		}
		err = store.Insert(tx, user.Session{
			ID: id, User: rec.User.ID, Strand: rec.Strand.ID, Door: user.DoorEDI, Subject: claims.Subject, Epoch: rec.User.Epoch,
			Methods: []string{"original"}, Proven: claims.IssuedAt, Created: tx.Now(), Expires: claims.Expires,
		})
		if errors.Is(err, store.ErrExists) { // it was begun, and has ended
			return nil
		}
		refused = err != nil
		return err
	})
	if err != nil {
		return Live{}, err
	}
	if refused {
		return Live{}, dead
	}
	if live, err = s.byID(ctx, id); err != nil {
		return Live{}, err
	}
	live.IssuedAt = claims.IssuedAt
	return live, nil
}

// IssueCookie begins a session at the EDI door for a user who has just proven to be
// there, and gives what SignCookie makes its token of.
func (s *Service) IssueCookie(tx store.Tx, in user.Session) (user.Session, Person, error) {
	now := tx.Now()
	in.ID, in.Door, in.Created, in.Proven, in.Expires = tx.NewID(), user.DoorEDI, now, now, now.Add(CookieLife)
	if err := store.Insert(tx, in); err != nil {
		return in, Person{}, fmt.Errorf("beginning a session: %w", err)
	}
	u, err := tx.User(in.User)
	if err != nil {
		return in, Person{}, fmt.Errorf("reading the user of a session: %w", err)
	}
	person, err := PersonOf(tx, u)
	if err != nil {
		return in, person, err
	}
	return in, person, event.Append(tx, event.New{
		Kind: event.SessionStarted, User: in.User, Actor: string(in.User), Door: in.Door,
		Body: map[string]any{"session": in.ID, "methods": in.Methods},
	})
}

// MintCookie gives a fresh edi-token for a live session, which then lives on as
// long as the token does, and in all no longer than longestLife.
func (s *Service) MintCookie(ctx context.Context, live Live) (text string, expires time.Time, err error) {
	var person Person
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		u, err := Again(tx, live)
		if err != nil {
			return err
		}
		now := tx.Now()
		sess := live.Session
		if expires = now.Add(CookieLife); expires.After(sess.Created.Add(longestLife)) {
			expires = sess.Created.Add(longestLife)
		}
		if !now.Before(expires) {
			return user.Refuse(user.BadToken, "edi-token")
		}
		if expires.After(sess.Expires) {
			if err := tx.Lengthen(sess.ID, expires); err != nil {
				return fmt.Errorf("lengthening a session: %w", err)
			}
		}
		person, err = PersonOf(tx, u)
		return err
	})
	if err != nil {
		return "", expires, err
	}
	text, err = s.SignCookie(live.Session, person, expires)
	return text, expires, err
}
