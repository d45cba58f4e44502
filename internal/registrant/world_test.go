package registrant_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/store/sqlstore"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/user"
)

func TestMain(m *testing.M) { testpg.Main(m) }

// clock is moved by hand, and only forward.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

const issuer = "https://id.example.org/realms/people"

// each runs a test on every store, driven by a clock of its own.
func each(t *testing.T, fn func(*world)) {
	for name, open := range map[string]func(*testing.T) (sqlstore.Options, bool){
		"sqlite":           func(t *testing.T) (sqlstore.Options, bool) { return sqlstore.Options{Data: t.TempDir()}, false },
		"sqlite run twice": func(t *testing.T) (sqlstore.Options, bool) { return sqlstore.Options{Data: t.TempDir()}, true },
		"postgres":         func(t *testing.T) (sqlstore.Options, bool) { return sqlstore.Options{URL: testpg.Start(t)}, false },
	} {
		t.Run(name, func(t *testing.T) {
			c := &clock{now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
			o, twice := open(t)
			o.Clock = c.Now
			db, err := sqlstore.Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			if err := db.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			var s store.Store = db
			if twice {
				s = storetest.Twice(db)
			}
			fn(newWorld(t, s, c))
		})
	}
}

// world is the people of one realm, and all that stands around them.
type world struct {
	*testing.T
	*clock
	store    store.Store
	rules    policy.Policy // in force
	realm    *realm
	desk     *desk
	people   *registrant.Service
	follower *registrant.Follower
}

func (w *world) Current() policy.Policy { return w.rules }

func newWorld(t *testing.T, s store.Store, c *clock) *world {
	w := &world{T: t, clock: c, store: s, rules: policy.Default(), realm: newRealm(c, issuer)}
	w.people = &registrant.Service{
		Store: s, Policies: w, Log: slog.New(slog.DiscardHandler), Now: c.Now, PublicURL: "https://portal.example.org", Site: "Portal",
		Realms: []registrant.Realm{{Name: "main", Source: "portal:main", Issuer: issuer, Verifier: w.realm}}, Direct: true,
	}
	w.desk = &desk{all: map[string]registrant.Standing{}}
	w.follower = w.follows("one")
	return w
}

func (w *world) follows(holder string) *registrant.Follower {
	return &registrant.Follower{Service: w.people, Realm: w.people.Realms[0], Desk: w.desk, Holder: holder}
}

// realm is a Verifier that knows the tokens it made.
type realm struct {
	clock  *clock
	issuer string

	mu      sync.Mutex
	tokens  map[string]registrant.Bearer
	live    map[string]registrant.Person // what is said of whom when asked
	out     map[string]bool              // tokens that count no more
	asked   map[string]int               // by token
	checked int
	fault   error // of asking
	keyless error // of checking
}

func newRealm(c *clock, issuer string) *realm {
	return &realm{
		clock: c, issuer: issuer, tokens: map[string]registrant.Bearer{}, live: map[string]registrant.Person{},
		out: map[string]bool{}, asked: map[string]int{},
	}
}

func busy() error {
	r := user.Refuse(user.Busy, "provider")
	r.RetryAfter = 10
	return r
}

// Bearer implements registrant.Verifier.
func (r *realm) Bearer(_ context.Context, text string) (registrant.Bearer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checked++
	b, ok := r.tokens[text]
	switch {
	case r.keyless != nil:
		return registrant.Bearer{}, r.keyless
	case !ok:
		return registrant.Bearer{}, &signin.Unproven{Why: "the signature is not the realm's"}
	case !r.clock.Now().Before(b.Expires):
		return registrant.Bearer{}, &signin.Unproven{Why: "expired"}
	}
	return b, nil
}

// Ask implements registrant.Verifier.
func (r *realm) Ask(_ context.Context, text, subject string) (registrant.Person, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked[text]++
	switch {
	case r.fault != nil:
		return registrant.Person{}, r.fault
	case r.out[text] || r.tokens[text].Subject != subject:
		return registrant.Person{}, &signin.Unproven{Why: "userinfo refuses it"}
	}
	return r.live[subject], nil
}

func (r *realm) questions() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, times := range r.asked {
		n += times
	}
	return n
}

