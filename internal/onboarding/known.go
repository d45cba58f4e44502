package onboarding

import (
	"errors"
	"fmt"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Presence is what an address or name is to this door.
type Presence struct {
	User    user.ID
	ID      string  // at this door; empty where the user is not known here
	Strand  user.ID // this door's, of this user
	Blocked bool    // locked by anybody, or deleted with the addresses kept
}

// Known says that the user is somebody's here, or nobody may become it.
func (p Presence) Known() bool { return p.ID != "" || p.Blocked }

// at finds what an address is: the one whom this door's own strands say it is
// theirs for sure, else its owner. Zero: nobody.
func at(r store.Reader, kind user.AddressKind, key string) (Presence, error) {
	claimed, err := r.SignInByClaim(user.DoorSunbird, kind, key, user.SpaceSunbird)
	if err != nil {
		return Presence{}, fmt.Errorf("looking for an address: %w", err)
	}
	owned, err := r.SignInByOwner(user.DoorSunbird, kind, key, user.SpaceSunbird)
	if err != nil {
		return Presence{}, fmt.Errorf("looking for the owner of an address: %w", err)
	}
	var found Presence
	for _, s := range append(owned, claimed...) {
		p, ok, err := present(r, s)
		if err != nil {
			return Presence{}, err
		}
		if ok && (found.User == "" || !found.Known() && p.Known()) {
			found = p
		}
	}
	if found.User != "" {
		return found, nil
	}
	return closed(r, kind, key)
}

// closed finds somebody who was deleted with their addresses kept.
func closed(r store.Reader, kind user.AddressKind, key string) (Presence, error) {
	claims, err := r.Claims(kind, key)
	if err != nil {
		return Presence{}, fmt.Errorf("reading the claims on an address: %w", err)
	}
	for _, c := range claims {
		u, err := r.User(c.User)
		if err != nil {
			return Presence{}, fmt.Errorf("reading a user: %w", err)
		}
		if p, ok, err := present(r, store.SignIn{User: u.ID, Status: u.Status}); err != nil || ok && p.Blocked {
			return p, err
		}
	}
	return Presence{}, nil
}

// present reads a user's state at this door; ok is false for one that is gone, or
// set aside.
func present(r store.Reader, s store.SignIn) (p Presence, ok bool, err error) {
	p = Presence{User: s.User, ID: s.Number, Strand: s.Strand}
	switch s.Status {
	case user.Active, user.Archived, user.Reserved:
		p.Blocked = s.Locked
	case user.Deleted:
		u, err := r.User(s.User)
		if err != nil {
			return p, false, fmt.Errorf("reading a user: %w", err)
		}
		p.Blocked = u.ClosedBy != user.ClosedByPerson
		return p, p.Blocked, nil
	default:
		return p, false, nil
	}
	if p.ID == "" {
		// Not on the oldest strand of this door: another may have it.
		if p.ID, err = doorID(r, s.User); err != nil {
			return p, false, err
		}
	}
	return p, true, nil
}

// doorID gives a user's live id at this door, or "".
func doorID(r store.Reader, u user.ID) (string, error) {
	hs, err := r.Handles(u)
	if err != nil {
		return "", fmt.Errorf("reading the names of %s: %w", u, err)
	}
	for _, h := range hs {
		if h.Space != user.SpaceSunbird || h.Dead {
			continue
		}
		s, err := r.Strand(h.Strand)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return "", fmt.Errorf("reading a strand: %w", err)
		}
		if s.State == user.Live {
			return h.Value, nil
		}
	}
	return "", nil
}
