package enrol

import (
	"errors"
	"fmt"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// knowledge is everybody an e-mail address leads to, as far as this door may
// act on it.
type knowledge struct {
	address string
	// verified have proven it as their first or second address here; pending say
	// that it is theirs, oldest first.
	verified, pending []store.AccountState
	// owner owns it, and may never have been here.
	owner  *user.User
	locked bool // the owner is
	// here is the owner's account, if it has one.
	here *store.AccountState
	// vouched is the one user for whom a trusted source vouches, where nobody owns
	// the address.
	vouched *user.User
}

func lookUp(r store.Reader, address string) (knowledge, error) {
	k := knowledge{address: address}
	found, err := r.AccountsAt(address)
	if err != nil {
		return k, fmt.Errorf("looking for an account: %w", err)
	}
	for _, st := range found {
		if st.Account.Verified || st.Account.Second.Key == address {
			k.verified = append(k.verified, st)
			continue
		}
		still, err := pending(r, st.Account)
		if err != nil {
			return k, err
		}
		if still {
			k.pending = append(k.pending, st)
		}
	}
	o, err := r.Owner(user.Email, address)
	if errors.Is(err, store.ErrNotFound) {
		return k, k.lookForVoucher(r)
	}
	if err != nil {
		return k, fmt.Errorf("looking for the owner of an address: %w", err)
	}
	u, err := r.User(o.User)
	if err != nil {
		return k, fmt.Errorf("reading the owner of an address: %w", err)
	}
	k.owner = &u
	locks, err := r.Locks(u.ID)
	if err != nil {
		return k, fmt.Errorf("reading the locks of %s: %w", u.ID, err)
	}
	k.locked = len(locks) > 0
	return k, k.lookHere(r, u.ID)
}

// lookHere reads the account of whoever the address leads to from elsewhere.
func (k *knowledge) lookHere(r store.Reader, u user.ID) error {
	st, err := r.Account(u)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading an account: %w", err)
	}
	k.here = &st
	return nil
}

func (k *knowledge) lookForVoucher(r store.Reader) error {
	claims, err := r.Claims(user.Email, k.address)
	if err != nil {
		return fmt.Errorf("reading the claims on an address: %w", err)
	}
	var who user.ID
	for _, c := range claims {
		if c.Assurance != user.Attested || c.User == who {
			continue
		}
		if who != "" {
			return nil // two sources say two things
		}
		who = c.User
	}
	if who == "" {
		return nil
	}
	u, err := r.User(who)
	if err != nil {
		return fmt.Errorf("reading a user: %w", err)
	}
	if u.Status != user.Active && u.Status != user.Archived {
		return nil
	}
	k.vouched = &u
	return k.lookHere(r, u.ID)
}

// known is who is known at this door by the address.
func (k knowledge) known() (store.AccountState, bool) {
	if len(k.verified) > 0 {
		return k.verified[0], true
	}
	if k.here != nil {
		return *k.here, true
	}
	return store.AccountState{}, false
}

// inUse refuses an address to a sign-up. Somebody who is known elsewhere only is
// no reason: the mailed link joins the two (design, section 3). compat keeps it
// from a second sign-up too.
func (k knowledge) inUse(compat bool) *user.Refusal {
	for _, st := range k.verified {
		if st.Account.Second.Key == k.address {
			return user.Refuse(user.InUse, "email", "why", WhySecondary)
		}
	}
	_, known := k.known()
	closed := k.owner != nil && (k.locked || k.owner.Status == user.Deleted)
	if known || closed || compat && len(k.pending) > 0 {
		return user.Refuse(user.InUse, "email")
	}
	return nil
}
