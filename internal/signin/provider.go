package signin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// federated is the session's method: the proof was made elsewhere. RFC 8176
// has no name for that.
const federated = "fed"

// Provider signs in with a provider's token (contract partner.md,
// oauth-provider); who has never been here becomes a user. Refusals: Unsupported
// for a provider that nobody configured, InvalidClient, Throttled for a
// network, Busy while the provider cannot be asked; BadCredential for every
// failure of the person. UserLocked, UserDeleted and Challenge are for a client
// that may learn them.
func (s *Service) Provider(ctx context.Context, a ProviderAttempt) (in SignedIn, err error) {
	defer func() { s.told.Tried(a.Door, ByProvider, outcome(err)) }()
	prover, known := s.provers[a.Provider]
	if !known {
		return SignedIn{}, user.Refuse(user.Unsupported, "providerName")
	}
	pol := s.policies.Current()
	at := Attempt{Door: a.Door, ClientID: a.ClientID, ClientSecret: a.ClientSecret, Network: a.Network}
	f, c, err := s.findClient(ctx, at)
	if err != nil {
		return SignedIn{}, err
	}
	if c.networkWait() > 0 {
		return SignedIn{}, s.turnAway(ctx, at, f, c, pol)
	}
	proof, err := prover.Prove(ctx, a.Token, a.Kind)
	if no, ok := errors.AsType[*Unproven](err); ok {
		why := unproven + ": " + reason(no.Why)
		return SignedIn{}, s.countFailure(ctx, at, f, why, pol, user.Refuse(user.BadCredential, ""))
	}
	if err != nil {
		return SignedIn{}, err
	}
	in, err = s.admit(ctx, at, f, proof, pol)
	if errors.Is(err, errRedeemed) {
		return SignedIn{}, s.countFailure(ctx, at, f, redeemed, pol, user.Refuse(user.BadCredential, ""))
	}
	return in, err
}

// Providers lists whose tokens are taken, by name.
func (s *Service) Providers() []string { return slices.Sorted(maps.Keys(s.provers)) }

// findClient checks the client before anything is asked of the provider, and
// reads the counter of its network.
func (s *Service) findClient(ctx context.Context, a Attempt) (f found, c counters, err error) {
	network := networkKey(a.Network)
	err = s.store.View(ctx, func(r store.Reader) error {
		if f.client, err = checkClient(r, a.ClientID, a.ClientSecret); err != nil {
			return err
		}
		ts, err := r.Throttles(network)
		if err != nil {
			return fmt.Errorf("reading counters: %w", err)
		}
		c = counters{network: pick(ts, network), at: s.now()}
		return nil
	})
	return f, c, err
}

// errRedeemed says that a token was used before.
var errRedeemed = errors.New("signin: the token was used before")

// admit redeems the proof, admits whom it proves and begins the session, in
// one transaction. A refusal is an outcome of it: admission's decision and the
// failed sign-in are kept, and the proof is good for another try.
func (s *Service) admit(ctx context.Context, a Attempt, f found, p Proof, pol policy.Policy) (SignedIn, error) {
	pair, err := s.sessions.NewPair()
	if err != nil {
		return SignedIn{}, err
	}
	var (
		out     SignedIn
		refused *user.Refusal
	)
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		out, refused = SignedIn{}, nil
		once := user.Token{Hash: p.Once[:], Kind: user.RedeemedProof, Created: tx.Now(), Expires: p.Until}
		if err := store.Insert(tx, once); errors.Is(err, store.ErrExists) {
			return errRedeemed
		} else if err != nil {
			return fmt.Errorf("redeeming a token: %w", err)
		}
		came, err := admission.In(tx, pol).Arrive(admission.Arrival{
			Door: a.Door, Source: p.Source, Identity: &p.Identity, Addresses: p.Addresses, Facts: p.Facts,
		})
		if err != nil {
			return fmt.Errorf("admitting: %w", err)
		}
		if d := came.Decision; d.Refusal != "" {
			refused = user.Refuse(user.BadCredential, "")
			if f.client.DistinctErrors {
				refused = user.Refuse(distinct(d.Refusal), "")
			}
			by := found{client: f.client, account: string(d.Other)}
			if d.Other != "" {
				by.users = []store.SignIn{{User: d.Other}}
			}
			if err := record(tx, a, by, notAdmitted(d.Refusal), refused, time.Time{}); err != nil {
				return err
			}
			return store.Delete(tx, once)
		}
		out, err = s.beginProven(tx, a, f.client, came, pair)
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

// distinct is what a client may learn that may learn more than others.
func distinct(c user.Code) user.Code {
	switch c {
	case user.UserLocked, user.UserDeleted:
		return c
	default:
		return user.Challenge
	}
}

func notAdmitted(c user.Code) reason {
	switch c {
	case user.UserLocked:
		return locked
	case user.UserDeleted:
		return closed
	default:
		return challenged
	}
}

func (s *Service) beginProven(tx store.Tx, a Attempt, c user.Client, came admission.Outcome, pair session.Pair) (SignedIn, error) {
	u := came.User
	number, _, err := session.PartnerNumber(tx, u.ID, came.Strand.ID)
	if err != nil {
		return SignedIn{}, err
	}
	sess, err := s.sessions.Issue(tx, user.Session{
		User: u.ID, Strand: came.Strand.ID, Door: a.Door, Client: c.ID, Subject: number, Epoch: u.Epoch,
		Methods: []string{federated},
	}, pair)
	if err != nil {
		return SignedIn{}, err
	}
	return signedIn(c, sess, u, pair, tx.Now()), nil
}
