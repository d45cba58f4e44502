package enrol_test

import (
	"errors"
	"time"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/enrol"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

// merge puts other into into, as an operator does.
func (w *world) merge(into, other user.ID) {
	w.Helper()
	a, b := w.user(into), w.user(other)
	w.update(func(tx store.Tx) error {
		_, err := ledger.Open(tx, *w.pol, "operator").Merge(a, b)
		return err
	})
}

// erase takes somebody out, as their own deletion at the last door does.
func (w *world) erase(who user.ID) {
	w.Helper()
	u := w.user(who)
	w.update(func(tx store.Tx) error {
		return ledger.Open(tx, *w.pol, string(who)).Erase(u, user.ClosedByPerson)
	})
}

// claims counts who says that an address is theirs.
func (w *world) claims(email string) (n int) {
	w.Helper()
	w.view(func(r store.Reader) error {
		all, err := r.Claims(user.Email, email)
		n = len(all)
		return err
	})
	return n
}

// strands counts what a user is made of.
func (w *world) strands(u user.ID) (n int) {
	w.Helper()
	w.view(func(r store.Reader) error {
		all, err := r.Strands(u)
		n = len(all)
		return err
	})
	return n
}

// proves lets somebody prove an address through a provider at another door.
func (w *world) proves(name, email string) user.ID {
	w.Helper()
	out, err := admission.New(w.store, w).Arrive(w.Context(), admission.Arrival{
		Door: user.DoorPartner, Source: "google", Identity: &user.IdentityKey{Issuer: "https://google.test", Subject: w.of(name)},
		Addresses: []admission.Address{{Kind: user.Email, Key: email, Display: email, Assurance: user.Proven}},
	})
	w.ok(err)
	return out.User.ID
}

// outliving is what becomes of links when the world moves on before they are
// used.
func outliving() []scenario {
	return []scenario{
		{"links of two users who are one since", func(w *world) {
			w.proven("ada")
			w.proven("tom")
			into, gone := w.owner(w.email("ada")), w.owner(w.email("tom"))
			links := []string{w.reset(w.email("ada")), w.reset(w.email("tom"))}
			w.clock.Advance(2 * time.Second)
			w.merge(into, gone)
			for _, link := range links {
				w.refused(w.renew(link, other), user.BadToken, "", "")
			}
			// A new one sets the one password that counts, for both addresses.
			w.ok(w.renew(w.reset(w.email("tom")), other))
			if n := w.passwords(into); n != 1 {
				w.Errorf("%d passwords", n)
			}
			w.keptOut(w.email("ada"), good)
			for _, name := range []string{"ada", "tom"} {
				if in, _ := w.in(w.email(name), other); in.Live.User.ID != into {
					w.Errorf("%s signs in %s", name, in.Live.User.ID)
				}
			}
		}},
		{"a link of somebody known elsewhere, who was merged since", func(w *world) {
			gone := w.elsewhere("ada", "")
			into := w.elsewhere("tom", "")
			link := w.reset(w.email("ada"))
			w.clock.Advance(2 * time.Second)
			w.merge(into, gone)
			w.refused(w.renew(link, other), user.BadToken, "", "")
			w.ok(w.renew(w.reset(w.email("ada")), other))
			if in, _ := w.in(w.email("ada"), other); in.Live.User.ID != into {
				w.Errorf("signed in as %s", in.Live.User.ID)
			}
		}},
		{"a link of somebody known elsewhere, who was erased since, makes nobody", func(w *world) {
			who := w.elsewhere("ada", "")
			link := w.reset(w.email("ada"))
			w.erase(who)
			w.refused(w.renew(link, other), user.BadToken, "", "")
			if w.owner(w.email("ada")) != "" || w.claims(w.email("ada")) != 0 || len(w.accounts(w.email("ada"))) > 0 {
				w.Error("the dead link left a user behind")
			}
		}},
		{"a link of somebody known elsewhere, whose address is another's since, touches neither", func(w *world) {
			w.elsewhere("ada", "")
			link := w.reset(w.email("ada"))
			next := w.elsewhere("tom", other)
			w.update(func(tx store.Tx) error {
				o, err := tx.Owner(user.Email, w.email("ada"))
				strands, noStrands := tx.Strands(next)
				if err := errors.Join(err, noStrands); err != nil {
					return err
				}
				o.User, o.Strand = next, strands[0].ID
				return store.Put(tx, o)
			})
			epoch, strands := w.user(next).Epoch, w.strands(next)
			w.refused(w.renew(link, good), user.BadToken, "", "")
			if w.user(next).Epoch != epoch || w.strands(next) != strands {
				w.Error("the dead link moved something")
			}
			if _, err := w.atPartner(w.email("tom"), other); err != nil {
				w.Error(err)
			}
		}},
		{"links of a sign-up that another proof of its address set aside", func(w *world) {
			w.pol.GQLAuth.UnverifiedReset = policy.ResetMail
			activation := w.pending("ada")
			reset := w.reset(w.email("ada"))
			who := w.proves("ada", w.email("ada"))
			_, err := w.enrol.Activate(w.Context(), activation)
			w.refused(err, user.BadToken, "", "")
			w.refused(w.enrol.ActivateAnew(w.Context(), activation, other, other), user.BadToken, "", "")
			w.refused(w.renew(reset, other), user.BadToken, "", "")
			w.keptOut(w.email("ada"), good)
			if w.owner(w.email("ada")) != who {
				w.Error("the address changed hands")
			}
		}},
		{"a reset link of a second address that was removed since", func(w *world) {
			w.proven("ada")
			w.addSecond("ada", w.email("b"))
			link := w.reset(w.email("b"))
			in, _ := w.in(w.email("ada"), good)
			w.ok(w.member.RemoveSecond(w.Context(), w.caller(in), good))
			w.refused(w.renew(link, other), user.BadToken, "", "")
			w.in(w.email("ada"), good)
		}},
		{"a reset link of an address that was swapped since is still of the account", func(w *world) {
			w.proven("ada")
			w.addSecond("ada", w.email("b"))
			link := w.reset(w.email("ada"))
			in, _ := w.in(w.email("ada"), good)
			w.ok(w.member.SwapEmails(w.Context(), w.caller(in), good))
			w.ok(w.renew(link, other))
			w.in(w.email("b"), other)
		}},
		{"a reset link goes to the address that was asked for, as it was given once", func(w *world) {
			w.proven("ada")
			w.addSecond("ada", "Second."+w.email("b"))
			w.ok(w.enrol.SendReset(w.Context(), enrol.Asked{Email: "SECOND." + w.email("b")}))
			if m := w.mail("password-reset"); m.To != "Second."+w.email("b") {
				w.Errorf("it went to %s", m.To)
			}
		}},
		{"an account that hangs on a partner's record keeps its number after a reset", func(w *world) {
			rec := w.vouched("ada")
			before, _ := w.in(w.email("ada"), other)
			w.ok(w.renew(w.reset(w.email("ada")), good))
			after, _ := w.in(w.email("ada"), good)
			if after.Account.PK != before.Account.PK || after.Live.User.ID != rec.User.ID || w.passwords(rec.User.ID) != 1 {
				w.Errorf("before %+v, after %+v", before.Account, after.Account)
			}
		}},
		{"nor does a reset reopen one that was archived", func(w *world) {
			rec := w.vouched("ada")
			in, _ := w.in(w.email("ada"), other)
			w.ok(w.member.Archive(w.Context(), w.caller(in), other))
			w.ok(w.renew(w.reset(w.email("ada")), good))
			if w.user(rec.User.ID).Status != user.Archived {
				w.Error("it is open again")
			}
			if in, _ := w.in(w.email("ada"), good); !in.Reopened {
				w.Error("it was not said to be open again")
			}
		}},
		{"links of the service before usher: whom they mean", func(w *world) {
			reset := func(name string) string { return w.original(django.PasswordReset, w.email(name), "") }
			w.refused(w.renew(reset("ghost"), other), user.BadToken, "", "")
			w.pending("ada")
			w.ok(w.renew(reset("ada"), other)) // proves the one sign-up
			w.in(w.email("ada"), other)
			w.pending("tom")
			w.ok(w.enrol.Register(w.Context(), w.form(w.email("tom"), "eve")))
			w.refused(w.renew(reset("tom"), other), user.BadToken, "", "") // of two it means neither
			owner := w.elsewhere("tina", "")
			w.ok(w.renew(reset("tina"), other))
			if in, _ := w.in(w.email("tina"), other); in.Live.User.ID != owner {
				w.Errorf("signed in as %s", in.Live.User.ID)
			}
			w.proven("liz")
			w.lock(w.owner(w.email("liz")))
			w.refused(w.renew(reset("liz"), other), user.BadToken, "", "")
		}},
		{"links of the service before usher die with a change of the password", func(w *world) {
			w.proven("ada")
			old := w.original(django.PasswordReset, w.email("ada"), "")
			in, _ := w.in(w.email("ada"), good)
			_, err := w.member.ChangePassword(w.Context(), w.caller(in), change(good, other), w.noRefresh())
			w.ok(err)
			w.refused(w.renew(old, good), user.BadToken, "", "")
		}},
		{"a link is for one action only", func(w *world) {
			w.proven("ada")
			reset := w.reset(w.email("ada"))
			_, err := w.enrol.Activate(w.Context(), reset)
			w.refused(err, user.BadToken, "", "")
			w.refused(w.enrol.SetPassword(w.Context(), enrol.NewPassword{Token: reset, First: other, Second: other}), user.BadToken, "", "")
			w.refused(w.member.VerifySecond(w.Context(), reset), user.BadToken, "", "")
			w.ok(w.renew(reset, other)) // and none of that spent it
		}},
	}
}
