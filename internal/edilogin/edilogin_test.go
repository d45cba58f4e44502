package edilogin_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/edilogin"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/roundtrip"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/settings"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/token"
	"github.com/usher-id/usher/internal/user"
)

func TestMain(m *testing.M) { testpg.Main(m) }

const portal = "https://portal.example.org"

// world has one provider, which proves whatever a test says, under a policy and at a
// time that a test changes.
type world struct {
	*testing.T
	store    store.Store
	sessions *session.Service
	service  *edilogin.Service
	policy   policy.Policy
	ahead    time.Duration
	proves   signin.Proof
	asked    roundtrip.Asking
	proofs   byte
}

func (w *world) Current() policy.Policy { return w.policy }

// AuthURL implements roundtrip.Provider.
func (w *world) AuthURL(_ context.Context, a roundtrip.Asking) (string, error) {
	w.asked = a
	return "https://provider.example.org/authorize", nil
}

// From implements roundtrip.Provider.
func (w *world) From(context.Context, string) error { return nil }

// Exchange implements roundtrip.Provider.
func (w *world) Exchange(context.Context, roundtrip.Exchange) (signin.Proof, error) {
	w.proofs++
	p := w.proves
	p.Source, p.Once, p.Until = "edi:one", [32]byte{w.proofs}, time.Now().Add(time.Hour)
	return p, nil
}

func each(t *testing.T, fn func(*world)) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		kek, err := token.NewKEK(bytes.Repeat([]byte{7}, 32))
		if err != nil {
			t.Fatal(err)
		}
		keys := settings.New(s, kek, "main", time.Now, slog.New(slog.DiscardHandler))
		if err := keys.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		w := &world{T: t, store: s, policy: policy.Default()}
		w.policy.EDI.Redirects = []string{portal}
		edi := session.EDI{Issuer: "https://usher.example.org", HD: "example.org", Providers: map[string]string{"https://one.example.org": "one"}}
		edi.Own, err = token.NewVerifier(token.VerifierConfig{
			Algs: []token.Alg{token.ES256}, Keys: keys, Issuer: edi.Issuer, NoAudience: true, Typ: "JWT", Now: time.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		w.sessions = session.New(s, keys, edi, time.Now)
		w.service = &edilogin.Service{
			Store: s, Policies: w, Sessions: w.sessions, URL: "https://usher.example.org", Now: func() time.Time { return time.Now().Add(w.ahead) },
			Trips: map[string]*roundtrip.Trip{"one": {Store: s, Provider: w, Kind: edilogin.Visits("one"), Back: "https://usher.example.org/auth/callback/one"}},
		}
		fn(w)
	})
}

// is somebody at the provider.
func (w *world) is(subject, email string, assurance user.Assurance) {
	w.proves = signin.Proof{
		Identity: user.IdentityKey{Issuer: "https://one.example.org", Subject: subject},
		Facts:    map[user.Attr]*string{user.GivenName: user.Text("Ann"), user.FamilyName: user.Text("Archer")},
	}
	if email != "" {
		w.proves.Addresses = []admission.Address{{Kind: user.Email, Key: email, Display: email, Assurance: assurance}}
	}
}

// begins a sign-in.
func (w *world) begins(a edilogin.Ask) roundtrip.Answer {
	w.Helper()
	a.Provider = "one"
	going, err := w.service.Start(w.Context(), a)
	if err != nil {
		w.Fatal(err)
	}
	return roundtrip.Answer{State: w.asked.State, Code: "c", Cookie: going.Browser}
}

func (w *world) enters(a edilogin.Ask) (edilogin.Entered, session.Live) {
	w.Helper()
	in, err := w.service.Callback(w.Context(), "one", w.begins(a), a.To)
	if err != nil {
		w.Fatal(err)
	}
	live, err := w.sessions.Cookie(w.Context(), in.Token)
	if err != nil {
		w.Fatal(err)
	}
	return in, live
}

// refused expects a *Failed with this refusal.
func (w *world) refused(what string, err error, code user.Code, link bool) {
	w.Helper()
	failed, ok := errors.AsType[*edilogin.Failed](err)
	no, said := errors.AsType[*user.Refusal](err)
	if !ok || !said || no.Code != code || failed.Link != link || failed.Target != edilogin.Home {
		w.Errorf("%s: %v, want %s", what, err, code)
	}
}

// A skeleton is the person's whom its identity or address proves, with its number; an
// attested address proves neither.
func TestASkeletonIsClaimed(t *testing.T) {
	each(t, func(w *world) {
		reserve := func(key user.IdentityKey) admission.Reserved {
			r, err := admission.New(w.store, w).Reserve(w.Context(), admission.Reservation{Door: user.DoorEDI, By: "EDI-1", Identity: key})
			if err != nil {
				w.Fatal(err)
			}
			return r
		}
		byMail := reserve(user.IdentityKey{Issuer: normal.IssuerEmail, Subject: "ann@example.org"})
		byORCID := reserve(user.IdentityKey{Issuer: normal.IssuerORCID, Subject: "0000-0002-1825-0097"})
		w.is("other", "ann@example.org", user.Attested)
		if _, live := w.enters(edilogin.Ask{}); live.Session.Subject == byMail.Handle {
			w.Error("an attested address claims a skeleton")
		}
		w.is("0000-0002-1825-0097", "", "")
		if _, live := w.enters(edilogin.Ask{}); live.Session.Subject == byORCID.Handle {
			w.Error("another issuer's subject claims an ORCID iD's skeleton")
		}
		w.proves.Identity.Issuer = normal.IssuerORCID
		if _, live := w.enters(edilogin.Ask{}); live.Session.Subject != byORCID.Handle || live.User.ID != byORCID.User.ID || live.User.Status != user.Active ||
			live.User.Profile.Text(user.Name) != "Ann Archer" {
			w.Errorf("by ORCID: %+v, was %s", live.Session, byORCID.Handle)
		}
		again := reserve(user.IdentityKey{Issuer: normal.IssuerEmail, Subject: "carl@example.org"})
		w.is("carl", "carl@example.org", user.Proven)
		_, first := w.enters(edilogin.Ask{})
		_, second := w.enters(edilogin.Ask{})
		if first.Session.Subject != again.Handle || second.Session.Subject != again.Handle || first.Session.ID == second.Session.ID {
			w.Errorf("by an address: %s, then %s, was %s", first.Session.Subject, second.Session.Subject, again.Handle)
		}
	})
}

