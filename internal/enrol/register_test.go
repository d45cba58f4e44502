package enrol_test

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/usher-id/usher/internal/enrol"
	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

func signingUp() []scenario {
	return []scenario{
		{"a sign-up is pending, and its link is mailed", func(w *world) {
			w.ok(w.enrol.Register(w.Context(), w.form("Ada."+w.email("x"), "ada")))
			m := w.mail("activate")
			if m.To != "Ada."+w.email("x") || m.Data["username"] != w.of("ada") || m.Data["site"] != "id.example.org" {
				w.Errorf("mail %+v", m)
			}
			text, ok := strings.CutPrefix(m.Data["link"], "https://id.example.org/activate/")
			got, err := w.signer.Read(text, w.clock.Now(), 7*24*time.Hour, django.Activation)
			if !ok || err != nil || got.Subject != "Ada."+w.email("x") {
				w.Errorf("the link says %+v, %v", got, err)
			}
			all := w.accounts("ada." + w.email("x"))
			if len(all) != 1 || all[0].Account.Verified || all[0].Account.PK < 1 || all[0].Account.Username != w.of("ada") {
				w.Fatalf("accounts %+v", all)
			}
			if w.owner("ada."+w.email("x")) != "" {
				w.Error("nobody has proven the address")
			}
			_, _, err = w.try("ada."+w.email("x"), good)
			w.refused(err, user.Forbidden, "", "not_verified")
			w.keptOut("ada."+w.email("x"), other)
		}},
		{"everything that is wrong with a form is said at once, of an address where policy tells of it", func(w *world) {
			w.proven("taken")
			plain := enrol.SignUp{Email: w.email("taken"), Username: w.of("p"), Password1: "x", Password2: "y"}
			if got := strings.Join(said(w.enrol.Register(w.Context(), plain)), "; "); got != "password2 weak_password mismatch" {
				w.Errorf("it tells of the address: %s", got)
			}
			w.pol.GQLAuth.CompatEnumeration = true
			w.mails()
			before := w.hasher.hashed.Load()
			for want, in := range map[string]enrol.SignUp{
				"email missing; username missing; password1 missing; password2 missing": {},
				"email invalid; username invalid; password2 weak_password mismatch":     {Email: "nope", Username: "a b", Password1: "x", Password2: "y"},
				"email too_large; username too_large; password2 weak_password too_short": {
					Email: strings.Repeat("a", 256), Username: strings.Repeat("u", 101), Password1: "V4l4r#M", Password2: "V4l4r#M",
				},
				"password2 weak_password too_common; password2 weak_password entirely_numeric": {
					Email: w.email("p"), Username: w.of("p"), Password1: "123456789", Password2: "123456789",
				},
				"password2 weak_password too_similar": {Email: w.email("p"), Username: "lisalou42", Password1: "lisalou42!", Password2: "lisalou42!"},
				"password2 too_large":                 {Email: w.email("p"), Username: w.of("p"), Password1: strings.Repeat("äÖ3#", 40), Password2: strings.Repeat("äÖ3#", 40)},
				"email in_use; username in_use; password2 weak_password mismatch": {
					Email: strings.ToUpper(w.email("taken")), Username: strings.ToUpper(w.of("taken")), Password1: "x", Password2: "y",
				},
				"username in_use": {Email: w.email("p"), Username: w.of("taken"), Password1: good, Password2: good},
			} {
				if got := strings.Join(said(w.enrol.Register(w.Context(), in)), "; "); got != want {
					w.Errorf("got  %s\nwant %s", got, want)
				}
			}
			if w.hasher.hashed.Load() != before || len(w.mails()) > 0 || len(w.accounts(w.email("p"))) > 0 {
				w.Error("a form that is refused costs no hash, mails nothing and leaves nothing")
			}
		}},
		{"somebody known here is told by mail, and costs a hash too", func(w *world) {
			w.proven("ada")
			w.mails()
			before := w.hasher.hashed.Load()
			w.refused(w.enrol.Register(w.Context(), w.form(w.email("ada"), "eve")), user.InUse, "email", "")
			if n := w.hasher.hashed.Load() - before; n != 1 {
				w.Errorf("%d hashes", n)
			}
			if m := w.mail("already-registered"); m.To != w.email("ada") || m.Data["username"] != w.of("ada") || m.Data["link"] != "" {
				w.Errorf("mail %+v", m)
			}
			// The next question must not tell either: the sign-up pends like any other's,
			// and no link leads to it.
			if got := w.accounts(w.email("ada")); len(got) != 2 || got[1].Account.Verified || len(w.mails()) > 0 {
				w.Errorf("accounts %+v", got)
			}
		}},
		{"an address that is only claimed takes another sign-up, unless policy keeps to the original", func(w *world) {
			first := w.pending("ada")
			w.ok(w.enrol.Register(w.Context(), w.form(w.email("ada"), "eve")))
			second := w.token("activate")
			if first == second || len(w.accounts(w.email("ada"))) != 2 {
				w.Error("two sign-ups in one second are two, each with its own link")
			}
			w.pol.GQLAuth.CompatEnumeration = true
			w.refused(w.enrol.Register(w.Context(), w.form(w.email("ada"), "tom")), user.InUse, "email", "")
		}},
		{"somebody who is known elsewhere only is not told of", func(w *world) {
			w.vouched("ada")
			w.ok(w.enrol.Register(w.Context(), w.form(w.email("ada"), "ada")))
			w.mail("activate")
		}},
		{"an address whose user is locked, or was deleted with its names kept", func(w *world) {
			w.proven("ada")
			w.lock(w.owner(w.email("ada")))
			w.refused(w.enrol.Register(w.Context(), w.form(w.email("ada"), "x")), user.InUse, "email", "")
			rec := w.vouched("tom")
			w.update(func(tx store.Tx) error {
				return store.Put(tx, user.Owner{Kind: user.Email, Address: w.email("tom"), User: rec.User.ID, Strand: rec.Strand.ID, Proven: tx.Now()})
			})
			if _, err := w.feed.Delete(w.Context(), feed.Caller{Source: "partner:__system", By: "__system"}, rec.Number); err != nil {
				w.Fatal(err)
			}
			w.refused(w.enrol.Register(w.Context(), w.form(w.email("tom"), "tom")), user.InUse, "email", "")
		}},
		{"one address gets so many mails an hour", func(w *world) {
			w.pending("ada")
			for range 9 {
				w.ok(w.enrol.Resend(w.Context(), enrol.Asked{Email: w.email("ada")}))
			}
			if n := len(w.mails()); n != w.pol.Limits.AddressMails-1 {
				w.Errorf("%d more mails", n)
			}
			w.clock.Advance(time.Hour)
			w.ok(w.enrol.Resend(w.Context(), enrol.Asked{Email: w.email("ada")}))
			w.mail("activate")
		}},
		{"many at once with one username", func(w *world) {
			var group sync.WaitGroup
			errs := make([]error, 16)
			for i := range errs {
				group.Go(func() {
					in := w.form(w.of("a"+string(rune('a'+i)))+"@example.org", "same")
					errs[i] = w.enrol.Register(w.Context(), in)
				})
			}
			group.Wait()
			taken := slices.DeleteFunc(errs, func(err error) bool { return err == nil })
			if len(taken) != 15 {
				w.Fatalf("%d of 16 were refused", len(taken))
			}
			for _, err := range taken {
				w.refused(err, user.InUse, "username", "")
			}
		}},
	}
}
