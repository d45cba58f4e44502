package ledger_test

import (
	"errors"
	"testing"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/user"
)

// Given a sign-up that never proved its address and was evicted by somebody
// who did, when an operator restores it, then it is there again with its
// password, and the address stays its owner's.
func TestEvictedUserCanBeRestored(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		svc := admission.New(s, defaults{})
		address := func(a user.Assurance) []admission.Address {
			return []admission.Address{{Kind: user.Email, Key: "x@example.org", Display: "x@example.org", Assurance: a}}
		}
		first, err := svc.Arrive(t.Context(), admission.Arrival{
			Door: user.DoorGQLAuth, Source: "gqlauth", Addresses: address(user.Asserted), Password: "$first",
		})
		if err != nil {
			t.Fatal(err)
		}
		owner, err := svc.Arrive(t.Context(), admission.Arrival{Door: user.DoorGQLAuth, Source: "gqlauth", Addresses: address(user.Proven)})
		if err != nil || owner.User.ID == first.User.ID {
			t.Fatalf("the owner got %s: %v", owner.User.ID, err)
		}
		read := func(id user.ID) (u user.User, live int, entry user.ID) {
			err := s.View(t.Context(), func(r store.Reader) error {
				var err error
				if u, err = r.User(id); err != nil {
					return err
				}
				ps, err := r.Passwords(id)
				for _, p := range ps {
					if !p.SetAside {
						live++
					}
				}
				if err != nil {
					return err
				}
				es, err := r.Entries(id)
				for _, e := range es {
					entry = e.ID
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return u, live, entry
		}
		evicted, live, entry := read(first.User.ID)
		if evicted.Status != user.SetAside || live != 0 || evicted.Epoch == first.User.Epoch {
			t.Fatalf("evicted: %s, %d passwords, epoch %d", evicted.Status, live, evicted.Epoch)
		}
		undo := func() error {
			return s.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
				_, err := ledger.Open(tx, policy.Default(), "operator").Undo(entry)
				return err
			})
		}
		if err := undo(); err != nil {
			t.Fatal(err)
		}
		restored, live, _ := read(first.User.ID)
		if restored.Status != user.Active || live != 1 {
			t.Errorf("restored: %s, %d passwords", restored.Status, live)
		}
		if after, _, _ := read(owner.User.ID); after.Profile.Text(user.EmailVerified) != "true" {
			t.Errorf("the owner lost the address: %v", after.Profile)
		}
		if r, ok := errors.AsType[*user.Refusal](undo()); !ok || r.Code != user.NotUndoable {
			t.Errorf("restoring twice: %v", r)
		}
	})
}
