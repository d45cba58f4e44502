package registrant

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// badToken is the one answer to a token that is worth nothing, whatever is wrong.
func badToken() error { return user.Refuse(user.BadToken, "token") }

// Enter gives who a token is of. A person who is unknown here is admitted; a token
// that is new here is asked about at its realm, once. Refusals: BadToken; Busy
// where somebody unknown comes while the realm cannot be asked: who is known is
// served by the token's signature.
func (s *Service) Enter(ctx context.Context, text string) (Here, error) {
	now := s.Now()
	id := sha256.Sum256([]byte(text))
	key, known := s.seen.recall(id, now)
	var b Bearer
	var realm Realm
	if !known {
		var err error
		if b, realm, err = s.verified(ctx, text); err != nil {
			return Here{}, err
		}
		key = sessionKey(realm, b)
	}
	here, fresh, err := s.find(ctx, key, b, now)
	if err != nil {
		return here, err
	}
	if !fresh {
		if known { // what ended since it was seen
			s.seen.forget(id)
			return Here{}, badToken()
		}
		if err := s.admit(ctx, text, realm, b, key); err != nil {
			return Here{}, err
		}
		if here, fresh, err = s.find(ctx, key, b, now); err != nil {
			return here, err
		}
		if !fresh {
			return Here{}, badToken()
		}
	}
	if !known {
		s.seen.keep(id, key, earlier(b.Expires, now.Add(seenFor)))
	}
	return here, nil
}

// verified checks a token by its form and the realms' keys.
func (s *Service) verified(ctx context.Context, text string) (Bearer, Realm, error) {
	err := badToken()
	for _, realm := range s.Realms {
		b, fail := realm.Verifier.Bearer(ctx, text)
		if fail == nil {
			return b, realm, nil
		}
		if no, ok := errors.AsType[*signin.Unproven](fail); ok {
			s.Log.DebugContext(ctx, "an access token was refused", "realm", realm.Name, "why", no.Why)
			continue
		}
		err = fail
	}
	return Bearer{}, Realm{}, err
}

// sessionKey names the realm's session that a token belongs to: what comes with one
// sign-in there is one session here.
func sessionKey(r Realm, b Bearer) []byte {
	name := "sid\x00" + b.Session
	if b.Session == "" {
		name = "sub\x00" + b.Subject
	}
	sum := sha256.Sum256([]byte("realm\x00" + r.Issuer + "\x00" + name))
	return sum[:]
}

// find reads the session that a token belongs to. It is fresh if it is alive and the
// realm was asked after the token was made; a zero b asks for that no more.
func (s *Service) find(ctx context.Context, key []byte, b Bearer, now time.Time) (here Here, fresh bool, err error) {
	err = s.Store.View(ctx, func(r store.Reader) (err error) {
		here.State, err = r.ChannelByToken(Door, key)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return here, false, nil
	}
	if err != nil {
		return here, false, fmt.Errorf("looking for a session: %w", err)
	}
	st := here.State
	live, alive := session.OfRealm(st.TokenState, now)
	if st.Strand.State != user.Live {
		return here, false, badToken()
	}
	here.Live = live
	return here, alive && !b.Issued.After(st.Session.Proven), nil
}

// admit asks a realm about a token and lets its person in.
func (s *Service) admit(ctx context.Context, text string, realm Realm, b Bearer, key []byte) error {
	person, err := realm.Verifier.Ask(ctx, text, b.Subject)
	if no, ok := errors.AsType[*signin.Unproven](err); ok {
		s.Log.DebugContext(ctx, "the realm refuses an access token", "realm", realm.Name, "why", no.Why)
		return badToken()
	}
	busy, down := errors.AsType[*user.Refusal](err)
	switch {
	case down && busy.Code == user.Busy:
		person = Person{}
	case err != nil:
		return fmt.Errorf("asking the realm %s: %w", realm.Name, err)
	}
	err = s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		return s.enter(tx, realm, b, person, key, down)
	})
	if no, ok := errors.AsType[*user.Refusal](err); ok && no.Code == user.NotFound && down {
		return busy
	}
	return err
}

// seenFor is how long the signature of a token is not looked at again.
const seenFor = time.Minute

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
