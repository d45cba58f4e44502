package onboarding

import (
	"context"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/otp"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Policies gives the policy in force.
type Policies interface{ Current() policy.Policy }

// Codes compares one-time codes; package otp does.
type Codes interface {
	Try(tx store.Tx, pol policy.Policy, to otp.To, purpose, text string) (otp.Tried, error)
}

// Purpose is what this door's one-time codes are good for.
const Purpose = "sunbird"

// Service takes people in.
type Service struct {
	Store    store.Store
	Policies Policies
	Codes    Codes
}

// Form is a user to be made, as it was read: fields that are not there are zero.
type Form struct {
	FirstName, LastName string
	Username            *normal.Username // nil: one is made of the name
	Email               *Said
	Phone               *Said
	// Code is the one-time code for CodeFor, which is then proven.
	Code    string
	CodeFor user.AddressKind
	// Facts are what else the form says: birthdate, gender.
	Facts map[user.Attr]*string
	Place
	// Identities may be named by a caller alone.
	Identities []user.IdentityKey
	// Proven is a provider's proof that the form came with; nil for none.
	Proven *Proven
	Caller string // empty: nobody of whom this door knows
}

// Said is an address of a form.
type Said struct {
	Key, Display string
	Region       string // ISO 3166-1 alpha-2 of a phone
	// Attested says that a caller who may says it is verified.
	Attested bool
}

// Proven is what a provider proved: an identity, and an address as it vouches for
// it. Redeem uses the proof up in the transaction that it is for.
type Proven struct {
	Source   user.Source
	Identity user.IdentityKey
	Email    admission.Address
	Redeem   func(tx store.Tx) error
}

// Place says where in the organisation a user belongs: names and ids as they were
// sent.
type Place struct {
	Channel       string
	Organisation  string // id of a group
	OrgExternalID string
}

// Made is the answer to a Create.
type Made struct {
	ID string // at this door
}

func (s *Service) update(ctx context.Context, fn func(tx store.Tx) (*user.Refusal, error)) error {
	var no *user.Refusal
	err := s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		var err error
		no, err = fn(tx)
		return err
	})
	if err == nil && no != nil {
		return no
	}
	return err
}
