package enrol

import (
	"context"
	"errors"

	"github.com/usher-id/usher/internal/mailed"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

// Standing is what a mailed token is good for.
type Standing string

const (
	Fresh   Standing = "fresh"
	Done    Standing = "done"    // it was used
	Idle    Standing = "idle"    // what it was for is done otherwise
	Expired Standing = "expired" // it was good
	Dead    Standing = "dead"
)

// Seen is a mailed token as whoever has it may see it.
type Seen struct {
	Standing Standing
	// Renew says that it asks for a password.
	Renew             bool
	MinLength         int
	Username, Address string
}

// Look says what a token would do, and changes nothing. act is any but that of a
// second address.
func (s *Service) Look(ctx context.Context, act django.Action, token string) (out Seen, err error) {
	out.MinLength = s.Policies.Current().Password(user.DoorGQLAuth).MinLength
	err = s.Store.View(ctx, func(r store.Reader) error {
		t, err := s.Post.Open(r, token, act, s.Now())
		if err != nil {
			return err
		}
		out.Renew = act != django.Activation || t.Row.Renew
		if act == django.Activation {
			st, err := signUpOf(r, t)
			out.Username, out.Address = st.Account.Username, t.Row.To.Display
			return usedOr(t, err)
		}
		_, to, err := s.target(r, token, act)
		out.Username, out.Address = to.state.Account.Username, to.to.Display
		if err == nil && act == django.PasswordSet {
			err = withoutPassword(r, to.state.User.ID)
		}
		return usedOr(t, err)
	})
	no, refused := errors.AsType[*user.Refusal](err)
	switch {
	case err == nil:
		out.Standing = Fresh
	case errors.Is(err, errUsed):
		out.Standing = Done
	case !refused:
		return out, err
	case no.Code == user.Conflict:
		out.Standing = Idle
	case no.Params["why"] == mailed.WhyExpired:
		out.Standing = Expired
	default:
		out = Seen{Standing: Dead}
	}
	return out, nil
}

var errUsed = errors.New("enrol: the token was used")

// usedOr tells a token that did its work from one that is refused for another
// reason.
func usedOr(t mailed.Token, err error) error {
	if _, refused := errors.AsType[*user.Refusal](err); refused && t.Used() {
		return errUsed
	}
	return err
}

// Again mails a new link in place of one that expired, if it would still do
// something. Nobody is told.
func (s *Service) Again(ctx context.Context, act django.Action, token string) error {
	pol := s.Policies.Current()
	return s.Pace.Evenly(ctx, func() error {
		err := s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
			t, err := s.Post.Recall(tx, token, act, tx.Now())
			if err != nil {
				return err
			}
			if act == django.Activation {
				st, err := signUpOf(tx, t)
				if err != nil {
					return err
				}
				return s.sendActivation(tx, pol, st, "", t.Row.Renew)
			}
			return s.resetAgain(tx, pol, t)
		})
		if _, refused := errors.AsType[*user.Refusal](err); refused {
			return nil
		}
		return err
	})
}

func (s *Service) resetAgain(tx store.Tx, pol policy.Policy, t mailed.Token) error {
	to, err := find(tx, t)
	if err != nil || to.state.User.ID == "" || t.Used() || to.state.Locked || t.Outlived(to.state.User) {
		return err
	}
	l := mailed.Letter{
		Template: mailed.PasswordReset, Action: t.Action, User: to.state.User.ID, Strand: to.state.Account.Strand,
		Subject: t.Subject, To: to.to, Username: to.state.Account.Username,
	}
	if t.Action == django.PasswordSet {
		l.Template = mailed.PasswordSet
	}
	if to.state.Account.PK != 0 {
		l.Subject = session.Mailbox(to.state).Display
	}
	return s.Post.Send(tx, pol, l)
}
