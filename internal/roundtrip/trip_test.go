package roundtrip_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/roundtrip"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/user"
)

func TestMain(m *testing.M) { testpg.Main(m) }

// provider remembers what it is asked, and answers as it is told.
type provider struct {
	asked     []roundtrip.Asking
	exchanged []roundtrip.Exchange
	down      error // from AuthURL and Exchange
	another   error // from From
}

func (p *provider) AuthURL(_ context.Context, a roundtrip.Asking) (string, error) {
	p.asked = append(p.asked, a)
	return "https://provider.example.org/authorize?state=" + a.State, p.down
}

func (p *provider) From(context.Context, string) error { return p.another }

func (p *provider) Exchange(_ context.Context, x roundtrip.Exchange) (signin.Proof, error) {
	p.exchanged = append(p.exchanged, x)
	return signin.Proof{Identity: user.IdentityKey{Issuer: "i", Subject: "s"}, Once: [32]byte{1}, Until: time.Now().Add(time.Hour)}, p.down
}

// about is what the tests' visits are about.
type about struct{ Target string }

type world struct {
	*testing.T
	*provider
	store store.Store
	trip  *roundtrip.Trip
}

func each(t *testing.T, fn func(world)) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		p := &provider{}
		fn(world{t, p, s, &roundtrip.Trip{Store: s, Provider: p, Kind: "one", Back: "https://usher.example.org/back"}})
	})
}

// starts begins a visit and gives what a browser would come back with.
func (w world) starts(browser string) roundtrip.Answer {
	w.Helper()
	_, cookie, err := w.trip.Start(w.Context(), browser, about{"/there"})
	if err != nil {
		w.Fatal(err)
	}
	return roundtrip.Answer{State: w.asked[len(w.asked)-1].State, Code: "c", Cookie: cookie}
}

func refused(err error, code user.Code, field string) bool {
	no, ok := errors.AsType[*user.Refusal](err)
	return ok && no.Code == code && no.Field == field
}

// Given a browser that was sent away, when it comes back, then it is told what it left
// for, once, and the provider is asked with what only usher knew.
func TestThereAndBack(t *testing.T) {
	each(t, func(w world) {
		a := w.starts("")
		var got about
		v, err := w.trip.Take(w.Context(), a, &got)
		if err != nil || got.Target != "/there" {
			w.Fatalf("%+v, %v", got, err)
		}
		p, err := w.trip.Prove(w.Context(), v, a)
		if err != nil || p.Identity.Subject != "s" {
			w.Fatalf("%+v, %v", p, err)
		}
		asked, x := w.asked[0], w.exchanged[0]
		sum := sha256.Sum256([]byte(x.Verifier))
		if base64.RawURLEncoding.EncodeToString(sum[:]) != asked.Challenge || x.Nonce != asked.Nonce || x.Code != "c" ||
			x.RedirectURI != asked.RedirectURI || x.RedirectURI != w.trip.Back || len(asked.State) != 43 || asked.State == asked.Nonce {
			w.Errorf("asked %+v, exchanged %+v", asked, x)
		}
		if _, err := w.trip.Take(w.Context(), a, &got); !refused(err, user.BadToken, "state") {
			w.Errorf("a second time: %v", err)
		}
	})
}

// Given a visit, when what comes back is not it, then the visit waits for what is.
func TestVisitsThatAreNotOurs(t *testing.T) {
	each(t, func(w world) {
		a := w.starts("")
		other := *w.trip
		other.Kind = "another"
		var got about
		for what, c := range map[string]struct {
			trip *roundtrip.Trip
			a    roundtrip.Answer
		}{
			"no state":                   {w.trip, roundtrip.Answer{Cookie: a.Cookie}},
			"another state":              {w.trip, roundtrip.Answer{State: a.State[1:] + "A", Cookie: a.Cookie}},
			"no cookie":                  {w.trip, roundtrip.Answer{State: a.State}},
			"another browser's cookie":   {w.trip, roundtrip.Answer{State: a.State, Cookie: w.starts("").Cookie}},
			"at another provider":        {&other, a},
			"the cookie for the state":   {w.trip, roundtrip.Answer{State: a.Cookie, Cookie: a.State}},
			"what the database has":      {w.trip, roundtrip.Answer{State: string(hashOf(a.State)), Cookie: string(hashOf(a.Cookie))}},
			"a cookie that says nothing": {w.trip, roundtrip.Answer{State: a.State, Cookie: " "}},
		} {
			if _, err := c.trip.Take(w.Context(), c.a, &got); !refused(err, user.BadToken, "state") {
				w.Errorf("%s: %v", what, err)
			}
		}
		if _, err := w.trip.Take(w.Context(), a, &got); err != nil {
			w.Errorf("then: %v", err)
		}
	})
}

