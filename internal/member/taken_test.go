package member_test

import (
	"errors"
	"fmt"

	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// taken is what becomes of a second address that others want too.
func taken() []scenario {
	return []scenario{
		{"an address that somebody owns elsewhere is not told of, and stays theirs", func(w *world) {
			in := w.signedIn("ada")
			owner := w.elsewhere("b", other)
			token := w.second(in, w.email("b")) // as to anybody
			w.refused(w.member.VerifySecond(w.Context(), token), user.InUse, "", "")
			if w.owner(w.email("b")) != owner || !w.me(in).Account.Second.None() {
				w.Error("it changed hands")
			}
			if _, err := w.atPartner(w.email("b"), other); err != nil {
				w.Error(err)
			}
		}},
		{"of the accounts that a link was mailed for, the first to use it has the address", func(w *world) {
			ada, tom := w.signedIn("ada"), w.signedIn("tom")
			first, second := w.second(ada, w.email("b")), w.second(tom, w.email("b"))
			w.ok(w.member.VerifySecond(w.Context(), second))
			w.refused(w.member.VerifySecond(w.Context(), first), user.InUse, "", "")
			if w.owner(w.email("b")) != tom.Live.User.ID || !w.me(ada).Account.Second.None() {
				w.Error("the wrong one has it")
			}
		}},
		{"a sign-up that only claims it loses it, with its password and its links", func(w *world) {
			in := w.signedIn("ada")
			token := w.second(in, w.email("b"))
			squatter := w.pending("b")
			w.ok(w.member.SendSecond(w.Context(), w.caller(in), w.email("b"), good)) // and blocks no asking
			w.ok(w.member.VerifySecond(w.Context(), token))
			w.refused(w.enrol.ActivateAnew(w.Context(), squatter, other, other), user.BadToken, "", "")
			all := w.accounts(w.email("b"))
			if len(all) != 1 || all[0].Account.PK != in.Account.PK {
				w.Errorf("accounts %+v", all)
			}
		}},
		{"a second address of one is no first address of another", func(w *world) {
			in := w.signedIn("ada")
			w.ok(w.member.VerifySecond(w.Context(), w.second(in, w.email("b"))))
			tom := w.signedIn("tom")
			for _, at := range []string{w.email("b"), w.email("ada")} {
				w.refused(w.member.SendSecond(w.Context(), w.caller(tom), at, good), user.InUse, "email", "secondary")
			}
		}},
		{"a removed address is the next one's who proves it", func(w *world) {
			in := w.signedIn("ada")
			w.ok(w.member.VerifySecond(w.Context(), w.second(in, w.email("b"))))
			w.ok(w.member.RemoveSecond(w.Context(), w.caller(in), good))
			tom := w.signedIn("tom")
			w.mails()
			w.ok(w.member.VerifySecond(w.Context(), w.second(tom, w.email("b"))))
			if w.owner(w.email("b")) != tom.Live.User.ID {
				w.Error("it is not theirs")
			}
		}},
	}
}

// racing is what happens at once.
func racing() []scenario {
	return []scenario{
		{"one link of a second address used many times at once", func(w *world) {
			in := w.signedIn("ada")
			token := w.second(in, w.email("b"))
			if n := w.done(atOnce(func(int) error { return w.member.VerifySecond(w.Context(), token) })); n != 1 {
				w.Errorf("%d succeeded", n)
			}
			if w.me(in).Account.Second.Key != w.email("b") {
				w.Errorf("account %+v", w.me(in).Account)
			}
		}},
		{"the links of two accounts for one address used at once", func(w *world) {
			tokens := []string{w.second(w.signedIn("ada"), w.email("b")), w.second(w.signedIn("tom"), w.email("b"))}
			if n := w.done(atOnce(func(i int) error { return w.member.VerifySecond(w.Context(), tokens[i%2]) })); n != 1 {
				w.Errorf("%d succeeded", n)
			}
			all := w.accounts(w.email("b"))
			if len(all) != 1 || w.owner(w.email("b")) != all[0].User.ID {
				w.Errorf("accounts %+v", all)
			}
		}},
		{"many changes of one password at once: one is made", func(w *world) {
			in := w.signedIn("ada")
			plain := func(i int) string { return fmt.Sprintf("%s%02d", other, i) }
			errs := atOnce(func(i int) error {
				_, err := w.member.ChangePassword(w.Context(), w.caller(in), change(good, plain(i)), w.noRefresh())
				return err
			})
			if n := w.done(errs); n != 1 {
				w.Fatalf("%d succeeded", n)
			}
			for i, err := range errs {
				if err == nil {
					w.in(w.email("ada"), plain(i))
				}
			}
			if n := w.passwords(in.Live.User.ID); n != 1 {
				w.Errorf("%d passwords", n)
			}
		}},
		{"swapped many times at once, no address is lost", func(w *world) {
			in := w.signedIn("ada")
			w.ok(w.member.VerifySecond(w.Context(), w.second(in, w.email("b"))))
			n := w.done(atOnce(func(int) error { return w.member.SwapEmails(w.Context(), w.caller(in), good) }))
			first, second := w.email("ada"), w.email("b")
			if n%2 == 1 {
				first, second = second, first
			}
			if a := w.me(in).Account; a.First.Key != first || a.Second.Key != second {
				w.Errorf("after %d swaps: %+v", n, a)
			}
		}},
		{"archived and deleted at once", func(w *world) {
			in := w.signedIn("ada")
			w.done(atOnce(func(i int) error {
				if i%2 == 0 {
					return w.member.Archive(w.Context(), w.caller(in), good)
				}
				return w.member.Delete(w.Context(), w.caller(in), good)
			}))
			if s := w.user(in.Live.User.ID).Status; s != user.Deleted {
				w.Errorf("the user is %s", s)
			}
		}},
	}
}

// live counts the sessions of somebody at a door that have not ended.
func (w *world) live(u user.ID, door user.Door) (n int) {
	w.Helper()
	w.view(func(r store.Reader) error {
		n = 0
		all, err := r.Sessions(u)
		for _, s := range all {
			if s.Door == door && s.Revoked.IsZero() {
				n++
			}
		}
		return err
	})
	return n
}

// ended says whether a session is over.
func (w *world) ended(c session.Live) bool {
	w.Helper()
	err := w.store.Update(w.Context(), store.Interactive, func(tx store.Tx) error {
		_, err := session.AgainHere(tx, c)
		return err
	})
	return errors.As(err, new(*user.Refusal))
}
