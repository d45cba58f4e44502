package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

func testLater(t *testing.T, open Open) {
	for _, n := range []int{1, 2, 7, 8, 100, 300} {
		t.Run(fmt.Sprintf("%d new rows are written together", n), func(t *testing.T) {
			s := open(t)
			update(t, s, func(tx store.Tx) error {
				for i := range n {
					if err := store.InsertLater(tx, lock(fmt.Sprintf("%03d", i))); err != nil {
						return err
					}
				}
				return nil
			})
			view(t, s, func(r store.Reader) error {
				ls, err := r.Locks("u")
				same(t, "locks", n, err, len(ls))
				return nil
			})
		})
	}
	t.Run("what follows sees them", func(t *testing.T) {
		s := open(t)
		update(t, s, func(tx store.Tx) error {
			if err := errors.Join(store.InsertLater(tx, lock("a")), store.InsertLater(tx, lock("b"))); err != nil {
				return err
			}
			ls, err := tx.Locks("u")
			keys(t, "read", ls, err, func(l user.Lock) string { return string(l.Source) }, "a", "b")
			if err := store.InsertLater(tx, lock("c")); err != nil {
				return err
			}
			if err := store.Insert(tx, lock("c")); !errors.Is(err, store.ErrExists) {
				t.Errorf("inserted over one that waits: %v", err)
			}
			return errors.Join(store.InsertLater(tx, lock("d")), store.Delete(tx, lock("d")))
		})
		locks(t, s, "a", "b", "c")
	})
	t.Run("one that is taken loses the transaction", func(t *testing.T) {
		s := open(t)
		given(t, s, lock("a"))
		for name, fn := range map[string]func(store.Tx) error{
			"at the end": func(store.Tx) error { return nil },
			"at a read, whose error is ignored": func(tx store.Tx) error {
				_, _ = tx.Locks("u")
				return nil
			},
			"at a write": func(tx store.Tx) error { return store.Put(tx, lock("z")) },
		} {
			err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
				if err := errors.Join(store.InsertLater(tx, lock("b")), store.InsertLater(tx, lock("a"))); err != nil {
					return err
				}
				return fn(tx)
			})
			if !errors.Is(err, store.ErrTaken) || errors.Is(err, store.ErrUnavailable) {
				t.Errorf("%s: %v, want ErrTaken", name, err)
			}
		}
		locks(t, s, "a")
	})
	t.Run("an error of fn leaves none", func(t *testing.T) {
		s := open(t)
		err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
			return errors.Join(store.InsertLater(tx, lock("a")), errMine)
		})
		if !errors.Is(err, errMine) {
			t.Error(err)
		}
		locks(t, s)
	})
}

func testTaken(t *testing.T, open Open) {
	s := open(t)
	var emails, names []string
	for i := range store.TakenMost {
		emails, names = append(emails, fmt.Sprintf("%d@y", i)), append(names, fmt.Sprintf("n%d", i))
	}
	given(
		t, s,
		user.Claim{Kind: user.Email, Address: "3@y", User: "a", Strand: "a-s", Source: "partner:x"},
		user.Claim{Kind: user.Phone, Address: "4@y", User: "a", Strand: "a-s", Source: "partner:x"},
		user.Owner{Kind: user.Email, Address: "63@y", User: "b", Strand: "b-s"},
		user.Handle{Space: user.SpacePartnerUN, Value: "n5", User: "a", Strand: "a-s"},
		user.Handle{Space: user.SpacePartnerUN, Value: "n0", User: "a", Strand: "a-s", Dead: true},
		user.Handle{Space: user.SpaceEDI, Value: "n6", User: "a", Strand: "a-s"},
	)
	if err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
		return tx.IndexTerms(store.SearchedUser, "termed", []string{"a term"})
	}); err != nil {
		t.Fatal(err)
	}
	itself := func(s string) string { return s }
	view(t, s, func(r store.Reader) error {
		got, err := r.TakenAddresses(user.Email, emails)
		keys(t, "addresses", got, err, itself, "3@y", "63@y")
		got, err = r.TakenAddresses(user.Email, emails[3:4])
		keys(t, "one address", got, err, itself, "3@y")
		got, err = r.TakenAddresses(user.Email, []string{"a\x00b", "3@y", "\xff"})
		keys(t, "beside what no row can hold", got, err, itself, "3@y")
		got, err = r.TakenAddresses(user.Email, nil)
		keys(t, "nothing", got, err, itself)
		got, err = r.TakenNames(user.SpacePartnerUN, names)
		keys(t, "names", got, err, itself, "n0", "n5")
		ids := []user.ID{"a", "b", "termed", "nobody"}
		among, err := r.Searchable(user.SpaceEDI, ids)
		keys(t, "searchable", among, err, func(id user.ID) string { return string(id) }, "a", "termed")
		among, err = r.Searchable(user.SpacePartner, ids[:2])
		keys(t, "searchable elsewhere", among, err, func(id user.ID) string { return string(id) })
		if _, err = r.TakenNames(user.SpacePartnerUN, append(names, "more")); err == nil {
			t.Error("more names than TakenMost were taken for a question")
		}
		return nil
	})
}

func testNumbering(t *testing.T, open Open) {
	s := open(t)
	var events []store.Event
	for i := range 21 {
		e := store.Event{
			ID: user.ID(fmt.Sprintf("%02d", i)), Kind: "k", User: "u", Actor: odd, Door: "edi", At: at(i), Body: []byte(`{"a":1}`), Salt: []byte{byte(i)},
		}
		events = append(events, e)
		given(t, s, e)
	}
	// What another sequencer, or an eraser, did in between stays.
	erased := events[20]
	erased.Body, erased.Salt = nil, nil
	update(t, s, func(tx store.Tx) error { return store.Put(tx, erased) })
	for i := range events {
		events[i].Seq, events[i].BodyHash, events[i].Chain = int64(i+1), []byte{1, byte(i)}, []byte{2, byte(i)}
	}
	update(t, s, func(tx store.Tx) error { return tx.NumberEvents(events) })
	events[20].Body, events[20].Salt = nil, nil
	view(t, s, func(r store.Reader) error {
		got, err := r.Events(0, 99)
		same(t, "numbered events", events, err, got)
		return nil
	})
	err := s.Update(t.Context(), store.Bulk, func(tx store.Tx) error { return tx.NumberEvents(events[:3]) })
	if err == nil {
		t.Error("events were numbered twice")
	}
}
