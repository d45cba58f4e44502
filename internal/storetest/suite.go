package storetest

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Open gives an empty store that belongs to one test.
type Open func(t testing.TB) store.Store

// Run runs the suite: what every store must do.
func Run(t *testing.T, open Open) {
	t.Helper()
	for _, part := range []struct {
		name string
		run  func(*testing.T, Open)
	}{
		{"rows", testRows},
		{"people", testPeople},
		{"records", testRecords},
		{"sign-ins", testSignIns},
		{"groups", testGroups},
		{"log", testLog},
		{"moves", testMoves},
		{"leases", testLeases},
		{"erasure", testErasure},
		{"transactions", testTransactions},
		{"later", testLater},
		{"taken", testTaken},
		{"numbering", testNumbering},
		{"races", testRaces},
		{"search", testSearch},
		{"accounts", testAccounts},
		{"proofs", testProofs},
		{"channels", testChannels},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, open) })
	}
}

// at is a time of the suite, in the microseconds that a store keeps.
func at(second int) time.Time {
	return time.Date(2026, time.March, 1, 12, 0, second, 123456000, time.UTC)
}

// odd is text that encodings and quoting like to break.
const odd = "Žofie O'Ñandú \"🐦\" \\ %_ \u202e \t\n 漢字"

func update(t testing.TB, s store.Store, fn func(store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), store.Interactive, fn); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, s store.Store, fn func(store.Reader) error) {
	t.Helper()
	if err := s.View(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// given inserts rows.
func given(t testing.TB, s store.Store, rows ...any) {
	t.Helper()
	update(t, s, func(tx store.Tx) error {
		for _, r := range rows {
			if err := tx.Write(store.OpInsert, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// same fails unless a read gave what was wanted.
func same[T any](t testing.TB, what string, want T, err error, got T) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	} else if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// keys fails unless a list has just these, in this order.
func keys[T any](t testing.TB, what string, list []T, err error, key func(T) string, want ...string) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	got := []string{}
	for _, v := range list {
		got = append(got, key(v))
	}
	if want == nil {
		want = []string{}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// absent fails unless a read found nothing.
func absent(t testing.TB, what string, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%s: %v, want ErrNotFound", what, err)
	}
}

// person is a user with one strand of a source, named after it.
func person(id user.ID, source user.Source) (user.User, user.Strand) {
	u := user.User{ID: id, Status: user.Active, Epoch: 1, Profile: user.Profile{}, Created: at(0), Updated: at(0)}
	return u, strand(id+"-s", id, source)
}

func strand(id, of user.ID, source user.Source) user.Strand {
	return user.Strand{
		ID: id, User: of, Origin: of, Source: source, Kind: user.Human, State: user.Live,
		Document: user.Document{}, Edits: user.Document{}, Created: at(0), CreatedBy: "suite", Updated: at(0),
	}
}
