package admission

import (
	"errors"
	"fmt"
	"slices"

	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// gatherer reads what decide needs to know, each user once.
type gatherer struct {
	tx   store.Tx
	seen map[user.ID]*Holder
}

func newGatherer(tx store.Tx) *gatherer {
	return &gatherer{tx: tx, seen: map[user.ID]*Holder{}}
}

func (g *gatherer) holder(id user.ID) (*Holder, error) {
	if h, ok := g.seen[id]; ok {
		return h, nil
	}
	u, err := g.tx.User(id)
	if err != nil {
		return nil, fmt.Errorf("reading user %s: %w", id, err)
	}
	h := &Holder{User: id, Reserved: u.Status == user.Reserved}
	g.seen[id] = h
	locks, err := g.tx.Locks(id)
	if err != nil {
		return nil, fmt.Errorf("reading the locks of %s: %w", id, err)
	}
	h.Standing = standing(u, len(locks) > 0)
	strands, err := g.tx.Strands(id)
	if err != nil {
		return nil, fmt.Errorf("reading the strands of %s: %w", id, err)
	}
	human := map[user.ID]bool{}
	h.Nature = Unheld
	for _, s := range strands {
		if s.Kind == user.Feed && s.State == user.Live {
			h.Nature = Fed
		}
		if s.Kind == user.Human && s.State != user.Erased {
			human[s.ID] = true
		}
	}
	if len(human) == 0 {
		return h, nil
	}
	proven, err := g.proven(id, human)
	if err != nil {
		return nil, err
	}
	h.Nature = Unproven
	if proven {
		h.Nature = Held
	}
	return h, nil
}

// proven says whether somebody in the user has proven an address or an
// identity.
func (g *gatherer) proven(id user.ID, human map[user.ID]bool) (bool, error) {
	owned, err := g.tx.Owned(id)
	if err != nil {
		return false, fmt.Errorf("reading the owned addresses of %s: %w", id, err)
	}
	if len(owned) > 0 {
		return true, nil
	}
	identities, err := g.tx.Identities(id)
	if err != nil {
		return false, fmt.Errorf("reading the identities of %s: %w", id, err)
	}
	for _, i := range identities {
		if human[i.Strand] && !i.Reserved {
			return true, nil
		}
	}
	return false, nil
}

func standing(u user.User, locked bool) Standing {
	switch {
	case u.Status == user.Merged, u.Status == user.Deleted && u.ClosedBy == user.ClosedByPerson:
		return Vanished
	case u.Status == user.Deleted:
		return Closed
	case locked:
		return Locked
	case u.Status == user.SetAside:
		return Aside
	default:
		return Open
	}
}

func (g *gatherer) named(key user.IdentityKey) (Named, error) {
	n := Named{Key: key}
	i, err := g.tx.Identity(key)
	if errors.Is(err, store.ErrNotFound) {
		return n, nil
	}
	if err != nil {
		return n, fmt.Errorf("looking for identity %s: %w", key.Issuer, err)
	}
	n.Grant = i.Reserved
	if !i.Reserved {
		s, err := g.tx.Strand(i.Strand)
		if err != nil {
			return n, fmt.Errorf("reading the strand of an identity: %w", err)
		}
		n.Word = s.Kind != user.Human
	}
	n.Holder, err = g.holder(i.User)
	return n, err
}

// located reads everybody who holds an address.
func (g *gatherer) located(a Address) (Located, error) {
	l := Located{Address: a}
	o, err := g.tx.Owner(a.Kind, a.Key)
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return l, fmt.Errorf("looking for the owner of an address: %w", err)
	default:
		h, err := g.holder(o.User)
		if err != nil {
			return l, err
		}
		owner := *h
		owner.Proven = o.Proven
		l.Owner = &owner
	}
	claims, err := g.tx.Claims(a.Kind, a.Key)
	if err != nil {
		return l, fmt.Errorf("reading the claims on an address: %w", err)
	}
	surest := map[user.ID]user.Assurance{}
	var order []user.ID
	for _, c := range claims {
		s, ok := surest[c.User]
		if !ok {
			order = append(order, c.User)
		}
		if c.Assurance.Rank() > s.Rank() {
			surest[c.User] = c.Assurance
		}
	}
	for _, id := range order {
		if l.Owner != nil && id == l.Owner.User {
			continue
		}
		h, err := g.holder(id)
		if err != nil {
			return l, err
		}
		// Proven once and owned by another now is worth no more than a word.
		if surest[id] == user.Attested {
			l.Attested = append(l.Attested, *h)
		} else {
			l.Asserted = append(l.Asserted, *h)
		}
	}
	return l, nil
}

