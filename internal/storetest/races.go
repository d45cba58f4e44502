package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

func testRaces(t *testing.T, open Open) {
	t.Run("one key is inserted once", func(t *testing.T) {
		s := open(t)
		for round := range 5 {
			var won, refused atomic.Int32
			together(t, 16, func(i int) error {
				err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
					return store.Insert(tx, user.Identity{Issuer: "i", Subject: fmt.Sprint(round), User: user.ID(fmt.Sprint(i))})
				})
				switch {
				case err == nil:
					won.Add(1)
				case errors.Is(err, store.ErrExists):
					refused.Add(1)
				default:
					return err
				}
				return nil
			})
			if won.Load() != 1 || refused.Load() != 15 {
				t.Errorf("%d won, %d were refused", won.Load(), refused.Load())
			}
		}
	})
	t.Run("a unique value beside the key is taken once", func(t *testing.T) {
		s := open(t)
		var won atomic.Int32
		together(t, 16, func(i int) error {
			err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
				return store.Insert(tx, store.Job{ID: user.ID(fmt.Sprint(i)), Kind: "mail", Key: "k", State: store.JobDue})
			})
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, store.ErrExists) {
				return err
			}
			return nil
		})
		same(t, "winners", 1, nil, int(won.Load()))
	})
	t.Run("a refresh token has one user among a hundred", func(t *testing.T) {
		s := open(t)
		given(t, s, user.Token{Hash: []byte{1}, Kind: user.RefreshToken})
		var won atomic.Int32
		together(t, 100, func(int) error {
			var mine bool
			err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) (err error) {
				mine, err = tx.UseRefresh([]byte{1}, tx.Now())
				return err
			})
			if mine && err == nil {
				won.Add(1)
			}
			return err
		})
		same(t, "winners", 1, nil, int(won.Load()))
	})
	t.Run("what is read holds until commit", func(t *testing.T) {
		s := open(t)
		given(t, s, store.Throttle{Key: "k"})
		together(t, 16, func(int) error {
			for range 5 {
				err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
					ts, err := tx.Throttles("k")
					if err != nil {
						return err
					}
					ts[0].Failures++
					return store.Put(tx, ts[0])
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		view(t, s, func(r store.Reader) error {
			ts, err := r.Throttles("k")
			same(t, "counted", 80, err, ts[0].Failures)
			return nil
		})
	})
	t.Run("a lease has one holder", func(t *testing.T) {
		s := open(t)
		var won atomic.Int32
		together(t, 16, func(i int) error {
			var held bool
			err := s.Update(t.Context(), store.Interactive, func(tx store.Tx) (err error) {
				held, err = tx.Lease("n", fmt.Sprint(i), tx.Now().AddDate(0, 0, 1))
				return err
			})
			if held && err == nil {
				won.Add(1)
			}
			return err
		})
		same(t, "holders", 1, nil, int(won.Load()))
	})
}
