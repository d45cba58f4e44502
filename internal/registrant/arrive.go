package registrant

import (
	"errors"
	"fmt"
	"slices"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// enter lets somebody in whom a token proves: known ones with what changed of them,
// unknown ones by admission. unasked says that the realm could not be asked: then
// only who is known gets in, as they were; others are NotFound.
func (s *Service) enter(tx store.Tx, realm Realm, b Bearer, p Person, key []byte, unasked bool) error {
	pol := s.Policies.Current()
	u, strand, err := known(tx, b.Identity)
	if err != nil {
		return err
	}
	ended, err := endedThere(tx, key)
	if err != nil {
		return err
	}
	locked, err := tx.Locks(u.ID)
	if err != nil {
		return fmt.Errorf("reading locks: %w", err)
	}
	newcomer := u.ID == ""
	switch {
	case u.ID != "" && (u.Outdates(b.Issued) || len(locked) > 0), ended:
		return badToken() // made before the account changed hands, say
	case u.ID == "" && unasked:
		return user.Refuse(user.NotFound, "user")
	case unasked:
	case u.ID == "" || changed(strand, p):
		if u, strand, err = s.arrive(tx, pol, realm, b, p); err != nil {
			return err
		}
	}
	if !unasked {
		roles, err := s.rolesOf(tx, pol, u, strand, b, newcomer)
		if err != nil {
			return err
		}
		if err := s.belong(tx, pol, u.ID, strand, p.Groups, roles); err != nil {
			return err
		}
	}
	return session.BeginRealm(tx, user.Session{
		User: u.ID, Strand: strand.ID, Door: Door, Client: realm.Name, Subject: b.Subject, Epoch: u.Epoch, Methods: []string{"fed"},
	}, key, b.Issued)
}

// known gives whose identity it is, if it is that of somebody who came through a
// realm; zero for nobody.
func known(r store.Reader, key user.IdentityKey) (u user.User, strand user.Strand, err error) {
	i, err := r.Identity(key)
	if errors.Is(err, store.ErrNotFound) || err == nil && i.Reserved {
		return u, strand, nil
	}
	if err == nil {
		strand, err = r.Strand(i.Strand)
	}
	if err != nil {
		return u, strand, fmt.Errorf("looking for an identity: %w", err)
	}
	if strand.Source.Door() != Door || strand.State != user.Live {
		return u, user.Strand{}, nil // known elsewhere: admission sees to it
	}
	if u, err = r.User(i.User); err != nil {
		return u, strand, fmt.Errorf("reading a user: %w", err)
	}
	return u, strand, nil
}

// changed says whether a realm tells of somebody what it did not before.
func changed(strand user.Strand, p Person) bool {
	for a, v := range p.Facts {
		f, ok := strand.Document[a]
		if v == nil && f.Value == nil {
			continue
		}
		if !ok || (f.Value == nil) != (v == nil) || v != nil && *f.Value != *v {
			return true
		}
	}
	return len(p.Addresses) == 0 && strand.Document.Text(user.EmailAttr) != ""
}

// arrive admits somebody. Where their address is another's whom they would have to
// prove to be, they are a user of their own that does not own it (contract
// portal.md, Build this).
func (s *Service) arrive(tx store.Tx, pol policy.Policy, realm Realm, b Bearer, p Person) (u user.User, strand user.Strand, err error) {
	a := admission.Arrival{Door: Door, Source: realm.Source, Identity: &b.Identity, Addresses: p.Addresses, Facts: p.Facts}
	if a.Names, err = s.names(tx, b.Subject); err != nil {
		return u, strand, err
	}
	desk := admission.In(tx, pol)
	out, err := desk.Arrive(a)
	pending := err == nil && out.Decision.Refusal == user.Challenge
	if pending {
		a.Addresses = slices.Clone(a.Addresses)
		for i := range a.Addresses {
			a.Addresses[i].Assurance = user.Asserted
		}
		out, err = desk.Arrive(a)
	}
	if err != nil {
		return u, strand, fmt.Errorf("admitting: %w", err)
	}
	if out.Decision.Refusal != "" {
		return u, strand, badToken() // locked, or deleted: the apps know one answer
	}
	return out.User, out.Strand, s.settle(tx, out, pending)
}

// names is what a new strand is called: by its subject, unless another realm has the
// same.
func (s *Service) names(r store.Reader, subject string) ([]user.Handle, error) {
	taken, err := r.TakenNames(user.SpacePortal, []string{subject})
	if err != nil {
		return nil, fmt.Errorf("looking for a subject: %w", err)
	}
	if len(taken) > 0 {
		return nil, nil
	}
	return []user.Handle{{Space: user.SpacePortal, Value: subject}}, nil
}

// settle keeps that somebody is known at the portal.
func (s *Service) settle(tx store.Tx, out admission.Outcome, pending bool) error {
	p, err := tx.ChannelProfileOn(Door, out.Strand.ID)
	if errors.Is(err, store.ErrNotFound) {
		p, err = store.ChannelProfile{Strand: out.Strand.ID, Channel: Door, User: out.User.ID, Created: tx.Now()}, nil
	} else if err == nil && p.LinkPending == pending {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading a profile: %w", err)
	}
	p.LinkPending, p.Updated = pending, tx.Now()
	if err := store.Put(tx, p); err != nil {
		return fmt.Errorf("keeping a profile: %w", err)
	}
	return nil
}
