package ledger

import (
	"encoding/json"
	"fmt"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Book is the ledger within one transaction, under one version of policy, on
// one actor's behalf.
type Book struct {
	tx  store.Tx
	pol policy.Policy
	by  string
	// reason is what an operator gave; empty for what admission decides.
	reason string
}

// Open opens the ledger in tx for an actor.
func Open(tx store.Tx, pol policy.Policy, by string) *Book {
	return &Book{tx: tx, pol: pol, by: by}
}

// For gives the same ledger with an operator's reason.
func (b *Book) For(reason string) *Book {
	c := *b
	c.reason = reason
	return &c
}

// Reproject derives a user's profile again and writes the user, with the
// changes already made to it.
func (b *Book) Reproject(u user.User) (user.User, error) {
	strands, err := b.tx.Strands(u.ID)
	if err != nil {
		return u, fmt.Errorf("reading the strands of %s: %w", u.ID, err)
	}
	claims, err := b.tx.ClaimsOf(u.ID)
	if err != nil {
		return u, fmt.Errorf("reading the addresses of %s: %w", u.ID, err)
	}
	owned, err := b.tx.Owned(u.ID)
	if err != nil {
		return u, fmt.Errorf("reading the owned addresses of %s: %w", u.ID, err)
	}
	u.Profile = b.pol.Project(strands, claims, owned)
	u.Updated = b.tx.Now()
	if err := store.Put(b.tx, u); err != nil {
		return u, fmt.Errorf("writing user %s: %w", u.ID, err)
	}
	return u, nil
}

// Attach adds a new strand to a user and records the link. The caller
// reprojects once it has written what the strand brings.
func (b *Book) Attach(u user.User, s user.Strand) error {
	if err := store.Insert(b.tx, s); err != nil {
		return fmt.Errorf("adding a strand to %s: %w", u.ID, err)
	}
	_, err := b.enter(store.EntryLink, u.ID, "", undo{Strands: []user.ID{s.ID}})
	if err != nil {
		return err
	}
	return b.log(event.StrandLinked, u.ID, s.Source.Door(), map[string]any{"strand": s.ID, "source": s.Source})
}

// changeOwner ends what an earlier owner of the proof could still use: the
// sessions, refresh families and tokens of every earlier epoch.
func (b *Book) changeOwner(u *user.User) error {
	u.MoveEpoch(b.tx.Now())
	return session.EndAll(b.tx, u.ID, "", session.Ending{Actor: b.by, Why: session.OwnerChanged})
}

// endSessions ends what was begun by one strand.
func (b *Book) endSessions(u user.ID, s user.Strand, why session.Why) error {
	return session.EndAll(b.tx, u, s.ID, session.Ending{Actor: b.by, Door: s.Source.Door(), Why: why})
}

// undo is what an entry needs to be undone. Handles, claims and passwords that
// hang on a strand move with it and need no mention.
type undo struct {
	Strands []user.ID `json:"strands,omitempty"` // moved, or set aside
	// Handles are the strandless names that were flattened onto the survivor.
	Handles     []user.Handle     `json:"handles,omitempty"`
	Claims      []user.Claim      `json:"claims,omitempty"`      // dropped
	Passwords   []user.ID         `json:"passwords,omitempty"`   // set aside, by strand
	Memberships []user.Membership `json:"memberships,omitempty"` // not carried over
	Locks       []user.Source     `json:"locks,omitempty"`       // copied to the survivor
	Status      user.Status       `json:"status,omitempty"`      // of Other, or of User when there is no Other
	UserStatus  user.Status       `json:"user_status,omitempty"` // of the survivor
}

func (b *Book) enter(kind store.EntryKind, u, other user.ID, un undo) (store.Entry, error) {
	data, err := json.Marshal(un)
	if err != nil {
		return store.Entry{}, fmt.Errorf("writing the undo of a %s: %w", kind, err)
	}
	e := store.Entry{
		ID: b.tx.NewID(), Kind: kind, User: u, Other: other,
		By: b.by, Reason: b.reason, Undo: data, At: b.tx.Now(),
	}
	if err := store.Insert(b.tx, e); err != nil {
		return e, fmt.Errorf("entering a %s in the ledger: %w", kind, err)
	}
	return e, nil
}

func (b *Book) log(kind event.Kind, u user.ID, door user.Door, body map[string]any) error {
	return event.Append(b.tx, event.New{Kind: kind, User: u, Actor: b.by, Door: door, Body: body})
}
