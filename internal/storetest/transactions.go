package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

var errMine = errors.New("the caller's own")

func lock(name string) user.Lock { return user.Lock{User: "u", Source: user.Source(name)} }

// locks fails unless just these rows of lock are committed.
func locks(t testing.TB, s store.Store, want ...string) {
	t.Helper()
	view(t, s, func(r store.Reader) error {
		ls, err := r.Locks("u")
		keys(t, "locks", ls, err, func(l user.Lock) string { return string(l.Source) }, want...)
		return nil
	})
}

func testTransactions(t *testing.T, open Open) {
	t.Run("an error rolls back and is returned", func(t *testing.T) {
		s := open(t)
		err := s.Update(t.Context(), store.Bulk, func(tx store.Tx) error {
			if err := store.Insert(tx, lock("a")); err != nil {
				return err
			}
			return fmt.Errorf("wrapped: %w", errMine)
		})
		if !errors.Is(err, errMine) || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		locks(t, s)
		if err := s.View(t.Context(), func(store.Reader) error { return errMine }); !errors.Is(err, errMine) {
			t.Errorf("of View: %v", err)
		}
	})
	t.Run("it reads its own writes, others only what is committed", func(t *testing.T) {
		s := open(t)
		update(t, s, func(tx store.Tx) error {
			if err := store.Insert(tx, lock("a")); err != nil {
				return err
			}
			ls, err := tx.Locks("u")
			keys(t, "within", ls, err, func(l user.Lock) string { return string(l.Source) }, "a")
			locks(t, s)
			return store.Put(tx, lock("a"))
		})
		locks(t, s, "a")
	})
	t.Run("cancelled before it begins", func(t *testing.T) {
		s := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, lane := range []store.Lane{store.Interactive, store.Bulk, store.Narrow} {
			ran := false
			err := s.Update(ctx, lane, func(store.Tx) error { ran = true; return nil })
			if !errors.Is(err, context.Canceled) || ran {
				t.Errorf("update: %v, ran %t", err, ran)
			}
		}
		err := s.View(ctx, func(r store.Reader) error { _, err := r.Locks("u"); return err })
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("view: %v", err)
		}
		given(t, s, lock("a"))
	})
	t.Run("cancelled while it runs", func(t *testing.T) {
		s := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		err := s.Update(ctx, store.Interactive, func(tx store.Tx) error {
			if err := store.Put(tx, lock("a")); err != nil {
				return err
			}
			cancel()
			return store.Put(tx, lock("b"))
		})
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if err == nil {
			locks(t, s, "a", "b")
		}
		given(t, s, lock("c"))
	})
	t.Run("a panic is an error", func(t *testing.T) {
		s := open(t)
		err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
			if err := store.Insert(tx, lock("a")); err != nil {
				return err
			}
			panic("boo")
		})
		if err == nil || !strings.Contains(err.Error(), "boo") {
			t.Errorf("got %v", err)
		}
		locks(t, s)
		given(t, s, lock("b"))
	})
	t.Run("a panic in View comes through, and nothing is lost", func(t *testing.T) {
		s := open(t)
		for range 40 { // more than there are connections
			func() {
				defer func() {
					if recover() == nil {
						t.Error("no panic")
					}
				}()
				_ = s.View(t.Context(), func(r store.Reader) error {
					_, _ = r.Locks("u")
					panic("boo")
				})
			}()
		}
		locks(t, s)
	})
	t.Run("neighbours", func(t *testing.T) { testNeighbours(t, open(t)) })
}

// testNeighbours: whatever some do, the others of their batch are kept.
func testNeighbours(t *testing.T, s store.Store) {
	const each = 20
	gone, cancel := context.WithCancel(t.Context())
	together(t, 5*each, func(i int) error {
		name := fmt.Sprintf("%03d", i)
		ctx, want := t.Context(), errMine
		switch i % 5 {
		case 0:
			want = nil
		case 3:
			ctx, want = gone, context.Canceled
			if i == 3 {
				cancel()
			}
		}
		lane := store.Interactive
		if i%2 == 0 {
			lane = store.Bulk
		}
		err := s.Update(ctx, lane, func(tx store.Tx) error {
			if err := store.Put(tx, lock(name)); err != nil {
				return err
			}
			switch i % 5 {
			case 1:
				return errMine
			case 2:
				panic(errMine)
			case 4:
				if err := store.Insert(tx, lock(name)); !errors.Is(err, store.ErrExists) {
					return fmt.Errorf("inserting twice: %w", err)
				}
				return errMine
			}
			return nil
		})
		if i%5 == 2 {
			if err == nil {
				return errors.New("a panic was no error")
			}
			return nil
		}
		if i%5 == 3 && err == nil { // it began in time
			return nil
		}
		if !errors.Is(err, want) {
			return fmt.Errorf("update %d: %w, want %w", i, err, want)
		}
		return nil
	})
	view(t, s, func(r store.Reader) error {
		ls, err := r.Locks("u")
		if err != nil {
			return err
		}
		kept := map[string]bool{}
		for _, l := range ls {
			kept[string(l.Source)] = true
		}
		for i := range 5 * each {
			if name := fmt.Sprintf("%03d", i); i%5 != 3 && kept[name] != (i%5 == 0) {
				t.Errorf("row %s: kept %t", name, kept[name])
			}
		}
		return nil
	})
}
