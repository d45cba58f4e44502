package admission

import (
	"errors"
	"fmt"
	"slices"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// What a decided arrival or assertion brings into its user, fact by fact.

func (c *carrying) bringIdentities() error {
	for _, key := range c.identities {
		i, err := c.tx.Identity(key)
		known := err == nil
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if !known && c.bindsNobody {
			c.out.Ignored = append(c.out.Ignored, "identities")
			continue
		}
		reserve := c.kind == user.Reservation
		// A proof is surer than a source's word, and either than a grant.
		if known && i.User == c.out.User.ID && (i.Strand == c.out.Strand.ID || !i.Reserved && c.kind != user.Human) {
			continue
		}
		if known && reserve {
			continue
		}
		row := user.Identity{
			Issuer: key.Issuer, Subject: key.Subject, User: c.out.User.ID, Strand: c.out.Strand.ID,
			Reserved: reserve, Created: c.tx.Now(),
		}
		if known {
			row.Created = i.Created
		}
		if err := store.Put(c.tx, row); err != nil {
			return fmt.Errorf("adding an identity: %w", err)
		}
		c.out.Changed = true
	}
	return nil
}

func (c *carrying) bringNames() error {
	for _, h := range c.names {
		h.User, h.Strand, h.Created = c.out.User.ID, c.out.Strand.ID, c.tx.Now()
		if err := store.InsertLater(c.tx, h); err != nil {
			return fmt.Errorf("adding a name in %s: %w", h.Space, err)
		}
		c.out.Changed = true
	}
	return nil
}

func (c *carrying) bringAddresses() error {
	for _, a := range c.addresses {
		if a.Assurance == user.None {
			continue
		}
		claim := user.Claim{
			Kind: a.Kind, Address: a.Key, Display: a.Display, User: c.out.User.ID, Strand: c.out.Strand.ID,
			Source: c.out.Strand.Source, Assurance: a.Assurance, Since: c.tx.Now(),
		}
		if a.Assurance == user.Proven && !a.Proven.IsZero() {
			claim.Since = a.Proven
		}
		write := store.Put[user.Claim]
		if c.out.Created { // and its strand, which is part of the key
			write = store.InsertLater[user.Claim]
		}
		if err := write(c.tx, claim); err != nil {
			return fmt.Errorf("claiming an address: %w", err)
		}
		c.claims, c.out.Changed = append(c.claims, claim), true
		if !slices.Contains(c.d.Own, a.Key) || a.Assurance != user.Proven {
			continue
		}
		o := user.Owner{Kind: a.Kind, Address: a.Key, User: c.out.User.ID, Strand: c.out.Strand.ID, Proven: claim.Since}
		if err := store.Put(c.tx, o); err != nil {
			return fmt.Errorf("owning an address: %w", err)
		}
		c.owned = append(c.owned, o)
	}
	return nil
}

func (c *carrying) bringPassword() error {
	if c.password == "" {
		return nil
	}
	if !c.out.Created {
		free, err := c.maySetPassword()
		if err != nil {
			return err
		}
		if !free {
			c.out.Ignored = append(c.out.Ignored, "password")
			return nil
		}
	}
	c.out.Changed = true
	set := user.Password{User: c.out.User.ID, Strand: c.out.Strand.ID, Hash: c.password, Imported: c.imported, Set: c.tx.Now()}
	if c.out.Created {
		return store.InsertLater(c.tx, set)
	}
	return store.Put(c.tx, set)
}

// maySetPassword: a person's act sets one where there is none; a source sets
// one only where no other party has proven anything.
func (c *carrying) maySetPassword() (bool, error) {
	if c.kind == user.Human {
		ps, err := c.tx.Passwords(c.out.User.ID)
		if err != nil {
			return false, err
		}
		return !slices.ContainsFunc(ps, func(p user.Password) bool { return !p.SetAside && p.Strand != c.out.Strand.ID }), nil
	}
	return OthersProvedNothing(c.tx, c.out.User.ID, c.out.Strand.ID)
}

// OthersProvedNothing says whether a source may set a credential on its strand:
// nobody else has proven an address or an identity of this user, or been there.
func OthersProvedNothing(tx store.Reader, u, strand user.ID) (bool, error) {
	owned, err := tx.Owned(u)
	if err != nil {
		return false, fmt.Errorf("reading the owned addresses of %s: %w", u, err)
	}
	for _, o := range owned {
		if o.Strand != strand {
			return false, nil
		}
	}
	strands, err := tx.Strands(u)
	if err != nil {
		return false, fmt.Errorf("reading the strands of %s: %w", u, err)
	}
	for _, s := range strands {
		if s.ID != strand && s.Kind == user.Human && s.State == user.Live {
			return false, nil
		}
	}
	return true, nil
}

func (c *carrying) bringFacts() error {
	now, changed := c.tx.Now(), false
	doc := c.out.Strand.Document.Clone()
	for a, v := range c.facts {
		if doc.Set(a, v, c.word, now) {
			changed = true
		}
	}
	if !changed {
		return nil
	}
	c.out.Strand.Document, c.out.Strand.Updated = doc, now
	c.out.Changed = true
	if c.out.Created {
		return nil
	}
	return store.Put(c.tx, c.out.Strand)
}
