package signin

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// enter begins the session. What was checked is read again inside the
// transaction: a lock, or a change of the proof's owner or of the password, in
// between counts.
func (s *Service) enter(ctx context.Context, a Attempt, f found, c counters, who store.SignIn, used user.Password, upgrade bool) (SignedIn, error) {
	pair, err := s.sessions.NewPair()
	if err != nil {
		return SignedIn{}, err
	}
	better := ""
	if upgrade {
		h, err := s.passwords.Hash(ctx, password.Plain(a.Password))
		if err != nil {
			return SignedIn{}, password.Refusal(err)
		}
		better = h.String()
	}
	var out SignedIn
	var refused *user.Refusal
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		refused = nil
		u, err := tx.User(who.User)
		if err != nil {
			return fmt.Errorf("reading the user: %w", err)
		}
		still, err := stands(tx, u, who, used)
		if err != nil {
			return err
		}
		if !still {
			refused = user.Refuse(user.BadCredential, "")
			return record(tx, a, f, changed, refused, time.Time{})
		}
		if u.Status != user.Active {
			u.Status, u.Updated = user.Active, tx.Now()
			if err := store.Put(tx, u); err != nil {
				return fmt.Errorf("reopening the user: %w", err)
			}
		}
		if err := s.upgrade(tx, used, better); err != nil {
			return err
		}
		if c.account.Failures+c.account.Total > 0 {
			if err := store.Delete(tx, store.Throttle{Key: f.account}); err != nil {
				return fmt.Errorf("clearing a counter: %w", err)
			}
		}
		out, err = s.begin(tx, a, f.client, u, who, used, pair)
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	if refused != nil {
		return SignedIn{}, refused
	}
	return out, nil
}

// stands says whether what the check found still holds.
func stands(tx store.Tx, u user.User, who store.SignIn, used user.Password) (bool, error) {
	locks, err := tx.Locks(u.ID)
	if err != nil {
		return false, fmt.Errorf("reading locks: %w", err)
	}
	passwords, err := tx.Passwords(u.ID)
	if err != nil {
		return false, fmt.Errorf("reading passwords: %w", err)
	}
	return u.Epoch == who.Epoch && len(locks) == 0 && slices.ContainsFunc(passwords, func(p user.Password) bool {
		// Another sign-in may have upgraded the hash meanwhile.
		return p.Strand == used.Strand && !p.SetAside && p.Set.Equal(used.Set)
	}), nil
}

func (s *Service) upgrade(tx store.Tx, used user.Password, better string) error {
	if better == "" {
		return nil
	}
	used.Hash = better
	if err := store.Put(tx, used); err != nil {
		return fmt.Errorf("upgrading a password: %w", err)
	}
	return event.Append(tx, event.New{Kind: event.PasswordUpgraded, User: used.User, Actor: string(used.User)})
}

func (s *Service) begin(tx store.Tx, a Attempt, c user.Client, u user.User, who store.SignIn, used user.Password, pair session.Pair) (SignedIn, error) {
	strand := who.Strand
	if strand == "" {
		strand = used.Strand
	}
	number := who.Number
	if number == "" {
		var err error
		if number, _, err = session.PartnerNumber(tx, u.ID, strand); err != nil {
			return SignedIn{}, err
		}
	}
	sess, err := s.sessions.Issue(tx, user.Session{
		User: u.ID, Strand: strand, Door: a.Door, Client: c.ID, Subject: number, Epoch: u.Epoch, Methods: []string{"pwd"},
	}, pair)
	if err != nil {
		return SignedIn{}, err
	}
	return signedIn(c, sess, u, pair, tx.Now()), nil
}

func signedIn(c user.Client, sess user.Session, u user.User, pair session.Pair, now time.Time) SignedIn {
	access, refresh := session.Until(sess, now)
	return SignedIn{
		Client: c, Session: sess, Profile: u.Profile,
		AccessToken: pair.Access, AccessUntil: access, RefreshToken: pair.Refresh, RefreshUntil: refresh,
	}
}
