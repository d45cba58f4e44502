package feed_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/user"
)

func TestMain(m *testing.M) { testpg.Main(m) }

// scenario is one promise of the feed. All run on every store, one after
// another on the same database, each with people of its own.
type scenario struct {
	name string
	run  func(*world)
}

func TestFeed(t *testing.T) {
	all := slices.Concat(matching(), syncing(), emails(), passwords(), lifecycle(), identities(), dryRuns(), batches(), repeats(), power())
	storetest.Each(t, func(t *testing.T, s store.Store) {
		for i, sc := range all {
			t.Run(sc.name, func(t *testing.T) { sc.run(newWorld(t, s, i)) })
		}
	})
}

// system is the trusted partner of the contract, hr another source.
var (
	system = feed.Caller{Source: "partner:__system", By: "__system"}
	hr     = feed.Caller{Source: "partner:hr", By: "hr"}
)

// good passes the partner door's rules.
const good = "C3rs3i#L4nnist3r"

// world is a store with a feed and, beside it, the doors people come through.
type world struct {
	*testing.T
	n        int
	store    store.Store
	pol      *policy.Policy
	hasher   *password.Hasher
	feed     *feed.Service
	sessions *session.Service
	signin   *signin.Service
}

func (w *world) Current() policy.Policy { return *w.pol }

func newWorld(t *testing.T, s store.Store, n int) *world {
	h, err := password.NewHasher(password.Params{Memory: 64, Time: 1, Threads: 1}, 4)
	if err != nil {
		t.Fatal(err)
	}
	p := policy.Default()
	w := &world{T: t, n: n, store: s, pol: &p, hasher: h}
	w.feed = feed.New(s, w, h, 2)
	w.sessions = session.New(s, nil, session.EDI{}, time.Now)
	w.signin = signin.New(signin.Options{
		Store: s, Policies: w, Passwords: h, Sessions: w.sessions, Secret: []byte("secret"), Now: time.Now,
	})
	w.update(func(tx store.Tx) error {
		err := store.Insert(tx, user.Client{ID: "1", ClientID: "app", Created: tx.Now()})
		if errors.Is(err, store.ErrExists) {
			return nil
		}
		return err
	})
	return w
}

// of makes a name that is this scenario's own; email an address.
func (w *world) of(name string) string    { return fmt.Sprintf("%s%d", name, w.n) }
func (w *world) email(name string) string { return w.of(name) + "@example.org" }

func (w *world) update(fn func(store.Tx) error) {
	w.Helper()
	if err := w.store.Update(context.Background(), store.Interactive, fn); err != nil {
		w.Fatal(err)
	}
}

func (w *world) view(fn func(store.Reader) error) {
	w.Helper()
	if err := w.store.View(context.Background(), fn); err != nil {
		w.Fatal(err)
	}
}

func (w *world) sync(in feed.Sync) feed.Result {
	w.Helper()
	return w.syncAs(system, in)
}

func (w *world) syncAs(c feed.Caller, in feed.Sync) feed.Result {
	w.Helper()
	res, err := w.feed.Sync(w.Context(), c, in, feed.Write)
	if err != nil {
		w.Fatal(err)
	}
	return res
}

// refused syncs what must be refused, and proves that it left no trace but a
// decision.
func (w *world) refused(c feed.Caller, in feed.Sync, code user.Code, field string) {
	w.Helper()
	before := w.dump(false)
	_, err := w.feed.Sync(w.Context(), c, in, feed.Write)
	w.isRefusal(err, code, field)
	w.same(before, w.dump(false))
}

func (w *world) isRefusal(err error, code user.Code, field string) {
	w.Helper()
	r, ok := errors.AsType[*user.Refusal](err)
	if !ok || r.Code != code || r.Field != field {
		w.Fatalf("got %v, want a refusal %s (%s)", err, code, field)
	}
}

func (w *world) read(c feed.Caller, number string) store.Record {
	w.Helper()
	rec, err := w.feed.Read(w.Context(), c.Source, number)
	if err != nil {
		w.Fatal(err)
	}
	return rec
}

func (w *world) userOf(id user.ID) (u user.User) {
	w.Helper()
	w.view(func(r store.Reader) error {
		var err error
		u, err = r.User(id)
		return err
	})
	return u
}

