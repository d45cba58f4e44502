package signin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Passwords checks and upgrades; the password package's Hasher does.
type Passwords interface {
	Hash(ctx context.Context, plain password.Plain) (password.Hash, error)
	Verify(ctx context.Context, plain password.Plain, hash password.Hash) (password.Verdict, error)
	VerifyNone(ctx context.Context, plain password.Plain) error
}

// Policies gives the policy in force.
type Policies interface{ Current() policy.Policy }

// Service signs people in.
type Service struct {
	store     store.Store
	policies  Policies
	passwords Passwords
	sessions  *session.Service
	provers   map[string]Prover
	secret    []byte // keys the counters of names that are nobody's
	floor     bool   // whether answers keep to policy's response floor
	now       func() time.Time
	pace      pace
	reach     reach
	gates     gates // by account
	// counting lets one failure of a network at a time be written down: they all
	// write one row, and PostgreSQL would try them over and over.
	counting gates
	noted    notes
	told     Observer
}

// Options are what the service is made of. Floor is off in development mode
// and in tests.
type Options struct {
	Store     store.Store
	Policies  Policies
	Passwords Passwords
	Sessions  *session.Service
	// Provers verify the tokens of outside providers, by the name that clients
	// send.
	Provers map[string]Prover
	Secret  []byte
	Floor   bool
	Now     func() time.Time
	// Observer watches; nil: nobody does.
	Observer Observer
}

// New makes the service.
func New(o Options) *Service {
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	return &Service{
		store: o.Store, policies: o.Policies, passwords: o.Passwords, sessions: o.Sessions,
		provers: o.Provers, secret: o.Secret, floor: o.Floor, now: o.Now, told: o.Observer,
	}
}

// Password signs in by password (contract partner.md). Refusals: InvalidClient;
// BadCredential for every failure of the person; UserLocked and UserDeleted
// only to a client that may learn them; Throttled for a network; Busy.
func (s *Service) Password(ctx context.Context, a Attempt) (in SignedIn, err error) {
	pair, err := s.sessions.NewPair()
	if err != nil {
		return SignedIn{}, err
	}
	err = s.try(ctx, a, func(c user.Client) Entrance {
		return func(tx store.Tx, who Identified) (err error) {
			in, err = s.begin(tx, a.Door, c, who, pair)
			return err
		}
	})
	if err != nil {
		return SignedIn{}, err
	}
	return in, nil
}

// Enter is Password for a door that has no clients and begins sessions of its
// own. Refusals are Password's, and those of the entrance, which count as no
// failure.
func (s *Service) Enter(ctx context.Context, a Attempt, at Entrance) error {
	return s.try(ctx, a, func(user.Client) Entrance { return at })
}

func (s *Service) try(ctx context.Context, a Attempt, at func(user.Client) Entrance) (err error) {
	defer func() { s.told.Tried(a.Door, ByPassword, outcome(err)) }()
	return s.evenly(ctx, func(dear *bool) error {
		f, err := s.find(ctx, a)
		if err != nil {
			return err
		}
		return s.check(ctx, a, f, s.policies.Current(), dear, at(f.client))
	})
}

// evenly holds the answer of a check back until policy's floor, or until the
// dearest hash of late would have been checked.
func (s *Service) evenly(ctx context.Context, check func(dear *bool) error) error {
	begun := s.now()
	var dear bool
	err := check(&dear)
	if r, ok := errors.AsType[*user.Refusal](err); ok && (r.Code == user.Throttled || r.Code == user.InvalidClient) {
		return err // says nothing of the person, and need not wait
	}
	if dear {
		s.reach.took(s.now().Sub(begun), s.now())
	}
	s.waitUntil(ctx, begun.Add(max(time.Duration(s.policies.Current().ResponseFloor), s.reach.least(s.now()))))
	return err
}

// Evenly keeps an answer that must not tell whether an address is known to
// policy's response floor.
func (s *Service) Evenly(ctx context.Context, do func() error) error {
	begun := s.now()
	err := do()
	s.waitUntil(ctx, begun.Add(time.Duration(s.policies.Current().ResponseFloor)))
	return err
}

// check verifies the password behind the account's gate. It says whether that
// was dearer than elsewhere.
func (s *Service) check(ctx context.Context, a Attempt, f found, pol policy.Policy, dear *bool, at Entrance) error {
	var c counters
	leave, ok, err := s.gates.enter(f.account, func() (int, error) {
		var err error
		c, err = s.counters(ctx, f.account, networkKey(a.Network))
		return c.left(pol.Limits), err
	})
	if err != nil {
		return err
	}
	if !ok {
		return s.turnAway(ctx, a, f, c, pol)
	}
	defer leave()
	begun := s.now()
	who, used, upgrade, err := s.verify(ctx, a.Password, f.users, dear)
	if err != nil {
		return err
	}
	s.pace.took(s.now().Sub(begun))
	if who == nil {
		field := ""
		if f.client.DistinctErrors && len(f.users) > 0 {
			field = "password" // this client may learn that the user is known
		}
		return s.countFailure(ctx, a, f, mismatch(f.users), pol, user.Refuse(user.BadCredential, field))
	}
	if r, why := mayEnter(*who); r != nil {
		if !f.client.DistinctErrors {
			r = user.Refuse(user.BadCredential, "")
		}
		return s.countFailure(ctx, a, f, why, pol, r)
	}
	return s.enter(ctx, a, f, c, *who, used, upgrade, at)
}

// verify checks the password against those of whoever the login may mean,
// which is one in all but a few cases. Where there is none it costs the same.
func (s *Service) verify(ctx context.Context, plain string, users []store.SignIn, dear *bool) (*store.SignIn, user.Password, bool, error) {
	hashed := false
	for i := range users {
		for _, p := range users[i].Passwords {
			if p.SetAside {
				continue
			}
			h, err := password.ParseHash(p.Hash)
			if err != nil {
				return nil, p, false, fmt.Errorf("reading a stored password: %w", err)
			}
			hashed = true
			v, err := s.passwords.Verify(ctx, password.Plain(plain), h)
			if err != nil {
				return nil, p, false, password.Refusal(err)
			}
			*dear = *dear || v.Dear
			if v.Match {
				return &users[i], p, v.NeedsUpgrade, nil
			}
		}
	}
	if !hashed {
		if err := s.passwords.VerifyNone(ctx, password.Plain(plain)); err != nil {
			return nil, user.Password{}, false, password.Refusal(err)
		}
	}
	return nil, user.Password{}, false, nil
}

func mayEnter(u store.SignIn) (*user.Refusal, reason) {
	switch {
	case u.Locked:
		return user.Refuse(user.UserLocked, ""), locked
	case u.Status == user.Active || u.Status == user.Archived || u.Status == user.Reserved:
		return nil, ""
	default:
		return user.Refuse(user.UserDeleted, ""), closed
	}
}
