package ledger

import (
	"fmt"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Evict sets aside a user that claimed an address without ever proving
// anything: it loses the address, its sessions and codes end, its passwords
// sign nobody in, and it is kept so that an operator can restore it.
func (b *Book) Evict(u user.User, kind user.AddressKind, address string) error {
	un := undo{Status: u.Status}
	strands, err := b.tx.Strands(u.ID)
	if err != nil {
		return fmt.Errorf("reading the strands of %s: %w", u.ID, err)
	}
	for _, s := range strands {
		if s.State != user.Live {
			continue
		}
		s.State = user.StrandSetAside
		if err := store.Put(b.tx, s); err != nil {
			return fmt.Errorf("setting a strand of %s aside: %w", u.ID, err)
		}
		un.Strands = append(un.Strands, s.ID)
	}
	dropped, err := b.dropClaims(u.ID, kind, address, func(user.Claim) bool { return true })
	if err != nil {
		return err
	}
	un.Claims = dropped
	if un.Passwords, err = b.setPasswordsAside(u.ID, func(user.Password) bool { return true }); err != nil {
		return err
	}
	if err := b.changeOwner(&u); err != nil {
		return err
	}
	u.Status = user.SetAside
	if _, err := b.enter(store.EntryEvict, u.ID, "", un); err != nil {
		return err
	}
	if err := b.log(event.UserEvicted, u.ID, "", map[string]any{"kind": kind}); err != nil {
		return err
	}
	_, err = b.Reproject(u)
	return err
}

// TakeOver gives a user in which nobody had been to the person who proved its
// address or identity. Passwords survive only from the strands in keep: those
// of trusted sources that vouched for what was proven. It writes the user.
func (b *Book) TakeOver(u user.User, keep map[user.ID]bool) (user.User, error) {
	un := undo{Status: u.Status}
	var err error
	un.Passwords, err = b.setPasswordsAside(u.ID, func(p user.Password) bool { return !keep[p.Strand] })
	if err != nil {
		return u, err
	}
	if err := b.changeOwner(&u); err != nil {
		return u, err
	}
	u.Status = user.Active
	u.Updated = b.tx.Now()
	if _, err := b.enter(store.EntryTakeover, u.ID, "", un); err != nil {
		return u, err
	}
	return u, store.Put(b.tx, u)
}

// DropClaims takes an address from a user that only said it was its own and
// has proven other things. The user lives on.
func (b *Book) DropClaims(u user.User, kind user.AddressKind, address string) error {
	dropped, err := b.dropClaims(u.ID, kind, address, func(c user.Claim) bool { return c.Assurance == user.Asserted })
	if err != nil || len(dropped) == 0 {
		return err
	}
	if _, err := b.enter(store.EntryEvict, u.ID, "", undo{Claims: dropped, Status: u.Status}); err != nil {
		return err
	}
	_, err = b.Reproject(u)
	return err
}

func (b *Book) dropClaims(u user.ID, kind user.AddressKind, address string, drop func(user.Claim) bool) ([]user.Claim, error) {
	claims, err := b.tx.ClaimsOf(u)
	if err != nil {
		return nil, fmt.Errorf("reading the addresses of %s: %w", u, err)
	}
	var dropped []user.Claim
	for _, c := range claims {
		if c.Kind != kind || c.Address != address || !drop(c) {
			continue
		}
		if err := store.Delete(b.tx, c); err != nil {
			return nil, fmt.Errorf("dropping an address of %s: %w", u, err)
		}
		dropped = append(dropped, c)
	}
	return dropped, nil
}

func (b *Book) setPasswordsAside(u user.ID, which func(user.Password) bool) ([]user.ID, error) {
	passwords, err := b.tx.Passwords(u)
	if err != nil {
		return nil, fmt.Errorf("reading the passwords of %s: %w", u, err)
	}
	var aside []user.ID
	for _, p := range passwords {
		if p.SetAside || !which(p) {
			continue
		}
		p.SetAside = true
		if err := store.Put(b.tx, p); err != nil {
			return nil, fmt.Errorf("setting a password of %s aside: %w", u, err)
		}
		aside = append(aside, p.Strand)
	}
	return aside, nil
}
