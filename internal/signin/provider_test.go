package signin_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// prover stands for a provider: it proves what a test wrote into it.
type prover struct {
	mu    sync.Mutex
	says  map[string]signin.Proof
	err   error
	asked int
}

func (p *prover) Prove(_ context.Context, text string, _ signin.TokenKind) (signin.Proof, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	if p.err != nil {
		return signin.Proof{}, p.err
	}
	proof, ok := p.says[text]
	if !ok {
		return proof, &signin.Unproven{Why: "expired"}
	}
	return proof, nil
}

const google = normal.IssuerGoogle

// proves writes down what a token of a subject proves.
func (w *world) proves(token, issuer, sub, email string, as user.Assurance) {
	p := signin.Proof{
		Source: "google", Identity: user.IdentityKey{Issuer: issuer, Subject: w.of(sub)}, Once: sha256.Sum256([]byte(w.of(token))),
		Facts: map[user.Attr]*string{user.GivenName: user.Text("Ada")}, Until: w.clock.Now().Add(10 * time.Minute),
	}
	if email != "" {
		p.Addresses = []admission.Address{{Kind: user.Email, Key: email, Display: email, Assurance: as}}
	}
	w.prover.mu.Lock()
	defer w.prover.mu.Unlock()
	w.prover.says[token] = p
}

func (w *world) proof(token string) signin.ProviderAttempt {
	return signin.ProviderAttempt{Door: user.DoorPartner, ClientID: "public", Provider: "google", Token: token, Kind: signin.IDToken, Network: w.network}
}

func (w *world) tryProof(token string) (signin.SignedIn, error) {
	return w.signin.Provider(w.Context(), w.proof(token))
}

func (w *world) inBy(token string) signin.SignedIn {
	w.Helper()
	in, err := w.tryProof(token)
	if err != nil {
		w.Fatalf("signing in by %s: %v", token, err)
	}
	return in
}

func (w *world) outBy(token string) {
	w.Helper()
	in, err := w.tryProof(token)
	if r := w.isRefusal(err, user.BadCredential); r.Field != "" || in.AccessToken != "" {
		w.Errorf("%s: %+v, %+v", token, r, in)
	}
}

// reasons are those of a user's failed sign-ins.
func (w *world) reasons(u user.ID) (all []string) {
	w.view(func(r store.Reader) error {
		es, err := r.EventsOf(u, 1000)
		for _, e := range es {
			if e.Kind == string(event.SignInFailed) {
				_, why, _ := strings.Cut(string(e.Body), `"reason":"`)
				why, _, _ = strings.Cut(why, `"`)
				all = append(all, why)
			}
		}
		return err
	})
	return all
}