// person is what the realm says of somebody with a verified address.
func person(name string, groups ...string) registrant.Person {
	address := name + "@example.org"
	return registrant.Person{
		Addresses: []admission.Address{{Kind: user.Email, Key: address, Display: address, Assurance: user.Attested}},
		Facts: map[user.Attr]*string{
			user.PreferredName: user.Text(name), user.GivenName: user.Text("G" + name), user.FamilyName: user.Text("F" + name),
			user.EmailAttr: user.Text(address), user.EmailVerified: user.Text("true"),
		},
		Groups: append([]string{}, groups...),
	}
}

// token is an access token made now, good for five minutes, of somebody's session.
func (r *realm) token(subject, sid string, roles ...string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock.Now()
	text := strings.Join([]string{r.issuer, subject, sid, now.Format(time.RFC3339Nano)}, "|")
	r.tokens[text] = registrant.Bearer{
		Identity: user.IdentityKey{Issuer: r.issuer, Subject: subject}, Subject: subject, Session: sid,
		Issued: now.Truncate(time.Second), Expires: now.Add(5 * time.Minute), Roles: roles,
	}
	return text
}

// token is one of a person whom the realm knows by this name, registered with it
// where nobody is yet.
func (w *world) token(subject, sid string, roles ...string) string {
	w.realm.mu.Lock()
	if _, known := w.realm.live[subject]; !known {
		w.realm.live[subject] = person(subject)
	}
	w.realm.mu.Unlock()
	return w.realm.token(subject, sid, roles...)
}

// desk is an admin desk with what it was asked to do.
type desk struct {
	mu      sync.Mutex
	all     map[string]registrant.Standing
	events  []registrant.Happened
	since   []time.Time
	looked  []string
	joined  []string
	enabled []string
	fault   error
}

// Standing implements registrant.Desk.
func (d *desk) Standing(_ context.Context, subject string) (registrant.Standing, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looked = append(d.looked, subject)
	if d.fault != nil {
		return registrant.Standing{}, d.fault
	}
	st, known := d.all[subject]
	st.Gone = !known
	return st, nil
}

// Changes implements registrant.Desk.
func (d *desk) Changes(_ context.Context, since time.Time) (out []registrant.Happened, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.since = append(d.since, since)
	for _, h := range d.events {
		if !h.At.Before(since) {
			out = append(out, h)
		}
	}
	return out, d.fault
}

// Join implements registrant.Desk.
func (d *desk) Join(_ context.Context, subject, path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fault != nil {
		return d.fault
	}
	d.joined = append(d.joined, subject+path)
	st := d.all[subject]
	st.Groups = append(slices.Clone(st.Groups), path)
	d.all[subject] = st
	return nil
}

// SetEnabled implements registrant.Desk.
func (d *desk) SetEnabled(_ context.Context, subject string, enabled bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fault != nil {
		return d.fault
	}
	st := d.all[subject]
	st.Enabled = enabled
	d.all[subject] = st
	d.enabled = append(d.enabled, subject+map[bool]string{true: " on", false: " off"}[enabled])
	return nil
}

func (w *world) enters(text string) registrant.Here {
	w.Helper()
	here, err := w.people.Enter(w.Context(), text)
	if err != nil {
		w.Fatal(err)
	}
	return here
}

// here is somebody who has just come.
func (w *world) here(subject string) registrant.Here {
	w.Helper()
	return w.enters(w.token(subject, "s-"+subject))
}

// refused expects a refusal, and gives it.
func (w *world) refused(err error, code user.Code, field string) *user.Refusal {
	w.Helper()
	r, ok := errors.AsType[*user.Refusal](err)
	if !ok || r.Code != code || r.Field != field {
		w.Fatalf("got %v, want a refusal %s of %q", err, code, field)
	}
	return r
}

