package enrol_test

import (
	"fmt"
	"sync"

	"github.com/usher-id/usher/internal/enrol"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

const many = 20

// atOnce runs do many times together and gives what each came to.
func atOnce(do func(i int) error) []error {
	var group sync.WaitGroup
	errs := make([]error, many)
	for i := range errs {
		group.Go(func() { errs[i] = do(i) })
	}
	group.Wait()
	return errs
}

// oneOf expects one success, and of all the others the same refusal.
func (w *world) oneOf(errs []error, code user.Code, field, why string) {
	w.Helper()
	done := 0
	for _, err := range errs {
		if err == nil {
			done++
			continue
		}
		w.refused(err, code, field, why)
	}
	if done != 1 {
		w.Fatalf("%d of %d succeeded", done, len(errs))
	}
}

func racing() []scenario {
	return []scenario{
		{"many sign-ups with one address at once: each its own, and so many mails as one address gets", func(w *world) {
			for _, err := range atOnce(func(i int) error {
				return w.enrol.Register(w.Context(), w.form(w.email("ada"), fmt.Sprintf("r%dx", i)))
			}) {
				w.ok(err)
			}
			for i := range many {
				if w.free(w.of(fmt.Sprintf("r%dx", i))) {
					w.Errorf("sign-up %d is not there", i)
				}
			}
			mails := w.mails()
			links := map[string]bool{}
			for _, m := range mails {
				links[m.Data["link"]] = true
			}
			if most := w.pol.Limits.AddressMails; len(mails) != most || len(links) != most {
				w.Errorf("%d mails with %d links, want %d", len(mails), len(links), most)
			}
			if w.owner(w.email("ada")) != "" {
				w.Error("nobody has proven the address")
			}
		}},
		{"many sign-ups with one address at once where policy keeps to the original: one", func(w *world) {
			w.pol.GQLAuth.CompatEnumeration = true
			w.oneOf(atOnce(func(i int) error {
				return w.enrol.Register(w.Context(), w.form(w.email("ada"), fmt.Sprintf("c%dx", i)))
			}), user.InUse, "email", "")
			if n := len(w.accounts(w.email("ada"))); n != 1 {
				w.Errorf("%d sign-ups", n)
			}
		}},
		{"one activation link used many times at once", func(w *world) {
			token := w.pending("ada")
			w.oneOf(atOnce(func(int) error {
				_, err := w.enrol.Activate(w.Context(), token)
				return err
			}), user.Conflict, "", "already_verified")
			w.in(w.email("ada"), good)
		}},
		{"the links of two sign-ups used at once: one of them has the address", func(w *world) {
			tokens := []string{w.pending("ada")}
			w.ok(w.enrol.Register(w.Context(), w.form(w.email("ada"), "eve")))
			tokens = append(tokens, w.token("activate"))
			done := 0
			for _, err := range atOnce(func(i int) error {
				_, err := w.enrol.Activate(w.Context(), tokens[i%2])
				return err
			}) {
				if err == nil {
					done++
				} else if !isRefusal(err) {
					w.Errorf("a fault: %v", err)
				}
			}
			all := w.accounts(w.email("ada"))
			if done != 1 || len(all) != 1 || w.owner(w.email("ada")) != all[0].User.ID {
				w.Errorf("%d succeeded, accounts %+v", done, all)
			}
		}},
		{"one reset link used many times at once: one password, one change", func(w *world) {
			w.proven("ada")
			token := w.reset(w.email("ada"))
			epoch := w.user(w.owner(w.email("ada"))).Epoch
			plain := func(i int) string { return fmt.Sprintf("%s%02d", other, i) }
			won := -1
			errs := atOnce(func(i int) error { return w.renew(token, plain(i)) })
			w.oneOf(errs, user.BadToken, "", "")
			for i, err := range errs {
				if err == nil {
					won = i
				}
			}
			w.in(w.email("ada"), plain(won))
			w.keptOut(w.email("ada"), plain((won+1)%many))
			if u := w.user(w.owner(w.email("ada"))); u.Epoch != epoch+1 {
				w.Errorf("the epoch moved from %d to %d", epoch, u.Epoch)
			}
		}},
		{"many resets asked for at once send so many mails as one address gets", func(w *world) {
			w.proven("ada") // one mail
			for _, err := range atOnce(func(int) error { return w.enrol.SendReset(w.Context(), enrol.Asked{Email: w.email("ada")}) }) {
				w.ok(err)
			}
			if n := len(w.mails()); n != w.pol.Limits.AddressMails-1 {
				w.Errorf("%d mails", n)
			}
		}},
	}
}

func isRefusal(err error) bool { return len(said(err)) == 1 && said(err)[0] != err.Error() }

// passwords gives how many somebody has that count.
func (w *world) passwords(u user.ID) (n int) {
	w.Helper()
	w.view(func(r store.Reader) error {
		n = 0
		ps, err := r.Passwords(u)
		for _, p := range ps {
			if !p.SetAside {
				n++
			}
		}
		return err
	})
	return n
}
