package admission

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Policies gives the policy in force.
type Policies interface{ Current() policy.Policy }

// Service admits, a transaction at a time.
type Service struct {
	store    store.Store
	policies Policies
}

// New makes the service.
func New(s store.Store, p Policies) *Service { return &Service{store: s, policies: p} }

// Arrive admits a person in a transaction of its own.
func (s *Service) Arrive(ctx context.Context, a Arrival) (out Outcome, err error) {
	pol := s.policies.Current()
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		var err error
		out, err = In(tx, pol).Arrive(a)
		return err
	})
	return out, err
}

// Provision records a source's word in a transaction of its own.
func (s *Service) Provision(ctx context.Context, a Assertion) (out Outcome, err error) {
	pol := s.policies.Current()
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		var err error
		out, err = In(tx, pol).Provision(a)
		return err
	})
	return out, err
}

// Reservation asks for a user that grants can point at, for an identity that
// may never have been here.
type Reservation struct {
	Door     user.Door
	By       string
	Identity user.IdentityKey
	// Name is the idp_uid as it was sent, from which policy edi.id: sha256 makes
	// the number; Identity has it in one form.
	Name string
}

// Reserved is the answer: the user and its EDI number.
type Reserved struct {
	User    user.User
	Handle  string
	Created bool
}

// Reserve finds the user of an identity or reserves one, once however many
// ask at the same time.
func (s *Service) Reserve(ctx context.Context, r Reservation) (out Reserved, err error) {
	pol := s.policies.Current()
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		var err error
		out, err = In(tx, pol).Reserve(r)
		return err
	})
	return out, err
}

// Reserve is Service.Reserve within a transaction.
func (k *Desk) Reserve(r Reservation) (Reserved, error) {
	i, err := k.tx.Identity(r.Identity)
	if err == nil {
		u, err := k.tx.User(i.User)
		if err != nil {
			return Reserved{}, fmt.Errorf("reading the user of an identity: %w", err)
		}
		if u.Status == user.Deleted {
			return Reserved{}, user.Refuse(user.UserDeleted, "idp_uid")
		}
		h, _, err := k.EDINumber(u, user.Reservation, r.By)
		return Reserved{User: u, Handle: h}, err
	}
	if !errors.Is(err, store.ErrNotFound) {
		return Reserved{}, fmt.Errorf("looking for an identity: %w", err)
	}
	number, err := k.newEDINumber(cmp.Or(r.Name, nameOf(r.Identity)))
	if err != nil {
		return Reserved{}, err
	}
	out, err := k.Provision(Assertion{
		Door: r.Door, Source: user.Source(r.Door), Kind: user.Reservation, By: r.By,
		Identities: []user.IdentityKey{r.Identity},
		Names:      []user.Handle{{Space: user.SpaceEDI, Value: number}},
	})
	if err != nil {
		return Reserved{}, err
	}
	return Reserved{User: out.User, Handle: number, Created: out.Created}, k.findableByEmail(r.Identity, out)
}

// findableByEmail lets a reservation that is named by an e-mail be found by a
// proof of that address. The claim is a bare word: it neither links nor blocks.
func (k *Desk) findableByEmail(key user.IdentityKey, out Outcome) error {
	if key.Issuer != normal.IssuerEmail {
		return nil
	}
	e, err := normal.ParseEmail(key.Subject)
	if err != nil {
		return nil //nolint:nilerr // no address, so no proof of it can come
	}
	return store.Put(k.tx, user.Claim{
		Kind: user.Email, Address: e.Key(), Display: e.String(), User: out.User.ID, Strand: out.Strand.ID,
		Source: out.Strand.Source, Assurance: user.Asserted, Since: k.tx.Now(),
	})
}

// EDINumber gives a user's EDI number, made at first need on a strand of the
// EDI door's own, so that the door's delete ends it.
func (k *Desk) EDINumber(u user.User, kind user.StrandKind, by string) (string, user.ID, error) {
	handles, err := k.tx.Handles(u.ID)
	if err != nil {
		return "", "", fmt.Errorf("reading the names of %s: %w", u.ID, err)
	}
	for _, h := range handles {
		if h.Space == user.SpaceEDI && !h.Dead {
			return h.Value, h.Strand, nil
		}
	}
	name := ""
	if ids, err := k.tx.Identities(u.ID); err != nil {
		return "", "", fmt.Errorf("reading the identities of %s: %w", u.ID, err)
	} else if len(ids) > 0 {
		name = nameOf(ids[0].Key())
	}
	number, err := k.newEDINumber(name)
	if err != nil {
		return "", "", err
	}
	now := k.tx.Now()
	strand := user.Strand{
		ID: k.tx.NewID(), User: u.ID, Origin: u.ID, Source: user.Source(user.DoorEDI), Kind: kind, State: user.Live,
		Document: user.Document{}, Edits: user.Document{}, Created: now, CreatedBy: by, Updated: now,
	}
	if err := ledger.Open(k.tx, k.pol, by).Attach(u, strand); err != nil {
		return "", "", err
	}
	h := user.Handle{Space: user.SpaceEDI, Value: number, User: u.ID, Strand: strand.ID, Created: now}
	if err := store.Insert(k.tx, h); err != nil {
		return "", "", fmt.Errorf("giving %s an EDI number: %w", u.ID, err)
	}
	return number, strand.ID, nil
}

// nameOf is the idp_uid of an identity; empty for one that EDI has no name for.
func nameOf(key user.IdentityKey) string {
	name, _ := normal.Identity{Issuer: key.Issuer, Subject: key.Subject}.Name()
	return name
}

// newEDINumber makes a number in policy's form (contract edi.md). A number
// that was somebody's is never given again.
func (k *Desk) newEDINumber(name string) (string, error) {
	if k.pol.EDI.ID == "sha256" && name != "" {
		sum := sha256.Sum256([]byte(name))
		number := "EDI-" + hex.EncodeToString(sum[:])[:40]
		_, err := k.tx.Handle(user.SpaceEDI, number)
		if errors.Is(err, store.ErrNotFound) {
			return number, nil
		}
		if err != nil {
			return "", fmt.Errorf("looking for an EDI number: %w", err)
		}
	}
	id := k.tx.NewUUID()
	return "EDI-" + hex.EncodeToString(id[:]), nil
}
