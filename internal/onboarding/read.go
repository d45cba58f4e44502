package onboarding

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Key is what somebody is looked for by.
type Key struct {
	Kind  KeyKind
	Value string // the canonical key of an address, a username, an id at this door
}

// KeyKind says what a Key is.
type KeyKind uint8

const (
	ByEmail KeyKind = iota
	ByPhone
	ByUsername
	ByID
)

// Shown is what this door shows of a user (contract B.6): no address.
type Shown struct {
	ID       string
	User     user.User
	Username string
	// First and Last are the names that count; where no source gave a first name,
	// the whole name.
	First, Last   string
	Channel       user.Group // zero where there is none
	Organisations []user.Group
	Roles         []string
	EmailVerified bool
	PhoneVerified bool
	Blocked       bool
}

// Show gives a user who is known at this door. Refusals: NotFound; UserLocked for
// one who is blocked, or deleted with the addresses kept.
func (s *Service) Show(ctx context.Context, k Key) (out Shown, err error) {
	err = s.Store.View(ctx, func(r store.Reader) error {
		p, err := find(r, k)
		if err != nil {
			return err
		}
		if p.Blocked {
			return user.Refuse(user.UserLocked, "user")
		}
		if p.ID == "" {
			return user.Refuse(user.NotFound, "user")
		}
		out, err = shown(r, p)
		return err
	})
	return out, err
}

// Exists says whether somebody is known by a key, blocked or not.
func (s *Service) Exists(ctx context.Context, k Key) (out Shown, known bool, err error) {
	err = s.Store.View(ctx, func(r store.Reader) error {
		p, err := find(r, k)
		if err != nil {
			return err
		}
		if known = p.Known(); p.ID != "" {
			out, err = shown(r, p)
		}
		return err
	})
	return out, known, err
}

func find(r store.Reader, k Key) (Presence, error) {
	switch k.Kind {
	case ByEmail:
		return at(r, user.Email, k.Value)
	case ByPhone:
		return at(r, user.Phone, k.Value)
	}
	space, value := user.SpaceSunbird, strings.ToLower(k.Value)
	if k.Kind == ByUsername {
		name, err := normal.ImportedUsername(k.Value)
		if err != nil {
			return Presence{}, nil //nolint:nilerr // nobody can be called so
		}
		space, value = user.SpaceSunbirdUN, name.Key
	}
	h, err := r.Handle(space, value)
	if errors.Is(err, store.ErrNotFound) || err == nil && h.Dead {
		return Presence{}, nil
	}
	if err != nil {
		return Presence{}, fmt.Errorf("looking for a name: %w", err)
	}
	in, err := r.SignInByUser(user.DoorSunbird, h.User, user.SpaceSunbird)
	if err != nil {
		return Presence{}, fmt.Errorf("reading a user: %w", err)
	}
	p, _, err := present(r, in)
	return p, err
}

func shown(r store.Reader, p Presence) (out Shown, err error) {
	out = Shown{ID: p.ID, Blocked: p.Blocked}
	if out.User, err = r.User(p.User); err != nil {
		return out, fmt.Errorf("reading a user: %w", err)
	}
	profile := out.User.Profile
	out.First, out.Last = profile.Text(user.GivenName), profile.Text(user.FamilyName)
	if out.First == "" {
		out.First = profile.Text(user.Name)
	}
	// The username is this door's strand's (design, section 4).
	out.Username = profile.Text(user.PreferredName)
	if s, err := r.Strand(p.Strand); err == nil {
		if n := s.Document.Text(user.PreferredName); n != "" {
			out.Username = n
		}
	} else if !errors.Is(err, store.ErrNotFound) {
		return out, fmt.Errorf("reading a strand: %w", err)
	}
	if err := out.addresses(r); err != nil {
		return out, err
	}
	return out, out.groups(r)
}

// addresses tells of what is this user's own: proven, or said by who may.
func (out *Shown) addresses(r store.Reader) error {
	sure, err := sureAddresses(r, out.User.ID)
	for _, c := range sure {
		out.EmailVerified = out.EmailVerified || c.Kind == user.Email
		out.PhoneVerified = out.PhoneVerified || c.Kind == user.Phone
	}
	return err
}

func (out *Shown) groups(r store.Reader) error {
	groups, err := r.GroupsOf(out.User.ID)
	if err != nil {
		return fmt.Errorf("reading the groups of %s: %w", out.User.ID, err)
	}
	out.Roles = []string{}
	for _, g := range groups {
		switch g.Kind {
		case user.GroupRole:
			if !ownRole(g) {
				continue
			}
			out.Roles = append(out.Roles, g.Name)
		case user.GroupOrganisation:
			out.Organisations = append(out.Organisations, g)
		case user.GroupChannel:
			if out.Channel.ID == "" {
				out.Channel = g
			}
		}
	}
	return nil
}
