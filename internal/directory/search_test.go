package directory_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/account"
	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/directory"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/user"
)

func TestFold(t *testing.T) {
	for typed, want := range map[string]string{
		"  Ada \t  LOVELACE ":  "ada lovelace",
		"STRASSE":              "strasse",
		"Straße":               "strasse",
		"A\u0308ngstro\u0308m": "ängström",
		"ＡＤＡ":                  "ada",
		"李":                    "李",
		"":                     "",
		"\u00a0":               "",
		"a\x00":                "",
		"a\xff":                "",
	} {
		if got := directory.Fold(typed); got != want {
			t.Errorf("%q folds to %q, want %q", typed, got, want)
		}
	}
}

// town is a store with people at the EDI door.
type town struct {
	*testing.T
	store store.Store
	dir   *directory.Service
}

func inTown(t *testing.T, fn func(town)) {
	storetest.Each(t, func(t *testing.T, s store.Store) { fn(town{t, s, directory.New(s)}) })
}

func (w town) update(fn func(store.Tx) error) {
	w.Helper()
	if err := w.store.Update(w.Context(), store.Interactive, fn); err != nil {
		w.Fatal(err)
	}
}

// person arrives at the EDI door with a proven address and a name, and gets
// their number.
func (w town) person(name, email string) (live session.Live) {
	w.Helper()
	out, err := admission.New(w.store, builtIn{}).Arrive(w.Context(), admission.Arrival{
		Door: user.DoorEDI, Source: "edi",
		Addresses: []admission.Address{{Kind: user.Email, Key: email, Display: email, Assurance: user.Proven}},
	})
	if err != nil {
		w.Fatal(err)
	}
	w.update(func(tx store.Tx) error {
		number, strand, err := admission.In(tx, policy.Default()).EDINumber(out.User, user.Human, "test")
		if err != nil {
			return err
		}
		live = session.Live{User: out.User, Session: user.Session{
			ID: tx.NewID(), User: out.User.ID, Strand: strand, Door: user.DoorEDI, Subject: number, Epoch: out.User.Epoch,
			Created: tx.Now(), Expires: tx.Now().Add(time.Hour),
		}}
		return store.Insert(tx, live.Session)
	})
	w.edit(live, account.Edit{user.Name: &name})
	return live
}

func (w town) edit(live session.Live, e account.Edit) {
	w.Helper()
	if _, err := account.New(w.store, builtIn{}).Edit(w.Context(), live, e); err != nil {
		w.Fatal(err)
	}
}

func (w town) finds(typed string, want ...session.Live) {
	w.Helper()
	found, err := w.dir.SearchEDI(w.Context(), typed, 5)
	if err != nil {
		w.Fatal(err)
	}
	got, wanted := map[user.ID]bool{}, map[user.ID]bool{}
	for _, f := range found {
		got[f.User.ID] = true
	}
	for _, l := range want {
		wanted[l.User.ID] = true
	}
	if fmt.Sprint(got) != fmt.Sprint(wanted) || len(found) != len(want) {
		w.Errorf("%q finds %v, want %v", typed, got, wanted)
	}
}

// numberEvents makes the events that wait part of the record, as a process beside
// the test would.
func (w town) numberEvents() {
	w.Helper()
	w.update(func(tx store.Tx) error {
		last, err := tx.LastEvent()
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		waiting, err := tx.Unsequenced(1000)
		for i := range waiting {
			waiting[i].Seq = last.Seq + int64(i) + 1
			waiting[i].BodyHash, waiting[i].Chain = []byte{1}, []byte{1}
		}
		return errors.Join(err, tx.NumberEvents(waiting))
	})
}

