package member_test

import (
	"strings"
	"time"

	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

// seconds is the life of a second address.
func seconds() []scenario {
	return []scenario{
		{"what is asked for is refused in the order of the contract", func(w *world) {
			in := w.signedIn("ada")
			send := func(email, plain string) error {
				return w.member.SendSecond(w.Context(), w.caller(in), email, plain)
			}
			// The password first, whatever the address is.
			w.refused(send("nope", other), user.BadCredential, "password", "")
			w.refused(send("", good), user.Missing, "email", "")
			w.refused(send("a@b@c", good), user.Invalid, "email", "")
			w.refused(send(strings.Repeat("a", 255)+"@b.org", good), user.TooLarge, "email", "")
			w.refused(send(strings.ToUpper(w.email("ada")), good), user.InUse, "email", "secondary")
			if len(w.mails()) > 0 {
				w.Error("a mail was sent")
			}
		}},
		{"the link goes to the new address, and is good for an hour", func(w *world) {
			in := w.signedIn("ada")
			w.ok(w.member.SendSecond(w.Context(), w.caller(in), "New."+w.email("b"), good))
			m := w.mail("activate-second")
			text, ok := strings.CutPrefix(m.Data["link"], "https://id.example.org/activate/")
			got, err := w.signer.Read(text, w.clock.Now(), time.Hour, django.SecondaryActivation)
			if !ok || err != nil || m.To != "New."+w.email("b") || got.Subject != w.email("ada") || got.SecondaryEmail != m.To {
				w.Errorf("mail %+v says %+v, %v", m, got, err)
			}
		}},
		{"two links: the one used last counts", func(w *world) {
			in := w.signedIn("ada")
			one, two := w.second(in, w.email("b")), w.second(in, w.email("c"))
			w.ok(w.member.VerifySecond(w.Context(), one))
			w.ok(w.member.VerifySecond(w.Context(), two))
			if st := w.me(in); st.Account.Second.Key != w.email("c") {
				w.Errorf("account %+v", st.Account)
			}
			if by, _ := w.in(w.email("c"), good); by.Live.User.ID != in.Live.User.ID {
				w.Error("it signs in somebody else")
			}
		}},
		{"the address that another one replaced is nobody's sign-in here", func(w *world) {
			in := w.signedIn("ada")
			one, two := w.second(in, w.email("b")), w.second(in, w.email("c"))
			w.ok(w.member.VerifySecond(w.Context(), one))
			w.ok(w.member.VerifySecond(w.Context(), two))
			if w.owner(w.email("b")) != "" {
				w.Error("it is still owned")
			}
			w.keptOut(w.email("b"), good)
		}},
		{"verified signed out, on a link of a minute ago, with everyone else signed in", func(w *world) {
			in := w.signedIn("ada")
			w.signedIn("tom")
			token := w.second(in, w.email("b"))
			w.clock.Advance(time.Minute)
			w.update(func(tx store.Tx) error {
				_, err := tx.EndSessions(in.Live.User.ID, "", tx.Now())
				return err
			})
			w.ok(w.member.VerifySecond(w.Context(), token))
			if w.owner(w.email("b")) != in.Live.User.ID {
				w.Error("it is not the account's")
			}
		}},
		{"a link dies with a change of the password", func(w *world) {
			in := w.signedIn("ada")
			token := w.second(in, w.email("b"))
			_, err := w.member.ChangePassword(w.Context(), w.caller(in), change(good, other), w.noRefresh())
			w.ok(err)
			w.refused(w.member.VerifySecond(w.Context(), token), user.BadToken, "", "")
			w.ok(w.member.AgainSecond(w.Context(), token))
			if seen, _ := w.member.LookSecond(w.Context(), token); seen.Fresh {
				w.Error("it is shown as good")
			}
		}},
		{"a link of an account that was locked, or deleted", func(w *world) {
			in := w.signedIn("ada")
			token := w.second(in, w.email("b"))
			w.lock(in.Live.User.ID)
			w.refused(w.member.VerifySecond(w.Context(), token), user.BadToken, "", "")
			tom := w.signedIn("tom")
			token = w.second(tom, w.email("c"))
			w.ok(w.member.Delete(w.Context(), w.caller(tom), good))
			w.refused(w.member.VerifySecond(w.Context(), token), user.BadToken, "", "")
			if w.owner(w.email("c")) != "" {
				w.Error("the dead link proved an address")
			}
		}},
		{"a link of an archived account adds the address and opens nothing", func(w *world) {
			in := w.signedIn("ada")
			token := w.second(in, w.email("b"))
			w.ok(w.member.Archive(w.Context(), w.caller(in), good))
			w.ok(w.member.VerifySecond(w.Context(), token))
			if w.user(in.Live.User.ID).Status != user.Archived {
				w.Error("the link reopened the account")
			}
			if again, _ := w.in(w.email("b"), good); !again.Reopened {
				w.Error("it was not said to be open again")
			}
		}},
		{"a link of the service before usher is used once, and then says whose the address is", func(w *world) {
			in := w.signedIn("ada")
			token := w.original(django.SecondaryActivation, w.email("ada"), w.email("b"))
			seen, err := w.member.LookSecond(w.Context(), token)
			if err != nil || !seen.Fresh || seen.Address != w.email("b") {
				w.Errorf("%+v, %v", seen, err)
			}
			w.ok(w.member.VerifySecond(w.Context(), token))
			if w.me(in).Account.Second.Key != w.email("b") {
				w.Errorf("account %+v", w.me(in).Account)
			}
			w.refused(w.member.VerifySecond(w.Context(), token), user.InUse, "", "")
			if seen, _ := w.member.LookSecond(w.Context(), token); !seen.Done || seen.Address != w.email("b") {
				w.Errorf("%+v", seen)
			}
			for _, who := range []string{w.email("ghost"), w.email("b")} { // nobody; not a first address
				w.refused(w.member.VerifySecond(w.Context(), w.original(django.SecondaryActivation, who, w.email("c"))), user.BadToken, "", "")
			}
			// Removed, it does not come back by the old link.
			w.ok(w.member.RemoveSecond(w.Context(), w.caller(in), good))
			w.refused(w.member.VerifySecond(w.Context(), token), user.BadToken, "", "")
		}},
		{"swapping back and forth, and signing in with either", func(w *world) {
			in := w.signedIn("ada")
			w.ok(w.member.VerifySecond(w.Context(), w.second(in, w.email("b"))))
			for range 2 {
				w.ok(w.member.SwapEmails(w.Context(), w.caller(in), good))
			}
			st := w.me(in)
			if st.Account.First.Key != w.email("ada") || st.Account.Second.Key != w.email("b") {
				w.Errorf("account %+v", st.Account)
			}
			for _, name := range []string{"ada", "b"} {
				if by, _ := w.in(w.email(name), good); by.Account.PK != in.Account.PK {
					w.Errorf("%s signs in %+v", name, by.Account)
				}
			}
		}},
		{"verified, swapped and removed under one token, as one document sends it", func(w *world) {
			in := w.signedIn("ada")
			token := w.second(in, w.email("b"))
			w.ok(w.member.VerifySecond(w.Context(), token))
			w.ok(w.member.SwapEmails(w.Context(), w.caller(in), good))
			w.ok(w.member.RemoveSecond(w.Context(), w.caller(in), good))
			st := w.me(in)
			if st.Account.First.Key != w.email("b") || !st.Account.Second.None() || w.owner(w.email("ada")) != "" {
				w.Errorf("account %+v", st.Account)
			}
			w.keptOut(w.email("ada"), good)
			w.proven("next")
		}},
		{"a wrong password swaps and removes nothing", func(w *world) {
			in := w.signedIn("ada")
			w.ok(w.member.VerifySecond(w.Context(), w.second(in, w.email("b"))))
			w.mails()
			w.refused(w.member.SwapEmails(w.Context(), w.caller(in), other), user.BadCredential, "password", "")
			w.refused(w.member.RemoveSecond(w.Context(), w.caller(in), other), user.BadCredential, "password", "")
			st := w.me(in)
			if st.Account.First.Key != w.email("ada") || st.Account.Second.Key != w.email("b") || len(w.mails()) > 0 {
				w.Errorf("account %+v", st.Account)
			}
		}},
		{"removed, an address that another source has proven too is still its owner's", func(w *world) {
			in := w.signedIn("ada")
			w.ok(w.member.VerifySecond(w.Context(), w.second(in, w.email("b"))))
			w.provenAlso(in.Live.User.ID, w.email("b"))
			w.ok(w.member.RemoveSecond(w.Context(), w.caller(in), good))
			if w.owner(w.email("b")) != in.Live.User.ID {
				w.Error("it is nobody's")
			}
			if !w.me(in).Account.Second.None() {
				w.Errorf("account %+v", w.me(in).Account)
			}
		}},
		{"an address of an account on a partner's record comes and goes with a strand of its own", func(w *world) {
			rec := w.vouched("ada")
			in, _ := w.in(w.email("ada"), other)
			w.ok(w.member.SendSecond(w.Context(), w.caller(in), w.email("b"), other))
			w.ok(w.member.VerifySecond(w.Context(), w.token("activate-second")))
			w.ok(w.member.RemoveSecond(w.Context(), w.caller(in), other))
			if w.owner(w.email("b")) != "" {
				w.Error("it is not free")
			}
			w.synced(feed.Sync{Number: feed.Some(rec.Number), Facts: map[user.Attr]*string{user.GivenName: new("Ada")}})
			if again, _ := w.in(w.email("ada"), other); again.Account.PK != in.Account.PK {
				w.Error("the number is another")
			}
		}},
	}
}

// provenAlso is a user who proved an address to a provider as well.
func (w *world) provenAlso(u user.ID, email string) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		s := user.Strand{ID: tx.NewID(), User: u, Origin: u, Source: "google", Kind: user.Human, State: user.Live, Created: tx.Now()}
		if err := store.Insert(tx, s); err != nil {
			return err
		}
		return store.Put(tx, user.Claim{
			Strand: s.ID, User: u, Kind: user.Email, Address: email, Assurance: user.Proven, Display: email, Source: "google", Since: tx.Now(),
		})
	})
}
