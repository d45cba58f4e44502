package admission_test

import (
	"testing"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/user"
)

// Given an address whose holder the arriving issuer knows under another subject,
// when somebody proves the address through that issuer, then they are
// challenged: the mailbox may have been given to somebody else (design, section
// 3, rule 3). Who is known already stays who they are.
func TestAReassignedMailboxIsChallenged(t *testing.T) {
	const google, address = "https://accounts.google.com", "ada@example.org"
	storetest.Each(t, func(t *testing.T, s store.Store) {
		svc := admission.New(s, defaults{})
		mail := func(a user.Assurance) []admission.Address {
			return []admission.Address{{Kind: user.Email, Key: address, Display: address, Assurance: a}}
		}
		arrive := func(issuer, sub string, addresses []admission.Address) admission.Outcome {
			t.Helper()
			out, err := svc.Arrive(t.Context(), admission.Arrival{
				Door: user.DoorPartner, Source: "google", Identity: &user.IdentityKey{Issuer: issuer, Subject: sub}, Addresses: addresses,
			})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		// A trusted partner names the subject itself; nobody has been there.
		feed, err := svc.Provision(t.Context(), admission.Assertion{
			Door: user.DoorPartner, Source: "partner:__system", Kind: user.Feed, By: "__system", Addresses: mail(user.Attested),
			Identities: []user.IdentityKey{{Issuer: google, Subject: "1"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if out := arrive(google, "2", mail(user.Proven)); out.Decision.Result != admission.Challenged || out.Decision.Other != feed.User.ID {
			t.Errorf("another subject took the record over: %+v", out.Decision)
		}
		first := arrive(google, "1", mail(user.Proven))
		if first.User.ID != feed.User.ID {
			t.Fatalf("the subject itself: %+v", first.Decision)
		}
		if out := arrive(google, "2", mail(user.Proven)); out.Decision.Refusal != user.Challenge || out.Decision.Other != first.User.ID {
			t.Errorf("another subject was linked: %+v", out.Decision)
		}
		known := arrive(google, "3", nil)
		if out := arrive(google, "3", mail(user.Proven)); out.User.ID != known.User.ID || len(out.Decision.Own) > 0 {
			t.Errorf("who is known: %+v", out.Decision)
		}
		if out := arrive("https://id.example.org", "2", mail(user.Proven)); out.User.ID != first.User.ID {
			t.Errorf("another issuer: %+v", out.Decision)
		}
	})
}
