package directory_test

import (
	"testing"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/directory"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/user"
)

type builtIn struct{}

func (builtIn) Current() policy.Policy { return policy.Default() }

// Given somebody who owns an address, when others reserve a profile under it,
// then the address still leads an operator to its owner.
func TestAReservationNeverHidesTheOwner(t *testing.T) {
	s := storetest.SQLite(t)
	svc := admission.New(s, builtIn{})
	owner, err := svc.Arrive(t.Context(), admission.Arrival{
		Door: user.DoorGQLAuth, Source: "gqlauth",
		Addresses: []admission.Address{{Kind: user.Email, Key: "boss@example.org", Display: "boss@example.org", Assurance: user.Proven}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := svc.Reserve(t.Context(), admission.Reservation{
		Door: user.DoorEDI, By: "vetted", Identity: user.IdentityKey{Issuer: normal.IssuerEmail, Subject: "boss@example.org"},
	}); err != nil {
		t.Fatal(err)
	}
	got, err := directory.New(s).Resolve(t.Context(), "boss@example.org")
	if err != nil || got.ID != owner.User.ID {
		t.Errorf("leads to %s (%v), want the owner %s", got.ID, err, owner.User.ID)
	}
}
