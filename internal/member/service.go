package member

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/usher-id/usher/internal/account"
	"github.com/usher-id/usher/internal/credential"
	"github.com/usher-id/usher/internal/mailed"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Policies gives the policy in force.
type Policies interface{ Current() policy.Policy }

// SignIn checks passwords, and lets in; signin does.
type SignIn interface {
	Enter(ctx context.Context, a signin.Attempt, at signin.Entrance) error
	Confirm(ctx context.Context, c signin.Confirmation) error
}

// Editor records what a person says about themselves; account does.
type Editor interface {
	Edit(ctx context.Context, live session.Live, e account.Edit) (user.Profile, error)
}

// Options are what the service is made of.
type Options struct {
	Store     store.Store
	Policies  Policies
	Passwords credential.Hasher
	SignIn    SignIn
	Editor    Editor
	Post      *mailed.Post
	Now       func() time.Time
}

// Service serves members.
type Service struct{ Options }

// New makes the service.
func New(o Options) *Service { return &Service{o} }

// Caller is who asks, and from where.
type Caller struct {
	Live    session.Live
	Network netip.Prefix
	Lang    string // of mails; empty: not known
}

// What Params["why"] of a refusal says.
const (
	WhyNotVerified = "not_verified"
	WhyNoSecond    = "secondary_email_required"
	WhySecondary   = "secondary"
)

// own reads the caller's account, which must be verified: Forbidden,
// WhyNotVerified; BadToken where the session has ended.
func own(r store.Reader, live session.Live) (store.AccountState, error) {
	st, err := r.AccountBySession(live.Session.ID)
	if errors.Is(err, store.ErrNotFound) { // it went with its user's content
		return store.AccountState{}, user.Refuse(user.BadToken, "")
	}
	if err != nil {
		return store.AccountState{}, fmt.Errorf("reading the caller's account: %w", err)
	}
	switch {
	case st.Account.PK == 0:
		return st.AccountState, user.Refuse(user.BadToken, "")
	case !st.Account.Verified:
		return st.AccountState, user.Refuse(user.Forbidden, "", "why", WhyNotVerified)
	}
	return st.AccountState, nil
}

// check runs what comes before a change: is the account verified, has it a
// second address where one is needed, is the password right.
func (s *Service) check(ctx context.Context, c Caller, password, field string, second bool) (st store.AccountState, err error) {
	err = s.Store.View(ctx, func(r store.Reader) error {
		st, err = own(r, c.Live)
		return err
	})
	if err != nil {
		return st, err
	}
	if second && st.Account.Second.None() {
		return st, user.Refuse(user.Missing, "", "why", WhyNoSecond)
	}
	return st, s.confirm(ctx, c, password, field)
}

func (s *Service) confirm(ctx context.Context, c Caller, password, field string) error {
	err := s.SignIn.Confirm(ctx, signin.Confirmation{
		Door: user.DoorGQLAuth, User: c.Live.User.ID, Password: password, Network: c.Network,
	})
	if no := refusal(err); no != nil && no.Code == user.BadCredential {
		return user.Refuse(user.BadCredential, field)
	}
	return err
}

// change runs fn in a transaction, with the caller's user and account as they
// are then.
func (s *Service) change(ctx context.Context, c Caller, fn func(tx store.Tx, u user.User, a user.Account) error) error {
	return s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		u, err := session.AgainHere(tx, c.Live)
		if err != nil {
			return err
		}
		st, err := own(tx, c.Live)
		if err != nil {
			return err
		}
		return fn(tx, u, st.Account)
	})
}
