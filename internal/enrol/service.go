package enrol

import (
	"context"
	"time"

	"github.com/usher-id/usher/internal/credential"
	"github.com/usher-id/usher/internal/mailed"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Policies gives the policy in force.
type Policies interface{ Current() policy.Policy }

// Pace lets answers take equally long; signin does.
type Pace interface {
	Evenly(ctx context.Context, do func() error) error
}

// Options are what the service is made of.
type Options struct {
	Store     store.Store
	Policies  Policies
	Passwords credential.Hasher
	Post      *mailed.Post
	Pace      Pace
	Now       func() time.Time
}

// Service signs people up.
type Service struct{ Options }

// New makes the service.
func New(o Options) *Service { return &Service{o} }

// source is what sign-ups' strands are called.
const source = user.Source(user.DoorGQLAuth)

// What Params["why"] of a refusal says, beside those of credential and mailed.
const (
	WhyVerified    = "already_verified"
	WhyPasswordSet = "password_already_set"
	WhySecondary   = "secondary" // somebody's second address
)

// Longest names and addresses that a form takes, in characters (contract
// gqlauth.md, section 4).
const (
	MaxEmail    = 255
	MaxUsername = 100
)

// update runs fn in a transaction whose refusal, if it gives one, is committed
// with what was written.
func (s *Service) update(ctx context.Context, fn func(tx store.Tx) (*user.Refusal, error)) error {
	var no *user.Refusal
	err := s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		var err error
		no, err = fn(tx)
		return err
	})
	if err != nil {
		return err
	}
	if no != nil {
		return no
	}
	return nil
}
