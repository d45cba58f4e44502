package signin

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/notify"
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
	secret    []byte // keys the counters of names that are nobody's
	floor     bool   // whether answers keep to policy's response floor
	now       func() time.Time
	gates     gates
	// counting lets one failure at a time be written down: many from one network
	// are many writes of one row, which PostgreSQL would try over and over.
	counting sync.Mutex
}

// Options are what the service is made of. Floor is off in development mode
// and in tests.
type Options struct {
	Store     store.Store
	Policies  Policies
	Passwords Passwords
	Sessions  *session.Service
	Secret    []byte
	Floor     bool
	Now       func() time.Time
}

// New makes the service.
func New(o Options) *Service {
	return &Service{
		store: o.Store, policies: o.Policies, passwords: o.Passwords, sessions: o.Sessions,
		secret: o.Secret, floor: o.Floor, now: o.Now,
	}
}

// Password signs in by password (contract partner.md). Refusals: InvalidClient;
// BadCredential for every failure of the person; UserLocked and UserDeleted
// only to a client that may learn them; Throttled for a network; Busy.
func (s *Service) Password(ctx context.Context, a Attempt) (SignedIn, error) {
	begun := s.now()
	pol := s.policies.Current()
	f, err := s.find(ctx, a)
	if err != nil {
		return SignedIn{}, err
	}
	if wait := waits(f.throttles, networkKey(a.Network), begun); wait > 0 {
		r := user.Refuse(user.Throttled, "")
		r.RetryAfter = int(wait.Seconds()) + 1
		return SignedIn{}, r
	}
	in, err := s.check(ctx, a, f, pol)
	if s.floor {
		s.waitUntil(ctx, begun.Add(time.Duration(pol.ResponseFloor)))
	}
	return in, err
}

// check verifies the password behind the account's gate.
func (s *Service) check(ctx context.Context, a Attempt, f found, pol policy.Policy) (SignedIn, error) {
	leave, ok, err := s.gates.enter(f.account, func() (int, error) { return s.allowed(ctx, f.account, pol.Limits) })
	if err != nil {
		return SignedIn{}, err
	}
	if !ok {
		// Throttled: the ordinary failure, at the ordinary cost.
		if err := s.passwords.VerifyNone(ctx, password.Plain(a.Password)); err != nil {
			return SignedIn{}, password.Refusal(err)
		}
		return SignedIn{}, s.countFailure(ctx, found{}, a, pol, user.Refuse(user.BadCredential, ""))
	}
	defer leave()
	who, used, upgrade, err := s.verify(ctx, a.Password, f.users)
	if err != nil {
		return SignedIn{}, err
	}
	if who == nil {
		field := ""
		if f.client.DistinctErrors && len(f.users) > 0 {
			field = "password" // this client may learn that the user is known
		}
		return SignedIn{}, s.countFailure(ctx, f, a, pol, user.Refuse(user.BadCredential, field))
	}
	if r := mayEnter(*who); r != nil {
		if !f.client.DistinctErrors {
			r = user.Refuse(user.BadCredential, "")
		}
		return SignedIn{}, s.countFailure(ctx, f, a, pol, r)
	}
	return s.enter(ctx, a, f, *who, used, upgrade)
}

// allowed says how many tries of an account may be checked side by side: as
// many as it has left before it must wait.
func (s *Service) allowed(ctx context.Context, account string, lim policy.Limits) (n int, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		ts, err := r.Throttles(account)
		if err != nil {
			return err
		}
		now := s.now()
		recent, total := failures(ts, account)
		switch {
		case waits(ts, account, now) > 0 || total >= lim.AccountTotal:
			n = 0
		case recent >= lim.AccountFailures:
			n = 1 // the wait is over: one at a time
		default:
			n = lim.AccountFailures - recent
		}
		return nil
	})
	return n, err
}

// verify checks the password against those of whoever the login may mean,
// which is one in all but a few cases. Where there is none it costs the same.
func (s *Service) verify(ctx context.Context, plain string, users []store.SignIn) (*store.SignIn, user.Password, bool, error) {
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

func mayEnter(u store.SignIn) *user.Refusal {
	switch {
	case u.Locked:
		return user.Refuse(user.UserLocked, "")
	case u.Status == user.Active || u.Status == user.Archived || u.Status == user.Reserved:
		return nil
	default:
		return user.Refuse(user.UserDeleted, "")
	}
}

// countFailure writes a failure down and gives the refusal back. Without an
// account only the network is counted: a wait is not lengthened by tries that
// were not even checked.
func (s *Service) countFailure(ctx context.Context, f found, a Attempt, pol policy.Policy, r *user.Refusal) error {
	s.counting.Lock()
	defer s.counting.Unlock()
	err := s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		until, err := s.fail(tx, pol.Limits, f.account, networkKey(a.Network))
		if err != nil || until.IsZero() || len(f.users) == 0 || !pol.Notify.LockedOut {
			return err
		}
		u, err := tx.User(f.users[0].User)
		if err != nil {
			return fmt.Errorf("reading the user: %w", err)
		}
		return notify.Owner(tx, u, "locked-out", until.Format(time.RFC3339), map[string]string{
			"at": tx.Now().Format(time.RFC3339), "until": until.Format(time.RFC3339),
		})
	})
	if err != nil {
		return err
	}
	return r
}