func hashOf(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// A visit that nobody comes back to is over.
func TestAVisitIsOver(t *testing.T) {
	each(t, func(w world) {
		a := w.starts("")
		err := w.store.Update(w.Context(), store.Interactive, func(tx store.Tx) error {
			row, err := tx.Visit(hashOf(a.State))
			if err != nil {
				return err
			}
			if life := row.Until.Sub(row.Created); life != roundtrip.Life {
				w.Errorf("it lives %s", life)
			}
			row.Until = tx.Now()
			return store.Put(tx, row)
		})
		if err != nil {
			w.Fatal(err)
		}
		var got about
		if _, err := w.trip.Take(w.Context(), a, &got); !refused(err, user.BadToken, "state") {
			w.Errorf("%v", err)
		}
	})
}

// All tabs of a browser go by one secret; what is no secret is replaced.
func TestTabsOfABrowser(t *testing.T) {
	each(t, func(w world) {
		first := w.starts("")
		second := w.starts(first.Cookie)
		if second.Cookie != first.Cookie || second.State == first.State {
			w.Errorf("first %+v, second %+v", first, second)
		}
		for _, a := range []roundtrip.Answer{first, second} {
			var got about
			if _, err := w.trip.Take(w.Context(), a, &got); err != nil {
				w.Errorf("%v", err)
			}
		}
		for _, planted := range []string{"", "x", first.Cookie + "A", first.Cookie[1:], "known to somebody else, and 43 characters on"} {
			if a := w.starts(planted); a.Cookie == planted || len(a.Cookie) != 43 {
				w.Errorf("%q is kept as %q", planted, a.Cookie)
			}
		}
	})
}

// What a provider says no to, or another says in its stead, proves nothing.
func TestAnswersThatProveNothing(t *testing.T) {
	each(t, func(w world) {
		prove := func(change func(*roundtrip.Answer)) error {
			a := w.starts("")
			change(&a)
			var got about
			v, err := w.trip.Take(w.Context(), a, &got)
			if err != nil {
				w.Fatal(err)
			}
			_, err = w.trip.Prove(w.Context(), v, a)
			return err
		}
		err := prove(func(a *roundtrip.Answer) { a.Error = "access_denied" })
		if no, ok := errors.AsType[*user.Refusal](err); !ok || no.Code != user.Forbidden || no.Params["error"] != "access_denied" {
			w.Errorf("a no: %v", err)
		}
		if err := prove(func(a *roundtrip.Answer) { a.Code = "" }); !refused(err, user.Forbidden, "provider") {
			w.Errorf("no code: %v", err)
		}
		w.another = &signin.Unproven{Why: "another"}
		if err := prove(func(a *roundtrip.Answer) { a.Error = "access_denied" }); !refused(err, user.Forbidden, "provider") {
			w.Errorf("another's no: %v", err)
		}
		if err := prove(func(*roundtrip.Answer) {}); !refused(err, user.Forbidden, "provider") {
			w.Errorf("another's code: %v", err)
		}
		if len(w.exchanged) != 0 {
			w.Errorf("exchanged %+v", w.exchanged)
		}
		w.another, w.down = nil, nil
		w.down = &signin.Unproven{Why: "nonce"}
		a := roundtrip.Answer{Code: "c"}
		if _, err := w.trip.Prove(w.Context(), roundtrip.Visit{}, a); !refused(err, user.BadToken, "token") {
			w.Errorf("unproven: %v", err)
		}
		w.down = user.Refuse(user.Busy, "provider")
		if _, err := w.trip.Prove(w.Context(), roundtrip.Visit{}, a); !refused(err, user.Busy, "provider") {
			w.Errorf("down: %v", err)
		}
		if _, _, err := w.trip.Start(w.Context(), "", about{}); !refused(err, user.Busy, "provider") {
			w.Errorf("down at the start: %v", err)
		}
	})
}

// A proof is good once.
func TestRedeem(t *testing.T) {
	each(t, func(w world) {
		p := signin.Proof{Once: [32]byte{7}, Until: time.Now().Add(time.Hour)}
		for _, want := range []user.Code{"", user.BadToken} {
			err := w.store.Update(w.Context(), store.Interactive, func(tx store.Tx) error { return roundtrip.Redeem(tx, p) })
			if want == "" && err != nil || want != "" && !refused(err, want, "token") {
				w.Errorf("want %q: %v", want, err)
			}
		}
	})
}

func TestWhereASignInMayEnd(t *testing.T) {
	const base = "https://usher.example.org"
	origins := []string{"https://portal.example.org", "org.example.app://"}
	for asked, want := range map[string]roundtrip.Place{
		"/":                                roundtrip.Here,
		"/a/b?c=d#e":                       roundtrip.Here,
		"/.//evil.example":                 roundtrip.Here, // a path of that name
		base:                               roundtrip.Here,
		base + "/x?y":                      roundtrip.Here,
		"https://portal.example.org":       roundtrip.There,
		"https://portal.example.org/a?b#c": roundtrip.There,
		"":                                 roundtrip.Nowhere,
		"a":                                roundtrip.Nowhere,
		"?a":                               roundtrip.Nowhere,
		"//evil.example":                   roundtrip.Nowhere,
		"///evil.example":                  roundtrip.Nowhere,
		`/\evil.example`:                   roundtrip.Nowhere,
		"/\tevil":                          roundtrip.Nowhere,
		"/a b":                             roundtrip.Nowhere,
		"/a\r\nb":                          roundtrip.Nowhere,
		"/%zz":                             roundtrip.Nowhere,
		"javascript:alert(1)":              roundtrip.Nowhere,
		"data:text/html,x":                 roundtrip.Nowhere,
		"http://usher.example.org/":        roundtrip.Nowhere,
		base + ":444/":                     roundtrip.Nowhere,
		base + "@evil.example/":            roundtrip.Nowhere,
		base + ".evil.example/":            roundtrip.Nowhere,
		"https://u@portal.example.org/":    roundtrip.Nowhere,
		"https://portal.example.org:444/":  roundtrip.Nowhere,
		"https://PORTAL.example.org.evil/": roundtrip.Nowhere,
		"https://evil.example/?portal.":    roundtrip.Nowhere,
		"https:/portal.example.org":        roundtrip.Nowhere,
		"https:portal.example.org":         roundtrip.Nowhere,
	} {
		if got := roundtrip.Allowed(asked, base, origins); got != want {
			t.Errorf("%q: %q, want %q", asked, got, want)
		}
	}
}
