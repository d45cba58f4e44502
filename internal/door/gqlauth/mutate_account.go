package gqlauth

import (
	"context"
	"strings"

	"github.com/usher-id/usher/internal/user"
)

type registerArgs struct{ Email, Username, Password1, Password2 string }

// Register makes an account. Strings are trimmed, as the original's forms do,
// and passwords are not.
func (*mutation) Register(ctx context.Context, in registerArgs) (*outcome, error) {
	return anybody(ctx, mails, registering, func(x *exchange, c Caller) error {
		err := x.door.Accounts.Register(ctx, c, Registration{
			Email: strings.TrimSpace(in.Email), Username: strings.TrimSpace(in.Username),
			Password1: in.Password1, Password2: in.Password2,
		})
		return x.silent(err, func(no *user.Refusal) bool {
			switch no.Code {
			case user.InUse, user.Challenge, user.Conflict, user.UntrustedSource:
				return no.Field != "username"
			}
			return false
		})
	})
}

// silent makes a success of an error that says only what tells that an address
// is known, unless policy lets that be told.
func (x *exchange) silent(err error, tells func(*user.Refusal) bool) error {
	all, ok := refusals(err)
	if !ok || x.door.CompatEnumeration() {
		return err
	}
	for _, no := range all {
		if !tells(no) {
			return err
		}
	}
	return nil
}

type tokenArgs struct{ Token string }

// VerifyAccount uses an activation token.
func (*mutation) VerifyAccount(ctx context.Context, in tokenArgs) (*outcome, error) {
	return anybody(ctx, signsIn, byToken, func(x *exchange, c Caller) error {
		return x.door.Accounts.VerifyAccount(ctx, c, in.Token)
	})
}

type emailArgs struct{ Email string }

// ResendActivationEmail mails another activation token.
func (*mutation) ResendActivationEmail(ctx context.Context, in emailArgs) (*outcome, error) {
	return anybody(ctx, mails, open, func(x *exchange, c Caller) error {
		err := x.door.Accounts.ResendActivation(ctx, c, strings.TrimSpace(in.Email))
		return x.silent(err, func(no *user.Refusal) bool { return no.Params["why"] == WhyVerified })
	})
}

// SendPasswordResetEmail mails a reset token to the address given.
func (*mutation) SendPasswordResetEmail(ctx context.Context, in emailArgs) (*outcome, error) {
	return anybody(ctx, mails, open, func(x *exchange, c Caller) error {
		return x.door.Accounts.SendPasswordReset(ctx, c, strings.TrimSpace(in.Email))
	})
}

type newPasswordArgs struct{ Token, NewPassword1, NewPassword2 string }

func (a newPasswordArgs) in() NewPassword {
	return NewPassword{Token: a.Token, Password1: a.NewPassword1, Password2: a.NewPassword2}
}

// PasswordReset uses a reset token.
func (*mutation) PasswordReset(ctx context.Context, in newPasswordArgs) (*outcome, error) {
	return anybody(ctx, signsIn, open, func(x *exchange, c Caller) error {
		return x.door.Accounts.ResetPassword(ctx, c, in.in())
	})
}

// PasswordSet uses a token for a first password.
func (*mutation) PasswordSet(ctx context.Context, in newPasswordArgs) (*outcome, error) {
	return anybody(ctx, signsIn, open, func(x *exchange, c Caller) error {
		return x.door.Accounts.SetPassword(ctx, c, in.in())
	})
}

// VerifySecondaryEmail uses the token mailed to a second address.
func (*mutation) VerifySecondaryEmail(ctx context.Context, in tokenArgs) (*outcome, error) {
	return anybody(ctx, signsIn, byToken, func(x *exchange, c Caller) error {
		return x.door.Accounts.VerifySecondary(ctx, c, in.Token)
	})
}

type passwordArgs struct{ Password string }

// ArchiveAccount closes the caller's account until they sign in again.
func (*mutation) ArchiveAccount(ctx context.Context, in passwordArgs) (*outcome, error) {
	return confirmed(ctx, func(x *exchange, c Caller) error {
		return x.door.Accounts.Archive(ctx, c, in.Password)
	})
}

// DeleteAccount deletes the caller's account. The fields that follow have no
// caller.
func (*mutation) DeleteAccount(ctx context.Context, in passwordArgs) (*outcome, error) {
	return confirmed(ctx, func(x *exchange, c Caller) error {
		err := x.door.Accounts.Delete(ctx, c, in.Password)
		if err == nil {
			x.carry(nil)
		}
		return err
	})
}

type sendSecondaryArgs struct{ Email, Password string }

// SendSecondaryEmailActivation mails a token to an address the caller wants as
// their second.
func (*mutation) SendSecondaryEmailActivation(ctx context.Context, in sendSecondaryArgs) (*outcome, error) {
	return confirmed(ctx, func(x *exchange, c Caller) error {
		return x.door.Accounts.SendSecondary(ctx, c, strings.TrimSpace(in.Email), in.Password)
	})
}

// SwapEmails makes the second address the first.
func (*mutation) SwapEmails(ctx context.Context, in passwordArgs) (*outcome, error) {
	return confirmed(ctx, func(x *exchange, c Caller) error {
		return x.door.Accounts.SwapEmails(ctx, c, in.Password)
	})
}

// RemoveSecondaryEmail forgets the second address.
func (*mutation) RemoveSecondaryEmail(ctx context.Context, in passwordArgs) (*outcome, error) {
	return confirmed(ctx, func(x *exchange, c Caller) error {
		return x.door.Accounts.RemoveSecondary(ctx, c, in.Password)
	})
}

type updateArgs struct{ FirstName, LastName, IsRepresentative *string }

// UpdateAccount changes the names that were sent. isRepresentative is taken and
// not looked at (decision 5): it follows the working group.
func (*mutation) UpdateAccount(ctx context.Context, in updateArgs) (*outcome, error) {
	return signedIn(ctx, func(x *exchange, c Caller) error {
		return x.door.Accounts.Update(ctx, c, Update{FirstName: trimmed(in.FirstName), LastName: trimmed(in.LastName)})
	})
}

func trimmed(s *string) *string {
	if s == nil {
		return nil
	}
	return new(strings.TrimSpace(*s))
}

type passwordChangeArgs struct{ OldPassword, NewPassword1, NewPassword2 string }

type passwordChanged struct {
	outcome
	RefreshToken *string
	Token        *string
}

// PasswordChange sets the caller's password; the session that goes on is the
// caller's for the fields that follow.
func (*mutation) PasswordChange(ctx context.Context, in passwordChangeArgs) (*passwordChanged, error) {
	var out passwordChanged
	done, err := confirmed(ctx, func(x *exchange, c Caller) error {
		got, err := x.door.Accounts.ChangePassword(ctx, c, PasswordChange{
			Old: in.OldPassword, Password1: in.NewPassword1, Password2: in.NewPassword2, Want: wants(ctx),
		})
		if err != nil {
			return err
		}
		x.carry(&got.Live)
		out.Token, out.RefreshToken = optional(got.Token), optional(got.RefreshToken)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.outcome = *done
	return &out, nil
}
