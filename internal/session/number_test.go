package session_test

import (
	"fmt"

	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/snowflake"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// The partner door knows a user by one number, which hangs on a live strand and
// is made at first need.
func partnerNumbers(w *world) {
	p := w.person("Ada")
	get := func(strand user.ID) (number string, on user.ID) {
		w.Helper()
		w.update(func(tx store.Tx) error {
			var err error
			number, on, err = session.PartnerNumber(tx, p.user.ID, strand)
			return err
		})
		return number, on
	}
	change := func(strand user.ID, fn func(*user.Strand)) {
		w.Helper()
		w.update(func(tx store.Tx) error {
			s, err := tx.Strand(strand)
			if err != nil {
				return err
			}
			fn(&s)
			return store.Put(tx, s)
		})
	}
	oldest := w.strands(p)[0]
	first, on := get("")
	if _, ok := snowflake.Parse(first); !ok || on != oldest {
		w.Errorf("%q on %s, want one on %s, the oldest", first, on, oldest)
	}
	if number, on := get("another"); number != first || on != oldest {
		w.Errorf("then %q on %s", number, on)
	}
	w.update(func(tx store.Tx) error { // one that is dead, and one of another door, are none
		for _, h := range []user.Handle{
			{Space: user.SpacePartner, Value: fmt.Sprint(tx.NewNumber()), User: p.user.ID, Strand: oldest, Dead: true},
			{Space: user.SpaceUsername, Value: "ada", User: p.user.ID, Strand: oldest},
		} {
			if err := store.Insert(tx, h); err != nil {
				return err
			}
		}
		return nil
	})
	if number, _ := get(""); number != first {
		w.Errorf("beside others, %q", number)
	}

	// The number of a withdrawn strand is unknown to people.
	change(oldest, func(s *user.Strand) { s.State = user.Withdrawn })
	var next user.ID
	w.update(func(tx store.Tx) error {
		next = tx.NewID()
		return store.Insert(tx, user.Strand{
			ID: next, User: p.user.ID, Origin: p.user.ID, Source: "partner", Kind: user.Feed, State: user.Live, Created: tx.Now(),
		})
	})
	second, on := get(next)
	if second == first || on != next {
		w.Errorf("after a withdrawal %q on %s", second, on)
	}
	change(oldest, func(s *user.Strand) { s.State = user.Live })

	// Nobody is known by a number who has no strand.
	for _, id := range append(w.strands(p), next) {
		change(id, func(s *user.Strand) { s.State = user.Withdrawn })
	}
	err := w.store.Update(w.Context(), store.Interactive, func(tx store.Tx) error {
		_, _, err := session.PartnerNumber(tx, p.user.ID, "")
		return err
	})
	if err == nil {
		w.Error("a user without a live strand was given a number")
	}
}

// strands lists a person's strands, oldest first.
func (w *world) strands(p person) (ids []user.ID) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		ids = nil
		all, err := tx.Strands(p.user.ID)
		for _, s := range all {
			ids = append(ids, s.ID)
		}
		return err
	})
	return ids
}
