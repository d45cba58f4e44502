package enrol_test

import (
	"time"

	"github.com/usher-id/usher/internal/enrol"
	"github.com/usher-id/usher/internal/member"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

// reset asks for a new password and gives the token.
func (w *world) reset(email string) string {
	w.Helper()
	w.mails()
	w.ok(w.enrol.SendReset(w.Context(), enrol.Asked{Email: email}))
	return w.token("password-reset")
}

func (w *world) renew(token, plain string) error {
	return w.enrol.ResetPassword(w.Context(), enrol.NewPassword{Token: token, First: plain, Second: plain})
}

func change(old, next string) member.PasswordChange {
	return member.PasswordChange{Old: old, First: next, Second: next}
}

func (w *world) noRefresh() session.Refresh { return session.Refresh{} }

func recovering() []scenario {
	return []scenario{
		{"a reset ends everything of before, at every door", func(w *world) {
			w.proven("ada")
			in, refresh := w.in(w.email("ada"), good)
			jwt := w.jwt(in)
			elsewhere, err := w.atPartner(w.email("ada"), good)
			w.ok(err)
			first := w.reset(w.email("ada"))
			w.clock.Advance(time.Second)
			second := w.reset(w.email("ada"))
			w.clock.Advance(time.Second)
			w.ok(w.renew(second, other))

			if w.opens(jwt) || w.renews(refresh) {
				w.Error("tokens of before are good")
			}
			if _, err := w.sessions.Access(w.Context(), elsewhere.AccessToken); err == nil {
				w.Error("a session at the partner door is alive")
			}
			if _, err := w.sessions.LoginClaims(w.Context(), jwt); err == nil {
				w.Error("verifyToken takes a token whose epoch has moved")
			}
			for _, used := range []string{first, second} {
				w.refused(w.renew(used, good), user.BadToken, "", "")
			}
			w.keptOut(w.email("ada"), good)
			w.in(w.email("ada"), other)
			m := w.mail("password-changed")
			if m.To != w.email("ada") {
				w.Errorf("the notice went to %s", m.To)
			}
			w.view(func(r store.Reader) error {
				ps, err := r.Passwords(in.Live.User.ID)
				if len(ps) != 1 || ps[0].SetAside {
					w.Errorf("passwords %+v", ps)
				}
				return err
			})
		}},
		{"waits for wrong passwords are over", func(w *world) {
			w.pol.Limits.AccountFailures = 2
			w.proven("ada")
			for range 4 {
				w.keptOut(w.email("ada"), other)
			}
			w.keptOut(w.email("ada"), good)
			w.ok(w.renew(w.reset(w.email("ada")), other))
			w.in(w.email("ada"), other)
		}},
		{"the token is judged before the form, and the form spends nothing", func(w *world) {
			w.proven("ada")
			token := w.reset(w.email("ada"))
			w.refused(w.renew("garbage", "x"), user.BadToken, "", "")
			w.refused(w.renew(token, "x"), user.WeakPassword, "newPassword2", "too_short")
			got := said(w.enrol.ResetPassword(w.Context(), enrol.NewPassword{Token: token}))
			if len(got) != 2 || got[0] != "newPassword1 missing" || got[1] != "newPassword2 missing" {
				w.Errorf("said %q", got)
			}
			w.refused(w.renew(token, w.email("ada")), user.WeakPassword, "newPassword2", "too_similar")
			w.clock.Advance(time.Hour + time.Second)
			w.refused(w.renew(token, other), user.BadToken, "", "expired")
			w.ok(w.enrol.Again(w.Context(), django.PasswordReset, token))
			w.ok(w.renew(w.token("password-reset"), other))
		}},
		{"nobody is told whether an address is known", func(w *world) {
			w.ok(w.enrol.SendReset(w.Context(), enrol.Asked{Email: w.email("nobody")}))
			if len(w.mails()) > 0 {
				w.Error("a mail was sent")
			}
			w.refused(w.enrol.SendReset(w.Context(), enrol.Asked{Email: "nope"}), user.Invalid, "email", "")
		}},
		{"a reset does not reopen an archived account; its password does", func(w *world) {
			w.proven("ada")
			in, _ := w.in(w.email("ada"), good)
			w.ok(w.member.Archive(w.Context(), w.caller(in), good))
			w.ok(w.renew(w.reset(w.email("ada")), other))
			if w.user(in.Live.User.ID).Status != user.Archived {
				w.Error("it is open again")
			}
			w.keptOut(w.email("ada"), good)
			if in, _ := w.in(w.email("ada"), other); !in.Reopened {
				w.Error("it was not said to be open again")
			}
		}},
		{"somebody who is known elsewhere only gets in here by it", func(w *world) {
			rec := w.vouched("ada")
			w.ok(w.renew(w.reset(w.email("ada")), good))
			in, _ := w.in(w.email("ada"), good)
			if in.Live.User.ID != rec.User.ID || w.owner(w.email("ada")) != rec.User.ID {
				w.Errorf("signed in as %s, the record is %s's", in.Live.User.ID, rec.User.ID)
			}
			w.keptOut(w.email("ada"), other)
			if _, err := w.atPartner(w.email("ada"), good); err != nil {
				w.Error(err)
			}
		}},
		{"a link outlived by a change of the password", func(w *world) {
			w.proven("ada")
			in, _ := w.in(w.email("ada"), good)
			token := w.reset(w.email("ada"))
			w.clock.Advance(2 * time.Second)
			_, err := w.member.ChangePassword(w.Context(), w.caller(in), change(good, other), w.noRefresh())
			w.ok(err)
			w.refused(w.renew(token, good), user.BadToken, "", "")
		}},
		{"links of a user who was locked, or has left", func(w *world) {
			w.proven("ada")
			in, _ := w.in(w.email("ada"), good)
			token := w.reset(w.email("ada"))
			w.lock(in.Live.User.ID)
			w.refused(w.renew(token, other), user.BadToken, "", "")

			w.proven("tom")
			tom, _ := w.in(w.email("tom"), good)
			token = w.reset(w.email("tom"))
			w.ok(w.member.Delete(w.Context(), w.caller(tom), good))
			w.refused(w.renew(token, other), user.BadToken, "", "")
			// Nor does it open what is made with the address later.
			w.clock.Advance(time.Second)
			w.pending("tina")
			w.ok(w.enrol.Register(w.Context(), w.form(w.email("tom"), "tom2")))
			w.refused(w.renew(token, other), user.BadToken, "", "")
		}},
		{"a first password is set where there is none", func(w *world) {
			w.proven("ada")
			token := w.original(django.PasswordSet, w.email("ada"), "")
			set := func() error {
				return w.enrol.SetPassword(w.Context(), enrol.NewPassword{Token: token, First: other, Second: other})
			}
			w.refused(w.enrol.SetPassword(w.Context(), enrol.NewPassword{Token: token, First: "x", Second: "x"}), user.WeakPassword, "newPassword2", "too_short")
			w.refused(set(), user.Conflict, "", "password_already_set")
			w.update(func(tx store.Tx) error {
				st := w.accounts(w.email("ada"))[0]
				return store.Delete(tx, user.Password{User: st.User.ID, Strand: st.Account.Strand})
			})
			w.ok(set())
			w.in(w.email("ada"), other)
			w.refused(set(), user.BadToken, "", "")
		}},
		{"a reset link of the service before usher is used once", func(w *world) {
			w.proven("ada")
			token := w.original(django.PasswordReset, w.email("ada"), "")
			w.ok(w.renew(token, other))
			w.refused(w.renew(token, good), user.BadToken, "", "")
		}},
	}
}

func looking() []scenario {
	standing := func(w *world, act django.Action, token string) enrol.Standing {
		w.Helper()
		seen, err := w.enrol.Look(w.Context(), act, token)
		w.ok(err)
		return seen.Standing
	}
	return []scenario{
		{"what a link would do is seen, and nothing changes", func(w *world) {
			token := w.pending("ada")
			seen, err := w.enrol.Look(w.Context(), django.Activation, token)
			if err != nil || seen.Standing != enrol.Fresh || seen.Renew || seen.Username != w.of("ada") || seen.Address != w.email("ada") {
				w.Errorf("%+v, %v", seen, err)
			}
			if w.accounts(w.email("ada"))[0].Account.Verified {
				w.Error("looking proved the address")
			}
			_, err = w.enrol.Activate(w.Context(), token)
			w.ok(err)
			if got := standing(w, django.Activation, token); got != enrol.Done {
				w.Errorf("used: %s", got)
			}
			if got := standing(w, django.Activation, "torn"); got != enrol.Dead {
				w.Errorf("torn: %s", got)
			}
			reset := w.reset(w.email("ada"))
			if got := standing(w, django.PasswordReset, reset); got != enrol.Fresh {
				w.Errorf("reset: %s", got)
			}
			w.ok(w.renew(reset, other))
			if got := standing(w, django.PasswordReset, reset); got != enrol.Done {
				w.Errorf("used reset: %s", got)
			}
			reset = w.reset(w.email("ada"))
			w.clock.Advance(2 * time.Hour)
			if got := standing(w, django.PasswordReset, reset); got != enrol.Expired {
				w.Errorf("old reset: %s", got)
			}
			if got := standing(w, django.PasswordSet, w.original(django.PasswordSet, w.email("ada"), "")); got != enrol.Idle {
				w.Errorf("set, with a password: %s", got)
			}
		}},
	}
}