func (g *gatherer) arrival(a Arrival, pol policy.Policy) (World, error) {
	w := World{Act: Arriving, Grade: pol.Trust(a.Source), Now: g.tx.Now()}
	if a.SignedIn != "" {
		h, err := g.holder(a.SignedIn)
		if err != nil {
			return w, err
		}
		w.SignedIn = h
	}
	if a.Identity != nil {
		n, err := g.named(*a.Identity)
		if err != nil {
			return w, err
		}
		w.Named = append(w.Named, n)
	}
	if err := g.locate(&w, a.Addresses); err != nil {
		return w, err
	}
	return w, g.rivals(w, a.Identity)
}

// rivals marks the holders whom the arriving identity's issuer knows under
// another subject (design, section 3, rule 3: a reassigned mailbox).
func (g *gatherer) rivals(w World, arriving *user.IdentityKey) error {
	if arriving == nil {
		return nil
	}
	mark := func(h *Holder) error {
		if h == nil {
			return nil
		}
		known, err := g.tx.Identities(h.User)
		if err != nil {
			return fmt.Errorf("reading the identities of %s: %w", h.User, err)
		}
		same := slices.ContainsFunc(known, func(i user.Identity) bool { return i.Key() == *arriving })
		h.Rival = !same && slices.ContainsFunc(known, func(i user.Identity) bool { return i.Issuer == arriving.Issuer })
		return nil
	}
	for i := range w.Located {
		l := &w.Located[i]
		if err := mark(l.Owner); err != nil {
			return err
		}
		for _, some := range [][]Holder{l.Attested, l.Asserted} {
			for j := range some {
				if err := mark(&some[j]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (g *gatherer) assertion(a Assertion, pol policy.Policy) (World, error) {
	w := World{Act: Provisioning, Grade: pol.Trust(a.Source), Now: g.tx.Now()}
	if a.Own != nil {
		h, err := g.holder(a.Own.User)
		if err != nil {
			return w, err
		}
		w.Own = h
		if w.Moving, err = g.moving(a); err != nil {
			return w, err
		}
	}
	for _, key := range a.Identities {
		n, err := g.named(key)
		if err != nil {
			return w, err
		}
		w.Named = append(w.Named, n)
	}
	return w, g.locate(&w, a.Addresses)
}

// moving says whether a source's record claims, or said, an address that the
// source does not bring this time, or has an identity.
func (g *gatherer) moving(a Assertion) (bool, error) {
	identities, err := g.tx.Identities(a.Own.User)
	if err != nil {
		return false, fmt.Errorf("reading the identities of %s: %w", a.Own.User, err)
	}
	said, err := normal.ParseEmail(a.Own.Document.Text(user.EmailAttr))
	if len(identities) > 0 || err == nil && !slices.ContainsFunc(a.Addresses, func(b Address) bool {
		return b.Kind == user.Email && b.Key == said.Key()
	}) {
		return true, nil
	}
	claims, err := g.tx.ClaimsOf(a.Own.User)
	if err != nil {
		return false, fmt.Errorf("reading the addresses of %s: %w", a.Own.User, err)
	}
	return slices.ContainsFunc(claims, func(c user.Claim) bool {
		return !slices.ContainsFunc(a.Addresses, func(b Address) bool { return b.Kind == c.Kind && b.Key == c.Address })
	}), nil
}

// locate reads the addresses, and the reservations that were made under an
// e-mail: only a proof of that very address claims one (design, section 3).
func (g *gatherer) locate(w *World, addresses []Address) error {
	for _, a := range addresses {
		l, err := g.located(a)
		if err != nil {
			return err
		}
		w.Located = append(w.Located, l)
		if w.Act != Arriving || a.Kind != user.Email || a.Assurance != user.Proven {
			continue
		}
		if err := g.reservedUnder(w, l); err != nil {
			return err
		}
	}
	return nil
}

// reservedUnder adds the reservations that were made under a proven e-mail,
// however it was spelled.
func (g *gatherer) reservedUnder(w *World, l Located) error {
	for i := range l.Asserted {
		h := &l.Asserted[i]
		if !h.Reserved || h.Standing != Open {
			continue
		}
		identities, err := g.tx.Identities(h.User)
		if err != nil {
			return fmt.Errorf("reading the identities of %s: %w", h.User, err)
		}
		for _, id := range identities {
			if e, err := normal.ParseEmail(id.Subject); id.Issuer == normal.IssuerEmail && id.Reserved && err == nil && e.Key() == l.Address.Key {
				w.Named = append(w.Named, Named{Key: id.Key(), Holder: h, Grant: true})
			}
		}
	}
	return nil
}
