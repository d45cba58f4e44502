package member

import (
	"context"
	"errors"

	"github.com/usher-id/usher/internal/mailed"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

// SeenSecond is the link of a second address as whoever has it may see it.
// Exactly one of the four is true, or none for a link that is dead.
type SeenSecond struct {
	Fresh, Done, Expired, Taken bool
	Username, Address           string
}

// LookSecond says what the link of a second address would do, and changes
// nothing.
func (s *Service) LookSecond(ctx context.Context, token string) (out SeenSecond, err error) {
	err = s.Store.View(ctx, func(r store.Reader) error {
		out = SeenSecond{}
		t, err := s.Post.Open(r, token, django.SecondaryActivation, s.Now())
		if err != nil {
			return err
		}
		st, to, err := memberOf(r, t)
		if err != nil {
			return err
		}
		free, err := freeHere(r, to.Key, st.Account)
		if err != nil {
			return err
		}
		out.Username, out.Address = st.Account.Username, to.Display
		switch {
		case t.Used() && st.Account.Second.Key == to.Key:
			out.Done = true
		case !free:
			out.Taken = true
		default:
			out.Fresh = !t.Used() && !t.Outlived(st.User) && st.Account.Verified && !st.Locked
		}
		return nil
	})
	if no := refusal(err); no != nil {
		return SeenSecond{Expired: no.Params["why"] == mailed.WhyExpired}, nil //nolint:nilerr // a refusal is what is seen
	}
	return out, err
}

// AgainSecond mails a new link in place of one that expired, if it would still
// do something. Nobody is told.
func (s *Service) AgainSecond(ctx context.Context, token string) error {
	pol := s.Policies.Current()
	err := s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		t, err := s.Post.Recall(tx, token, django.SecondaryActivation, tx.Now())
		if err != nil {
			return err
		}
		st, to, err := memberOf(tx, t)
		if err != nil {
			return err
		}
		free, err := freeHere(tx, to.Key, st.Account)
		if err != nil || !free || t.Used() || t.Outlived(st.User) || !st.Account.Verified {
			return err
		}
		return s.Post.Send(tx, pol, mailed.Letter{
			Template: mailed.ActivateSecond, Action: django.SecondaryActivation, User: st.User.ID, Strand: st.Account.Strand,
			Subject: session.Mailbox(st).Display, To: to, Username: st.Account.Username,
		})
	})
	if _, refused := errors.AsType[*user.Refusal](err); refused {
		return nil
	}
	return err
}
