package feed

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/snowflake"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// recallEmail takes the e-mail that the record has, where a sync changes only
// what is said about it.
func (p *prepared) recallEmail(doc user.Document) error {
	e, err := normal.ParseEmail(doc.Text(user.EmailAttr))
	if err != nil {
		return fmt.Errorf("reading a stored e-mail: %w", err)
	}
	p.email = &e
	return nil
}

// nameFree refuses a username that is somebody's, but not one whose user was
// erased by the person: a name is chosen, unlike an id, and the feed that
// brought it may bring it again. It says whether such a tombstone is there.
func (s *syncing) nameFree(key string) (tombstone bool, err error) {
	h, err := s.tx.Handle(user.SpacePartnerUN, key)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for a username: %w", err)
	}
	if h.Dead {
		st, err := s.tx.Strand(h.Strand)
		if err != nil {
			return true, fmt.Errorf("reading the strand of a username: %w", err)
		}
		if st.Source == s.c.Source {
			return true, nil
		}
	}
	return h.Dead, user.Refuse(user.InUse, "username")
}

// meansNobodyElse refuses an imported username that reads as a name of another
// kind which somebody else has (contract: imported names sign in as before, but
// in nobody's place). An e-mail can only be the user's own, which prepare saw to.
func (s *syncing) meansNobodyElse(self user.ID, n normal.Username) error {
	ref, ok := n.Reference()
	if !ok {
		return nil
	}
	others, err := s.named(ref)
	if err != nil {
		return fmt.Errorf("looking for who else a username means: %w", err)
	}
	for _, id := range others {
		if id != self {
			return user.Refuse(user.InUse, "username")
		}
	}
	return nil
}

func (s *syncing) named(ref normal.Reference) ([]user.ID, error) {
	value := ref.Value
	switch ref.Kind {
	case normal.RefEmail:
		return nil, nil
	case normal.RefPhone:
		o, err := s.tx.Owner(user.Phone, value)
		return found(o.User, err)
	case normal.RefIdentity:
		id, err := normal.ParseIdentityName(value)
		if err != nil {
			return nil, nil //nolint:nilerr // then it is nobody's
		}
		i, err := s.tx.Identity(user.IdentityKey{Issuer: id.Issuer, Subject: id.Subject})
		return found(i.User, err)
	case normal.RefUUID:
		if u, err := s.tx.User(user.ID(value)); err == nil || !errors.Is(err, store.ErrNotFound) {
			return found(u.ID, err)
		}
	case normal.RefGUID:
		if n, ok := snowflake.ParseGUID("user", value); ok {
			value = snowflake.Format(n)
		}
	}
	hs, err := s.tx.FindHandles(value)
	var ids []user.ID
	for _, h := range hs {
		if h.Space != user.SpacePartnerUN && h.Space != user.SpaceUsername {
			ids = append(ids, h.User)
		}
	}
	return ids, err
}

func found(id user.ID, err error) ([]user.ID, error) {
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return []user.ID{id}, err
}

// takeName gives a record a username that is free, over the tombstone that may
// stand there.
func (s *syncing) takeName(u, strand user.ID, key string) error {
	err := store.Put(s.tx, user.Handle{Space: user.SpacePartnerUN, Value: key, User: u, Strand: strand, Created: s.tx.Now()})
	if err != nil {
		return fmt.Errorf("giving a username: %w", err)
	}
	return nil
}

// rename moves a record's username.
func (s *syncing) rename(rec store.Record, p prepared) error {
	handles, err := s.tx.Handles(rec.User.ID)
	if err != nil {
		return fmt.Errorf("reading names: %w", err)
	}
	for _, h := range handles {
		if h.Space == user.SpacePartnerUN && h.Strand == rec.Strand.ID {
			if err := store.Delete(s.tx, h); err != nil {
				return fmt.Errorf("freeing a username: %w", err)
			}
		}
	}
	if p.username != nil {
		if err := s.takeName(rec.User.ID, rec.Strand.ID, p.username.Key); err != nil {
			return err
		}
	}
	return event.Append(s.tx, event.New{
		Kind: event.UserChanged, User: rec.User.ID, Actor: s.c.By, Door: s.c.Source.Door(),
		Body: map[string]any{"attributes": []user.Attr{user.PreferredName}, "strand": rec.Strand.ID},
	})
}

