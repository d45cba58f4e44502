package member_test

import (
	"strings"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/member"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/internal/workgroup"
)

// leaving is how an account is changed, closed and taken away.
func leaving() []scenario {
	return []scenario{
		{"a name has 25 characters, of whatever bytes", func(w *world) {
			in := w.signedIn("ada")
			name := strings.Repeat("ä", member.MaxName)
			w.ok(w.member.Rename(w.Context(), w.caller(in), member.Names{First: &name, Last: &name}))
			long := name + "x"
			got := said(w.member.Rename(w.Context(), w.caller(in), member.Names{First: &long, Last: &long}))
			if strings.Join(got, "; ") != "firstName too_large; lastName too_large" {
				w.Errorf("said %q", got)
			}
			if p := w.user(in.Live.User.ID).Profile; p.Text(user.GivenName) != name || p.Text(user.FamilyName) != name {
				w.Errorf("profile %v", p)
			}
		}},
		{"nothing sent changes nothing", func(w *world) {
			in := w.signedIn("ada")
			w.ok(w.member.Rename(w.Context(), w.caller(in), member.Names{First: new("Ada")}))
			before := w.user(in.Live.User.ID)
			w.ok(w.member.Rename(w.Context(), w.caller(in), member.Names{}))
			after := w.user(in.Live.User.ID)
			if after.Profile.Text(user.GivenName) != "Ada" || !after.Updated.Equal(before.Updated) {
				w.Errorf("before %+v, after %+v", before, after)
			}
		}},
		{"a new password may be the old one, and its form is judged after it", func(w *world) {
			in := w.signedIn("ada")
			try := func(p member.PasswordChange) error {
				_, err := w.member.ChangePassword(w.Context(), w.caller(in), p, w.noRefresh())
				return err
			}
			w.refused(try(member.PasswordChange{Old: other}), user.BadCredential, "oldPassword", "")
			got := strings.Join(said(try(member.PasswordChange{Old: good})), "; ")
			if got != "newPassword1 missing; newPassword2 missing" {
				w.Errorf("said %q", got)
			}
			w.refused(try(member.PasswordChange{Old: good, First: other, Second: good}), user.WeakPassword, "newPassword2", "mismatch")
			w.refused(try(change(good, w.of("ada")+"1")), user.WeakPassword, "newPassword2", "too_similar")
			if w.ended(in.Live) {
				w.Fatal("a refused change ended the session")
			}
			w.ok(try(change(good, good)))
			if !w.ended(in.Live) {
				w.Error("the session of before is alive")
			}
			w.in(w.email("ada"), good)
		}},
		{"a password changed here ends sessions at every door, links and waits, and is told by mail", func(w *world) {
			in := w.signedIn("ada")
			_, err := w.atPartner(w.email("ada"), good)
			w.ok(err)
			link := w.reset(w.email("ada"))
			_, err = w.member.ChangePassword(w.Context(), w.caller(in), change(good, other), w.noRefresh())
			w.ok(err)
			u := in.Live.User.ID
			if w.live(u, user.DoorPartner) != 0 || w.live(u, user.DoorGQLAuth) != 1 || w.passwords(u) != 1 {
				w.Error("something of before is left")
			}
			w.refused(w.renew(link, good), user.BadToken, "", "")
			if m := w.mail("password-changed"); m.To != w.email("ada") {
				w.Errorf("the notice went to %s", m.To)
			}
			if _, err := w.atPartner(w.email("ada"), other); err != nil {
				w.Error(err)
			}
		}},
		{"archived twice is archived once", func(w *world) {
			in := w.signedIn("ada")
			for range 2 {
				w.ok(w.member.Archive(w.Context(), w.caller(in), good))
			}
			n := 0
			w.view(func(r store.Reader) error {
				all, err := r.EventsOf(in.Live.User.ID, 100)
				n = 0
				for _, e := range all {
					if e.Kind == string(event.UserChanged) && strings.Contains(string(e.Body), string(user.Archived)) {
						n++
					}
				}
				return err
			})
			if n != 1 {
				w.Errorf("%d events say so", n)
			}
		}},
		{"deleted here, somebody who came to another door too lives on there", func(w *world) {
			owner := w.elsewhere("ada", other)
			_, err := w.enrol.Activate(w.Context(), w.pending("ada"))
			w.ok(err)
			there, err := w.atPartner(w.email("ada"), other)
			w.ok(err)
			in, refresh := w.in(w.email("ada"), other)
			w.ok(w.member.VerifySecond(w.Context(), w.secondBy(in, w.email("b"), other)))
			w.ok(w.member.Delete(w.Context(), w.caller(in), other))
			if w.user(owner).Status != user.Active || w.owner(w.email("b")) != "" {
				w.Errorf("the user is %s, with b of %q", w.user(owner).Status, w.owner(w.email("b")))
			}
			if w.owner(w.email("ada")) != owner { // they proved it there too
				w.Errorf("the address is %q's", w.owner(w.email("ada")))
			}
			if !w.ended(in.Live) || w.renews(refresh) {
				w.Error("a session of this door is alive")
			}
			if _, err := w.sessions.Access(w.Context(), there.AccessToken); err != nil {
				w.Error("a session of the other door has ended")
			}
			w.view(func(r store.Reader) error {
				found, err := r.AccountsByPK([]int32{in.Account.PK})
				if len(found) > 0 || w.freeName(w.of("ada")) {
					w.Errorf("accounts %+v, or the name is free", found)
				}
				return err
			})
		}},
		{"deleted here, somebody whom a partner only spoke of is erased there too", func(w *world) {
			rec := w.vouched("ada")
			in, _ := w.in(w.email("ada"), other)
			w.ok(w.member.Delete(w.Context(), w.caller(in), other))
			if u := w.user(rec.User.ID); u.Status != user.Deleted || u.ClosedBy != user.ClosedByPerson {
				w.Errorf("the user is %s, by %s", u.Status, u.ClosedBy)
			}
			w.keptOut(w.email("ada"), other)
			if _, err := w.atPartner(w.email("ada"), other); err == nil {
				w.Error("signed in at the partner door")
			}
		}},
		{"a second address and its name go with the account", func(w *world) {
			in := w.signedIn("ada")
			w.ok(w.member.VerifySecond(w.Context(), w.second(in, w.email("b"))))
			w.ok(w.member.Delete(w.Context(), w.caller(in), good))
			for _, at := range []string{w.email("ada"), w.email("b")} {
				if w.owner(at) != "" || len(w.accounts(at)) > 0 {
					w.Errorf("%s is not free", at)
				}
				w.keptOut(at, good)
			}
			if w.freeName(w.of("ada")) {
				w.Error("the username can be taken by somebody else")
			}
			w.refused(w.member.Delete(w.Context(), w.caller(in), good), user.BadToken, "", "")
		}},
		{"whoever represents a working group may go: it has no representative then", func(w *world) {
			in := w.signedIn("ada")
			at := workgroup.Institution{Name: w.of("institute"), City: "Heidelberg", Country: "Germany"}
			on := workgroup.Field{Field: "Physics", Subfield: w.of("astro")}
			w.update(func(tx store.Tx) error {
				if _, err := workgroup.AddInstitution(tx, at, "operator"); err != nil {
					return err
				}
				_, err := workgroup.AddField(tx, on, "operator")
				return err
			})
			groups := workgroup.NewService(w.store)
			g, err := groups.Create(w.Context(), in.Live, workgroup.New{
				Place: workgroup.Place{Name: new("Group"), Institution: at.Name, City: at.City, Country: at.Country},
				Field: on.Field, Subfield: on.Subfield, Employees: 3,
			})
			w.ok(err)
			if g.Representative != in.Live.User.ID {
				w.Fatalf("group %+v", g)
			}
			w.ok(w.member.Delete(w.Context(), w.caller(in), good))
			after, err := groups.ByRef(w.Context(), []user.ID{g.Ref})
			if err != nil || after[g.Ref].Name != "Group" || after[g.Ref].Representative != "" {
				w.Errorf("group %+v, %v", after, err)
			}
		}},
	}
}

// secondBy is second for somebody of another password.
func (w *world) secondBy(in member.In, email, plain string) string {
	w.Helper()
	w.ok(w.member.SendSecond(w.Context(), w.caller(in), email, plain))
	return w.token("activate-second")
}
