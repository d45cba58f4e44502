package member_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/account"
	"github.com/usher-id/usher/internal/enrol"
	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/mailed"
	"github.com/usher-id/usher/internal/member"
	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/token/django"
	"github.com/usher-id/usher/internal/user"
)

func TestMain(m *testing.M) { testpg.Main(m) }

// scenario is one promise. All run on every store, one after another on the same
// database, each with people of its own.
type scenario struct {
	name string
	run  func(*world)
}

func TestMember(t *testing.T) {
	all := slices.Concat(members(), seconds(), taken(), leaving(), racing())
	storetest.EachAt(t, func(t *testing.T, s store.Store, c *clock) {
		for i, sc := range all {
			t.Run(sc.name, func(t *testing.T) { sc.run(newWorld(t, s, c, i)) })
		}
	})
}

type clock = storetest.Clock

const (
	good  = "C3rs3i#L4nnist3r"
	other = "V4l4r#M0rghulis"
	key   = "a-django-secret-key-of-some-length"
)

// hasher counts what is hashed.
type hasher struct {
	*password.Hasher
	hashed atomic.Int64
}

func (h *hasher) Hash(ctx context.Context, plain password.Plain) (password.Hash, error) {
	h.hashed.Add(1)
	return h.Hasher.Hash(ctx, plain)
}

type world struct {
	*testing.T
	n        int
	store    store.Store
	clock    *clock
	pol      *policy.Policy
	hasher   *hasher
	signer   *django.Signer
	logins   *django.Logins
	sessions *session.Service
	signin   *signin.Service
	enrol    *enrol.Service
	member   *member.Service
	feed     *feed.Service
}

func (w *world) Current() policy.Policy { return *w.pol }

func newWorld(t *testing.T, s store.Store, c *clock, n int) *world {
	c.Advance(time.Hour) // mails to an address are counted by the hour
	made, err := password.NewHasher(password.Params{Memory: 64, Time: 1, Threads: 1}, 256)
	if err != nil {
		t.Fatal(err)
	}
	pol := policy.Default()
	pol.Limits.AccountFailures = 50
	w := &world{T: t, n: n, store: s, clock: c, pol: &pol, hasher: &hasher{Hasher: made}}
	if w.signer, err = django.NewSigner([]byte(key), django.Email); err != nil {
		t.Fatal(err)
	}
	if w.logins, err = django.NewLogins([]byte(key), django.Email, c.Now); err != nil {
		t.Fatal(err)
	}
	post, err := mailed.New(w.signer, "https://id.example.org")
	if err != nil {
		t.Fatal(err)
	}
	w.sessions = session.New(s, nil, session.EDI{}, c.Now).WithLogins(w.logins)
	w.signin = signin.New(signin.Options{Store: s, Policies: w, Passwords: w.hasher, Sessions: w.sessions, Secret: []byte("secret"), Now: c.Now})
	w.enrol = enrol.New(enrol.Options{Store: s, Policies: w, Passwords: w.hasher, Post: post, Pace: w.signin, Now: c.Now})
	w.member = member.New(member.Options{
		Store: s, Policies: w, Passwords: w.hasher, SignIn: w.signin, Editor: account.New(s, w), Post: post, Now: c.Now,
	})
	w.feed = feed.New(s, w, made, 1)
	w.mails() // of scenarios before
	w.update(func(tx store.Tx) error {
		err := store.Insert(tx, user.Client{ID: "1", ClientID: "public"})
		if errors.Is(err, store.ErrExists) {
			return nil
		}
		return err
	})
	return w
}

func (w *world) of(name string) string    { return fmt.Sprintf("%s-%d", name, w.n) }
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

// form is a sign-up that nothing is wrong with.
func (w *world) form(email, name string) enrol.SignUp {
	return enrol.SignUp{Email: email, Username: w.of(name), Password1: good, Password2: good}
}

// pending signs somebody up and gives the token of their link.
func (w *world) pending(name string) string {
	w.Helper()
	w.ok(w.enrol.Register(w.Context(), w.form(w.email(name), name)))
	return w.token("activate")
}

// proven signs somebody up who uses their link.
func (w *world) proven(name string) {
	w.Helper()
	_, err := w.enrol.Activate(w.Context(), w.pending(name))
	w.ok(err)
}

