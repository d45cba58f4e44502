package signin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/notify"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// reason is why a try failed, for the record alone: the answer is the same.
type reason string

const (
	unknown     reason = "unknown_name"
	noPassword  reason = "no_password"
	wrong       reason = "wrong_password"
	locked      reason = "locked" // and the password was right
	closed      reason = "closed" // likewise
	changed     reason = "changed_meanwhile"
	tooMany     reason = "too_many_tries"
	tooManyHere reason = "too_many_tries_of_network"
	unproven    reason = "provider_token"             // and what is wrong with it
	redeemed    reason = "provider_token_used_before" // a replay
	challenged  reason = "challenged"                 // sign in to the existing account first
)

// mismatch is why no password fitted.
func mismatch(users []store.SignIn) reason {
	if len(users) == 0 {
		return unknown
	}
	for _, u := range users {
		if slices.ContainsFunc(u.Passwords, func(p user.Password) bool { return !p.SetAside }) {
			return wrong
		}
	}
	return noPassword
}

// failure is the body of signin.failed.
type failure struct {
	Outcome user.Code `json:"outcome"`
	Reason  reason    `json:"reason"`
	Network string    `json:"network"`
	Client  string    `json:"client"`
	// Until is when the wait is over that this try began or fell into. Further
	// tries before then are not recorded one by one.
	Until time.Time `json:"until,omitzero"`
}

// record writes down that a try failed (security L1). The actor is whom it
// claimed to be: a user, or the keyed hash of a name that is nobody's. What was
// typed is kept nowhere.
func record(tx store.Tx, a Attempt, f found, why reason, r *user.Refusal, until time.Time) error {
	who := f.user()
	actor := string(who)
	if actor == "" {
		actor = f.account
	}
	return event.Append(tx, event.New{
		Kind: event.SignInFailed, User: who, Actor: actor, Door: a.Door,
		Body: failure{Outcome: r.Code, Reason: why, Network: a.Network.String(), Client: f.client.ID, Until: until},
	})
}

// countFailure counts a try that was checked, and gives the refusal back.
func (s *Service) countFailure(ctx context.Context, a Attempt, f found, why reason, pol policy.Policy, r *user.Refusal) error {
	err := s.writeDown(ctx, a, func(tx store.Tx) error {
		t, err := fail(tx, pol.Limits, f.account, networkKey(a.Network))
		if err != nil {
			return err
		}
		if t.Failures < pol.Limits.AccountFailures {
			t.Until = time.Time{} // of an earlier wait
		}
		if err := record(tx, a, f, why, r, t.Until); err != nil {
			return err
		}
		if t.Failures != pol.Limits.AccountFailures || f.user() == "" || !pol.Notify.LockedOut {
			return nil
		}
		u, err := tx.User(f.user())
		if err != nil {
			return fmt.Errorf("reading the user: %w", err)
		}
		until := t.Until.Format(time.RFC3339)
		return notify.Owner(tx, u, "locked-out", until, map[string]string{"at": tx.Now().Format(time.RFC3339), "until": until})
	})
	if err != nil {
		return err
	}
	return r
}

// turnAway refuses a try that must not be checked now. It takes no place among
// the hashes, which are for those that may: a flood at one account keeps nobody
// else out. A network is told how long to wait. At a waiting account it is the
// ordinary failure and takes as long; only the network is counted, since a wait
// is not lengthened by tries that were not even checked.
//
// The first of a wait is recorded, the others of the same wait are not.
func (s *Service) turnAway(ctx context.Context, a Attempt, f found, c counters, pol policy.Policy) error {
	network := networkKey(a.Network)
	if wait := c.networkWait(); wait > 0 {
		r := user.Refuse(user.Throttled, "")
		r.RetryAfter = int(wait.Seconds()) + 1
		s.told.TurnedAway(a.Door, NetworkWaits)
		if !s.noted.first(network, c.at, c.network.Until) {
			return r
		}
		err := s.writeDown(ctx, a, func(tx store.Tx) error { return record(tx, a, f, tooManyHere, r, c.network.Until) })
		if err != nil {
			s.noted.forget(network)
			return err
		}
		return r
	}
	s.told.TurnedAway(a.Door, AccountWaits)
	s.waitUntil(ctx, c.at.Add(s.pace.usual()))
	r := user.Refuse(user.BadCredential, "")
	until := c.account.Until
	if !until.After(c.at) { // only an operator ends this wait: one line a window
		window := time.Duration(pol.Limits.AccountWindow)
		until = c.at.Truncate(window).Add(window)
	}
	first := s.noted.first(f.account, c.at, until)
	err := s.writeDown(ctx, a, func(tx store.Tx) error {
		if _, err := fail(tx, pol.Limits, "", network); err != nil || !first {
			return err
		}
		return record(tx, a, f, tooMany, r, until)
	})
	if err != nil {
		if first {
			s.noted.forget(f.account)
		}
		return err
	}
	return r
}

// writeWithin bounds how long a failure is tried to be written down.
const writeWithin = 10 * time.Second

// writeDown keeps a failure, also for a caller who has gone: one who hangs up
// during each comparison would otherwise never be stopped.
func (s *Service) writeDown(ctx context.Context, a Attempt, fn func(store.Tx) error) error {
	leave, _, err := s.counting.enter(networkKey(a.Network), func() (int, error) { return 1, nil })
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeWithin)
	defer cancel()
	return s.store.Update(ctx, store.Interactive, fn)
}

// notes remembers which waits are recorded, in this process.
type notes struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// maxNotes bounds how many waits are remembered: about a megabyte. One that is
// forgotten is recorded once more.
const maxNotes = 8192

// first says whether this is the first time that a key is turned away in the
// wait that ends then.
func (n *notes) first(key string, now, until time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if t, ok := n.until[key]; ok && t.Equal(until) {
		return false
	}
	if n.until == nil {
		n.until = map[string]time.Time{}
	}
	if len(n.until) >= maxNotes {
		maps.DeleteFunc(n.until, func(_ string, t time.Time) bool { return !t.After(now) })
	}
	for old := range n.until {
		if len(n.until) < maxNotes {
			break
		}
		delete(n.until, old) // any: maps are walked from a random place
	}
	n.until[key] = until
	return true
}

func (n *notes) forget(key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.until, key)
}
