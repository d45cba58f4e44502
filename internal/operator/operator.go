package operator

import (
	"context"
	"errors"
	"fmt"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/directory"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/group"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Passwords hashes; the password package's Hasher does.
type Passwords interface {
	Hash(ctx context.Context, plain password.Plain) (password.Hash, error)
}

// Service carries out what operators ask. By is written down as the actor.
type Service struct {
	store     store.Store
	policies  admission.Policies
	passwords Passwords
	by        string
}

// New makes the service for one operator.
func New(s store.Store, p admission.Policies, h Passwords, by string) *Service {
	return &Service{store: s, policies: p, passwords: h, by: by}
}

// source is what an operator's strands are called.
const source = user.Source(user.DoorOperator)

// NewUser describes a user that an operator makes.
type NewUser struct {
	Email    string
	Name     string
	Username string
	Password string
	Role     string // "", operator or staff
	Verified bool   // the operator knows that the address is the user's
	// Reason links to a user that has the address already, where given.
	Reason string
}

// Create makes a user. Refusals: Invalid, WeakPassword, InUse for an address
// that is a user's already unless a reason is given, NotFound for a role.
func (s *Service) Create(ctx context.Context, in NewUser) (u user.User, err error) {
	a, err := s.assertion(ctx, in)
	if err != nil {
		return u, err
	}
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		for _, h := range a.Names {
			if other, err := tx.Handle(h.Space, h.Value); err == nil {
				return user.Refuse(user.InUse, "username", "username", in.Username, "user", string(other.User))
			} else if !errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("looking for a username: %w", err)
			}
		}
		own := a
		if a.Addresses[0].Assurance == user.Proven {
			own.Addresses = append([]admission.Address{}, a.Addresses...)
			own.Addresses[0].Proven = tx.Now()
		}
		out, err := admission.In(tx, s.policies.Current()).Provision(own)
		if err != nil {
			return err
		}
		if out.Decision.Refusal != "" {
			return user.Refuse(out.Decision.Refusal, "email", "user", string(out.Decision.Other))
		}
		if !out.Created && in.Reason == "" {
			return user.Refuse(user.InUse, "email", "user", string(out.User.ID), "why", "give a reason to add to that user")
		}
		u = out.User
		if in.Role == "" {
			return nil
		}
		g, err := tx.GroupByName(user.GroupRole, in.Role)
		if errors.Is(err, store.ErrNotFound) {
			return user.Refuse(user.NotFound, "role", "role", in.Role)
		}
		if err != nil {
			return fmt.Errorf("looking for role %q: %w", in.Role, err)
		}
		return group.AddIn(tx, g, u.ID, s.by)
	})
	return u, err
}

func (s *Service) assertion(ctx context.Context, in NewUser) (admission.Assertion, error) {
	a := admission.Assertion{
		Door: user.DoorOperator, Source: source, Kind: user.Operator, By: s.by, Facts: map[user.Attr]*string{},
	}
	e, err := normal.ParseEmail(in.Email)
	if err != nil {
		return a, user.Refuse(user.Invalid, "email", "why", reason(err))
	}
	address := admission.Address{Kind: user.Email, Key: e.Key(), Display: e.String(), Assurance: user.Asserted}
	if in.Verified {
		address.Assurance = user.Proven
	}
	a.Addresses = []admission.Address{address}
	if in.Name != "" {
		a.Facts[user.Name] = user.Text(in.Name)
	}
	if in.Username != "" {
		n, err := normal.NewUsername(in.Username)
		if err != nil {
			return a, user.Refuse(user.Invalid, "username", "why", reason(err))
		}
		a.Facts[user.PreferredName] = user.Text(n.Display)
		a.Names = []user.Handle{{Space: user.SpaceUsername, Value: n.Key}}
	}
	if in.Password == "" {
		return a, nil
	}
	plain := password.Plain(in.Password)
	rule := s.policies.Current().Password(user.DoorOperator)
	if err := (password.Rules{MinLength: rule.MinLength, Blocklist: rule.Blocklist}).Check(plain, e.Key(), in.Username); err != nil {
		return a, user.Refuse(user.WeakPassword, "password", "why", err.Error())
	}
	h, err := s.passwords.Hash(ctx, plain)
	if err != nil {
		return a, password.Refusal(err)
	}
	a.Password = h.String()
	return a, nil
}

// reason is why a name is refused, without saying again what it is the name of.
func reason(err error) string {
	if r, ok := errors.AsType[*normal.RefusedError](err); ok {
		return string(r.Reason)
	}
	return err.Error()
}

// on resolves whom an operator means and acts in one transaction.
func (s *Service) on(ctx context.Context, ref string, fn func(tx store.Tx, u user.User) (user.User, error)) (u user.User, err error) {
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		who, err := directory.Resolve(tx, ref)
		if err != nil {
			return err
		}
		u, err = fn(tx, who)
		return err
	})
	return u, err
}

