package enrol_test

import (
	"strings"
	"time"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/enrol"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

// original makes a token that the service before usher mailed.
func (w *world) original(act django.Action, subject, second string) string {
	w.Helper()
	text, _, err := w.signer.Sign(django.Payload{Subject: subject, Action: act, SecondaryEmail: second}, w.clock.Now().Add(-time.Minute))
	w.ok(err)
	return text
}

func activating() []scenario {
	return []scenario{
		{"the link proves the address, once", func(w *world) {
			token := w.pending("ada")
			out, err := w.enrol.Activate(w.Context(), token)
			if err != nil || out.LeftPassword {
				w.Fatalf("%+v, %v", out, err)
			}
			all := w.accounts(w.email("ada"))
			if len(all) != 1 || !all[0].Account.Verified || w.owner(w.email("ada")) != all[0].User.ID {
				w.Fatalf("accounts %+v", all)
			}
			if p := all[0].User.Profile; p.Text(user.EmailVerified) != "true" || p.Text(user.PreferredName) != w.of("ada") {
				w.Errorf("profile %v", p)
			}
			in, refresh := w.in(w.email("ada"), good)
			if in.Account.PK != all[0].Account.PK || in.Reopened || !w.opens(w.jwt(in)) || !w.renews(refresh) {
				w.Errorf("signed in as %+v", in)
			}
			_, err = w.enrol.Activate(w.Context(), token)
			w.refused(err, user.Conflict, "", "already_verified")
			if again, err := w.atPartner(w.email("ada"), good); err != nil || again.Session.User != in.Live.User.ID {
				w.Errorf("at the partner door: %+v, %v", again, err)
			}
		}},
		{"links that are torn, old or for something else", func(w *world) {
			token := w.pending("ada")
			second := w.original(django.SecondaryActivation, w.email("ada"), w.email("b"))
			for _, bad := range []string{"", "x", token[:len(token)-1], token + "x", strings.ToUpper(token), second, w.original(django.PasswordReset, w.email("ada"), "")} {
				_, err := w.enrol.Activate(w.Context(), bad)
				w.refused(err, user.BadToken, "", "")
			}
			w.clock.Advance(7*24*time.Hour + time.Second)
			_, err := w.enrol.Activate(w.Context(), token)
			w.refused(err, user.BadToken, "", "expired")
			w.ok(w.enrol.Again(w.Context(), django.Activation, token))
			_, err = w.enrol.Activate(w.Context(), w.token("activate"))
			w.ok(err)
		}},
		{"of several sign-ups the one whose link is used has the address", func(w *world) {
			mine := w.pending("ada")
			w.ok(w.enrol.Register(w.Context(), w.form(w.email("ada"), "eve")))
			theirs := w.token("activate")
			_, err := w.enrol.Activate(w.Context(), mine)
			w.ok(err)
			_, err = w.enrol.Activate(w.Context(), theirs)
			w.refused(err, user.BadToken, "", "")
			in, _ := w.in(w.email("ada"), good)
			if in.Account.Username != w.of("ada") || len(w.accounts(w.email("ada"))) != 1 {
				w.Errorf("signed in as %+v", in.Account)
			}
			w.ok(w.enrol.Resend(w.Context(), enrol.Asked{Email: w.email("b")}))
		}},
		{"a password reset sets a pending sign-up of somebody else's aside with its password", func(w *world) {
			token := w.pending("ada")
			w.ok(w.enrol.SendReset(w.Context(), enrol.Asked{Email: w.email("ada")}))
			m := w.mail("activate-renew")
			renew := m.Data["link"][strings.LastIndex(m.Data["link"], "/")+1:]
			if renew == token {
				w.Fatal("the two links are one")
			}
			err := w.enrol.ActivateAnew(w.Context(), renew, "short", "short")
			w.refused(err, user.WeakPassword, "newPassword2", "too_short")
			w.ok(w.enrol.ActivateAnew(w.Context(), renew, other, other))
			w.keptOut(w.email("ada"), good)
			w.in(w.email("ada"), other)
		}},
		{"such a link used without a password leaves the account with none", func(w *world) {
			w.pending("ada")
			w.ok(w.enrol.SendReset(w.Context(), enrol.Asked{Email: w.email("ada")}))
			_, err := w.enrol.Activate(w.Context(), w.token("activate-renew"))
			w.ok(err)
			w.keptOut(w.email("ada"), good)
			w.ok(w.enrol.SetPassword(w.Context(), enrol.NewPassword{
				Token: w.original(django.PasswordSet, w.email("ada"), ""), First: other, Second: other,
			}))
			w.in(w.email("ada"), other)
		}},
		{"policy may mail a reset link for a pending sign-up instead", func(w *world) {
			w.pol.GQLAuth.UnverifiedReset = "reset_mail"
			w.pending("ada")
			w.ok(w.enrol.SendReset(w.Context(), enrol.Asked{Email: w.email("ada")}))
			w.ok(w.enrol.ResetPassword(w.Context(), enrol.NewPassword{Token: w.token("password-reset"), First: other, Second: other}))
			w.keptOut(w.email("ada"), good)
			if in, _ := w.in(w.email("ada"), other); !in.Account.Verified {
				w.Error("a reset proves the address")
			}
		}},
		{"resending says what is verified, and nothing else", func(w *world) {
			token := w.pending("ada")
			w.clock.Advance(time.Minute)
			w.ok(w.enrol.Resend(w.Context(), enrol.Asked{Email: strings.ToUpper(w.email("ada"))}))
			m := w.mail("activate")
			if m.To != w.email("ada") {
				w.Errorf("it went to %s", m.To)
			}
			w.ok(w.enrol.Resend(w.Context(), enrol.Asked{Email: w.email("nobody")}))
			if len(w.mails()) > 0 {
				w.Error("somebody who is not there got a mail")
			}
			_, err := w.enrol.Activate(w.Context(), token) // earlier links stay good
			w.ok(err)
			w.refused(w.enrol.Resend(w.Context(), enrol.Asked{Email: w.email("ada")}), user.Conflict, "email", "already_verified")
			w.refused(w.enrol.Resend(w.Context(), enrol.Asked{Email: "nope"}), user.Invalid, "email", "")
			w.refused(w.enrol.Resend(w.Context(), enrol.Asked{}), user.Missing, "email", "")
		}},
		{"resending with several sign-ups asks for a password of one's own", func(w *world) {
			w.pending("ada")
			w.ok(w.enrol.Register(w.Context(), w.form(w.email("ada"), "eve")))
			w.mails()
			w.ok(w.enrol.Resend(w.Context(), enrol.Asked{Email: w.email("ada")}))
			_, err := w.enrol.Activate(w.Context(), w.token("activate-renew"))
			w.ok(err)
			w.keptOut(w.email("ada"), good) // whoever chose it
		}},
		{"links of the service before usher", func(w *world) {
			w.pending("ada")
			_, err := w.enrol.Activate(w.Context(), w.original(django.Activation, w.email("ada"), ""))
			w.ok(err)
			_, err = w.enrol.Activate(w.Context(), w.original(django.Activation, w.email("ada"), ""))
			w.refused(err, user.Conflict, "", "already_verified")
			_, err = w.enrol.Activate(w.Context(), w.original(django.Activation, w.email("ghost"), ""))
			w.refused(err, user.BadToken, "", "")
			// Of two sign-ups it can mean neither.
			w.pending("tom")
			w.ok(w.enrol.Register(w.Context(), w.form(w.email("tom"), "eve")))
			_, err = w.enrol.Activate(w.Context(), w.original(django.Activation, w.email("tom"), ""))
			w.refused(err, user.BadToken, "", "")
		}},
	}
}

// elsewhere is somebody who proved their address to a provider at another door.
func (w *world) elsewhere(name, plain string) user.ID {
	w.Helper()
	a := admission.Arrival{
		Door: user.DoorPartner, Source: "google", Identity: &user.IdentityKey{Issuer: "https://google.test", Subject: w.of(name)},
		Addresses: []admission.Address{{Kind: user.Email, Key: w.email(name), Display: w.email(name), Assurance: user.Proven}},
	}
	if plain != "" {
		h, err := w.hasher.Hash(w.Context(), password.Plain(plain))
		w.ok(err)
		a.Password = h.String()
	}
	out, err := admission.New(w.store, w).Arrive(w.Context(), a)
	w.ok(err)
	return out.User.ID
}

// joining is what becomes of a sign-up whose address leads to somebody else.
func joining() []scenario {
	return []scenario{
		{"who owns the address has the sign-up too, and keeps their password and sessions", func(w *world) {
			owner := w.elsewhere("ada", other)
			before, err := w.atPartner(w.email("ada"), other)
			w.ok(err)
			out, err := w.enrol.Activate(w.Context(), w.pending("ada"))
			if err != nil || !out.LeftPassword {
				w.Fatalf("%+v, %v", out, err)
			}
			w.keptOut(w.email("ada"), good)
			in, _ := w.in(w.email("ada"), other)
			if in.Live.User.ID != owner || in.Account.Username != w.of("ada") || w.owner(w.email("ada")) != owner {
				w.Errorf("signed in as %+v", in.Account)
			}
			if _, err := w.sessions.Access(w.Context(), before.AccessToken); err != nil {
				w.Error("a session of theirs has ended")
			}
		}},
		{"who owns the address without a password has the one of the sign-up", func(w *world) {
			owner := w.elsewhere("ada", "")
			out, err := w.enrol.Activate(w.Context(), w.pending("ada"))
			if err != nil || out.LeftPassword {
				w.Fatalf("%+v, %v", out, err)
			}
			if in, _ := w.in(w.email("ada"), good); in.Live.User.ID != owner {
				w.Errorf("signed in as %s, not %s", in.Live.User.ID, owner)
			}
		}},
		{"a record that a trusted source vouches for is taken over, with its number", func(w *world) {
			rec := w.vouched("ada")
			before, err := w.atPartner(w.email("ada"), other)
			w.ok(err)
			out, err := w.enrol.Activate(w.Context(), w.pending("ada"))
			if err != nil || !out.LeftPassword {
				w.Fatalf("%+v, %v", out, err)
			}
			if w.owner(w.email("ada")) != rec.User.ID {
				w.Error("the record's user is somebody else")
			}
			in, _ := w.in(w.email("ada"), other) // what the trusted source gave stays
			w.keptOut(w.email("ada"), good)
			if in.Live.User.ID != rec.User.ID || in.Account.Username != w.of("ada") {
				w.Errorf("signed in as %+v", in.Account)
			}
			if _, err := w.sessions.Access(w.Context(), before.AccessToken); err == nil {
				w.Error("a session from before the proof is alive")
			}
			again, err := w.atPartner(w.email("ada"), other)
			if err != nil || again.Session.Subject != rec.Number {
				w.Errorf("at the partner door: %+v, %v", again.Session, err)
			}
		}},
		{"a link whose user is locked meanwhile", func(w *world) {
			token := w.pending("ada")
			w.lock(w.accounts(w.email("ada"))[0].User.ID)
			_, err := w.enrol.Activate(w.Context(), token)
			w.refused(err, user.BadToken, "", "")
		}},
		{"an address whose owner is locked", func(w *world) {
			token := w.pending("ada")
			w.update(func(tx store.Tx) error {
				u := user.User{ID: tx.NewID(), Status: user.Active, Epoch: 1, Created: tx.Now()}
				s := user.Strand{ID: tx.NewID(), User: u.ID, Origin: u.ID, Source: "google", Kind: user.Human, State: user.Live, Created: tx.Now()}
				if err := store.Insert(tx, u); err != nil {
					return err
				}
				if err := store.Insert(tx, s); err != nil {
					return err
				}
				if err := store.Put(tx, user.Lock{User: u.ID, Source: "operator", At: tx.Now()}); err != nil {
					return err
				}
				return store.Put(tx, user.Owner{Kind: user.Email, Address: w.email("ada"), User: u.ID, Strand: s.ID, Proven: tx.Now()})
			})
			_, err := w.enrol.Activate(w.Context(), token)
			w.refused(err, user.InUse, "", "")
			if st := w.accounts(w.email("ada")); len(st) != 1 || st[0].Account.Verified {
				w.Errorf("accounts %+v", st)
			}
		}},
		{"a join can be undone", func(w *world) {
			rec := w.vouched("ada")
			_, err := w.enrol.Activate(w.Context(), w.pending("ada"))
			w.ok(err)
			w.update(func(tx store.Tx) error {
				entries, err := tx.Entries(rec.User.ID)
				if err != nil {
					return err
				}
				for _, e := range entries {
					if e.Kind == store.EntryAbsorb {
						_, err := ledger.Open(tx, *w.pol, "operator").Undo(e.ID)
						return err
					}
				}
				return store.ErrNotFound
			})
			all := w.accounts(w.email("ada"))
			if len(all) != 1 || all[0].User.ID == rec.User.ID || all[0].User.Status != user.Active {
				w.Errorf("accounts %+v", all)
			}
		}},
		{"somebody synced by a trusted partner signs in here and gets an account", func(w *world) {
			rec := w.vouched("ada")
			in, _ := w.in(w.email("ada"), other)
			if in.Live.User.ID != rec.User.ID || !in.Account.Verified || session.Mailbox(in.AccountState).Display != w.email("ada") || in.Account.PK < 1 {
				w.Errorf("signed in as %+v", in.AccountState)
			}
			again, _ := w.in(w.email("ada"), other)
			if again.Account.PK != in.Account.PK {
				w.Error("the number is another")
			}
			w.refused(w.enrol.Register(w.Context(), w.form(w.email("ada"), "x")), user.InUse, "email", "")
		}},
	}
}
