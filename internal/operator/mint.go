package operator

import (
	"context"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// maxTokenLife bounds what an operator can mint.
const maxTokenLife = 30 * 24 * time.Hour

// Minted is a token made on an operator's word, and its session, whose Subject
// is the door's id of the user.
type Minted struct {
	Token   string
	Expires time.Time
	Session user.Session
}

// Mint makes a token for a user at a door: an edi-token, the partner door's
// access token, the GraphQL door's login token. Refusals: Unsupported for another
// door, Missing of email for a login token of somebody without one, UserLocked,
// UserDeleted, Invalid for a life that is too long or not positive.
func (s *Service) Mint(ctx context.Context, sessions *session.Service, id user.ID, door user.Door, life time.Duration) (m Minted, err error) {
	if life <= 0 || life > maxTokenLife {
		return m, user.Refuse(user.Invalid, "ttl", "why", fmt.Sprintf("must be more than 0 and at most %dh", int(maxTokenLife.Hours())))
	}
	if door != user.DoorEDI && door != user.DoorPartner && door != user.DoorGQLAuth {
		return m, user.Refuse(user.Unsupported, "door")
	}
	access, err := sessions.NewAccess()
	if err != nil {
		return m, err
	}
	var person session.Person
	var email string
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		u, err := tx.User(id)
		if err != nil {
			return fmt.Errorf("reading the user: %w", err)
		}
		if err := mintable(tx, u); err != nil {
			return err
		}
		now := tx.Now()
		m.Expires = now.Add(life)
		sess := user.Session{
			ID: tx.NewID(), User: u.ID, Door: door, Epoch: u.Epoch, Methods: []string{"operator"},
			Proven: now, Created: now, Expires: m.Expires,
		}
		if sess.Subject, sess.Strand, err = s.numberAt(tx, u, door); err != nil {
			return err
		}
		if err := store.Insert(tx, sess); err != nil {
			return fmt.Errorf("beginning a session: %w", err)
		}
		if door == user.DoorPartner {
			if err := access.Keep(tx, sess.ID, m.Expires); err != nil {
				return err
			}
		}
		m.Session = sess
		if door == user.DoorGQLAuth {
			st, err := tx.AccountBySession(sess.ID)
			if err != nil {
				return fmt.Errorf("reading the account: %w", err)
			}
			if email = session.Mailbox(st.AccountState).Display; email == "" {
				return user.Refuse(user.Missing, "email", "why", "a login token names its user by an e-mail address, and this one has none")
			}
		}
		if person, err = session.PersonOf(tx, u); err != nil {
			return err
		}
		return event.Append(tx, event.New{
			Kind: event.SessionStarted, User: u.ID, Actor: s.by, Door: door,
			Body: map[string]any{"session": sess.ID, "methods": sess.Methods},
		})
	})
	if err != nil {
		return m, err
	}
	switch door {
	case user.DoorPartner:
		m.Token = access.Text
		return m, nil
	case user.DoorGQLAuth:
		m.Token, _, err = sessions.SignLoginUntil(m.Session, email, m.Expires)
		return m, err
	}
	m.Token, err = sessions.SignCookie(m.Session, person, m.Expires)
	return m, err
}

func mintable(tx store.Tx, u user.User) error {
	locks, err := tx.Locks(u.ID)
	switch {
	case err != nil:
		return fmt.Errorf("reading locks: %w", err)
	case len(locks) > 0:
		return user.Refuse(user.UserLocked, "user")
	case u.Status != user.Active && u.Status != user.Reserved:
		return user.Refuse(user.UserDeleted, "user", "status", string(u.Status))
	}
	return nil
}

// numberAt gives a user's id at a door and the strand it hangs on, made at
// first need.
func (s *Service) numberAt(tx store.Tx, u user.User, door user.Door) (string, user.ID, error) {
	switch door {
	case user.DoorGQLAuth:
		a, err := session.AccountOf(tx, u.ID, "")
		return session.Number(a.PK), a.Strand, err
	case user.DoorEDI:
		return admission.In(tx, s.policies.Current()).EDINumber(u, user.Operator, s.by)
	default:
		return session.PartnerNumber(tx, u.ID, "")
	}
}
