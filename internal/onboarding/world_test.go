package onboarding_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/group"
	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/otp"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/user"
)

func TestMain(m *testing.M) { testpg.Main(m) }

// scenario is one promise. All run on every store, one after another on the same
// database, each with people and places of its own.
type scenario struct {
	name string
	run  func(*world)
}

func TestOnboarding(t *testing.T) {
	all := slices.Concat(creating(), proving(), refusing(), coding(), naming(), placing(), looking(), blocking(), settling(), calling())
	storetest.EachAt(t, func(t *testing.T, s store.Store, c *clock) {
		if err := group.New(s).System(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, sc := range all {
			t.Run(sc.name, func(t *testing.T) { sc.run(newWorld(t, s, c, i)) })
		}
	})
}

type clock = storetest.Clock

type world struct {
	*testing.T
	n      int
	store  store.Store
	clock  *clock
	pol    *policy.Policy
	codes  *otp.Service
	people *onboarding.Service
}

func (w *world) Current() policy.Policy { return *w.pol }

func newWorld(t *testing.T, s store.Store, c *clock, n int) *world {
	pol := policy.Default()
	w := &world{T: t, n: n, store: s, clock: c, pol: &pol}
	// Development mode: the limits of networks and of all are otp's to test.
	w.codes = otp.New(otp.Options{Store: s, Policies: w, Secret: []byte(strings.Repeat("k", 32)), Dev: true, Now: c.Now})
	w.people = &onboarding.Service{Store: s, Policies: w, Codes: w.codes}
	return w
}

func (w *world) of(name string) string { return fmt.Sprintf("%s%d", name, w.n) }

// email and phone are this scenario's own addresses.
func (w *world) email(name string) string { return w.of(name) + "@example.org" }
func (w *world) phone(i int) string       { return fmt.Sprintf("+9198765%03d%02d", w.n, i) }

func (w *world) saidEmail(name string) *onboarding.Said {
	e, err := normal.ParseEmail(w.email(name))
	w.ok(err)
	return &onboarding.Said{Key: e.Key(), Display: e.String(), Attested: true}
}

func (w *world) saidPhone(i int) *onboarding.Said {
	return &onboarding.Said{Key: w.phone(i), Display: w.phone(i), Region: "IN", Attested: true}
}

func (w *world) username(name string) *normal.Username {
	w.Helper()
	n, err := normal.NewUsername(w.of(name))
	w.ok(err)
	return &n
}

// caller is who says that what a form has is verified.
const caller = "portal"

// attested is a form on a caller's word, of an e-mail.
func (w *world) attested(name string) onboarding.Form {
	return onboarding.Form{FirstName: "Amit", LastName: "Kumar", Email: w.saidEmail(name), Caller: caller}
}

// coded is a form with the code of a phone.
func (w *world) coded(i int, code string) onboarding.Form {
	return onboarding.Form{FirstName: "Amit", Phone: w.saidPhone(i), Code: code, CodeFor: user.Phone}
}

func (w *world) create(f onboarding.Form) string {
	w.Helper()
	made, err := w.people.Create(w.Context(), f)
	if err != nil {
		w.Fatalf("creating: %v", err)
	}
	return made.ID
}

// refuses expects that a form is refused with this and makes nobody.
func (w *world) refuses(f onboarding.Form, want *user.Refusal) {
	w.Helper()
	before := w.written()
	made, err := w.people.Create(w.Context(), f)
	w.refused(err, want)
	if made.ID != "" {
		w.Errorf("refused, and made %q", made.ID)
	}
	if after := w.written(); after.users != before.users {
		w.Errorf("refused, and wrote %+v upon %+v", after, before)
	}
}

// refused expects one refusal, with all that it says.
func (w *world) refused(err error, want *user.Refusal) {
	w.Helper()
	no, ok := errors.AsType[*user.Refusal](err)
	if !ok || no.Code != want.Code || no.Field != want.Field || !maps.Equal(no.Params, want.Params) {
		w.Fatalf("got %v %+v, want %+v", err, no, want)
	}
}

// amount is how much stands in the database.
type amount struct{ users, events int }

func (w *world) written() (a amount) {
	w.Helper()
	w.view(func(r store.Reader) error {
		us, err := r.Users("", 10_000)
		if err != nil {
			return err
		}
		es, err := r.Unsequenced(100_000)
		a = amount{len(us), len(es)}
		return err
	})
	return a
}

// events are the kinds of a user's, oldest first.
func (w *world) events(u user.ID) (kinds []event.Kind) {
	w.Helper()
	w.view(func(r store.Reader) error {
		kinds = nil
		es, err := r.EventsOf(u, 1000)
		for _, e := range es {
			kinds = append(kinds, event.Kind(e.Kind))
		}
		return err
	})
	return kinds
}

// code has one sent to a phone and gives its digits.
func (w *world) code(to otp.To) (digits string) {
	w.Helper()
	w.ok(w.codes.Send(w.Context(), otp.Request{To: to, Purpose: onboarding.Purpose, Network: netip.MustParsePrefix("198.51.100.7/32"), Site: "Example"}))
	carry := w.codes.Filling(func(_ context.Context, j store.Job) error {
		var m struct {
			To   string
			Data map[string]string
		}
		if err := json.Unmarshal(j.Payload, &m); err != nil {
			return err
		}
		if m.To == to.Display {
			digits = m.Data["code"]
		}
		return nil
	})
	for _, j := range w.jobs() {
		if j.Kind == job.KindSMS || j.Kind == job.KindMail {
			w.ok(carry(w.Context(), j))
		}
	}
	if len(digits) != otp.Digits {
		w.Fatalf("the code is %q", digits)
	}
	return digits
}

func (w *world) jobs() (due []store.Job) {
	w.Helper()
	w.view(func(r store.Reader) error {
		var err error
		due, err = r.Jobs(store.JobDue, 1000)
		return err
	})
	return due
}

func (w *world) toPhone(i int) otp.To {
	return otp.To{Kind: user.Phone, Key: w.phone(i), Display: w.phone(i), Region: "IN"}
}

// wrong is a code that another is not.
func wrong(code string) string {
	if code == "123456" {
		return "654321"
	}
	return "123456"
}

// proven creates somebody by a phone's code.
func (w *world) proven(i int) string {
	w.Helper()
	return w.create(w.coded(i, w.code(w.toPhone(i))))
}
