package enrol_test

import (
	"time"

	"github.com/usher-id/usher/internal/enrol"
	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/member"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

// imported is good as the service of before kept it.
func (w *world) imported() string {
	w.Helper()
	h, err := w.hasher.Hasher.Hash(w.Context(), good)
	w.ok(err)
	return h.String()
}

// brought is somebody who was imported unverified, and whose sign-up goes on here.
func (w *world) brought(name string) store.Record {
	w.Helper()
	rec := w.synced(feed.Sync{
		Email: feed.Some(w.email(name)), Verified: feed.Some(false), Username: feed.Some(w.of(name)), PasswordHash: feed.Some(w.imported()),
	})
	w.update(func(tx store.Tx) error { return enrol.Bring(tx, rec.User.ID, rec.Strand.ID) })
	w.clock.Advance(time.Second)
	return rec
}

func (w *world) resynced(rec store.Record, in feed.Sync) {
	w.Helper()
	in.Username = feed.Some(rec.Strand.Document.Text(user.PreferredName))
	w.synced(in)
}

func (w *world) link(name string) string {
	return w.original(django.Activation, w.email(name), "")
}

func (w *world) unproven(login, plain string) {
	w.Helper()
	_, _, err := w.try(login, plain)
	w.refused(err, user.Forbidden, "", member.WhyNotVerified)
}

// movingHere is what becomes of sign-ups that were pending at the service that
// usher took over from (contract gqlauth.md, decision 10).
func movingHere() []scenario {
	return []scenario{
		{"brought: its password is known before the link is used, beside a stranger's sign-up too", func(w *world) {
			w.brought("ada")
			w.unproven(w.email("ada"), good)
			w.keptOut(w.email("ada"), other)
			eve := w.form(w.email("ada"), "eve")
			eve.Password1, eve.Password2 = other, other
			w.ok(w.enrol.Register(w.Context(), eve))
			w.unproven(w.email("ada"), good)
		}},
		{"brought: the link proves the address, and the password counts", func(w *world) {
			rec := w.brought("bob")
			_, err := w.enrol.Activate(w.Context(), w.link("bob"))
			w.ok(err)
			in, _ := w.in(w.email("bob"), good)
			if in.Session.User != rec.User.ID || w.owner(w.email("bob")) != rec.User.ID {
				w.Errorf("signed in as %s, imported as %s", in.Session.User, rec.User.ID)
			}
			_, err = w.enrol.Activate(w.Context(), w.link("bob"))
			w.refused(err, user.Conflict, "", enrol.WhyVerified)
		}},
		{"brought: the username signs in, and is nobody's to sign up with", func(w *world) {
			rec := w.brought("may")
			w.unproven(w.of("may"), good)
			w.refused(w.enrol.Register(w.Context(), w.form(w.email("eve"), "may")), user.InUse, "username", "")
			_, err := w.enrol.Activate(w.Context(), w.link("may"))
			w.ok(err)
			in, _ := w.in(w.of("may"), good)
			if in.Session.User != rec.User.ID {
				w.Errorf("signed in as %s, imported as %s", in.Session.User, rec.User.ID)
			}
			// It stays theirs, whatever the source calls them later.
			w.synced(feed.Sync{Email: feed.Some(w.email("may")), Username: feed.Some(w.of("maya"))})
			w.in(w.of("may"), good)
		}},
		{"vouched for by their source: the imported username signs in", func(w *world) {
			rec := w.vouched("liv")
			in, _ := w.in(w.of("liv"), other)
			if in.Session.User != rec.User.ID || in.Account.Username != w.of("liv") {
				w.Errorf("signed in as %+v, imported as %s", in.Account, rec.User.ID)
			}
		}},
		{"an imported username beside a sign-up of the same name: each signs in with their own password", func(w *world) {
			w.proven("zoe")
			rec := w.synced(feed.Sync{
				Email: feed.Some(w.email("other-zoe")), Verified: feed.Some(true), Username: feed.Some(w.of("zoe")), Password: feed.Some(other),
			})
			in, _ := w.in(w.of("zoe"), other)
			own, _ := w.in(w.of("zoe"), good)
			if in.Session.User != rec.User.ID || own.Session.User == rec.User.ID {
				w.Errorf("signed in as %s and %s, imported as %s", in.Session.User, own.Session.User, rec.User.ID)
			}
		}},
		{"brought: once the link was used the record's source sets no password", func(w *world) {
			rec := w.brought("cyd")
			_, err := w.enrol.Activate(w.Context(), w.link("cyd"))
			w.ok(err)
			w.resynced(rec, feed.Sync{Password: feed.Some(other)})
			w.in(w.email("cyd"), good)
			w.keptOut(w.email("cyd"), other)
		}},
		{"brought: once the link was used the record's source takes no address away", func(w *world) {
			rec := w.brought("cora")
			_, err := w.enrol.Activate(w.Context(), w.link("cora"))
			w.ok(err)
			w.resynced(rec, feed.Sync{Email: feed.Some(w.email("elsewhere"))})
			if w.owner(w.email("cora")) != rec.User.ID {
				w.Error("who proved the address has lost it")
			}
			w.in(w.email("cora"), good)
		}},
		{"brought: a password that the record's source set since is no sign-up's", func(w *world) {
			rec := w.brought("dan")
			w.resynced(rec, feed.Sync{Password: feed.Some(other)})
			_, err := w.enrol.Activate(w.Context(), w.link("dan"))
			w.refused(err, user.BadToken, "", "") // it was mailed before
			w.ok(w.enrol.Resend(w.Context(), enrol.Asked{Email: w.email("dan")}))
			_, err = w.enrol.Activate(w.Context(), w.token("activate"))
			w.ok(err)
			w.keptOut(w.email("dan"), other)
			if _, err := w.atPartner(w.email("dan"), other); err == nil {
				w.Error("the source's password opens the account at its own door")
			}
			w.ok(w.renew(w.reset(w.email("dan")), "L0ng#N1ght-0f-J4n"))
			w.in(w.email("dan"), "L0ng#N1ght-0f-J4n")
		}},
		{"brought: a record that says another address by now is not the link's", func(w *world) {
			rec := w.brought("eli")
			w.resynced(rec, feed.Sync{Email: feed.Some(w.email("another"))})
			_, err := w.enrol.Activate(w.Context(), w.link("eli"))
			w.refused(err, user.BadToken, "", "")
			w.ok(w.enrol.Resend(w.Context(), enrol.Asked{Email: w.email("eli")}))
			if m := w.mails(); len(m) != 0 {
				w.Errorf("mails %+v", m)
			}
			if w.owner(w.email("eli")) != "" {
				w.Error("somebody owns the address")
			}
		}},
		{"brought: whoever proves the address first leaves its password behind", func(w *world) {
			w.brought("fay")
			in := w.form(w.email("fay"), "fay-here")
			in.Password1, in.Password2 = other, other
			w.ok(w.enrol.Register(w.Context(), in))
			_, err := w.enrol.Activate(w.Context(), w.token("activate"))
			w.ok(err)
			w.keptOut(w.email("fay"), good)
			if _, err := w.enrol.Activate(w.Context(), w.link("fay")); err == nil {
				w.Error("the original's link still does something")
			}
			w.keptOut(w.email("fay"), good)
			if _, err := w.atPartner(w.email("fay"), good); err == nil {
				w.Error("the password that was left behind opens the partner door")
			}
			w.in(w.email("fay"), other)
		}},
		{"brought: asking for the link again mails one, which counts as the original's", func(w *world) {
			w.brought("gus")
			w.ok(w.enrol.Resend(w.Context(), enrol.Asked{Email: w.email("gus")}))
			_, err := w.enrol.Activate(w.Context(), w.token("activate"))
			w.ok(err)
			w.in(w.email("gus"), good)
		}},
		{"brought: of several links any does it, and the others find it done", func(w *world) {
			w.brought("gil")
			var links []string
			for range 2 {
				w.ok(w.enrol.Resend(w.Context(), enrol.Asked{Email: w.email("gil")}))
				links = append(links, w.token("activate"))
				w.clock.Advance(time.Second)
			}
			_, err := w.enrol.Activate(w.Context(), links[1])
			w.ok(err)
			for _, l := range append(links, w.link("gil")) {
				_, err := w.enrol.Activate(w.Context(), l)
				w.refused(err, user.Conflict, "", enrol.WhyVerified)
			}
		}},
		{"brought again, and vouched for by then: the password opens it", func(w *world) {
			rec := w.brought("gwen")
			w.resynced(rec, feed.Sync{Verified: feed.Some(true)})
			w.update(func(tx store.Tx) error { return enrol.Bring(tx, rec.User.ID, rec.Strand.ID) })
			if in, _ := w.in(w.email("gwen"), good); in.Session.User != rec.User.ID || !in.Account.Verified {
				w.Errorf("signed in as %+v", in.Account)
			}
		}},
		{"brought: a forgotten password asks for another by the activation link", func(w *world) {
			w.brought("hal")
			w.ok(w.enrol.SendReset(w.Context(), enrol.Asked{Email: w.email("hal")}))
			w.ok(w.enrol.ActivateAnew(w.Context(), w.token("activate-renew"), other, other))
			w.in(w.email("hal"), other)
			w.keptOut(w.email("hal"), good)
		}},
		{"brought: a forgotten password by a reset link, where policy says so", func(w *world) {
			w.pol.GQLAuth.UnverifiedReset = policy.ResetMail
			w.brought("ivy")
			w.ok(w.renew(w.reset(w.email("ivy")), other))
			w.in(w.email("ivy"), other)
			w.keptOut(w.email("ivy"), good)
		}},
		{"brought: the original's reset link proves the address, once", func(w *world) {
			rec := w.brought("jan")
			token := w.original(django.PasswordReset, w.email("jan"), "")
			w.ok(w.renew(token, other))
			w.refused(w.renew(token, good), user.BadToken, "", "")
			if in, _ := w.in(w.email("jan"), other); in.Session.User != rec.User.ID {
				w.Errorf("signed in as %s, imported as %s", in.Session.User, rec.User.ID)
			}
			w.keptOut(w.email("jan"), good)
		}},
		{"brought: whom the source deleted since gets nothing by the link", func(w *world) {
			rec := w.brought("kim")
			_, err := w.feed.Delete(w.Context(), feed.Caller{Source: "partner:__system", By: "__system"}, rec.Number)
			w.ok(err)
			_, err = w.enrol.Activate(w.Context(), w.link("kim"))
			w.refused(err, user.BadToken, "", "")
		}},
		{"a record that was not brought as a sign-up is none", func(w *world) {
			w.synced(feed.Sync{Email: feed.Some(w.email("lee")), Verified: feed.Some(false), Username: feed.Some(w.of("lee")), Password: feed.Some(other)})
			_, err := w.enrol.Activate(w.Context(), w.link("lee"))
			w.refused(err, user.BadToken, "", "")
		}},
	}
}
