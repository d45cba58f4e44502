package statelogin

import (
	"context"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/roundtrip"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Handoff is somebody who is in and has not been given their session yet.
type Handoff struct {
	User     user.ID  `json:"user"`
	Strand   user.ID  `json:"strand"`
	ID       string   `json:"id"` // at this door
	Epoch    int64    `json:"epoch"`
	Methods  []string `json:"methods"`
	Redirect string   `json:"redirect"`
}

// methods of a session that a state's token and a code began (RFC 8176; it has no
// name for the token).
var methods = []string{"fed", "sms"}

func (s *Service) enter(tx store.Tx, c Claims, came admission.Outcome) (Handoff, error) {
	id, err := onboarding.Number(tx, came.User.ID, came.Strand.ID)
	if err != nil {
		return Handoff{}, err
	}
	return Handoff{
		User: came.User.ID, Strand: came.Strand.ID, ID: id, Epoch: came.User.Epoch, Methods: methods,
		Redirect: s.redirect(c.RedirectURI),
	}, nil
}

// redirect is where a sign-in ends: what was asked for, if it is a path, usher's
// own or one of policy's; else the front end's home.
func (s *Service) redirect(asked string) string {
	if asked != "" && Allowed(asked, s.PublicURL, s.Policies.Current().Sunbird) {
		return asked
	}
	return PathHome
}

// Allowed says whether a sign-in may end at an address: a path, an address under
// publicURL, or one of policy's origins.
func Allowed(asked, publicURL string, pol policy.Sunbird) bool {
	return roundtrip.Allowed(asked, publicURL, pol.Redirects) != roundtrip.Nowhere
}

// claim takes a handoff, once. BadToken for one that is over or was used, or whose
// user's proofs changed hands meanwhile.
func (s *Service) claim(tx store.Tx, handle string) (h Handoff, err error) {
	row, err := read(tx, handle, kindHandoff, tx.Now(), &h)
	if err != nil {
		return h, err
	}
	if err := store.Delete(tx, row); err != nil {
		return h, fmt.Errorf("using a handoff: %w", err)
	}
	u, err := tx.User(h.User)
	if err != nil {
		return h, fmt.Errorf("reading a user: %w", err)
	}
	locks, err := tx.Locks(u.ID)
	if err != nil {
		return h, fmt.Errorf("reading locks: %w", err)
	}
	if u.Epoch != h.Epoch || u.Status != user.Active || len(locks) > 0 {
		return h, gone()
	}
	return h, nil
}

// Entered is a browser's session that began, and where to go.
type Entered struct {
	Token   string
	Expires time.Time
	Next    string
}

// Follow opens a browser's session from a success address. BadToken for one that is
// over or was used.
func (s *Service) Follow(ctx context.Context, handle string) (out Entered, err error) {
	b, err := s.Sessions.NewBrowser()
	if err != nil {
		return out, err
	}
	err = s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		h, err := s.claim(tx, handle)
		if err != nil {
			return err
		}
		sess, err := s.Sessions.IssueBrowser(tx, h.session(""), b)
		out = Entered{Token: b.Text, Expires: sess.Expires, Next: h.Redirect}
		return err
	})
	return out, err
}

func (h Handoff) session(client string) user.Session {
	return user.Session{
		User: h.User, Strand: h.Strand, Door: user.DoorSunbird, Client: client, Subject: h.ID, Epoch: h.Epoch, Methods: h.Methods,
	}
}

// Collect gives a client tokens for a success address; the client has shown who it
// is.
func (s *Service) Collect(ctx context.Context, handle, client string) (out session.Pair, err error) {
	pair, err := s.Sessions.NewPair()
	if err != nil {
		return out, err
	}
	err = s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		h, err := s.claim(tx, handle)
		if err != nil {
			return err
		}
		_, err = s.Sessions.Issue(tx, h.session(client), pair)
		return err
	})
	return pair, err
}

// Renew trades a refresh token of this door for the next pair. BadToken whatever is
// wrong with it; one that comes twice ends its session.
func (s *Service) Renew(ctx context.Context, refresh, client string) (session.Pair, error) {
	pair, err := s.Sessions.NewPair()
	if err != nil {
		return pair, err
	}
	var no *user.Refusal
	err = s.Store.Update(ctx, store.Narrow, func(tx store.Tx) error {
		var err error
		_, no, err = s.Sessions.Renew(tx, refresh, user.DoorSunbird, client, pair)
		return err
	})
	if err == nil && no != nil {
		err = no
	}
	return pair, err
}

func timeOf(d policy.Duration) time.Duration { return time.Duration(d) }
