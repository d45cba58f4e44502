package admission

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/notify"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Desk admits within one transaction, under one version of policy.
type Desk struct {
	tx  store.Tx
	pol policy.Policy
}

// In opens a desk.
func In(tx store.Tx, pol policy.Policy) *Desk { return &Desk{tx: tx, pol: pol} }

// Arrive admits a person who is here. A refusal or challenge is in the
// outcome's decision, and is kept; nothing else was written then.
func (k *Desk) Arrive(a Arrival) (Outcome, error) {
	w, err := newGatherer(k.tx).arrival(a, k.pol)
	if err != nil {
		return Outcome{}, err
	}
	d := decide(k.pol, w)
	if d.Refusal != "" {
		return Outcome{Decision: d}, k.record(d, d.Other, a.Door, string(a.Source))
	}
	c := &carrying{
		Desk: k, d: d, book: ledger.Open(k.tx, k.pol, string(a.Source)),
		act: act{door: a.Door, source: a.Source, kind: user.Human, by: string(a.Source), password: a.Password, facts: a.Facts, addresses: a.Addresses, names: a.Names, own: a.Own},
	}
	if a.Identity != nil {
		c.identities = []user.IdentityKey{*a.Identity}
		c.word = user.Attested // the provider's, not the person's
	} else {
		c.word = user.Asserted
	}
	return c.carryOut()
}

// Provision records what a source says about somebody absent.
func (k *Desk) Provision(a Assertion) (Outcome, error) {
	w, err := newGatherer(k.tx).assertion(a, k.pol)
	if err != nil {
		return Outcome{}, err
	}
	d := decide(k.pol, w)
	if d.Refusal != "" {
		return Outcome{Decision: d}, k.record(d, d.Other, a.Door, a.By)
	}
	c := &carrying{
		Desk: k, d: d, book: ledger.Open(k.tx, k.pol, a.By), bindsNobody: a.Kind == user.Feed && w.Grade == policy.Untrusted,
		act: act{
			door: a.Door, source: a.Source, kind: a.Kind, by: a.By, password: a.Password, imported: a.Imported, facts: a.Facts,
			addresses: a.Addresses, identities: a.Identities, names: a.Names, own: a.Own,
			word: w.Grade.Word(),
		},
	}
	return c.carryOut()
}

// record keeps a decision in the log of the user it is about.
func (k *Desk) record(d Decision, about user.ID, door user.Door, by string) error {
	return event.Append(k.tx, event.New{Kind: event.AdmissionDecided, User: about, Actor: by, Door: door, Body: d})
}

// act is what Arrive and Provision have in common once they are decided.
type act struct {
	door       user.Door
	source     user.Source
	kind       user.StrandKind
	by         string
	own        *user.Strand
	identities []user.IdentityKey
	addresses  []Address
	facts      map[user.Attr]*string
	names      []user.Handle
	word       user.Assurance
	password   string
	imported   string
}

type carrying struct {
	*Desk
	act
	d    Decision
	book *ledger.Book
	out  Outcome
	// pending is a sign-up that is joined to the user decided on; empty where
	// there is none, or it is that user.
	pending user.ID
	// bindsNobody is a source whose word about an identity is not taken: whoever
	// proves it would be in that source's record.
	bindsNobody bool
	// What the new strand brought, for the profile of a new user.
	claims []user.Claim
	owned  []user.Owner
}

func (c *carrying) carryOut() (Outcome, error) {
	c.out = Outcome{Decision: c.d}
	for _, step := range []func() error{
		c.settleLosses, c.findUser, c.absorb, c.join, c.findStrand, c.bringIdentities, c.bringNames,
		c.bringAddresses, c.bringPassword, c.bringFacts, c.finish,
	} {
		if err := step(); err != nil {
			return Outcome{}, fmt.Errorf("carrying out %q: %w", c.d.Rule, err)
		}
	}
	return c.out, nil
}

func (c *carrying) settleLosses() error {
	for _, l := range c.d.Losses {
		u, err := c.tx.User(l.User)
		if err != nil {
			return err
		}
		switch {
		case l.Evict && u.Status == user.SetAside:
			// Set aside by another of this arrival's addresses already.
		case l.Evict:
			err = c.book.Evict(u, l.Address.Kind, l.Address.Key)
		default:
			err = c.book.DropClaims(u, l.Address.Kind, l.Address.Key)
		}
		if err != nil {
			return err
		}
		c.out.Changed = true
	}
	return nil
}

func (c *carrying) findUser() error {
	if c.d.Result == Create {
		now := c.tx.Now()
		c.out.User = user.User{ID: c.tx.NewID(), Status: user.Active, Epoch: 1, Created: now, Updated: now}
		if c.kind == user.Reservation {
			c.out.User.Status = user.Reserved
		}
		c.out.Created, c.out.Changed = true, true
		c.out.Decision.User = c.out.User.ID
		return nil // written once, by finish, with its profile
	}
	u, err := c.tx.User(c.d.User)
	if err != nil {
		return err
	}
	switch {
	case c.d.Result == TakeOver, c.d.Result == Claim && c.kind == user.Human:
		keep, err := c.vouching(u.ID)
		if err != nil {
			return err
		}
		if u, err = c.book.TakeOver(u, keep); err != nil {
			return err
		}
		c.out.Changed = true
	case u.Status == user.Reserved && c.kind != user.Reservation,
		u.Status == user.Archived && c.kind == user.Human:
		u.Status = user.Active
		c.out.Changed = true
	}
	c.out.User = u
	return nil
}

