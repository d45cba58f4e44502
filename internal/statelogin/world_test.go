package statelogin_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/group"
	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/otp"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/statelogin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/user"
)

func TestMain(m *testing.M) { testpg.Main(m) }

// scenario is one promise. All run on every store, one after another on the same
// database, each with a state, people and phones of its own.
type scenario struct {
	name string
	run  func(*world)
}

func TestStateLogin(t *testing.T) {
	all := slices.Concat(beginning(), returning(), texting(), entering(), linking(), handing(), renewing(), clients())
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

const publicURL = "https://id.example.org"

type world struct {
	*testing.T
	n        int
	store    store.Store
	clock    *clock
	pol      *policy.Policy
	people   *onboarding.Service
	sessions *session.Service
	states   *statelogin.Service
	codes    *otp.Service
	channel  user.Group
	school   user.Group

	tokens map[string]statelogin.Claims // what a state's tokens say
	made   int
}

// Current implements the services' Policies.
func (w *world) Current() policy.Policy { return *w.pol }

// Verify implements statelogin.Tokens.
func (w *world) Verify(_ context.Context, text string) (statelogin.Claims, error) {
	c, ok := w.tokens[text]
	if !ok {
		return c, user.Refuse(user.BadToken, "token", "why", "signature")
	}
	return c, nil
}

func newWorld(t *testing.T, s store.Store, c *clock, n int) *world {
	pol := policy.Default()
	w := &world{T: t, n: n, store: s, clock: c, pol: &pol, tokens: map[string]statelogin.Claims{}}
	// Development mode: the limits of networks and of all are otp's to test.
	w.codes = otp.New(otp.Options{Store: s, Policies: w, Secret: []byte(strings.Repeat("k", 32)), Dev: true, Now: c.Now})
	w.people = &onboarding.Service{Store: s, Policies: w, Codes: w.codes}
	w.sessions = session.New(s, nil, session.EDI{}, c.Now)
	w.states = &statelogin.Service{
		Store: s, Policies: w, Tokens: w, Codes: w.codes, People: w.people, Sessions: w.sessions,
		PublicURL: publicURL, Site: "id.example.org", Now: c.Now,
	}
	w.channel = w.group(user.Group{Kind: user.GroupChannel, Name: w.of("gj")})
	w.school = w.group(user.Group{Kind: user.GroupOrganisation, Name: w.of("school"), Parent: w.channel.ID, ExternalID: "321456"})
	return w
}

func (w *world) of(name string) string { return fmt.Sprintf("%s%d", name, w.n) }

// phone is one of this scenario's own.
func (w *world) phone(i int) string { return fmt.Sprintf("+9198765%03d%02d", w.n, i) }

// token is one that a state's portal made for somebody.
func (w *world) token(subject string, change ...func(*statelogin.Claims)) string {
	w.made++
	text := fmt.Sprintf("token %d of %d", w.made, w.n)
	c := statelogin.Claims{
		Issuer: "iss", Subject: subject, Channel: w.channel.Name, School: "321456", Name: "Ramesh Kumar",
		Once: sha256.Sum256([]byte(text)), Until: w.clock.Now().Add(time.Hour),
	}
	for _, fn := range change {
		fn(&c)
	}
	w.tokens[text] = c
	return text
}

var by = statelogin.Asking{Network: netip.MustParsePrefix("198.51.100.7/32"), Lang: "en"}

func (w *world) begin(token string) statelogin.Begun {
	w.Helper()
	begun, err := w.states.Begin(w.Context(), token, by)
	if err != nil {
		w.Fatalf("beginning: %v", err)
	}
	return begun
}

// visits begins a visit for somebody new and gives its cookie.
func (w *world) visits(subject string, change ...func(*statelogin.Claims)) string {
	w.Helper()
	begun := w.begin(w.token(subject, change...))
	if begun.Cookie == "" || begun.Next != statelogin.PathContact {
		w.Fatalf("begun %+v", begun)
	}
	return begun.Cookie
}

func (w *world) look(cookie string) statelogin.Visit {
	w.Helper()
	v, err := w.states.Look(w.Context(), cookie)
	w.ok(err)
	return v
}

// sent gives the code that was last texted to a phone.
func (w *world) sent(phone string) (digits string) {
	w.Helper()
	carry := w.codes.Filling(func(_ context.Context, j store.Job) error {
		var m job.SMS
		if err := json.Unmarshal(j.Payload, &m); err != nil {
			return err
		}
		if m.To == phone {
			digits = m.Data["code"]
		}
		return nil
	})
	var due []store.Job
	w.view(func(r store.Reader) error {
		var err error
		due, err = r.Jobs(store.JobDue, 1000)
		return err
	})
	for _, j := range due {
		if j.Kind == job.KindSMS {
			w.ok(carry(w.Context(), j))
		}
	}
	return digits
}

// texts counts the messages that wait for a phone.
func (w *world) texts(phone string) (n int) {
	w.Helper()
	w.view(func(r store.Reader) error {
		n = 0
		due, err := r.Jobs(store.JobDue, 1000)
		for _, j := range due {
			if j.Kind == job.KindSMS && strings.Contains(string(j.Payload), phone) {
				n++
			}
		}
		return err
	})
	return n
}

// code types a phone into a visit and gives the code that comes.
func (w *world) code(cookie, phone string) string {
	w.Helper()
	w.ok(w.states.Text(w.Context(), cookie, phone, by))
	digits := w.sent(phone)
	if len(digits) != otp.Digits {
		w.Fatalf("the code is %q", digits)
	}
	return digits
}

// wrong is a code that another is not.
func wrong(code string) string {
	if code == "123456" {
		return "654321"
	}
	return "123456"
}

// enters confirms a phone in a visit and gives where that leads.
func (w *world) enters(cookie, phone string) string {
	w.Helper()
	next, err := w.states.Enter(w.Context(), cookie, w.code(cookie, phone))
	w.ok(err)
	return next
}

// handle takes the handle out of a success address.
func (w *world) handle(next string) string {
	w.Helper()
	h, ok := strings.CutPrefix(next, statelogin.PathSuccess+"?id=")
	if !ok || h == "" {
		w.Fatalf("led to %q, want a success", next)
	}
	return h
}

// comes is a whole sign-in of somebody new, who gets a session.
func (w *world) comes(subject, phone string, change ...func(*statelogin.Claims)) session.Live {
	w.Helper()
	return w.follows(w.enters(w.visits(subject, change...), phone))
}

func (w *world) follows(next string) session.Live {
	w.Helper()
	in, err := w.states.Follow(w.Context(), w.handle(next))
	w.ok(err)
	live, err := w.sessions.Browser(w.Context(), in.Token)
	w.ok(err)
	return live
}