func TestSearch(t *testing.T) {
	inTown(t, func(w town) {
		ada, grace := w.person("Ada King Lovelace", "ada@example.org"), w.person("Grace Hopper", "GRACE@example.org")
		for _, typed := range []string{"ada", "ADA", " Ada  King", "king l", "King Lovelace", "ada@", ada.Session.Subject, ada.Session.Subject[:12], ada.Session.Subject[4:12]} {
			w.finds(typed, ada)
		}
		w.finds("grace@example.org", grace)
		w.finds("edi-", ada, grace)
		for _, typed := range []string{"", "  ", "lovelace", "da king", "example", "%", "_da", "*", "ada\x00", "\xff", "nobody"} {
			w.finds(typed)
		}
		// Names change, at once; a contact e-mail is shown in place of the other.
		contact := "countess@example.net"
		w.edit(ada, account.Edit{user.Name: user.Text("Countess of Lovelace"), user.ContactEmail: &contact})
		w.finds("ada")
		w.finds("ada@")
		w.finds("countess", ada)
		w.finds("of love", ada)
		w.edit(ada, account.Edit{user.Name: nil, user.ContactEmail: nil})
		w.finds("countess")
		w.finds("ada@")
		w.finds(ada.Session.Subject, ada)
		// The index goes on after events got their numbers.
		w.numberEvents()
		w.finds("grace", grace)
		w.edit(ada, account.Edit{user.Name: user.Text("Ada again")})
		w.finds("ada again", ada)
		w.numberEvents()
		w.finds("ada again", ada)
	})
}

// Nobody finds those who left, were set aside, or never had an EDI number; and
// nothing of them stays in the index.
func TestSearchForgets(t *testing.T) {
	inTown(t, func(w town) {
		ada := w.person("Ada Lovelace", "ada@example.org")
		w.finds("ada", ada)
		for _, c := range []struct {
			status user.Status
			there  bool
		}{{user.SetAside, false}, {user.Merged, false}, {user.Deleted, false}, {user.Archived, true}, {user.Reserved, true}, {user.Active, true}} {
			w.update(func(tx store.Tx) error {
				u, err := tx.User(ada.User.ID)
				if err != nil {
					return err
				}
				u.Status = c.status
				return store.Put(tx, u)
			})
			// No event tells of this: what was found is looked at again.
			if found, err := w.dir.SearchEDI(w.Context(), "ada", 5); err != nil || (len(found) == 1) != c.there {
				w.Errorf("%s: %v, %v", c.status, found, err)
			}
		}
		if err := account.New(w.store, builtIn{}).DeleteAtDoor(w.Context(), session.Live{Session: ada.Session, User: ada.User}, user.DoorEDI); err != nil {
			w.Fatal(err)
		}
		err := w.store.View(w.Context(), func(r store.Reader) error {
			terms, err := r.SearchTerms(store.SearchedUser, ada.User.ID)
			if len(terms) > 0 {
				w.Errorf("of the erased the index keeps %q", terms)
			}
			return err
		})
		if err != nil {
			w.Error(err)
		}
		w.finds("ada")

		home, err := admission.New(w.store, builtIn{}).Arrive(w.Context(), admission.Arrival{
			Door: user.DoorGQLAuth, Source: "gqlauth",
			Addresses: []admission.Address{{Kind: user.Email, Key: "elsewhere@example.org", Display: "elsewhere@example.org", Assurance: user.Proven}},
		})
		if err != nil || home.User.ID == "" {
			w.Fatal(err)
		}
		w.finds("elsewhere")
	})
}

// Merged users are found as the one that stayed, by either number; taken apart
// each is found as itself.
func TestSearchFollowsMerges(t *testing.T) {
	inTown(t, func(w town) {
		a, b := w.person("Stays Here", "a@example.org"), w.person("Goes There", "b@example.org")
		w.finds("goes", b)
		var entry store.Entry
		w.update(func(tx store.Tx) error {
			into, err := tx.User(a.User.ID)
			if err != nil {
				return err
			}
			other, err := tx.User(b.User.ID)
			if err != nil {
				return err
			}
			entry, err = ledger.Open(tx, policy.Default(), "root").Merge(into, other)
			return err
		})
		w.finds(a.Session.Subject, a)
		w.finds(b.Session.Subject, a)
		w.update(func(tx store.Tx) error {
			_, err := ledger.Open(tx, policy.Default(), "root").Undo(entry.ID)
			return err
		})
		w.finds(b.Session.Subject, b)
		w.finds("goes", b)
		w.finds("stays", a)
	})
}

