package signin_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/feed"
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

// scenario is one promise. All run on every store, one after another on the
// same database, each with people and a network of its own.
type scenario struct {
	name string
	run  func(*world)
}

func TestSignIn(t *testing.T) {
	all := slices.Concat(ways(), refusals(), limits(), recorded(), between(), refreshing(), proving())
	storetest.EachAt(t, func(t *testing.T, s store.Store, c *clock) {
		for i, sc := range all {
			t.Run(sc.name, func(t *testing.T) { sc.run(newWorld(t, s, c, i)) })
		}
	})
}

type clock = storetest.Clock

const (
	good = "C3rs3i#L4nnist3r"
	bad  = "V4l4r#M0rghulis"
)

// hasher counts apart what was compared with somebody's password, and lets a
// test do something right after a comparison.
type hasher struct {
	*password.Hasher
	compared atomic.Int64
	after    func()
	dear     bool
	fails    error
}

func (h *hasher) Verify(ctx context.Context, plain password.Plain, hash password.Hash) (password.Verdict, error) {
	if h.fails != nil {
		return password.Verdict{}, h.fails
	}
	h.compared.Add(1)
	v, err := h.Hasher.Verify(ctx, plain, hash)
	v.Dear = h.dear
	if h.after != nil {
		h.after()
	}
	return v, err
}

func (h *hasher) VerifyNone(ctx context.Context, plain password.Plain) error {
	if h.fails != nil {
		return h.fails
	}
	return h.Hasher.VerifyNone(ctx, plain)
}

type world struct {
	*testing.T
	n        int
	store    store.Store
	clock    *clock
	pol      *policy.Policy
	hasher   *hasher
	sessions *session.Service
	signin   *signin.Service
	feed     *feed.Service
	prover   *prover
	network  netip.Prefix
}

func (w *world) Current() policy.Policy { return *w.pol }

func newWorld(t *testing.T, s store.Store, c *clock, n int) *world {
	made, err := password.NewHasher(password.Params{Memory: 64, Time: 1, Threads: 1}, 256)
	if err != nil {
		t.Fatal(err)
	}
	pol := policy.Default()
	w := &world{
		T: t, n: n, store: s, clock: c, pol: &pol, hasher: &hasher{Hasher: made},
		prover:  &prover{says: map[string]signin.Proof{}},
		network: netip.MustParsePrefix(fmt.Sprintf("10.0.%d.0/24", n)),
	}
	w.sessions = session.New(s, nil, session.EDI{}, c.Now)
	w.signin = signin.New(signin.Options{
		Store: s, Policies: w, Passwords: w.hasher, Sessions: w.sessions,
		Provers: map[string]signin.Prover{"google": w.prover}, Secret: []byte("secret"), Now: c.Now,
	})
	w.feed = feed.New(s, w, made, 1)
	secret := sha256.Sum256([]byte("s3cret"))
	for _, cl := range []user.Client{
		{ID: "1", ClientID: "public"},
		{ID: "2", ClientID: "confidential", SecretHash: secret[:]},
		{ID: "3", ClientID: "trusted", SecretHash: secret[:], DistinctErrors: true},
	} {
		w.update(func(tx store.Tx) error {
			err := store.Insert(tx, cl)
			if errors.Is(err, store.ErrExists) {
				return nil
			}
			return err
		})
	}
	return w
}

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

// partnerUser is somebody whom a partner brought, with a password.
func (w *world) partnerUser(name string) store.Record {
	w.Helper()
	return w.synced(feed.Sync{Email: feed.Some(w.email(name)), Username: feed.Some(w.of(name)), Password: feed.Some(good)})
}

func (w *world) synced(in feed.Sync) store.Record {
	w.Helper()
	res, err := w.feed.Sync(w.Context(), feed.Caller{Source: "partner:__system", By: "__system"}, in, feed.Write)
	if err != nil {
		w.Fatal(err)
	}
	return res.Record
}

// arrived is somebody who proved an address at another door and chose a
// password there.
func (w *world) arrived(email, plain string) user.User {
	w.Helper()
	h, err := w.hasher.Hash(w.Context(), password.Plain(plain))
	if err != nil {
		w.Fatal(err)
	}
	out, err := admission.New(w.store, w).Arrive(w.Context(), admission.Arrival{
		Door: user.DoorGQLAuth, Source: "gqlauth", Password: h.String(),
		Addresses: []admission.Address{{Kind: user.Email, Key: email, Display: email, Assurance: user.Proven}},
	})
	if err != nil || out.Decision.Refusal != "" {
		w.Fatalf("arriving: %v %+v", err, out.Decision)
	}
	return out.User
}

func (w *world) attempt(login, plain string) signin.Attempt {
	return signin.Attempt{Door: user.DoorPartner, ClientID: "public", Login: login, Password: plain, Network: w.network}
}

func (w *world) try(login, plain string) (signin.SignedIn, error) {
	return w.signin.Password(w.Context(), w.attempt(login, plain))
}

func (w *world) in(login, plain string) signin.SignedIn {
	w.Helper()
	in, err := w.try(login, plain)
	if err != nil {
		w.Fatalf("signing in as %s: %v", login, err)
	}
	return in
}

// out tries n times and expects the one refusal each time.
func (w *world) out(n int, login, plain string) {
	w.Helper()
	for range n {
		_, err := w.try(login, plain)
		w.isRefusal(err, user.BadCredential)
	}
}

func (w *world) isRefusal(err error, code user.Code) *user.Refusal {
	w.Helper()
	r, ok := errors.AsType[*user.Refusal](err)
	if !ok || r.Code != code {
		w.Fatalf("got %v, want a refusal %s", err, code)
	}
	return r
}

func (w *world) alive(access string) bool {
	w.Helper()
	_, err := w.sessions.Access(w.Context(), access)
	if err == nil {
		return true
	}
	w.isRefusal(err, user.BadToken)
	return false
}

func (w *world) lock(u user.ID) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		return store.Put(tx, user.Lock{User: u, Source: "operator", At: tx.Now()})
	})
}
