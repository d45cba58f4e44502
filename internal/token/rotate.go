package token

import (
	"cmp"
	"slices"
	"time"
)

// RotationPolicy says how long keys live.
type RotationPolicy struct {
	MaxAge  time.Duration // of an active key, since it became active
	Overlap time.Duration // how long a key's tokens are good after it signed its last; at least their lifetime
	Lead    time.Duration // how long a next key is published before it signs; others cache the JWKS
}

// Act is one step of a rotation.
type Act string

const (
	Create   Act = "create"   // make a key, in the state To
	Activate Act = "activate" // next → active
	Retire   Act = "retire"   // active → retiring
	Drop     Act = "drop"     // retiring → retired; its private key may be erased
)

// Change is one step; KID is empty for Create.
type Change struct {
	Act       Act
	KID       string
	To        State
	At        time.Time
	RetiresAt time.Time // for Retire
}

// Rotate decides what is due at now, from keys alone: no active key, one too
// old, no next key, several active (two processes rotated at once: the latest
// stays), retiring keys past their time. The changes belong in one
// transaction; applied, a second Rotate at the same time finds nothing to do.
func Rotate(keys []Key, now time.Time, p RotationPolicy) []Change {
	var changes []Change
	var active, next []Key
	for _, k := range keys {
		switch k.State {
		case Active:
			active = append(active, k)
		case Next:
			next = append(next, k)
		case Retiring:
			if !now.Before(k.RetiresAt) {
				changes = append(changes, Change{Act: Drop, KID: k.KID, To: Retired, At: now})
			}
		case Retired:
		}
	}
	slices.SortFunc(active, func(a, b Key) int {
		return cmp.Or(b.ActivatedAt.Compare(a.ActivatedAt), cmp.Compare(a.KID, b.KID))
	})
	slices.SortFunc(next, func(a, b Key) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.KID, b.KID))
	})
	retire := func(k Key) {
		changes = append(changes, Change{Act: Retire, KID: k.KID, To: Retiring, At: now, RetiresAt: now.Add(p.Overlap)})
	}
	for _, k := range active[min(1, len(active)):] {
		retire(k)
	}

	none := len(active) == 0
	old := !none && now.Sub(active[0].ActivatedAt) >= p.MaxAge
	ready := len(next) > 0 && now.Sub(next[0].CreatedAt) >= p.Lead
	switch {
	case none && len(next) > 0, old && ready:
		if old {
			retire(active[0])
		}
		changes = append(changes, Change{Act: Activate, KID: next[0].KID, To: Active, At: now})
		next = next[1:]
	case none:
		changes = append(changes, Change{Act: Create, To: Active, At: now})
	}
	if len(next) == 0 {
		changes = append(changes, Change{Act: Create, To: Next, At: now})
	}
	return changes
}

// With gives the key after a change that names it.
func (k Key) With(c Change) Key {
	k.State = c.To
	switch c.Act {
	case Activate:
		k.ActivatedAt = c.At
	case Retire:
		k.RetiresAt = c.RetiresAt
	case Create, Drop:
	}
	return k
}