// A search gives no more than it is asked for, and never more than SearchMost.
func TestSearchIsBounded(t *testing.T) {
	s := storetest.SQLite(t)
	w := town{t, s, directory.New(s)}
	for i := range directory.SearchMost + 5 {
		w.person("Many Alike", fmt.Sprintf("many%d@example.org", i))
	}
	for limit, want := range map[int]int{-1: 0, 0: 0, 1: 1, 5: 5, 1000: directory.SearchMost} {
		if found, err := w.dir.SearchEDI(t.Context(), "many", limit); err != nil || len(found) != want {
			t.Errorf("limit %d gives %d, %v", limit, len(found), err)
		}
	}
}

// The index comes to know, round by round, those who were there before it, and
// reads a round again rather than write for nothing.
func TestCatchUp(t *testing.T) {
	inTown(t, func(w town) {
		w.update(func(tx store.Tx) error {
			var numbered []store.Event
			for i := range 450 {
				id := tx.NewID()
				e := store.Event{ID: tx.NewID(), Kind: string(event.UserCreated), User: id, Body: []byte("{}"), Salt: []byte{1}}
				for _, row := range []any{
					user.User{ID: id, Status: user.Active, Epoch: 1, Profile: user.Profile{user.Name: {Value: user.Text(fmt.Sprintf("early%03d", i))}}},
					user.Handle{Space: user.SpaceEDI, Value: fmt.Sprintf("EDI-%d", i), User: id},
					e,
				} {
					if err := tx.Write(store.OpInsert, row); err != nil {
						return err
					}
				}
				e.Seq, e.BodyHash, e.Chain = int64(i+1), []byte{1}, []byte{1}
				numbered = append(numbered, e)
			}
			return tx.NumberEvents(numbered)
		})
		progress := func() (seq int64) {
			err := w.store.View(w.Context(), func(r store.Reader) (err error) {
				seq, err = r.Indexed()
				return err
			})
			if err != nil {
				w.Fatal(err)
			}
			return seq
		}
		for _, want := range []struct {
			more bool
			seq  int64
		}{{true, 200}, {true, 400}, {false, 450}, {false, 450}} {
			if more, err := w.dir.CatchUp(w.Context()); err != nil || more != want.more || progress() != want.seq {
				w.Errorf("more %v, up to %d, %v; want %+v", more, progress(), err, want)
			}
		}
		if found, err := w.dir.SearchEDI(w.Context(), "early449", 5); err != nil || len(found) != 1 {
			w.Errorf("%v, %v", found, err)
		}
	})
}

// Run ends with its context.
func TestRun(t *testing.T) {
	s := storetest.SQLite(t)
	w := town{t, s, directory.New(s)}
	ada := w.person("Ada Lovelace", "ada@example.org")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.dir.Run(ctx, slog.New(slog.DiscardHandler)) }()
	for {
		var terms []string
		err := s.View(ctx, func(r store.Reader) (err error) {
			terms, err = r.SearchTerms(store.SearchedUser, ada.User.ID)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(terms) > 0 {
			break
		}
	}
	cancel()
	<-done
}

// Searches side by side bring the index up to date without getting in each
// other's way, or in the way of those who write.
func TestSearchesSideBySide(t *testing.T) {
	inTown(t, func(w town) {
		ada := w.person("Ada 0", "ada@example.org")
		var searching sync.WaitGroup
		for range 4 {
			searching.Go(func() {
				for range 10 {
					if found, err := w.dir.SearchEDI(w.Context(), "ada@", 5); err != nil || len(found) != 1 {
						w.Errorf("%v, %v", found, err)
					}
				}
			})
		}
		for i := range 10 {
			w.edit(ada, account.Edit{user.Name: user.Text(fmt.Sprintf("Ada %d", i+1))})
		}
		searching.Wait()
		w.finds("ada 10", ada)
		w.finds("ada 9")
	})
}
