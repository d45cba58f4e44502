package member_test

import (
	"strings"
	"sync"
	"time"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/enrol"
	"github.com/usher-id/usher/internal/member"
	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

// signedIn is somebody who signed up, used their link and signed in.
func (w *world) signedIn(name string) member.In {
	w.Helper()
	w.proven(name)
	in, _ := w.in(w.email(name), good)
	return in
}

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

// original makes a token that the service before usher mailed.
func (w *world) original(act django.Action, subject, second string) string {
	w.Helper()
	text, _, err := w.signer.Sign(django.Payload{Subject: subject, Action: act, SecondaryEmail: second}, w.clock.Now().Add(-time.Minute))
	w.ok(err)
	return text
}

// elsewhere is somebody who proved an address to a provider at another door.
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

// freeName says whether a username of this door is nobody's.
func (w *world) freeName(name string) (free bool) {
	w.Helper()
	w.view(func(r store.Reader) error {
		names, err := r.TakenNames(user.SpaceGQLAuthUN, []string{strings.ToLower(name)})
		free = len(names) == 0
		return err
	})
	return free
}

// passwords gives how many of somebody's count.
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

const many = 12

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

// done counts successes, and expects a refusal of everything else.
func (w *world) done(errs []error) (n int) {
	w.Helper()
	for _, err := range errs {
		switch {
		case err == nil:
			n++
		case !isRefusal(err):
			w.Errorf("a fault: %v", err)
		}
	}
	return n
}