// mails gives what waits to be sent, oldest first, and takes it out.
func (w *world) mails() (out []job.Mail) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		out = nil
		due, err := tx.Jobs(store.JobDue, 1000)
		slices.SortFunc(due, func(a, b store.Job) int { return strings.Compare(string(a.ID), string(b.ID)) })
		for _, j := range due {
			var m job.Mail
			if err := json.Unmarshal(j.Payload, &m); err != nil {
				return err
			}
			out = append(out, m)
			if err := store.Delete(tx, j); err != nil {
				return err
			}
		}
		return err
	})
	return out
}

// mail gives the only mail that waits.
func (w *world) mail(template string) job.Mail {
	w.Helper()
	all := w.mails()
	if len(all) != 1 || all[0].Template != template {
		w.Fatalf("mails %+v, want one %s", all, template)
	}
	return all[0]
}

// token gives that of the last link that was mailed.
func (w *world) token(template string) string {
	w.Helper()
	all := w.mails()
	for _, m := range slices.Backward(all) {
		if m.Template == template {
			return m.Data["link"][strings.LastIndex(m.Data["link"], "/")+1:]
		}
	}
	w.Fatalf("no mail %s among %+v", template, all)
	return ""
}

// in signs in at the GraphQL door, with a refresh token.
func (w *world) in(login, plain string) (member.In, session.Refresh) {
	w.Helper()
	in, refresh, err := w.try(login, plain)
	if err != nil {
		w.Fatalf("signing in as %s: %v", login, err)
	}
	return in, refresh
}

func (w *world) try(login, plain string) (member.In, session.Refresh, error) {
	w.Helper()
	refresh, err := w.sessions.NewRefresh()
	w.ok(err)
	in, err := w.member.Enter(w.Context(), signin.Attempt{Login: login, Password: plain, Network: w.network()}, refresh)
	return in, refresh, err
}

func (w *world) network() netip.Prefix {
	return netip.MustParsePrefix(fmt.Sprintf("10.1.%d.0/24", w.n))
}

func (w *world) keptOut(login, plain string) {
	w.Helper()
	_, _, err := w.try(login, plain)
	w.refused(err, user.BadCredential, "", "")
}

func (w *world) caller(in member.In) member.Caller {
	return member.Caller{Live: in.Live, Network: w.network()}
}

// renews says whether a refresh token still gives login tokens.
func (w *world) renews(r session.Refresh) (ok bool) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		_, no, err := w.sessions.RenewLogin(tx, r.Text, session.Refresh{}, false)
		ok = no == nil
		return err
	})
	return ok
}

// jwt makes a session's login token.
func (w *world) jwt(in member.In) string {
	w.Helper()
	text, _, err := w.sessions.SignLogin(in.Session, session.Mailbox(in.AccountState).Display)
	w.ok(err)
	return text
}

func (w *world) opens(jwt string) bool {
	_, err := w.sessions.Login(w.Context(), jwt)
	return err == nil
}

// atPartner signs in at the partner door.
func (w *world) atPartner(login, plain string) (signin.SignedIn, error) {
	return w.signin.Password(w.Context(), signin.Attempt{
		Door: user.DoorPartner, ClientID: "public", Login: login, Password: plain, Network: w.network(),
	})
}

func (w *world) synced(in feed.Sync) store.Record {
	w.Helper()
	res, err := w.feed.Sync(w.Context(), feed.Caller{Source: "partner:__system", By: "__system"}, in, feed.Write)
	w.ok(err)
	return res.Record
}

// vouched is somebody whom a trusted partner brought, with a password of theirs.
func (w *world) vouched(name string) store.Record {
	w.Helper()
	return w.synced(feed.Sync{
		Email: feed.Some(w.email(name)), Verified: feed.Some(true), Username: feed.Some(w.of(name)), Password: feed.Some(other),
	})
}

func (w *world) accounts(email string) (out []store.AccountState) {
	w.Helper()
	w.view(func(r store.Reader) error {
		var err error
		out, err = r.AccountsAt(strings.ToLower(email))
		return err
	})
	return out
}

func (w *world) owner(email string) (u user.ID) {
	w.Helper()
	w.view(func(r store.Reader) error {
		o, err := r.Owner(user.Email, strings.ToLower(email))
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		u = o.User
		return err
	})
	return u
}

func (w *world) user(id user.ID) (u user.User) {
	w.Helper()
	w.view(func(r store.Reader) error {
		var err error
		u, err = r.User(id)
		return err
	})
	return u
}

func (w *world) lock(u user.ID) {
	w.Helper()
	w.update(func(tx store.Tx) error { return store.Put(tx, user.Lock{User: u, Source: "operator", At: tx.Now()}) })
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}