func (w *world) kept(text string) {
	w.Helper()
	_, err := w.people.Enter(w.Context(), text)
	w.refused(err, user.BadToken, "token")
}

func (w *world) update(fn func(store.Tx) error) {
	w.Helper()
	if err := w.store.Update(w.Context(), store.Interactive, fn); err != nil {
		w.Fatal(err)
	}
}

// read gives what a look at the store gives.
func read[T any](w *world, fn func(store.Reader) (T, error)) (out T) {
	w.Helper()
	err := w.store.View(w.Context(), func(r store.Reader) (err error) {
		out, err = fn(r)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return out
}

func (w *world) users() int {
	w.Helper()
	return len(read(w, func(r store.Reader) ([]user.User, error) { return r.Users("", 100) }))
}

// events counts a user's events of a kind.
func (w *world) events(u user.ID, kind event.Kind) (n int) {
	w.Helper()
	for _, e := range read(w, func(r store.Reader) ([]store.Event, error) { return r.EventsOf(u, 1000) }) {
		if e.Kind == string(kind) {
			n++
		}
	}
	return n
}

// mails gives the mails that wait, by template; changes what realms are to be told.
func (w *world) mails(template string) (out []job.Mail) {
	w.Helper()
	for _, j := range w.jobs(job.KindMail) {
		var m job.Mail
		if err := json.Unmarshal(j.Payload, &m); err != nil {
			w.Fatal(err)
		}
		if m.Template == template {
			out = append(out, m)
		}
	}
	return out
}

func (w *world) changes() (out []job.RealmChange) {
	w.Helper()
	for _, j := range w.jobs(job.KindRealm) {
		var c job.RealmChange
		if err := json.Unmarshal(j.Payload, &c); err != nil {
			w.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

func (w *world) jobs(kind string) (out []store.Job) {
	w.Helper()
	for _, j := range read(w, func(r store.Reader) ([]store.Job, error) { return r.Jobs(store.JobDue, 1000) }) {
		if j.Kind == kind {
			out = append(out, j)
		}
	}
	return out
}

// settled has every due job of a realm carried out.
func (w *world) settled() {
	w.Helper()
	for _, j := range w.jobs(job.KindRealm) {
		if err := w.follower.Carry(w.Context(), j); err != nil {
			w.Fatal(err)
		}
		w.update(func(tx store.Tx) error {
			j.State = store.JobDone
			return store.Put(tx, j)
		})
	}
}

// elsewhere is somebody who owns an address and came through another door.
func (w *world) elsewhere(name string) user.User {
	w.Helper()
	var out admission.Outcome
	w.update(func(tx store.Tx) (err error) {
		address := name + "@example.org"
		out, err = admission.In(tx, w.rules).Arrive(admission.Arrival{
			Door: user.DoorEDI, Source: "edi", Identity: &user.IdentityKey{Issuer: "https://other.example.org", Subject: name},
			Addresses: []admission.Address{{Kind: user.Email, Key: address, Display: address, Assurance: user.Proven, Proven: tx.Now()}},
			Facts:     map[user.Attr]*string{user.Name: &name},
		})
		return err
	})
	return out.User
}

func (w *world) locked(u user.ID, by user.Source) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		return store.Put(tx, user.Lock{User: u, Source: by, Reason: "a reason", By: "somebody", At: tx.Now()})
	})
}

func (w *world) unlocked(u user.ID, by user.Source) {
	w.Helper()
	w.update(func(tx store.Tx) error { return store.Delete(tx, user.Lock{User: u, Source: by}) })
}

func text(s string) *string { return &s }

// noted is a log.
type noted struct{ text []byte }

func (n *noted) Write(p []byte) (int, error) {
	n.text = append(n.text, p...)
	return len(p), nil
}

func (n *noted) has(s string) bool { return strings.Contains(string(n.text), s) }

func (w *world) facts(h registrant.Here) []registrant.Fact {
	w.Helper()
	all, err := w.people.Facts(w.Context(), h)
	if err != nil {
		w.Fatal(err)
	}
	return all
}
