package registrant_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/roundtrip"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// site is the realm's page: it exchanges the codes that it gave out.
type site struct {
	register bool
	foreign  bool // the answer came from elsewhere
	codes    map[string]string
	fault    error
	asked    []roundtrip.Exchange
}

// AuthURL implements roundtrip.Provider.
func (s *site) AuthURL(_ context.Context, a roundtrip.Asking) (string, error) {
	page := "auth"
	if s.register {
		page = "registrations"
	}
	q := url.Values{"state": {a.State}, "nonce": {a.Nonce}, "code_challenge": {a.Challenge}, "redirect_uri": {a.RedirectURI}}
	return issuer + "/" + page + "?" + q.Encode(), nil
}

// From implements roundtrip.Provider.
func (s *site) From(context.Context, string) error {
	if s.foreign {
		return &signin.Unproven{Why: "another issuer"}
	}
	return nil
}

// Exchange implements roundtrip.Provider.
func (s *site) Exchange(context.Context, roundtrip.Exchange) (p signin.Proof, err error) {
	return p, errors.New("the proof alone is of no use")
}

func (s *site) access(_ context.Context, x roundtrip.Exchange) (string, error) {
	s.asked = append(s.asked, x)
	if s.fault != nil {
		return "", s.fault
	}
	access, ok := s.codes[x.Code]
	if !ok {
		return "", &signin.Unproven{Why: "no such code"}
	}
	return access, nil
}

func (w *world) browsers() (*registrant.Browsers, *site) {
	s := &site{codes: map[string]string{}}
	trip := func(p *site) *roundtrip.Trip {
		return &roundtrip.Trip{Store: w.store, Provider: p, Kind: "portal main", Back: "https://portal.example.org/callback"}
	}
	return &registrant.Browsers{
		Service: w.people, SignIn: trip(s), Register: trip(&site{register: true}), Exchange: s.access,
		Sessions: session.New(w.store, nil, session.EDI{}, w.Now),
	}, s
}

// went is a browser that is away at the realm, with what it comes back with.
func (w *world) went(b *registrant.Browsers, next string, register bool) roundtrip.Answer {
	w.Helper()
	to, cookie, err := b.Start(w.Context(), "", next, register)
	if err != nil {
		w.Fatal(err)
	}
	page := "/auth?"
	if register {
		page = "/registrations?"
	}
	u, err := url.Parse(to)
	if err != nil || !strings.Contains(to, page) || u.Query().Get("nonce") == "" || u.Query().Get("code_challenge") == "" {
		w.Fatalf("%s, %v", to, err)
	}
	return roundtrip.Answer{State: u.Query().Get("state"), Code: "code", Cookie: cookie}
}

// Given a browser that signed in or registered at the realm, then its cookie is known
// here, as the session that the realm's tokens belong to.
func TestABrowserSignsIn(t *testing.T) {
	each(t, func(w *world) {
		for _, register := range []bool{false, true} {
			b, s := w.browsers()
			s.codes["code"] = w.token("ada", "s1")
			in, err := b.Back(t.Context(), w.went(b, "/en/profile", register))
			if err != nil || in.Next != "/en/profile" || in.Token == "" || !in.Until.Equal(w.Now().Add(session.BrowserLife)) {
				t.Fatalf("%+v, %v", in, err)
			}
			if len(s.asked) != 1 || s.asked[0].Nonce == "" || s.asked[0].Verifier == "" || s.asked[0].RedirectURI != "https://portal.example.org/callback" {
				t.Errorf("%+v", s.asked)
			}
			here, ok, err := b.Who(t.Context(), in.Token)
			if err != nil || !ok || here.State.Session.ID != w.enters(s.codes["code"]).Session.ID || w.people.Look(here).Email != "ada@example.org" {
				t.Errorf("%+v, %v, %v", here, ok, err)
			}
			w.advance(time.Second)
		}
		if w.users() != 1 {
			t.Error("two users")
		}
	})
}

