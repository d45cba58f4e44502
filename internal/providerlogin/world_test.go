package providerlogin_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/group"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/otp"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/providerlogin"
	"github.com/usher-id/usher/internal/roundtrip"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/user"
)

func TestMain(m *testing.M) { testpg.Main(m) }

// scenario is one promise. All run on every store, one after another on the same
// database, each with people of its own.
type scenario struct {
	name string
	run  func(*world)
}

func TestProviderLogin(t *testing.T) {
	all := slices.Concat(starting(), returning(), ending(), signingIn(), byToken(), creating(), again())
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

const (
	publicURL = "https://id.example.org"
	issuer    = "https://accounts.example.com"
	source    = user.Source("sunbird:google")
)

// provider stands for an OpenID provider: it proves what a test wrote into it, and
// gives a code's proof to nobody but who asked for it.
type provider struct {
	mu    sync.Mutex
	says  map[string]signin.Proof // by token, and by code
	down  error
	asked roundtrip.Asking // last
	given int              // codes that were exchanged
}

// Prove implements signin.Prover.
func (p *provider) Prove(_ context.Context, text string, kind signin.TokenKind) (signin.Proof, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down != nil {
		return signin.Proof{}, p.down
	}
	proof, ok := p.says[text]
	if !ok || kind != signin.IDToken {
		return proof, &signin.Unproven{Why: "expired"}
	}
	return proof, nil
}

// From implements roundtrip.Provider.
func (p *provider) From(_ context.Context, name string) error {
	if name != "" && name != issuer {
		return &signin.Unproven{Why: "another issuer"}
	}
	return nil
}

// AuthURL implements roundtrip.Provider.
func (p *provider) AuthURL(_ context.Context, a roundtrip.Asking) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = a
	return issuer + "/auth?state=" + a.State, p.down
}

// Exchange implements roundtrip.Provider.
func (p *provider) Exchange(ctx context.Context, x roundtrip.Exchange) (signin.Proof, error) {
	p.mu.Lock()
	asked := p.asked
	p.given++
	p.mu.Unlock()
	sum := sha256.Sum256([]byte(x.Verifier))
	if base64.RawURLEncoding.EncodeToString(sum[:]) != asked.Challenge || x.Nonce != asked.Nonce || x.RedirectURI != asked.RedirectURI {
		return signin.Proof{}, &signin.Unproven{Why: "not who asked"}
	}
	return p.Prove(ctx, x.Code, signin.IDToken)
}

type world struct {
	*testing.T
	n        int
	store    store.Store
	clock    *clock
	pol      *policy.Policy
	provider *provider
	people   *onboarding.Service
	sessions *session.Service
	google   *providerlogin.Service
}

// Current implements the services' Policies.
func (w *world) Current() policy.Policy { return *w.pol }

func newWorld(t *testing.T, s store.Store, c *clock, n int) *world {
	pol := policy.Default()
	pol.Sunbird.Redirects = []string{"https://portal.example.org", "com.example.app://"}
	pol.Sunbird.SessionClients = []string{"android"}
	w := &world{T: t, n: n, store: s, clock: c, pol: &pol, provider: &provider{says: map[string]signin.Proof{}}}
	codes := otp.New(otp.Options{Store: s, Policies: w, Secret: make([]byte, 32), Dev: true, Now: c.Now})
	w.people = &onboarding.Service{Store: s, Policies: w, Codes: codes}
	w.sessions = session.New(s, nil, session.EDI{}, c.Now)
	w.google = &providerlogin.Service{
		Store: s, Policies: w, Prover: w.provider, People: w.people, Sessions: w.sessions, PublicURL: publicURL,
		Trip: &roundtrip.Trip{Store: s, Provider: w.provider, Kind: providerlogin.Visits, Back: publicURL + providerlogin.CallbackPath},
	}
	return w
}

func (w *world) of(name string) string    { return fmt.Sprintf("%s-%d", name, w.n) }
func (w *world) email(name string) string { return w.of(name) + "@example.org" }

