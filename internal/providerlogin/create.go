package providerlogin

import (
	"context"

	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/roundtrip"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Create makes the user whom a form names and an ID token proves (contract B.1).
// Refusals: BadToken for a token that proves nothing, was used, or is of another
// address than the form's; those of onboarding.Create.
func (s *Service) Create(ctx context.Context, f onboarding.Form, idToken string) (onboarding.Made, error) {
	p, err := s.prove(ctx, idToken)
	if err != nil {
		return onboarding.Made{}, err
	}
	a, ok := email(p)
	if !ok || !sure(a) {
		return onboarding.Made{}, user.Refuse(user.BadToken, "token", "why", "the provider does not vouch for the address")
	}
	if f.Email == nil {
		f.Email = &onboarding.Said{Key: a.Key, Display: a.Display}
	}
	if f.Email.Key != a.Key {
		return onboarding.Made{}, user.Refuse(user.BadToken, "token", "why", "another address")
	}
	f.Proven = &onboarding.Proven{
		Source: p.Source, Identity: p.Identity, Email: a,
		Redeem: func(tx store.Tx) error { return roundtrip.Redeem(tx, p) },
	}
	return s.People.Create(ctx, f)
}