// enter begins the session. What was checked is read again inside the
// transaction: a lock, or a change of the proof's owner or of the password, in
// between counts.
func (s *Service) enter(ctx context.Context, a Attempt, f found, who store.SignIn, used user.Password, upgrade bool) (SignedIn, error) {
	pair, err := s.sessions.NewPair()
	if err != nil {
		return SignedIn{}, err
	}
	better := ""
	if upgrade {
		h, err := s.passwords.Hash(ctx, password.Plain(a.Password))
		if err != nil {
			return SignedIn{}, password.Refusal(err)
		}
		better = h.String()
	}
	var out SignedIn
	var refused *user.Refusal
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		refused = nil
		u, err := tx.User(who.User)
		if err != nil {
			return fmt.Errorf("reading the user: %w", err)
		}
		still, err := stands(tx, u, who, used)
		if err != nil {
			return err
		}
		if !still {
			refused = user.Refuse(user.BadCredential, "")
			return nil
		}
		if u.Status != user.Active {
			u.Status, u.Updated = user.Active, tx.Now()
			if err := store.Put(tx, u); err != nil {
				return fmt.Errorf("reopening the user: %w", err)
			}
		}
		if err := s.upgrade(tx, used, better); err != nil {
			return err
		}
		if recent, total := failures(f.throttles, f.account); recent+total > 0 {
			if err := store.Delete(tx, store.Throttle{Key: f.account}); err != nil {
				return fmt.Errorf("clearing a counter: %w", err)
			}
		}
		out, err = s.begin(tx, a, f.client, u, who, used, pair)
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	if refused != nil {
		return SignedIn{}, refused
	}
	return out, nil
}

// stands says whether what the check found still holds.
func stands(tx store.Tx, u user.User, who store.SignIn, used user.Password) (bool, error) {
	locks, err := tx.Locks(u.ID)
	if err != nil {
		return false, fmt.Errorf("reading locks: %w", err)
	}
	passwords, err := tx.Passwords(u.ID)
	if err != nil {
		return false, fmt.Errorf("reading passwords: %w", err)
	}
	return u.Epoch == who.Epoch && len(locks) == 0 && slices.ContainsFunc(passwords, func(p user.Password) bool {
		// Another sign-in may have upgraded the hash meanwhile.
		return p.Strand == used.Strand && !p.SetAside && p.Set.Equal(used.Set)
	}), nil
}

func (s *Service) upgrade(tx store.Tx, used user.Password, better string) error {
	if better == "" {
		return nil
	}
	used.Hash = better
	if err := store.Put(tx, used); err != nil {
		return fmt.Errorf("upgrading a password: %w", err)
	}
	return event.Append(tx, event.New{Kind: event.PasswordUpgraded, User: used.User})
}

func (s *Service) begin(tx store.Tx, a Attempt, c user.Client, u user.User, who store.SignIn, used user.Password, pair session.Pair) (SignedIn, error) {
	strand := who.Strand
	if strand == "" {
		strand = used.Strand
	}
	number := who.Number
	if number == "" {
		var err error
		if number, err = numberAt(tx, u, strand); err != nil {
			return SignedIn{}, err
		}
	}
	sess, err := s.sessions.Issue(tx, user.Session{
		User: u.ID, Strand: strand, Door: a.Door, Client: c.ID, Subject: number, Epoch: u.Epoch, Methods: []string{"pwd"},
	}, pair)
	if err != nil {
		return SignedIn{}, err
	}
	return signedIn(c, sess, u, pair, tx.Now()), nil
}

func signedIn(c user.Client, sess user.Session, u user.User, pair session.Pair, now time.Time) SignedIn {
	access, refresh := session.Until(sess, now)
	return SignedIn{
		Client: c, Session: sess, Profile: u.Profile,
		AccessToken: pair.Access, AccessUntil: access, RefreshToken: pair.Refresh, RefreshUntil: refresh,
	}
}

func (s *Service) waitUntil(ctx context.Context, t time.Time) {
	d := t.Sub(s.now())
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
