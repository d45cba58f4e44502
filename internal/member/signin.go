package member

import (
	"cmp"
	"context"
	"fmt"

	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// In is somebody who has just signed in.
type In struct {
	session.Member
	Reopened bool // they had archived the account
}

// Enter signs in by password; refresh is kept for the session. Somebody who is
// known from elsewhere only gets an account with that. Refusals are
// signin.Service.Enter's, and Forbidden, WhyNotVerified: the password was right,
// and the address was never proven.
func (s *Service) Enter(ctx context.Context, a signin.Attempt, refresh session.Refresh) (in In, err error) {
	a.Door = user.DoorGQLAuth
	err = s.SignIn.Enter(ctx, a, func(tx store.Tx, who signin.Identified) error {
		acct, err := session.AccountOf(tx, who.User.ID, cmp.Or(who.Strand, who.Used))
		if err != nil {
			return err
		}
		if !acct.Verified {
			return user.Refuse(user.Forbidden, "", "why", WhyNotVerified)
		}
		sess, err := session.BeginLogin(tx, user.Session{
			User: who.User.ID, Strand: acct.Strand, Subject: session.Number(acct.PK), Epoch: who.User.Epoch, Methods: []string{"pwd"},
		}, refresh)
		if err != nil {
			return err
		}
		st, err := tx.AccountBySession(sess.ID)
		if err != nil {
			return fmt.Errorf("reading the account: %w", err)
		}
		in = In{
			Member:   session.Member{Live: session.Live{Session: sess, User: st.User, IssuedAt: sess.Created}, AccountState: st.AccountState},
			Reopened: who.Reopened,
		}
		return nil
	})
	return in, err
}