// arrive is a person with a proven address, at another door.
func (w *world) arrive(email string) admission.Outcome {
	w.Helper()
	out, err := admission.New(w.store, w).Arrive(w.Context(), admission.Arrival{
		Door: user.DoorGQLAuth, Source: "gqlauth",
		Addresses: []admission.Address{{Kind: user.Email, Key: email, Display: email, Assurance: user.Proven}},
	})
	if err != nil || out.Decision.Refusal != "" {
		w.Fatalf("arriving: %v %v", err, out.Decision)
	}
	return out
}

// erase is the person's own delete.
func (w *world) erase(id user.ID) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		u, err := tx.User(id)
		if err != nil {
			return err
		}
		return ledger.Open(tx, *w.pol, string(id)).Erase(u, user.ClosedByPerson)
	})
}

func (w *world) signIn(login, plain string) (signin.SignedIn, error) {
	return w.signin.Password(w.Context(), signin.Attempt{Door: user.DoorPartner, ClientID: "app", Login: login, Password: plain})
}

func (w *world) mustSignIn(login, plain string) signin.SignedIn {
	w.Helper()
	in, err := w.signIn(login, plain)
	if err != nil {
		w.Fatal(err)
	}
	return in
}

func (w *world) alive(access string) bool {
	w.Helper()
	_, err := w.sessions.Access(w.Context(), access)
	if err == nil {
		return true
	}
	w.isRefusal(err, user.BadToken, "accessToken")
	return false
}

// endings are the reasons for which a user's sessions were ended.
func (w *world) endings(u user.ID) (whys []session.Why) {
	w.Helper()
	w.view(func(r store.Reader) error {
		whys = nil
		events, err := r.EventsOf(u, 100)
		for _, e := range events {
			var body struct{ Why session.Why }
			if event.Kind(e.Kind) == event.SessionEnded && json.Unmarshal(e.Body, &body) == nil {
				whys = append(whys, body.Why)
			}
		}
		return err
	})
	return whys
}

// dump is all that a feed could have written, with or without events.
func (w *world) dump(events bool) string {
	w.Helper()
	var all []any
	add := func(v any, err error) error {
		all = append(all, v)
		return err
	}
	w.view(func(r store.Reader) error {
		us, err := r.Users("", 100_000)
		if err != nil {
			return err
		}
		gs, err := r.AllGroups()
		if err := add(gs, err); err != nil {
			return err
		}
		for _, u := range us {
			all = append(all, u)
			for _, err := range []error{
				add(r.Strands(u.ID)), add(r.Identities(u.ID)), add(r.Handles(u.ID)), add(r.ClaimsOf(u.ID)), add(r.Owned(u.ID)),
				add(r.Passwords(u.ID)), add(r.Locks(u.ID)), add(r.Memberships(u.ID)), add(r.Sessions(u.ID)), add(r.Entries(u.ID)),
			} {
				if err != nil {
					return err
				}
			}
		}
		if events {
			if err := add(r.Unsequenced(100_000)); err != nil {
				return err
			}
		}
		return add(r.Jobs(store.JobDue, 100_000))
	})
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		w.Fatal(err)
	}
	return string(text)
}

func (w *world) same(before, after string) {
	w.Helper()
	if before == after {
		return
	}
	for i := range min(len(before), len(after)) {
		if before[i] != after[i] {
			w.Fatalf("something was written, near\n%s", after[max(0, i-300):min(len(after), i+100)])
		}
	}
	w.Fatalf("something was written: %d bytes, then %d", len(before), len(after))
}

func some(v string) feed.Opt[string] { return feed.Some(v) }

func facts(pairs ...string) map[user.Attr]*string {
	out := map[user.Attr]*string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[user.Attr(pairs[i])] = &pairs[i+1]
	}
	return out
}

// orcid is a valid ORCID iD of a name's own.
func orcid(name string) []user.IdentityKey {
	h := fnv.New64a()
	io.WriteString(h, name)
	digits := fmt.Sprintf("%015d", h.Sum64()%1e15)
	sum := 0
	for _, c := range digits {
		sum = (sum + int(c-'0')) * 2
	}
	id := digits + string("0123456789X"[(12-sum%11)%11])
	return []user.IdentityKey{{Issuer: "https://orcid.org", Subject: id[:4] + "-" + id[4:8] + "-" + id[8:12] + "-" + id[12:]}}
}
