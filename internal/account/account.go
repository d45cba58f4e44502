package account

import (
	"context"
	"fmt"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/group"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Policies gives the policy in force.
type Policies interface{ Current() policy.Policy }

// Service serves people who are signed in.
type Service struct {
	store    store.Store
	policies Policies
}

// New makes the service.
func New(s store.Store, p Policies) *Service { return &Service{store: s, policies: p} }

// Edit records what a person says about themselves and gives the profile as
// it is then. The session is checked again inside the transaction: BadToken
// when it ended in between.
func (s *Service) Edit(ctx context.Context, live session.Live, e Edit) (prof user.Profile, err error) {
	pol := s.policies.Current()
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		again := session.Again
		if live.Session.Door == user.DoorGQLAuth { // which lets archived users in
			again = session.AgainHere
		}
		u, err := again(tx, live)
		if err != nil {
			return err
		}
		st, err := tx.Strand(live.Session.Strand)
		if err != nil {
			return fmt.Errorf("reading the strand: %w", err)
		}
		now, edits, changed := tx.Now(), st.Edits.Clone(), []user.Attr{}
		for a, v := range e {
			if edits.Set(a, v, user.Asserted, now) {
				changed = append(changed, a)
			}
		}
		prof = u.Profile
		if len(changed) == 0 {
			return nil
		}
		st.Edits, st.Updated, st.UpdatedBy = edits, now, string(u.ID)
		if err := store.Put(tx, st); err != nil {
			return fmt.Errorf("writing the strand: %w", err)
		}
		if u, err = ledger.Open(tx, pol, string(u.ID)).Reproject(u); err != nil {
			return err
		}
		prof = u.Profile
		return event.Append(tx, event.New{
			Kind: event.UserChanged, User: u.ID, Actor: string(u.ID), Door: live.Session.Door,
			Body: map[string]any{"attributes": changed, "strand": st.ID},
		})
	})
	return prof, err
}

// names is the space of each door's ids. It is never written to.
var names = map[user.Door]user.Space{
	user.DoorEDI:     user.SpaceEDI,
	user.DoorPartner: user.SpacePartner,
}

// DeleteAtDoor is a person's delete at a door: what the door had of them ends,
// the groups that they own there included,
// and the whole user with it when nothing of theirs is left elsewhere.
func (s *Service) DeleteAtDoor(ctx context.Context, live session.Live, door user.Door) error {
	pol := s.policies.Current()
	return s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		u, err := session.Again(tx, live)
		if err != nil {
			return err
		}
		if door == user.DoorEDI { // first: afterwards they own none
			if err := group.DissolveOwned(tx, u.ID); err != nil {
				return fmt.Errorf("dissolving their groups: %w", err)
			}
		}
		return ledger.Open(tx, pol, string(u.ID)).LeaveDoor(u, door, names[door])
	})
}