// Signing in with a provider's token (contract partner.md, oauth-provider).
func proving() []scenario {
	return []scenario{
		{"who never was here becomes a user, and comes back as that one", func(w *world) {
			w.proves("first", google, "ada", w.email("ada"), user.Proven)
			in := w.inBy("first")
			s := in.Session
			if s.Door != user.DoorPartner || s.Client != "1" || s.Subject == "" || len(s.Methods) != 1 || s.Methods[0] != "fed" ||
				!forty.MatchString(in.AccessToken) || !forty.MatchString(in.RefreshToken) || !w.alive(in.AccessToken) {
				w.Errorf("%+v", in)
			}
			if in.Profile.Text(user.EmailAttr) != w.email("ada") || in.Profile.Text(user.EmailVerified) != "true" || in.Profile.Text(user.GivenName) != "Ada" {
				w.Errorf("profile %+v", in.Profile)
			}
			w.proves("second", google, "ada", "", "")
			if again := w.inBy("second"); again.Session.User != s.User || again.Session.Subject != s.Subject || again.Session.Strand != s.Strand {
				w.Errorf("%+v, then %+v", s, again.Session)
			}
			if _, err := w.signin.Refresh(w.Context(), signin.Renewal{Door: user.DoorPartner, ClientID: "public", RefreshToken: in.RefreshToken}); err != nil {
				w.Error(err)
			}
		}},
		{"a token is used once", func(w *world) {
			w.proves("once", google, "ada", w.email("ada"), user.Proven)
			in := w.inBy("once")
			w.outBy("once")
			if !w.alive(in.AccessToken) {
				w.Error("a replay ended the session")
			}
			w.update(func(tx store.Tx) error { // what is out of date goes, what counts stays
				_, err := tx.Purge(tx.Now())
				return err
			})
			w.outBy("once")
			// Also not when its user is gone: the mark is nobody's.
			w.update(func(tx store.Tx) error { return tx.EraseUserRows(in.Session.User) })
			w.outBy("once")
		}},
		{"50 uses at once, one success", func(w *world) {
			w.proves("once", google, "ada", w.email("ada"), user.Proven)
			var won atomic.Int64
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					_, err := w.tryProof("once")
					if err == nil {
						won.Add(1)
					} else if r, ok := errors.AsType[*user.Refusal](err); !ok || r.Code != user.BadCredential {
						w.Errorf("got %v", err)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 {
				w.Errorf("%d succeeded", won.Load())
			}
		}},
		{"20 first tokens of one person at once, one user", func(w *world) {
			var users sync.Map
			var wg sync.WaitGroup
			for n := range 20 {
				token := string(rune('a' + n))
				w.proves(token, google, "ada", w.email("ada"), user.Proven)
				wg.Go(func() {
					in, err := w.tryProof(token)
					if err != nil {
						w.Error(err)
						return
					}
					users.Store(string(in.Session.User)+" "+in.Session.Subject, true)
				})
			}
			wg.Wait()
			n := 0
			users.Range(func(any, any) bool { n++; return true })
			if n != 1 {
				w.Errorf("%d users", n)
			}
		}},
		{"a proof of an address leads to its owner, in whichever order", func(w *world) {
			rec := w.synced(feed.Sync{Email: feed.Some(w.email("ada")), Verified: feed.Some(true), Password: feed.Some(good)})
			w.proves("t", google, "ada", w.email("ada"), user.Proven)
			if in := w.inBy("t"); in.Session.User != rec.User.ID || in.Session.Subject != rec.Number {
				w.Errorf("signed in as %+v, want %s", in.Session, rec.Number)
			}
			if in := w.in(w.email("ada"), good); in.Session.User != rec.User.ID {
				w.Error("the attested password is dead")
			}
			w.proves("u", google, "eve", w.email("eve"), user.Proven)
			in := w.inBy("u")
			rec = w.synced(feed.Sync{Email: feed.Some(w.email("eve")), Verified: feed.Some(true), Password: feed.Some(good)})
			if rec.User.ID != in.Session.User {
				w.Errorf("synced as %s, want %s", rec.User.ID, in.Session.User)
			}
		}},
		{"an unproven first comer is left alone with nothing", func(w *world) {
			squat := w.partnerUser("ada") // not verified, with a password
			before := w.in(w.email("ada"), good)
			w.proves("t", google, "ada", w.email("ada"), user.Proven)
			in := w.inBy("t")
			if w.alive(before.AccessToken) && in.Session.User == squat.User.ID {
				w.Error("the first comer's session lives in the user of who proved the address")
			}
			if got, err := w.try(w.email("ada"), good); err == nil && got.Session.User == in.Session.User {
				w.Error("the first comer's password opens the user of who proved the address")
			}
		}},
		{"an attested address links nobody", func(w *world) {
			victim := w.arrived(w.email("ada"), good)
			w.proves("t", google, "eve", w.email("ada"), user.Attested)
			w.outBy("t")
			w.outBy("t") // not redeemed: the refusal was not about the token
			if got := w.reasons(victim.ID); len(got) != 2 || got[0] != "challenged" {
				w.Errorf("recorded %q", got)
			}
			a := w.proof("t")
			secret := "s3cret"
			a.ClientID, a.ClientSecret = "trusted", &secret
			_, err := w.signin.Provider(w.Context(), a)
			w.isRefusal(err, user.Challenge)
		}},
		{"a mailbox that was given to somebody else", func(w *world) {
			w.proves("old", google, "ada", w.email("ada"), user.Proven)
			old := w.inBy("old")
			w.proves("new", google, "eve", w.email("ada"), user.Proven)
			w.outBy("new")
			if got := w.reasons(old.Session.User); len(got) != 1 || got[0] != "challenged" {
				w.Errorf("recorded %q", got)
			}
			// Another issuer says nothing of that kind.
			w.proves("other", "https://id.example.org", "ada", w.email("ada"), user.Proven)
			if in := w.inBy("other"); in.Session.User != old.Session.User {
				w.Error("another issuer's proof made another user")
			}
		}},
		{"locked and deleted", func(w *world) {
			w.proves("first", google, "ada", w.email("ada"), user.Proven)
			in := w.inBy("first")
			w.lock(in.Session.User)
			w.proves("second", google, "ada", "", "")
			w.outBy("second")
			if w.alive(in.AccessToken) {
				w.Error("the session of a locked user lives")
			}
			a := w.proof("second")
			secret := "s3cret"
			a.ClientID, a.ClientSecret = "trusted", &secret
			_, err := w.signin.Provider(w.Context(), a)
			w.isRefusal(err, user.UserLocked)
			if got := w.reasons(in.Session.User); len(got) != 2 || got[0] != "locked" {
				w.Errorf("recorded %q", got)
			}
			rec := w.synced(feed.Sync{Email: feed.Some(w.email("eve")), Verified: feed.Some(true)})
			if _, err := w.feed.Delete(w.Context(), feed.Caller{Source: "partner:__system", By: "__system"}, rec.Number); err != nil {
				w.Fatal(err)
			}
			w.proves("third", google, "eve", w.email("eve"), user.Proven)
			w.outBy("third")
		}},
		{"a reservation for the subject, and one for the address", func(w *world) {
			reserve := func(i user.IdentityKey) user.ID {
				r, err := admission.New(w.store, w).Reserve(w.Context(), admission.Reservation{Door: user.DoorEDI, By: "vetted", Identity: i})
				if err != nil {
					w.Fatal(err)
				}
				return r.User.ID
			}
			named := reserve(user.IdentityKey{Issuer: google, Subject: w.of("ada")})
			w.proves("t", google, "ada", "", "")
			if in := w.inBy("t"); in.Session.User != named {
				w.Error("the reservation was not claimed")
			}
			mailed := reserve(user.IdentityKey{Issuer: normal.IssuerEmail, Subject: w.email("eve")})
			w.proves("attested", google, "eve", w.email("eve"), user.Attested)
			if in := w.inBy("attested"); in.Session.User == mailed {
				w.Error("a word claimed what only a proof may")
			}
			mailed = reserve(user.IdentityKey{Issuer: normal.IssuerEmail, Subject: w.email("bob")})
			w.proves("proven", google, "bob", w.email("bob"), user.Proven)
			if in := w.inBy("proven"); in.Session.User != mailed {
				w.Error("the reservation of the address was not claimed")
			}
		}},
		{"the client comes first, and asks nobody", func(w *world) {
			w.proves("t", google, "ada", "", "")
			wrong := "wrong"
			for _, change := range []func(*signin.ProviderAttempt){
				func(a *signin.ProviderAttempt) { a.ClientID = "nobody" },
				func(a *signin.ProviderAttempt) { a.ClientSecret = &wrong },
				func(a *signin.ProviderAttempt) { a.ClientID, a.ClientSecret = "confidential", &wrong },
				func(a *signin.ProviderAttempt) { a.ClientID = "confidential" },
			} {
				a := w.proof("t")
				change(&a)
				_, err := w.signin.Provider(w.Context(), a)
				w.isRefusal(err, user.InvalidClient)
			}
			a := w.proof("t")
			a.Provider = "nobody"
			_, err := w.signin.Provider(w.Context(), a)
			w.isRefusal(err, user.Unsupported)
			if w.prover.asked != 0 {
				w.Errorf("the provider was asked %d times", w.prover.asked)
			}
		}},
		{"too many false tokens of a network", func(w *world) {
			w.pol.Limits.NetworkFailures = 3
			for range 3 {
				w.outBy("false")
			}
			w.proves("t", google, "ada", "", "")
			_, err := w.tryProof("t")
			if r := w.isRefusal(err, user.Throttled); r.RetryAfter < 1 {
				w.Errorf("%+v", r)
			}
			if w.prover.asked != 3 {
				w.Errorf("the provider was asked %d times", w.prover.asked)
			}
			w.clock.Advance(time.Minute)
			w.inBy("t")
		}},
		{"a provider that is down costs nobody anything", func(w *world) {
			w.pol.Limits.NetworkFailures = 3
			w.prover.err = user.Refuse(user.Busy, "provider")
			for range 5 {
				_, err := w.tryProof("t")
				w.isRefusal(err, user.Busy)
			}
			w.prover.err = nil
			w.proves("t", google, "ada", "", "")
			w.inBy("t")
		}},
	}
}
