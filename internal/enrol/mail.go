package enrol

import (
	"context"

	"github.com/usher-id/usher/internal/mailed"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

// Asked is somebody who asks for a mail, trimmed.
type Asked struct{ Email, Lang string }

// lookUpText is lookUp for an address as it was typed; false for none.
func lookUpText(r store.Reader, text string) (knowledge, bool, error) {
	e, err := normal.ParseEmail(text)
	if err != nil {
		return knowledge{}, false, nil //nolint:nilerr // leads to nobody
	}
	k, err := lookUp(r, e.Key())
	return k, true, err
}

// ask runs a request for a mail: the same work, whoever the address leads to.
func (s *Service) ask(ctx context.Context, in Asked, do func(tx store.Tx, pol policy.Policy, k knowledge) (*user.Refusal, error)) error {
	if in.Email == "" {
		return user.Refuse(user.Missing, "email")
	}
	if n := len([]rune(in.Email)); n > MaxEmail-1 {
		return tooLong("email", MaxEmail-1, n)
	}
	e, err := normal.ParseEmail(in.Email)
	if err != nil {
		return user.Refuse(user.Invalid, "email")
	}
	pol := s.Policies.Current()
	return s.Pace.Evenly(ctx, func() error {
		return s.update(ctx, func(tx store.Tx) (*user.Refusal, error) {
			k, err := lookUp(tx, e.Key())
			if err != nil {
				return nil, err
			}
			return do(tx, pol, k)
		})
	})
}

// Resend mails the link of the newest pending sign-up again; the earlier ones
// stay good. Where there are several it asks for a password: the newest may be
// somebody else's. Refusals: Conflict, WhyVerified, of email: the door says whether
// that is told; Missing, Invalid, TooLarge.
func (s *Service) Resend(ctx context.Context, in Asked) error {
	return s.ask(ctx, in, func(tx store.Tx, pol policy.Policy, k knowledge) (*user.Refusal, error) {
		if st, ok := k.known(); ok && st.Account.Verified {
			return user.Refuse(user.Conflict, "email", "why", WhyVerified), nil
		}
		if len(k.pending) == 0 {
			return nil, nil
		}
		return nil, s.sendActivation(tx, pol, k.newest(), in.Lang, len(k.pending) > 1)
	})
}

func (k knowledge) newest() store.AccountState { return k.pending[len(k.pending)-1] }

func (s *Service) sendActivation(tx store.Tx, pol policy.Policy, st store.AccountState, lang string, renew bool) error {
	l := mailed.Letter{
		Template: mailed.Activate, Action: django.Activation, User: st.User.ID, Strand: st.Account.Strand,
		Subject: st.Account.First.Display, To: st.Account.First, Renew: renew, Username: st.Account.Username, Lang: lang,
	}
	if renew {
		l.Template = mailed.ActivateRenew
	}
	return s.Post.Send(tx, pol, l)
}

// SendReset mails a link with which a new password can be set to whoever the
// address leads to: its account here, who owns it elsewhere, a pending sign-up,
// or the one for whom a trusted source vouches. Nobody is told which, or whether
// anybody. Refusals: Missing, Invalid, TooLarge, of email.
func (s *Service) SendReset(ctx context.Context, in Asked) error {
	return s.ask(ctx, in, func(tx store.Tx, pol policy.Policy, k knowledge) (*user.Refusal, error) {
		switch {
		case len(k.verified) > 0:
			st := k.verified[0]
			return nil, s.sendReset(tx, pol, st, at(st.Account, k.address), in.Lang)
		case k.owner != nil && (k.owner.Status == user.Active || k.owner.Status == user.Archived):
			return nil, s.sendResetElsewhere(tx, pol, *k.owner, k, in)
		case len(k.pending) > 0 && pol.GQLAuth.UnverifiedReset == policy.ResetMail:
			return nil, s.sendReset(tx, pol, k.newest(), k.newest().Account.First, in.Lang)
		case len(k.pending) > 0:
			return nil, s.sendActivation(tx, pol, k.newest(), in.Lang, true)
		case k.vouched != nil:
			return nil, s.sendResetElsewhere(tx, pol, *k.vouched, k, in)
		}
		return nil, nil
	})
}

// at is the account's address with a key, as it was given.
func at(a user.Account, key string) user.Mailbox {
	if a.Second.Key == key {
		return a.Second
	}
	return a.First
}

func (s *Service) sendReset(tx store.Tx, pol policy.Policy, st store.AccountState, to user.Mailbox, lang string) error {
	return s.Post.Send(tx, pol, mailed.Letter{
		Template: mailed.PasswordReset, Action: django.PasswordReset, User: st.User.ID, Strand: st.Account.Strand,
		Subject: session.Mailbox(st).Display, To: to, Username: st.Account.Username, Lang: lang,
	})
}

// spelled is a user's address with a key, as it was given where the user is known
// from: there are mail servers that tell two spellings apart.
func spelled(u user.User, key string) user.Mailbox {
	if e, err := normal.ParseEmail(u.Profile.Text(user.EmailAttr)); err == nil && e.Key() == key {
		return user.Mailbox{Display: e.String(), Key: key}
	}
	return user.Mailbox{Display: key, Key: key}
}

// sendResetElsewhere is for somebody whose address is not of an account here.
func (s *Service) sendResetElsewhere(tx store.Tx, pol policy.Policy, u user.User, k knowledge, in Asked) error {
	to := spelled(u, k.address)
	return s.Post.Send(tx, pol, mailed.Letter{
		Template: mailed.PasswordReset, Action: django.PasswordReset, User: u.ID, Subject: to.Display, To: to,
		Username: u.Profile.Text(user.Name), Lang: in.Lang,
	})
}
