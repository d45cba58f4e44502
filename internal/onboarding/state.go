package onboarding

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// StateIdentity is somebody at a state's portal: a channel, and whom its tokens call
// so (contract B.8: externalIds; B.5: a provider is compared in small letters).
func StateIdentity(channel, subject string) user.IdentityKey {
	return user.IdentityKey{Issuer: "state:" + strings.ToLower(channel), Subject: subject}
}

// HasAddress says whether a user has an e-mail or phone that is sure.
func HasAddress(r store.Reader, u user.ID) (bool, error) {
	sure, err := sureAddresses(r, u)
	return len(sure) > 0, err
}

// sureAddresses are those that a user owns, or that somebody trusted vouches for: one
// that was proven once, and is another's now, is not among them.
func sureAddresses(r store.Reader, u user.ID) ([]user.Claim, error) {
	claims, err := r.ClaimsOf(u)
	if err != nil {
		return nil, fmt.Errorf("reading the addresses of %s: %w", u, err)
	}
	owned, err := r.Owned(u)
	if err != nil {
		return nil, fmt.Errorf("reading the addresses of %s: %w", u, err)
	}
	return slices.DeleteFunc(claims, func(c user.Claim) bool {
		own := slices.ContainsFunc(owned, func(o user.Owner) bool { return o.Kind == c.Kind && o.Address == c.Address })
		return c.Assurance != user.Attested && (c.Assurance != user.Proven || !own)
	}), nil
}

// Known gives the id of a user who is known at this door; empty for others.
func Known(r store.Reader, u user.ID) (string, error) { return doorID(r, u) }

// Blocked says whether an address is somebody's who may not come in.
func (s *Service) Blocked(ctx context.Context, kind user.AddressKind, key string) (is bool, err error) {
	err = s.Store.View(ctx, func(r store.Reader) error {
		p, err := at(r, kind, key)
		is = p.Blocked
		return err
	})
	return is, err
}

// Newcomer is what a proof says of somebody beside who they are.
type Newcomer struct {
	First, Last string
	// Roles are names; those are taken that an operator made and that mean nothing
	// to usher itself.
	Roles []string
}

// SettleIn gives somebody who was admitted by a proof what everybody at this door
// has: an id, a username if they have none here, the role PUBLIC and their place.
func (s *Service) SettleIn(tx store.Tx, out admission.Outcome, placed Placed, n Newcomer) error {
	handles, err := tx.Handles(out.User.ID)
	if err != nil {
		return fmt.Errorf("reading the names of %s: %w", out.User.ID, err)
	}
	named := slices.ContainsFunc(handles, func(h user.Handle) bool { return h.Space == user.SpaceSunbirdUN && !h.Dead })
	if !named {
		name, _, err := pickName(tx, Form{FirstName: n.First, LastName: n.Last})
		if err != nil {
			return err
		}
		h := user.Handle{Space: user.SpaceSunbirdUN, Value: name.Key, User: out.User.ID, Strand: out.Strand.ID, Created: tx.Now()}
		if err := store.Insert(tx, h); err != nil {
			return fmt.Errorf("giving %s a username: %w", out.User.ID, err)
		}
		if err := s.call(tx, out, name.Display); err != nil {
			return err
		}
	}
	if placed.joins, err = s.withRoles(tx, placed.joins, n.Roles); err != nil {
		return err
	}
	_, err = s.settleIn(tx, out, placed)
	return err
}

// call has a strand say what its user is called at this door.
func (s *Service) call(tx store.Tx, out admission.Outcome, name string) error {
	strand := out.Strand
	strand.Document = strand.Document.Clone()
	strand.Document.Set(user.PreferredName, user.Text(name), user.Asserted, tx.Now())
	if err := store.Put(tx, strand); err != nil {
		return fmt.Errorf("keeping a username: %w", err)
	}
	_, err := ledger.Open(tx, s.Policies.Current(), string(strand.Source)).Reproject(out.User)
	return err
}

// usherRoles mean something to usher itself: no state gives them.
var usherRoles = []string{user.RoleOperator, user.RoleStaff, user.RoleSysadmin}

func (s *Service) withRoles(r store.Reader, joins []user.Group, roles []string) ([]user.Group, error) {
	for _, name := range roles {
		if slices.Contains(usherRoles, name) {
			continue
		}
		g, err := r.GroupByName(user.GroupRole, name)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("looking for the role %s: %w", name, err)
		}
		if ownRole(g) {
			joins = append(joins, g)
		}
	}
	return joins, nil
}

// ownRole says whether a role means something at this door: not those that mean
// something to usher itself, nor those that another source brought.
func ownRole(g user.Group) bool {
	return !slices.Contains(usherRoles, g.Name) && g.Attributes[user.MadeBy] == ""
}
