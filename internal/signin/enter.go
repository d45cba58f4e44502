package signin

import (
	"cmp"
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

// enter lets somebody in. What was checked is read again inside the
// transaction: a lock, or a change of the proof's owner or of the password, in
// between counts.
func (s *Service) enter(ctx context.Context, a Attempt, f found, c counters, who store.SignIn, used user.Password, upgrade bool, at Entrance) error {
	better := ""
	if upgrade {
		h, err := s.passwords.Hash(ctx, password.Plain(a.Password))
		if err != nil {
			return password.Refusal(err)
		}
		better = h.String()
	}
	var refused *user.Refusal
	err := s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
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
		in := Identified{User: u, Strand: who.Strand, Number: who.Number, Used: used.Strand, Reopened: u.Status == user.Archived}
		if u.Status != user.Active && !a.again {
			u.Status, u.Updated = user.Active, tx.Now()
			if err := store.Put(tx, u); err != nil {
				return fmt.Errorf("reopening the user: %w", err)
			}
			in.User = u
		}
		if err := s.upgrade(tx, used, better); err != nil {
			return err
		}
		// The counter may be of somebody who owns the address and was not meant.
		if c.account.Failures+c.account.Total > 0 && f.account == accountKey(u.ID) {
			if err := store.Delete(tx, store.Throttle{Key: f.account}); err != nil {
				return fmt.Errorf("clearing a counter: %w", err)
			}
		}
		return at(tx, in)
	})
	if err != nil {
		return err
	}
	if refused != nil {
		return refused
	}
	return nil
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

// begin is the partner door's entrance: a session with a pair of tokens.
func (s *Service) begin(tx store.Tx, door user.Door, c user.Client, in Identified, pair session.Pair) (SignedIn, error) {
	strand, number := cmp.Or(in.Strand, in.Used), in.Number
	if number == "" {
		var err error
		if number, _, err = session.PartnerNumber(tx, in.User.ID, strand); err != nil {
			return SignedIn{}, err
		}
	}
	sess, err := s.sessions.Issue(tx, user.Session{
		User: in.User.ID, Strand: strand, Door: door, Client: c.ID, Subject: number, Epoch: in.User.Epoch, Methods: []string{"pwd"},
	}, pair)
	if err != nil {
		return SignedIn{}, err
	}
	return signedIn(c, sess, in.User, pair, tx.Now()), nil
}

func signedIn(c user.Client, sess user.Session, u user.User, pair session.Pair, now time.Time) SignedIn {
	access, refresh := session.Until(sess, now)
	return SignedIn{
		Client: c, Session: sess, Profile: u.Profile,
		AccessToken: pair.Access, AccessUntil: access, RefreshToken: pair.Refresh, RefreshUntil: refresh,
	}
}
