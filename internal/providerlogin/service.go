package providerlogin

import (
	"context"
	"errors"
	"fmt"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/roundtrip"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Policies gives the policy in force.
type Policies interface{ Current() policy.Policy }

// Service lets people in.
type Service struct {
	Store     store.Store
	Policies  Policies
	Prover    signin.Prover // verifies ID tokens
	Trip      *roundtrip.Trip
	People    *onboarding.Service
	Sessions  *session.Service
	PublicURL string
}

// methods of a session that a provider's proof began.
var methods = []string{"fed"}

// prove verifies an ID token. BadToken for one that proves nothing.
func (s *Service) prove(ctx context.Context, idToken string) (signin.Proof, error) {
	p, err := s.Prover.Prove(ctx, idToken, signin.IDToken)
	return p, roundtrip.Unproven(err)
}

// email is the address that a proof is of.
func email(p signin.Proof) (admission.Address, bool) {
	for _, a := range p.Addresses {
		if a.Kind == user.Email {
			return a, true
		}
	}
	return admission.Address{}, false
}

// sure says that the provider vouches for the address.
func sure(a admission.Address) bool {
	return a.Assurance == user.Proven || a.Assurance == user.Attested
}

// arrive admits whom a proof proves.
func (s *Service) arrive(tx store.Tx, p signin.Proof, more map[user.Attr]*string, names []user.Handle) (admission.Outcome, error) {
	facts := map[user.Attr]*string{}
	for a, v := range p.Facts {
		facts[a] = v
	}
	for a, v := range more {
		facts[a] = v
	}
	return admission.In(tx, s.Policies.Current()).Arrive(admission.Arrival{
		Door: user.DoorSunbird, Source: p.Source, Identity: &p.Identity, Addresses: p.Addresses, Facts: facts, Names: names,
	})
}

// signingIn admits somebody in a transaction, and has then write what they get. What
// was decided is kept where it keeps them out, and the proof is good for as much
// again. Refusals: BadToken, UserLocked, Challenge; Missing for somebody new whom the
// provider does not name, or for whose address it does not vouch.
func (s *Service) signingIn(ctx context.Context, p signin.Proof, then func(store.Tx, user.Session) error) error {
	var no *user.Refusal
	err := s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		if err := roundtrip.Redeem(tx, p); err != nil {
			return err
		}
		sess, refused, err := s.signIn(tx, p)
		if no = refused; err != nil {
			return err
		}
		if no != nil {
			return store.Delete(tx, user.Token{Hash: p.Once[:]})
		}
		return then(tx, sess)
	})
	if err == nil && no != nil {
		return no
	}
	return err
}

// signIn admits somebody, and settles in who is new at this door.
func (s *Service) signIn(tx store.Tx, p signin.Proof) (sess user.Session, no *user.Refusal, err error) {
	first, last := called(p)
	if a, ok := email(p); first == "" || !ok || !sure(a) {
		known, err := tx.Identity(p.Identity)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return sess, nil, fmt.Errorf("looking for an identity: %w", err)
		}
		if err != nil || known.Reserved {
			return sess, user.Refuse(user.Missing, "name"), nil
		}
	}
	came, err := s.arrive(tx, p, nil, nil)
	if err != nil {
		return sess, nil, err
	}
	if no := came.Decision.Refusal; no != "" {
		if no == user.UserDeleted {
			no = user.UserLocked
		}
		return sess, user.Refuse(no, "user"), nil
	}
	id, err := onboarding.Known(tx, came.User.ID)
	if err == nil && id == "" {
		id, err = s.settle(tx, came, onboarding.Newcomer{First: first, Last: last})
	}
	return user.Session{
		User: came.User.ID, Strand: came.Strand.ID, Door: user.DoorSunbird, Subject: id, Epoch: came.User.Epoch, Methods: methods,
	}, nil, err
}

func (s *Service) settle(tx store.Tx, came admission.Outcome, n onboarding.Newcomer) (string, error) {
	placed, err := onboarding.Settle(tx, s.Policies.Current(), onboarding.Place{})
	if err != nil {
		return "", err
	}
	if err := s.People.SettleIn(tx, came, placed, n); err != nil {
		return "", err
	}
	return onboarding.Number(tx, came.User.ID, came.Strand.ID)
}

// called is how a provider names somebody: by given and family name, else by the
// whole name.
func called(p signin.Proof) (first, last string) {
	text := func(a user.Attr) string {
		if v := p.Facts[a]; v != nil {
			return *v
		}
		return ""
	}
	if first = text(user.GivenName); first != "" {
		return first, text(user.FamilyName)
	}
	return text(user.Name), ""
}

// Token signs in with an ID token that an app has; email is whom the app takes
// them for. Refusals as signIn's, and Conflict where the e-mail is another.
func (s *Service) Token(ctx context.Context, idToken, claimed, client string) (pair session.Pair, err error) {
	p, err := s.prove(ctx, idToken)
	if err != nil {
		return pair, err
	}
	if a, ok := email(p); !ok || a.Key != claimed {
		return pair, user.Refuse(user.Conflict, "email")
	}
	if pair, err = s.Sessions.NewPair(); err != nil {
		return pair, err
	}
	err = s.signingIn(ctx, p, func(tx store.Tx, sess user.Session) (err error) {
		sess.Client = client
		_, err = s.Sessions.Issue(tx, sess, pair)
		return err
	})
	return pair, err
}