// setRoles makes the memberships of a strand what the feed says. What the
// strand was given beside roles stays.
func (s *syncing) setRoles(u, strand user.ID, p prepared) error {
	if _, sent := p.facts[user.Roles]; !sent {
		return nil
	}
	want := map[user.ID]bool{}
	for _, name := range p.roles {
		g, err := s.tx.GroupByName(user.GroupRole, name)
		if errors.Is(err, store.ErrNotFound) {
			g = user.Group{
				ID: s.tx.NewID(), Kind: user.GroupRole, Name: name, Created: s.tx.Now(),
				Attributes: map[string]string{user.MadeBy: string(s.c.Source)},
			}
			err = store.Insert(s.tx, g)
		}
		if err != nil {
			return fmt.Errorf("finding role %q: %w", name, err)
		}
		want[g.ID] = true
		m := user.Membership{Group: g.ID, User: u, Strand: strand, Since: s.tx.Now()}
		err = store.Insert(s.tx, m)
		if err == nil {
			err = s.roleEvent(event.GroupJoined, m, g)
		}
		if err != nil && !errors.Is(err, store.ErrExists) {
			return fmt.Errorf("giving role %q: %w", name, err)
		}
	}
	ms, err := s.tx.Memberships(u)
	if err != nil {
		return fmt.Errorf("reading memberships: %w", err)
	}
	for _, m := range ms {
		if m.Strand != strand || want[m.Group] {
			continue
		}
		g, err := s.tx.Group(m.Group)
		if err != nil {
			return fmt.Errorf("reading a group: %w", err)
		}
		if g.Kind != user.GroupRole {
			continue
		}
		if err := errors.Join(store.Delete(s.tx, m), s.roleEvent(event.GroupLeft, m, g)); err != nil {
			return fmt.Errorf("taking role %q: %w", g.Name, err)
		}
	}
	return nil
}

// roleEvent records that somebody got or lost a role: some give power over
// users.
func (s *syncing) roleEvent(kind event.Kind, m user.Membership, g user.Group) error {
	return event.Append(s.tx, event.New{
		Kind: kind, User: m.User, Actor: s.c.By, Door: s.c.Source.Door(),
		Body: map[string]any{"group": g.ID, "kind": g.Kind, "name": g.Name, "strand": m.Strand},
	})
}

// setLock locks the user on this source's word, or lifts this source's lock.
// It says whether anything changed.
func (s *syncing) setLock(rec *store.Record, locked bool) (bool, error) {
	locks, err := s.tx.Locks(rec.User.ID)
	if err != nil {
		return false, fmt.Errorf("reading locks: %w", err)
	}
	held := slices.ContainsFunc(locks, func(l user.Lock) bool { return l.Source == s.c.Source })
	if held == locked {
		return false, nil
	}
	l := user.Lock{User: rec.User.ID, Source: s.c.Source, By: s.c.By, At: s.tx.Now()}
	kind := event.UserUnlocked
	if locked {
		kind = event.UserLocked
		locks = append(locks, l)
		err = store.Insert(s.tx, l)
		if err == nil {
			err = session.EndAll(s.tx, rec.User.ID, "", s.ending(session.Locked))
		}
	} else {
		locks = slices.DeleteFunc(locks, func(o user.Lock) bool { return o.Source == s.c.Source })
		err = store.Delete(s.tx, l)
	}
	if err != nil {
		return false, fmt.Errorf("changing a lock: %w", err)
	}
	rec.LockedAt = time.Time{}
	for _, o := range locks {
		if rec.LockedAt.IsZero() || o.At.Before(rec.LockedAt) {
			rec.LockedAt = o.At
		}
	}
	return true, event.Append(s.tx, event.New{Kind: kind, User: rec.User.ID, Actor: s.c.By, Door: s.c.Source.Door()})
}

// ownNumber gives the number of a new record of somebody who is a user already.
// Who has signed in at the partner door has one from there: it becomes the
// record's in place of the minted one, so that a sync and a sign-in name the
// person alike, whichever came first.
func (s *syncing) ownNumber(u, strand user.ID, minted string) (string, error) {
	handles, err := s.tx.Handles(u)
	if err != nil {
		return "", fmt.Errorf("reading the names of %s: %w", u, err)
	}
	for _, h := range handles {
		if h.Space != user.SpacePartner || h.Dead || h.Value == minted || h.Strand == "" {
			continue
		}
		on, err := s.tx.Strand(h.Strand)
		if err != nil {
			return "", fmt.Errorf("reading the strand of a number: %w", err)
		}
		if on.Kind == user.Feed || on.State != user.Live {
			continue // another source's record
		}
		h.Strand = strand
		if err := store.Put(s.tx, h); err != nil {
			return "", fmt.Errorf("moving a number to the record: %w", err)
		}
		if err := store.Delete(s.tx, user.Handle{Space: user.SpacePartner, Value: minted}); err != nil {
			return "", fmt.Errorf("taking a minted number back: %w", err)
		}
		return h.Value, nil
	}
	return minted, nil
}
