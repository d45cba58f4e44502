package directory

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Service finds users.
type Service struct{ store store.Store }

// New makes the service.
func New(s store.Store) *Service { return &Service{store: s} }

// FindEDI finds the user behind an EDI number. NotFound for an unknown, dead
// or malformed one, and for a user that was deleted or set aside.
func (s *Service) FindEDI(ctx context.Context, number string) (u user.User, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		rec, err := r.RecordByHandle(user.SpaceEDI, number, user.SpaceEDI)
		if errors.Is(err, store.ErrNotFound) {
			return user.Refuse(user.NotFound, "edi_id")
		}
		if err != nil {
			return fmt.Errorf("looking for an EDI number: %w", err)
		}
		if u = rec.User; u.Status == user.Deleted || u.Status == user.SetAside {
			return user.Refuse(user.NotFound, "edi_id")
		}
		return nil
	})
	return u, err
}

// Resolve finds the user that an operator names: by id, that of a merged user
// leading to its survivor, by any handle, by identity ("issuer subject" or an
// EDI idp_uid), by e-mail or by username. A dead handle is a name of last
// resort: it gives the deleted user where it is nobody else's. NotFound when
// nothing matches, Conflict when several do.
func (s *Service) Resolve(ctx context.Context, ref string) (u user.User, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		var err error
		u, err = Resolve(r, ref)
		return err
	})
	return u, err
}

// Resolve is Service.Resolve over a reader.
func Resolve(r store.Reader, ref string) (user.User, error) {
	if ref == "" {
		return user.User{}, user.Refuse(user.NotFound, "user", "user", ref)
	}
	u, err := r.User(user.ID(ref))
	// A merged user is found as the retired id that it is, below.
	if err == nil && u.Status != user.Merged || err != nil && !errors.Is(err, store.ErrNotFound) {
		return u, err
	}
	for _, find := range []func(store.Reader, string) ([]user.ID, error){byHandle, byEmail, byPhone, byIdentity} {
		ids, err := find(r, ref)
		if err != nil {
			return user.User{}, fmt.Errorf("looking for %q: %w", ref, err)
		}
		switch len(ids) {
		case 0:
		case 1:
			return r.User(ids[0])
		default:
			return user.User{}, user.Refuse(user.Conflict, "user", "user", ref, "why", "several users match; use an id")
		}
	}
	return user.User{}, user.Refuse(user.NotFound, "user", "user", ref)
}

func byHandle(r store.Reader, ref string) ([]user.ID, error) {
	values := []string{ref}
	if n, err := normal.ImportedUsername(ref); err == nil && n.Key != ref {
		values = append(values, n.Key)
	}
	if other, ok := normal.ParseReference(ref); ok && other.Value != ref {
		values = append(values, other.Value)
	}
	var ids, dead []user.ID
	for _, v := range values {
		hs, err := r.FindHandles(v)
		if err != nil {
			return nil, err
		}
		for _, h := range hs {
			if h.Dead {
				dead = add(dead, h.User)
			} else {
				ids = add(ids, h.User)
			}
		}
	}
	if len(ids) == 0 {
		return dead, nil
	}
	return ids, nil
}

func byIdentity(r store.Reader, ref string) ([]user.ID, error) {
	var keys []user.IdentityKey
	if issuer, subject, ok := strings.Cut(ref, " "); ok {
		if id, err := normal.NewIdentity(issuer, subject); err == nil {
			keys = append(keys, user.IdentityKey{Issuer: id.Issuer, Subject: id.Subject})
		}
	}
	if n, err := normal.ParseIdentityName(ref); err == nil {
		keys = append(keys, user.IdentityKey{Issuer: n.Issuer, Subject: n.Subject})
	}
	var ids []user.ID
	for _, k := range keys {
		i, err := r.Identity(k)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		ids = add(ids, i.User)
	}
	return ids, nil
}

func byEmail(r store.Reader, ref string) ([]user.ID, error) {
	e, err := normal.ParseEmail(ref)
	if err != nil {
		return nil, nil //nolint:nilerr // not an e-mail, so nobody's
	}
	return byAddress(r, user.Email, e.Key())
}

// byPhone takes a number with its country, as +919876543210.
func byPhone(r store.Reader, ref string) ([]user.ID, error) {
	p, err := normal.ParsePhone(ref, "")
	if err != nil {
		return nil, nil //nolint:nilerr // not a phone, so nobody's
	}
	return byAddress(r, user.Phone, p.Key())
}

// byAddress finds who owns an address, or all who claim it.
func byAddress(r store.Reader, kind user.AddressKind, key string) ([]user.ID, error) {
	o, err := r.Owner(kind, key)
	if err == nil {
		return []user.ID{o.User}, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	claims, err := r.Claims(kind, key)
	var ids []user.ID
	for _, c := range claims {
		ids = add(ids, c.User)
	}
	return ids, err
}

func add(ids []user.ID, id user.ID) []user.ID {
	for _, have := range ids {
		if have == id {
			return ids
		}
	}
	return append(ids, id)
}
