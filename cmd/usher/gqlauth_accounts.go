package main

import (
	"context"

	"github.com/usher-id/usher/internal/door/gqlauth"
	"github.com/usher-id/usher/internal/enrol"
	"github.com/usher-id/usher/internal/member"
)

type gqlauthAccounts struct{ *members }

func memberOf(c gqlauth.Caller) member.Caller {
	return member.Caller{Live: *c.Live, Network: c.Network, Lang: c.Lang}
}

// Register makes a pending sign-up.
func (m gqlauthAccounts) Register(ctx context.Context, c gqlauth.Caller, in gqlauth.Registration) error {
	return m.enrol.Register(ctx, enrol.SignUp{
		Email: in.Email, Username: in.Username, Password1: in.Password1, Password2: in.Password2, Lang: c.Lang,
	})
}

// VerifyAccount uses an activation token.
func (m gqlauthAccounts) VerifyAccount(ctx context.Context, _ gqlauth.Caller, token string) error {
	_, err := m.enrol.Activate(ctx, token)
	return err
}

// ResendActivation mails another.
func (m gqlauthAccounts) ResendActivation(ctx context.Context, c gqlauth.Caller, email string) error {
	return m.enrol.Resend(ctx, enrol.Asked{Email: email, Lang: c.Lang})
}

// SendPasswordReset mails a reset token.
func (m gqlauthAccounts) SendPasswordReset(ctx context.Context, c gqlauth.Caller, email string) error {
	return m.enrol.SendReset(ctx, enrol.Asked{Email: email, Lang: c.Lang})
}

func newPassword(in gqlauth.NewPassword) enrol.NewPassword {
	return enrol.NewPassword{Token: in.Token, First: in.Password1, Second: in.Password2}
}

// ResetPassword uses a reset token.
func (m gqlauthAccounts) ResetPassword(ctx context.Context, _ gqlauth.Caller, in gqlauth.NewPassword) error {
	return m.enrol.ResetPassword(ctx, newPassword(in))
}

// SetPassword uses a token for a first password.
func (m gqlauthAccounts) SetPassword(ctx context.Context, _ gqlauth.Caller, in gqlauth.NewPassword) error {
	return m.enrol.SetPassword(ctx, newPassword(in))
}

// VerifySecondary uses the token mailed to a second address.
func (m gqlauthAccounts) VerifySecondary(ctx context.Context, _ gqlauth.Caller, token string) error {
	return m.member.VerifySecond(ctx, token)
}

// ChangePassword sets the caller's password; a new session goes on.
func (m gqlauthAccounts) ChangePassword(ctx context.Context, c gqlauth.Caller, in gqlauth.PasswordChange) (out gqlauth.PasswordChanged, err error) {
	refresh, err := m.refresh(in.Want)
	if err != nil {
		return out, err
	}
	got, err := m.member.ChangePassword(ctx, memberOf(c), member.PasswordChange{Old: in.Old, First: in.Password1, Second: in.Password2}, refresh)
	if err != nil {
		return out, err
	}
	out.Live, out.RefreshToken = got.Live, refresh.Text
	out.Token, _, err = m.sessions.SignLogin(got.Session, gqlauthUser(got.AccountState).Email)
	return out, err
}

// Update changes the caller's names.
func (m gqlauthAccounts) Update(ctx context.Context, c gqlauth.Caller, in gqlauth.Update) error {
	return m.member.Rename(ctx, memberOf(c), member.Names{First: in.FirstName, Last: in.LastName})
}

// Archive closes the caller's account.
func (m gqlauthAccounts) Archive(ctx context.Context, c gqlauth.Caller, password string) error {
	return m.member.Archive(ctx, memberOf(c), password)
}

// Delete takes the caller away from this door.
func (m gqlauthAccounts) Delete(ctx context.Context, c gqlauth.Caller, password string) error {
	return m.member.Delete(ctx, memberOf(c), password)
}

// SendSecondary mails a token to an address the caller wants as their second.
func (m gqlauthAccounts) SendSecondary(ctx context.Context, c gqlauth.Caller, email, password string) error {
	return m.member.SendSecond(ctx, memberOf(c), email, password)
}

// SwapEmails makes the second address the first.
func (m gqlauthAccounts) SwapEmails(ctx context.Context, c gqlauth.Caller, password string) error {
	return m.member.SwapEmails(ctx, memberOf(c), password)
}

// RemoveSecondary forgets the second address.
func (m gqlauthAccounts) RemoveSecondary(ctx context.Context, c gqlauth.Caller, password string) error {
	return m.member.RemoveSecond(ctx, memberOf(c), password)
}