// Lock keeps a user out until an operator lifts it.
func (s *Service) Lock(ctx context.Context, ref, reason string) (user.User, error) {
	return s.on(ctx, ref, func(tx store.Tx, u user.User) (user.User, error) {
		l := user.Lock{User: u.ID, Source: source, Reason: reason, By: s.by, At: tx.Now()}
		if err := store.Insert(tx, l); errors.Is(err, store.ErrExists) {
			return u, nil
		} else if err != nil {
			return u, fmt.Errorf("locking %s: %w", u.ID, err)
		}
		if err := session.EndAll(tx, u.ID, "", session.Ending{Actor: s.by, Why: session.Locked}); err != nil {
			return u, err
		}
		return u, s.log(tx, event.UserLocked, u.ID, map[string]any{"reason": reason})
	})
}

// Unlock lifts the operator's lock, and with all every other source's too.
// It also ends a wait after too many wrong passwords.
func (s *Service) Unlock(ctx context.Context, ref string, all bool) (user.User, error) {
	return s.on(ctx, ref, func(tx store.Tx, u user.User) (user.User, error) {
		locks, err := tx.Locks(u.ID)
		if err != nil {
			return u, fmt.Errorf("reading the locks of %s: %w", u.ID, err)
		}
		for _, l := range locks {
			if l.Source != source && !all {
				continue
			}
			if err := store.Delete(tx, l); err != nil {
				return u, fmt.Errorf("unlocking %s: %w", u.ID, err)
			}
		}
		if err := store.Delete(tx, store.Throttle{Key: "account:" + string(u.ID)}); err != nil {
			return u, fmt.Errorf("clearing the counter of %s: %w", u.ID, err)
		}
		return u, s.log(tx, event.UserUnlocked, u.ID, nil)
	})
}

// Erase removes a user's content for good, as the person would. The actor is
// the operator, who speaks for the person.
func (s *Service) Erase(ctx context.Context, ref string) (user.User, error) {
	return s.on(ctx, ref, func(tx store.Tx, u user.User) (user.User, error) {
		if u.Status == user.Deleted && u.ClosedBy == user.ClosedByPerson {
			return u, nil
		}
		if err := ledger.Open(tx, s.policies.Current(), s.by).Erase(u, user.ClosedByPerson); err != nil {
			return u, err
		}
		return tx.User(u.ID)
	})
}

// errPreview rolls a preview back.
var errPreview = errors.New("operator: preview")

// Merged is the answer to a merge: the entry to undo it by, and the survivor.
type Merged struct {
	Entry user.ID
	User  user.User
	Other user.ID
}

// mergeable says in an operator's words what the ledger would refuse.
func mergeable(into, other user.User) error {
	if into.ID == other.ID {
		return user.Refuse(user.Conflict, "", "user", string(into.ID), "why", "both names lead to the same user, "+string(into.ID))
	}
	for _, u := range []user.User{into, other} {
		if u.Status != user.Deleted && u.Status != user.Merged {
			continue
		}
		why := fmt.Sprintf("the user %s is %s", u.ID, u.Status)
		if u.ID == into.ID {
			why += ", and nothing can be merged into it"
		} else {
			why += ", and has nothing left to merge"
		}
		return user.Refuse(user.Conflict, "", "user", string(u.ID), "status", string(u.Status), "why", why)
	}
	return nil
}

// Merge puts the second user into the first. Preview does the same and writes
// nothing. Refusals: NotFound, Conflict for one user twice or one that is gone.
func (s *Service) Merge(ctx context.Context, into, other, why string, preview bool) (m Merged, err error) {
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		a, err := directory.Resolve(tx, into)
		if err != nil {
			return err
		}
		b, err := directory.Resolve(tx, other)
		if err != nil {
			return err
		}
		if err := mergeable(a, b); err != nil {
			return err
		}
		e, err := ledger.Open(tx, s.policies.Current(), s.by).For(why).Merge(a, b)
		if err != nil {
			return err
		}
		m.Entry, m.Other = e.ID, b.ID
		if m.User, err = tx.User(a.ID); err != nil {
			return err
		}
		if preview {
			return errPreview
		}
		return nil
	})
	if errors.Is(err, errPreview) {
		err = nil
	}
	return m, err
}

// Unmerge undoes a merge, an absorption or an eviction by its entry.
func (s *Service) Unmerge(ctx context.Context, entry string) (e store.Entry, err error) {
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		var err error
		e, err = ledger.Open(tx, s.policies.Current(), s.by).Undo(user.ID(entry))
		if errors.Is(err, store.ErrNotFound) {
			return user.Refuse(user.NotFound, "entry", "entry", entry)
		}
		return err
	})
	return e, err
}

// List pages through users by id.
func (s *Service) List(ctx context.Context, after user.ID, limit int) (us []user.User, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		var err error
		us, err = r.Users(after, limit)
		return err
	})
	return us, err
}

func (s *Service) log(tx store.Tx, kind event.Kind, u user.ID, body map[string]any) error {
	return event.Append(tx, event.New{Kind: kind, User: u, Actor: s.by, Door: user.DoorOperator, Body: body})
}