// Who may not come in does not, and why is kept.
func TestWhoDoesNotComeIn(t *testing.T) {
	each(t, func(w *world) {
		w.is("ann", "ann@example.org", user.Proven)
		_, ann := w.enters(edilogin.Ask{})
		fails := func(what string, code user.Code) {
			w.Helper()
			_, err := w.service.Callback(w.Context(), "one", w.begins(edilogin.Ask{}), nil)
			w.refused(what, err, code, false)
		}
		w.is("0000-0002-1825-0097", "ann@example.org", user.Attested)
		w.proves.Identity.Issuer = normal.IssuerORCID
		fails("an address that is Ann's", user.Challenge)
		w.is("another", "ann@example.org", user.Proven)
		fails("another subject with Ann's mailbox", user.Challenge)
		w.is("103547991597142817347", "new@gmail.com", user.Asserted)
		w.proves.Identity.Issuer = normal.IssuerGoogle
		fails("an address that Google does not vouch for", user.Invalid)
		lock := user.Lock{User: ann.User.ID, Source: "operator", At: time.Now()}
		if err := w.store.Update(w.Context(), store.Interactive, func(tx store.Tx) error { return store.Insert(tx, lock) }); err != nil {
			w.Fatal(err)
		}
		w.is("ann", "ann@example.org", user.Proven)
		fails("somebody locked", user.UserLocked)
		_, err := w.service.Start(w.Context(), edilogin.Ask{Provider: "two"})
		if no, ok := errors.AsType[*user.Refusal](err); !ok || no.Code != user.NotFound {
			w.Errorf("another provider: %v", err)
		}
	})
}

// A provider is added to who is there, has just come by a provider, and still is the
// same when it answers.
func TestAProviderIsAdded(t *testing.T) {
	each(t, func(w *world) {
		w.is("ann", "ann@example.org", user.Proven)
		_, ann := w.enters(edilogin.Ask{})
		w.is("ben", "ben@example.org", user.Proven)
		_, ben := w.enters(edilogin.Ask{})

		w.is("0000-0002-1825-0097", "ann@example.org", user.Attested)
		w.proves.Identity.Issuer = normal.IssuerORCID
		for what, live := range map[string]*session.Live{"nobody": nil, "another": &ben} {
			_, err := w.service.Callback(w.Context(), "one", w.begins(edilogin.Ask{To: &ann}), live)
			w.refused(what+" comes back", err, user.Unauthenticated, true)
		}
		if _, in := w.enters(edilogin.Ask{To: &ann}); in.User.ID != ann.User.ID || in.Session.Subject != ann.Session.Subject {
			w.Errorf("added to %s, want %s", in.User.ID, ann.User.ID)
		}
		if _, in := w.enters(edilogin.Ask{}); in.User.ID != ann.User.ID {
			w.Errorf("comes as %s, want %s", in.User.ID, ann.User.ID)
		}
		_, err := w.service.Callback(w.Context(), "one", w.begins(edilogin.Ask{To: &ben}), &ben)
		w.refused("Ann's", err, user.Conflict, true)

		stale := func(what string, live session.Live) {
			w.Helper()
			_, err := w.service.Start(w.Context(), edilogin.Ask{Provider: "one", To: &live})
			if no, ok := errors.AsType[*user.Refusal](err); !ok || no.Code != user.Unauthenticated {
				w.Errorf("%s: %v", what, err)
			}
		}
		minted := ann
		minted.Session.Methods = []string{"operator"}
		stale("an operator's token", minted)
		w.ahead = 16 * time.Minute
		stale("a sign-in of a while ago", ann)
	})
}

// Where a sign-in ends is judged by the policy in force when it does.
func TestATargetThatIsWithdrawn(t *testing.T) {
	each(t, func(w *world) {
		w.is("ann", "", "")
		in, live := w.enters(edilogin.Ask{Target: portal + "/in?a=b"})
		to, err := url.Parse(in.Next)
		if err != nil {
			w.Fatal(err)
		}
		if q := to.Query(); to.Host != "portal.example.org" || q.Get("a") != "b" || q.Get("edi_token") != in.Token || q.Get("edi_id") != live.Session.Subject ||
			q.Get("email") != "None" || q.Get("idp_name") != "one" || q.Get("idp_uid") != "ann" || q.Get("full_name") != "Ann Archer" {
			w.Errorf("it ends at %s", to)
		}
		if in, _ := w.enters(edilogin.Ask{Target: "/a"}); in.Next != "/a" {
			w.Errorf("it ends at %s", in.Next)
		}
		a := w.begins(edilogin.Ask{Target: portal + "/in"})
		w.policy.EDI.Redirects = nil
		if in, err = w.service.Callback(w.Context(), "one", a, nil); err != nil || in.Next != edilogin.Home {
			w.Errorf("withdrawn: %+v, %v", in, err)
		}
	})
}