// However a session ends, its browser's cookie is nobody's from then on.
func TestABrowserIsSignedInNoMore(t *testing.T) {
	each(t, func(w *world) {
		for name, end := range map[string]func(registrant.Here){
			"time":             func(registrant.Here) { w.advance(session.BrowserLife) },
			"itself":           func(h registrant.Here) { w.noErr(w.people.SignOut(t.Context(), h)) },
			"session":          func(registrant.Here) { w.ended("session", "s1-session") },
			"sessions":         func(registrant.Here) { w.ended("sessions", "") },
			"lock":             func(h registrant.Here) { w.locked(h.User.ID, "operator") },
			"disabled.there":   func(registrant.Here) { w.synced("disabled.there", registrant.Standing{}) },
			"wished.forgotten": func(h registrant.Here) { w.noErr(w.people.Erase(t.Context(), h)) },
		} {
			b, s := w.browsers()
			s.codes["code"] = w.token(name, "s1-"+name)
			in, err := b.Back(t.Context(), w.went(b, "", false))
			if err != nil {
				t.Fatal(err)
			}
			w.advance(time.Second)
			here, ok, err := b.Who(t.Context(), in.Token)
			if err != nil || !ok {
				t.Fatal(name, ok, err)
			}
			end(here)
			if _, ok, err := b.Who(t.Context(), in.Token); ok || err != nil {
				t.Errorf("ended by %s: %v, %v", name, ok, err)
			}
		}
	})
}

func (w *world) noErr(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// A visit works once, in the browser that began, and only with what the realm gave.
func TestAnswersThatSignNobodyIn(t *testing.T) {
	each(t, func(w *world) {
		b, s := w.browsers()
		s.codes["code"] = w.token("ada", "s1")
		try := func(a roundtrip.Answer, code user.Code, field string) {
			t.Helper()
			_, err := b.Back(t.Context(), a)
			w.refused(err, code, field)
		}
		a := w.went(b, "", false)
		try(roundtrip.Answer{State: "made up", Code: "code", Cookie: a.Cookie}, user.BadToken, "state")
		try(roundtrip.Answer{State: a.State, Code: "code"}, user.BadToken, "state")
		try(roundtrip.Answer{State: a.State, Code: "code", Cookie: w.went(b, "", false).Cookie}, user.BadToken, "state")
		if _, err := b.Back(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		try(a, user.BadToken, "state")

		a = w.went(b, "", false)
		a.Error, a.Code = "access_denied", ""
		try(a, user.Forbidden, "provider")
		a = w.went(b, "", false)
		a.Code = "another"
		try(a, user.BadToken, "token")
		a = w.went(b, "", false)
		w.advance(roundtrip.Life)
		try(a, user.BadToken, "state")
		s.foreign = true
		asked := len(s.asked)
		try(w.went(b, "", false), user.BadToken, "token")
		if len(s.asked) != asked {
			t.Error("the code of another issuer's answer was exchanged")
		}
		s.foreign, s.fault = false, busy()
		try(w.went(b, "", false), user.Busy, "provider")
	})
}

// Somebody locked does not come in by the pages either.
func TestALockedPersonsBrowser(t *testing.T) {
	each(t, func(w *world) {
		w.locked(w.here("ada").User.ID, "operator")
		w.advance(time.Second)
		b, s := w.browsers()
		s.codes["code"] = w.token("ada", "s2")
		_, err := b.Back(t.Context(), w.went(b, "", false))
		w.refused(err, user.BadToken, "token")
	})
}

// A visit ends at a path of usher's own, else nowhere in particular.
func TestWhereAVisitEnds(t *testing.T) {
	each(t, func(w *world) {
		for next, want := range map[string]string{
			"/": "/", "/en/profile?x=1#y": "/en/profile?x=1#y", "": "", "//evil.example.org": "", "/\\evil.example.org": "",
			"https://evil.example.org/": "", "en/profile": "", "/\tx": "", "javascript:alert(1)": "", "/" + strings.Repeat("x", 1000): "",
		} {
			b, s := w.browsers()
			s.codes["code"] = w.token("ada", "s1")
			in, err := b.Back(t.Context(), w.went(b, next, false))
			if err != nil || in.Next != want {
				t.Errorf("%q: %q, %v", next, in.Next, err)
			}
		}
	})
}

// Other cookies are nobody's: another door's, and what is none of usher's.
func TestCookiesThatAreNobodys(t *testing.T) {
	each(t, func(w *world) {
		b, _ := w.browsers()
		u := w.elsewhere("ada")
		kept, err := b.Sessions.NewBrowser()
		if err != nil {
			t.Fatal(err)
		}
		w.update(func(tx store.Tx) error {
			strands, err := tx.Strands(u.ID)
			if err != nil {
				return err
			}
			_, err = b.Sessions.IssueBrowser(tx, user.Session{User: u.ID, Strand: strands[0].ID, Door: user.DoorEDI, Epoch: u.Epoch, Methods: []string{"fed"}}, kept)
			return err
		})
		for _, cookie := range []string{"", "x", kept.Text, w.token("ada", "s1"), strings.Repeat("a", 43)} {
			if here, ok, err := b.Who(t.Context(), cookie); ok || err != nil {
				t.Errorf("%q: %+v, %v", cookie, here, err)
			}
		}
	})
}