func (w *world) key(subject string) user.IdentityKey {
	return user.IdentityKey{Issuer: normal.IssuerGoogle, Subject: w.of(subject)}
}

// says has a text, a token or a code, prove somebody by the subject, whose e-mail
// is by that name.
func (w *world) says(text, subject string, as user.Assurance, change ...func(*signin.Proof)) string {
	p := signin.Proof{
		Source: source, Identity: w.key(subject), Once: sha256.Sum256([]byte(w.of(text))), Until: w.clock.Now().Add(time.Hour),
		Facts:     map[user.Attr]*string{user.GivenName: user.Text("Ada"), user.FamilyName: user.Text("Lovelace")},
		Addresses: []admission.Address{{Kind: user.Email, Key: w.email(subject), Display: w.email(subject), Assurance: as}},
	}
	if as == user.Proven {
		p.Addresses[0].Proven = w.clock.Now()
	}
	for _, fn := range change {
		fn(&p)
	}
	w.provider.mu.Lock()
	defer w.provider.mu.Unlock()
	w.provider.says[text] = p
	return text
}

// named changes what the provider calls somebody.
func named(given, family, whole string) func(*signin.Proof) {
	return func(p *signin.Proof) {
		p.Facts = map[user.Attr]*string{}
		for a, v := range map[user.Attr]string{user.GivenName: given, user.FamilyName: family, user.Name: whole} {
			if v != "" {
				p.Facts[a] = user.Text(v)
			}
		}
	}
}

func without(p *signin.Proof) { p.Addresses = nil }

// at gives a proof another e-mail than its subject's.
func at(email string) func(*signin.Proof) {
	return func(p *signin.Proof) { p.Addresses[0].Key, p.Addresses[0].Display = email, email }
}

// query is what a portal asks for.
func query() providerlogin.Query {
	return providerlogin.Query{
		ClientID: "portal", RedirectURI: "/learn?auth_callback=1&x=y", ErrorCallback: "/error", Scope: "openid", State: "their state",
		ResponseType: "code", Version: "3",
	}
}

// going is a browser on its way to the provider.
type going struct{ state, cookie string }

func (w *world) starts(q providerlogin.Query) going {
	w.Helper()
	return w.startsIn("", q)
}

// startsIn is starts in a browser that has a cookie.
func (w *world) startsIn(browser string, q providerlogin.Query) going {
	w.Helper()
	to, cookie, err := w.google.Start(w.Context(), q, browser)
	w.ok(err)
	u, err := url.Parse(to)
	w.ok(err)
	g := going{u.Query().Get("state"), cookie}
	if g.state == "" || g.cookie == "" || g.state == g.cookie {
		w.Fatalf("%+v at %s", g, to)
	}
	return g
}

// back is the browser again, with a code.
func (g going) back(code string) roundtrip.Answer {
	return roundtrip.Answer{State: g.state, Code: code, Cookie: g.cookie}
}

// browses is a whole sign-in of a browser's by a code.
func (w *world) browses(code string) (session.Live, providerlogin.Entered) {
	w.Helper()
	in, err := w.google.Callback(w.Context(), w.starts(query()).back(code))
	w.ok(err)
	live, err := w.sessions.Browser(w.Context(), in.Token)
	w.ok(err)
	return live, in
}

// enters signs an app in and gives its session.
func (w *world) enters(token, email string) session.Live {
	w.Helper()
	pair, err := w.google.Token(w.Context(), token, email, "android")
	w.ok(err)
	live, err := w.sessions.Access(w.Context(), pair.Access)
	w.ok(err)
	return live
}

// keptOut expects that an app's token is refused with this, that its tokens are
// none, and that nothing of it stands: no user, no identity, no session.
func (w *world) keptOut(token, email string, want *user.Refusal) {
	w.Helper()
	before := w.written()
	pair, err := w.google.Token(w.Context(), token, email, "android")
	w.refused(err, want)
	if _, err := w.sessions.Access(w.Context(), pair.Access); err == nil {
		w.Error("refused, and the token is good")
	}
	if after := w.written(); after != before {
		w.Errorf("refused, and wrote %+v upon %+v", after, before)
	}
}