// vouching finds the strands whose source was trusted to say what was now
// proven: an address of this arrival, or its identity.
func (c *carrying) vouching(u user.ID) (map[user.ID]bool, error) {
	claims, err := c.tx.ClaimsOf(u)
	if err != nil {
		return nil, err
	}
	keep := map[user.ID]bool{}
	for _, key := range c.identities {
		i, err := c.tx.Identity(key)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s, err := c.tx.Strand(i.Strand)
		if err != nil {
			return nil, err
		}
		keep[s.ID] = i.User == u && !i.Reserved && c.pol.Trust(s.Source) != policy.Untrusted
	}
	for _, cl := range claims {
		for _, a := range c.addresses {
			if a.Kind == cl.Kind && a.Key == cl.Address && a.Assurance == user.Proven && cl.Assurance.Rank() >= user.Attested.Rank() {
				keep[cl.Strand] = true
			}
		}
	}
	return keep, nil
}

func (c *carrying) absorb() error {
	for _, id := range c.d.Absorb {
		other, err := c.tx.User(id)
		if err != nil {
			return err
		}
		keep, err := c.vouching(id)
		if err != nil {
			return err
		}
		// A user has one password: what is absorbed leaves its own behind.
		has, err := c.hasPassword(c.out.User.ID)
		if err != nil {
			return err
		}
		if has {
			keep = nil
		}
		if c.out.User, err = c.book.Absorb(c.out.User, other, keep); err != nil {
			return err
		}
		c.out.Changed = true
	}
	return nil
}

func (c *carrying) hasPassword(u user.ID) (bool, error) {
	passwords, err := c.tx.Passwords(u)
	if err != nil {
		return false, fmt.Errorf("reading the passwords of %s: %w", u, err)
	}
	return slices.ContainsFunc(passwords, func(p user.Password) bool { return !p.SetAside }), nil
}

// findStrand takes the strand that the arrival or source already has in this
// user, or begins one.
func (c *carrying) findStrand() error {
	if c.own != nil {
		c.out.Strand = *c.own
		c.out.Strand.User = c.out.User.ID // a sign-up's has moved
		return nil
	}
	if !c.out.Created {
		s, ok, err := c.strandByIdentity()
		if err != nil {
			return err
		}
		if ok {
			c.out.Strand = s
			return nil
		}
	}
	now := c.tx.Now()
	s := user.Strand{
		ID: c.tx.NewID(), User: c.out.User.ID, Origin: c.out.User.ID, Source: c.source, Kind: c.kind, State: user.Live,
		Document: user.Document{}, Edits: user.Document{}, Created: now, CreatedBy: c.by, Updated: now,
	}
	c.out.Strand, c.out.Changed = s, true
	if c.out.Created {
		return nil
	}
	return c.book.Attach(c.out.User, s)
}

// strandByIdentity finds the live human strand that an arriving identity
// belongs to.
func (c *carrying) strandByIdentity() (user.Strand, bool, error) {
	if c.kind != user.Human {
		return user.Strand{}, false, nil
	}
	for _, key := range c.identities {
		i, err := c.tx.Identity(key)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return user.Strand{}, false, err
		}
		s, err := c.tx.Strand(i.Strand)
		if err != nil {
			return user.Strand{}, false, err
		}
		if s.User == c.out.User.ID && s.Kind == user.Human && s.State == user.Live {
			return s, true, nil
		}
	}
	return user.Strand{}, false, nil
}

// finish writes the profile and keeps the decision. A new user and its strand
// are written here, once.
func (c *carrying) finish() error {
	if !c.out.Changed {
		return nil
	}
	kind := event.AdmissionDecided
	if c.d.Result == Claim {
		kind = event.ReservationClaimed
	}
	if c.out.Created {
		kind = event.UserCreated
		if err := store.InsertLater(c.tx, c.out.Strand); err != nil {
			return fmt.Errorf("adding the strand: %w", err)
		}
		c.out.User.Profile = c.pol.Project([]user.Strand{c.out.Strand}, c.claims, c.owned)
		if err := store.InsertLater(c.tx, c.out.User); err != nil {
			return fmt.Errorf("adding the user: %w", err)
		}
	} else {
		u, err := c.book.Reproject(c.out.User)
		if err != nil {
			return err
		}
		c.out.User = u
		if err := c.tellOwner(); err != nil {
			return err
		}
	}
	return event.Append(c.tx, event.New{
		Kind: kind, User: c.out.User.ID, Actor: c.by, Door: c.door, Body: c.out.Decision,
	})
}

// tellOwner mails the owner of an address that something was connected to it.
func (c *carrying) tellOwner() error {
	if !c.pol.Notify.Linked || c.d.Result != Link {
		return nil
	}
	return notify.Owner(c.tx, c.out.User, "linked", string(c.out.Strand.ID), map[string]string{
		"source": string(c.source), "at": c.tx.Now().Format(time.RFC3339),
	})
}
