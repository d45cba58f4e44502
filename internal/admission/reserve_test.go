package admission_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/user"
)

// Given a reservation under an e-mail in one spelling, when somebody proves the
// address in another, then the reservation is theirs; and a proof made before
// the reservation, or no proof, claims nothing.
func TestReservationUnderAnEmail(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		svc := admission.New(s, defaults{})
		reserve := func(name string) admission.Reserved {
			r, err := svc.Reserve(t.Context(), admission.Reservation{
				Door: user.DoorEDI, By: "vetted", Identity: user.IdentityKey{Issuer: normal.IssuerEmail, Subject: name},
			})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		arrive := func(display string, a user.Assurance) admission.Outcome {
			out, err := svc.Arrive(t.Context(), admission.Arrival{
				Door: user.DoorGQLAuth, Source: "gqlauth",
				Addresses: []admission.Address{{Kind: user.Email, Key: "ada@example.org", Display: display, Assurance: a}},
			})
			if err != nil || out.Decision.Refusal != "" {
				t.Fatalf("%v %+v", err, out.Decision)
			}
			return out
		}
		first := reserve("ADA@example.org")
		if out := arrive("ada@example.org", user.Asserted); out.User.ID == first.User.ID {
			t.Fatal("a bare word claimed the reservation")
		}
		owner := arrive("Ada@example.org", user.Proven)
		if owner.User.ID != first.User.ID || owner.User.Status != user.Active {
			t.Errorf("the proof led to %s (%s), want the reservation %s: %+v", owner.User.ID, owner.User.Status, first.User.ID, owner.Decision)
		}

		if got := told(t, s, first.User.ID); !slices.Equal(got, []event.Kind{event.UserCreated, event.StrandLinked, event.ReservationClaimed}) {
			t.Errorf("recorded %q", got)
		}

		second := reserve("aDa@example.org") // after the proof
		if second.User.ID == owner.User.ID || second.User.Status != user.Reserved {
			t.Fatalf("the later reservation is %s (%s)", second.User.ID, second.User.Status)
		}
		again := arrive("ada@example.org", user.Proven)
		if again.User.ID != owner.User.ID {
			t.Errorf("the next proof led to %s, want %s", again.User.ID, owner.User.ID)
		}
		err := s.View(t.Context(), func(r store.Reader) error {
			h, err := r.Handle(user.SpaceEDI, second.Handle)
			if err == nil && h.User != owner.User.ID {
				t.Errorf("the later reservation's number leads to %s, want %s", h.User, owner.User.ID)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// Given many callers at once, when they reserve one identity, then there is
// one user and one number.
func TestReservingAtOnceMakesOneUser(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		svc := admission.New(s, defaults{})
		var (
			wg   sync.WaitGroup
			mu   sync.Mutex
			seen = map[string]int{}
			made int
		)
		for range 16 {
			wg.Go(func() {
				r, err := svc.Reserve(t.Context(), admission.Reservation{
					Door: user.DoorEDI, By: "vetted", Identity: user.IdentityKey{Issuer: "https://orcid.org", Subject: "0000"},
				})
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
					return
				}
				seen[r.Handle]++
				if r.Created {
					made++
				}
			})
		}
		wg.Wait()
		if len(seen) != 1 || made != 1 {
			t.Errorf("%d numbers, %d times made: %v", len(seen), made, seen)
		}
	})
}

// Given a user without an EDI number, when one is needed, then the strand it
// hangs on is recorded, once.
func TestEDINumberIsRecorded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		out, err := admission.New(s, defaults{}).Provision(t.Context(), admission.Assertion{
			Door: user.DoorPartner, Source: "partner:__system", Kind: user.Feed, By: "__system",
			Addresses: []admission.Address{{Kind: user.Email, Key: "numbered@example.org", Display: "numbered@example.org", Assurance: user.Attested}},
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			err = s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
				_, _, err := admission.In(tx, policy.Default()).EDINumber(out.User, user.Operator, "ops")
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if got := told(t, s, out.User.ID); !slices.Equal(got, []event.Kind{event.UserCreated, event.StrandLinked}) {
			t.Errorf("recorded %q", got)
		}
	})
}

// told are the kinds of the events about a user, in order.
func told(t *testing.T, s store.Store, u user.ID) (kinds []event.Kind) {
	t.Helper()
	if err := s.View(t.Context(), func(r store.Reader) error {
		kinds = nil
		events, err := r.EventsOf(u, 100)
		for _, e := range events {
			kinds = append(kinds, event.Kind(e.Kind))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return kinds
}
