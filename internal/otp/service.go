package otp

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/text/language"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Policies gives the policy in force.
type Policies interface{ Current() policy.Policy }

// Service keeps codes.
type Service struct {
	store    store.Store
	policies Policies
	secret   []byte
	dev      bool
	now      func() time.Time
}

// Options are what the service is made of.
type Options struct {
	Store    store.Store
	Policies Policies
	Secret   []byte // 32 bytes that codes are derived from
	// Dev is development mode: only the limits of one address are kept.
	Dev bool
	// Now is the clock that messages are judged by, nil for the machine's; writes
	// use the transaction's.
	Now func() time.Time
}

// New makes the service.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{store: o.Store, policies: o.Policies, secret: o.Secret, dev: o.Dev, now: o.Now}
}

// Request asks for a code to be sent.
type Request struct {
	To
	Purpose string
	Network netip.Prefix
	Lang    string // of the message, a BCP 47 tag or an Accept-Language
	Site    string // what the message calls the service
}

// Template is the message that carries a code.
const Template = "otp"

// Keys of a message's Data: a job names the row, Filling puts the code there.
const (
	dataPurpose = "otp_purpose"
	dataKind    = "otp_kind"
	dataKey     = "otp_key"
	dataID      = "otp_id"
)

// Send makes a code, or takes the one that is alive, and queues its delivery. It
// is the same whether the address is anybody's. Refusals: Unsupported of country;
// Throttled, Params window: hour, day, network, prefix or all.
func (s *Service) Send(ctx context.Context, r Request) error {
	pol := s.policies.Current().Codes
	if err := s.served(r.To, pol); err != nil {
		return err
	}
	return s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		if err := s.count(tx, r, pol); err != nil {
			return err
		}
		c, err := tx.Code(r.Kind, r.Key, r.Purpose)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("reading a code: %w", err)
		}
		if err != nil || !alive(c, tx.Now(), pol.Wrong) {
			c = store.Code{
				Kind: r.Kind, Address: r.Key, Purpose: r.Purpose, ID: tx.NewID(),
				Created: tx.Now(), Until: tx.Now().Add(time.Duration(pol.Life)),
			}
			if err := store.Put(tx, c); err != nil {
				return fmt.Errorf("keeping a code: %w", err)
			}
		}
		return enqueue(tx, r, c)
	})
}

func enqueue(tx store.Tx, r Request, c store.Code) error {
	data := map[string]string{"site": r.Site, dataPurpose: c.Purpose, dataKind: string(c.Kind), dataKey: c.Address, dataID: string(c.ID)}
	lang := ""
	if tags, _, err := language.ParseAcceptLanguage(r.Lang); err == nil && len(tags) > 0 {
		lang = tags[0].String()
	}
	n := job.New{Kind: job.KindMail, Payload: job.Mail{To: r.Display, Template: Template, Lang: lang, Data: data}}
	if r.Kind == user.Phone {
		n.Kind, n.Payload = job.KindSMS, job.SMS{To: r.Key, Template: Template, Lang: lang, Data: data}
	}
	if err := job.Enqueue(tx, n); err != nil {
		return err
	}
	return event.Append(tx, event.New{
		Kind: event.CodeSent, Door: user.DoorSunbird, Body: map[string]any{"kind": c.Kind, "purpose": c.Purpose, "code": c.ID},
	})
}

// Tried is what a comparison came to.
type Tried struct {
	Right bool
	// Remaining is how many tries are left after a wrong one; -1 where no code is
	// alive. Allowed is how many there are in all.
	Remaining, Allowed int

	row store.Code
}

// Use uses the code up that was right, in the transaction that compared it.
func (t Tried) Use(tx store.Tx) error {
	if err := store.Delete(tx, t.row); err != nil {
		return fmt.Errorf("using a code: %w", err)
	}
	return event.Append(tx, event.New{
		Kind: event.CodeUsed, Door: user.DoorSunbird, Body: map[string]any{"kind": t.row.Kind, "purpose": t.row.Purpose, "code": t.row.ID},
	})
}

// Try compares a code in the caller's transaction, whose lane is not store.Narrow:
// tries side by side must not read one count. A wrong one is counted there, so that
// the caller must commit: its refusal is a result. The last wrong try ends the code.
// A right one changes nothing until it is used. Text that is not six digits is wrong.
func (s *Service) Try(tx store.Tx, pol policy.Policy, to To, purpose, text string) (Tried, error) {
	t := Tried{Remaining: -1, Allowed: pol.Codes.Wrong}
	c, err := tx.Code(to.Kind, to.Key, purpose)
	if errors.Is(err, store.ErrNotFound) || err == nil && !alive(c, tx.Now(), t.Allowed) {
		return t, nil
	}
	if err != nil {
		return t, fmt.Errorf("reading a code: %w", err)
	}
	t.row = c
	if hmac.Equal([]byte(s.derive(c)), []byte(text)) {
		t.Right, t.Remaining = true, t.Allowed-c.Wrong
		return t, nil
	}
	c.Wrong++
	t.Remaining = max(t.Allowed-c.Wrong, 0)
	write := store.Put[store.Code]
	if t.Remaining == 0 {
		write = store.Delete[store.Code]
	}
	if err := write(tx, c); err != nil {
		return t, fmt.Errorf("counting a wrong code: %w", err)
	}
	return t, event.Append(tx, event.New{
		Kind: event.CodeFailed, Door: user.DoorSunbird,
		Body: map[string]any{"kind": c.Kind, "purpose": purpose, "code": c.ID, "remaining": t.Remaining},
	})
}

// Verify compares a code and uses it up where it is right.
func (s *Service) Verify(ctx context.Context, to To, purpose, text string) (t Tried, err error) {
	pol := s.policies.Current()
	err = s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		var err error
		if t, err = s.Try(tx, pol, to, purpose, text); err != nil || !t.Right {
			return err
		}
		return t.Use(tx)
	})
	return t, err
}
