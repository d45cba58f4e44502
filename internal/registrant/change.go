package registrant

import (
	"context"
	"errors"
	"fmt"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Change takes over what somebody says of themselves, whole or not at all, and gives
// what the portal shows then. A profile that was sent is made; one that needs
// approval is asked for. Refusals: Invalid of profile_type for one that is not
// theirs to have; BadToken when the session ended in between. The values were
// checked by the caller against policy (policy.Attribute.Faults).
func (s *Service) Change(ctx context.Context, h Here, ch Change) (Account, error) {
	pol := s.Policies.Current()
	var after store.ChannelState
	err := s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		after = h.State
		u, err := session.Again(tx, h.Live)
		if err != nil {
			return err
		}
		p, err := profile(tx, u.ID, h.Session.Strand)
		if err != nil {
			return err
		}
		if after.Strand, err = tx.Strand(h.Session.Strand); err != nil {
			return fmt.Errorf("reading the strand: %w", err)
		}
		if u, err = s.edit(tx, pol, u, &after.Strand, ch); err != nil {
			return err
		}
		if err := s.reprofile(tx, pol, u, after.Strand, &p, ch); err != nil {
			return err
		}
		after.User, after.Profile = u, p
		return nil
	})
	if err != nil {
		return Account{}, err
	}
	return account(pol.Portal, after), nil
}

// profile gives what the channel keeps of a user, or nothing yet on a strand.
func profile(r store.Reader, u, strand user.ID) (store.ChannelProfile, error) {
	p, err := r.ChannelProfile(Door, u)
	if errors.Is(err, store.ErrNotFound) {
		return store.ChannelProfile{Strand: strand, Channel: Door, User: u}, nil
	}
	if err != nil {
		return p, fmt.Errorf("reading a profile: %w", err)
	}
	return p, nil
}

// edit writes facts of a person's own.
func (s *Service) edit(tx store.Tx, pol policy.Policy, u user.User, st *user.Strand, ch Change) (user.User, error) {
	now, edits, changed := tx.Now(), st.Edits.Clone(), []user.Attr{}
	set := func(a user.Attr, v *string) {
		if edits.Set(a, v, user.Asserted, now) {
			changed = append(changed, a)
		}
	}
	for field, v := range ch.Fields {
		set(policy.AttrOf(Door, field), v)
	}
	if ch.Accepts != nil {
		// Accepting again what was accepted keeps when that was.
		switch accepted := pol.Portal.Accepted(Door, u.Profile); {
		case *ch.Accepts && !accepted:
			set(policy.TermsAttr(Door), user.Text(pol.Portal.Terms.Version))
		case !*ch.Accepts && accepted:
			set(policy.TermsAttr(Door), nil)
		}
	}
	if len(changed) == 0 {
		return u, nil
	}
	st.Edits, st.Updated, st.UpdatedBy = edits, now, string(u.ID)
	if err := store.Put(tx, *st); err != nil {
		return u, fmt.Errorf("writing the strand: %w", err)
	}
	u, err := ledger.Open(tx, pol, string(u.ID)).Reproject(u)
	if err != nil {
		return u, err
	}
	return u, event.Append(tx, event.New{
		Kind: event.UserChanged, User: u.ID, Actor: string(u.ID), Door: Door,
		Body: map[string]any{"attributes": changed, "strand": st.ID},
	})
}

// reprofile makes a profile, or asks for one.
func (s *Service) reprofile(tx store.Tx, pol policy.Policy, u user.User, st user.Strand, p *store.ChannelProfile, ch Change) error {
	c, was := pol.Portal, *p
	kind := c.Default
	if ch.Type != nil {
		kind = *ch.Type
	}
	t, exists := c.Profiles[kind]
	wrong := user.Refuse(user.Invalid, "profile_type")
	switch {
	case ch.Type != nil && (!exists || p.Type != "" && *ch.Type != p.Type):
		return wrong
	case p.Type != "" || !ch.Profile:
	case t.Approval && p.Asked != "" && p.Asked != kind:
		return wrong // one request at a time
	case t.Approval:
		if err := s.ask(tx, pol, u, st, p, kind); err != nil {
			return err
		}
	default:
		p.Type, p.Made = kind, tx.Now()
		if err := s.made(tx, pol, u, st, *p); err != nil {
			return err
		}
	}
	if ch.Profile && p.Type != "" && len(ch.Fields) > 0 || *p != was {
		p.Updated = tx.Now()
	}
	if p.Created.IsZero() {
		p.Created = tx.Now()
	}
	if *p != was {
		if err := store.Put(tx, *p); err != nil {
			return fmt.Errorf("keeping a profile: %w", err)
		}
	}
	return s.assign(tx, pol, u, st, *p)
}
