package providerlogin_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/usher-id/usher/internal/providerlogin"
	"github.com/usher-id/usher/internal/roundtrip"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// stale is a sign-in that is over, or another browser's.
var stale = user.Refuse(user.BadToken, "state")

// starting is how a browser is sent to the provider (contract B.3, 1).
func starting() []scenario {
	return []scenario{
		{"the provider is asked with secrets of this sign-in's own, and for usher's own address", func(w *world) {
			one := w.starts(query())
			first := w.provider.asked
			two := w.starts(query())
			second := w.provider.asked
			for _, a := range []roundtrip.Asking{first, second} {
				if a.RedirectURI != publicURL+providerlogin.CallbackPath || len(a.Challenge) != 43 || len(a.State) < 43 || len(a.Nonce) < 43 {
					w.Errorf("asked %+v", a)
				}
			}
			seen := map[string]bool{}
			for _, text := range []string{one.cookie, two.cookie, first.State, second.State, first.Nonce, second.Nonce, first.Challenge, second.Challenge} {
				if seen[text] {
					w.Errorf("%q twice", text)
				}
				seen[text] = true
			}
			if one.state != first.State || two.state != second.State {
				w.Error("the state is another's")
			}
		}},
		{"neither state nor cookie is kept as it is", func(w *world) {
			g := w.starts(query())
			w.view(func(r store.Reader) error {
				sum := sha256.Sum256([]byte(g.state))
				v, err := r.Visit(sum[:])
				if strings.Contains(string(v.Body), g.state) || strings.Contains(string(v.Body), g.cookie) {
					w.Errorf("kept %s", v.Body)
				}
				return err
			})
		}},
		{"what a portal must say, and where a sign-in may end", func(w *world) {
			change := func(fn func(*providerlogin.Query)) providerlogin.Query {
				q := query()
				fn(&q)
				return q
			}
			for _, c := range []struct {
				q  providerlogin.Query
				no *user.Refusal
			}{
				{providerlogin.Query{}, user.Refuse(user.Missing, "client_id")},
				{change(func(q *providerlogin.Query) { q.ClientID = "" }), user.Refuse(user.Missing, "client_id")},
				{change(func(q *providerlogin.Query) { q.RedirectURI = "" }), user.Refuse(user.Missing, "redirect_uri")},
				{change(func(q *providerlogin.Query) { q.ErrorCallback = "" }), user.Refuse(user.Missing, "error_callback")},
				{change(func(q *providerlogin.Query) { q.RedirectURI = "https://evil.example.net/" }), user.Refuse(user.Invalid, "redirect_uri")},
				{change(func(q *providerlogin.Query) { q.RedirectURI = "//evil.example.net/" }), user.Refuse(user.Invalid, "redirect_uri")},
				{change(func(q *providerlogin.Query) { q.RedirectURI = "javascript:alert(1)" }), user.Refuse(user.Invalid, "redirect_uri")},
				{change(func(q *providerlogin.Query) { q.ErrorCallback = "https://evil.example.net/" }), user.Refuse(user.Invalid, "error_callback")},
				{change(func(q *providerlogin.Query) { q.ErrorCallback = `/\evil.example.net` }), user.Refuse(user.Invalid, "error_callback")},
			} {
				w.provider.asked = roundtrip.Asking{}
				to, cookie, err := w.google.Start(w.Context(), c.q, "")
				w.refused(err, c.no)
				if to != "" || cookie != "" || w.provider.asked != (roundtrip.Asking{}) {
					w.Errorf("%+v: to %q, and the provider was asked", c.q, to)
				}
			}
			w.starts(providerlogin.Query{ClientID: "portal", RedirectURI: "https://portal.example.org/x", ErrorCallback: publicURL + "/e"})
		}},
		{"a provider that is down begins nothing", func(w *world) {
			w.provider.down = user.Refuse(user.Busy, "provider")
			to, cookie, err := w.google.Start(w.Context(), query(), "")
			w.refused(err, user.Refuse(user.Busy, "provider"))
			if to != "" || cookie != "" {
				w.Errorf("to %q", to)
			}
		}},
	}
}

// returning is a browser that comes back (contract B.3, 2).
func returning() []scenario {
	return []scenario{
		{"a code opens a session, at the portal's address without its marker", func(w *world) {
			live, in := w.browses(w.says("code", "ada", user.Proven))
			if in.Next != "/learn?x=y" || !in.Expires.Equal(w.clock.Now().Add(session.BrowserLife)) {
				w.Errorf("entered %+v", in)
			}
			if live.User.ID != w.known("ada") || live.Session.Door != user.DoorSunbird || live.Session.Client != "" || len(live.Session.Methods) != 1 || live.Session.Methods[0] != "fed" {
				w.Errorf("the session is %+v", live.Session)
			}
		}},
		{"the marker alone is taken out of the portal's address", func(w *world) {
			for i, c := range []struct{ asked, next string }{
				{"/learn", "/learn"},
				{"/learn?x=%2F&y", "/learn?x=%2F&y"},
				{"/learn?auth_callback=1", "/learn"},
				{"https://portal.example.org/a?auth_callback=1&b=c#d", "https://portal.example.org/a?b=c#d"},
			} {
				q := query()
				q.RedirectURI = c.asked
				code := w.says("code"+string(rune('0'+i)), "ada", user.Proven)
				if in, err := w.google.Callback(w.Context(), w.starts(q).back(code)); err != nil || in.Next != c.next {
					w.Errorf("%s: to %q, %v", c.asked, in.Next, err)
				}
			}
		}},
		{"an app gets its tokens in the address it is opened with, and no cookie", func(w *world) {
			q := query()
			q.ClientID, q.RedirectURI = "android", "com.example.app:/signed-in?x=y"
			in, err := w.google.Callback(w.Context(), w.starts(q).back(w.says("code", "ada", user.Proven)))
			w.ok(err)
			u, err := url.Parse(in.Next)
			w.ok(err)
			tokens := u.Query()
			if in.Token != "" || !strings.HasPrefix(in.Next, "com.example.app:/signed-in?") || len(tokens) != 2 {
				w.Errorf("entered %+v", in)
			}
			live, err := w.sessions.Access(w.Context(), tokens.Get("access_token"))
			if err != nil || live.User.ID != w.known("ada") || live.Session.Client != "android" {
				w.Errorf("in as %+v, %v", live.Session, err)
			}
			pair, err := w.sessions.NewPair()
			w.ok(err)
			w.update(func(tx store.Tx) error {
				_, no, err := w.sessions.Renew(tx, tokens.Get("refresh_token"), user.DoorSunbird, "android", pair)
				if no != nil {
					w.Errorf("the refresh token: %v", no)
				}
				return err
			})
		}},
		{"what is no client of policy's gets no tokens", func(w *world) {
			w.pol.Sunbird.SessionClients = nil
			q := query()
			q.ClientID = "android"
			in, err := w.google.Callback(w.Context(), w.starts(q).back(w.says("code", "ada", user.Proven)))
			if err != nil || in.Token == "" || strings.Contains(in.Next, "token") {
				w.Errorf("entered %+v, %v", in, err)
			}
		}},
		{"it comes back once", func(w *world) {
			g := w.starts(query())
			_, err := w.google.Callback(w.Context(), g.back(w.says("code", "ada", user.Proven)))
			w.ok(err)
			before := w.provider.given
			_, err = w.google.Callback(w.Context(), g.back(w.says("another", "ada", user.Proven)))
			w.refused(err, stale)
			if _, ok := errors.AsType[*providerlogin.Denied](err); ok || w.provider.given != before {
				w.Errorf("denied %v, or the code was exchanged", ok)
			}
		}},
		{"it comes back to the browser that began it, and another's try takes nothing away", func(w *world) {
			mine, other := w.starts(query()), w.starts(query())
			w.provider.asked = roundtrip.Asking{}
			code := w.says("code", "ada", user.Proven)
			for _, cookie := range []string{"", other.cookie, mine.state, mine.cookie + "x"} {
				_, err := w.google.Callback(w.Context(), roundtrip.Answer{State: mine.state, Code: code, Cookie: cookie})
				w.refused(err, stale)
			}
			for _, state := range []string{"", mine.cookie, mine.state + "x"} {
				_, err := w.google.Callback(w.Context(), roundtrip.Answer{State: state, Code: code, Cookie: mine.cookie})
				w.refused(err, stale)
			}
			if w.provider.given != 0 || w.known("ada") != "" {
				w.Error("the code was exchanged")
			}
			again := w.starts(query())
			if _, err := w.google.Callback(w.Context(), again.back(code)); err != nil {
				w.Errorf("the one who began: %v", err)
			}
		}},
		{"two tabs of one browser go by one cookie, and both get in, in either order", func(w *world) {
			first := w.starts(query())
			asked := w.provider.asked
			second := w.startsIn(first.cookie, query())
			if second.cookie != first.cookie || second.state == first.state {
				w.Fatalf("first %+v, second %+v", first, second)
			}
			_, err := w.google.Callback(w.Context(), second.back(w.says("code", "ada", user.Proven)))
			w.ok(err)
			w.provider.asked = asked
			_, err = w.google.Callback(w.Context(), first.back(w.says("next", "ada", user.Proven)))
			w.ok(err)
		}},
		{"it is over after a quarter of an hour", func(w *world) {
			early, late := w.starts(query()), w.starts(query())
			asked := w.provider.asked
			w.clock.Advance(15*time.Minute - time.Second)
			if _, err := w.google.Callback(w.Context(), late.back(w.says("code", "ada", user.Proven))); err != nil {
				w.Errorf("a second before: %v", err)
			}
			w.clock.Advance(time.Second)
			w.provider.asked = asked
			_, err := w.google.Callback(w.Context(), early.back(w.says("next", "ada", user.Proven)))
			w.refused(err, stale)
		}},
		{"a visit of another kind is none", func(w *world) {
			sum := sha256.Sum256([]byte("state"))
			browser := sha256.Sum256([]byte("cookie"))
			doc, err := json.Marshal(map[string]any{"Browser": browser[:]})
			w.ok(err)
			w.update(func(tx store.Tx) error {
				return store.Put(tx, store.Visit{Hash: sum[:], Kind: "state", Body: doc, Created: tx.Now(), Until: tx.Now().Add(time.Hour)})
			})
			_, err = w.google.Callback(w.Context(), roundtrip.Answer{State: "state", Cookie: "cookie", Code: w.says("code", "ada", user.Proven)})
			w.refused(err, stale)
		}},
		{"of many who come back with one state at once, one gets in", func(w *world) {
			g := w.starts(query())
			code := w.says("code", "ada", user.Proven)
			const n = 5
			errs := make([]error, n)
			var all sync.WaitGroup
			for i := range n {
				all.Go(func() { _, errs[i] = w.google.Callback(context.Background(), g.back(code)) })
			}
			all.Wait()
			in := 0
			for _, err := range errs {
				if err == nil {
					in++
				} else {
					w.refused(err, stale)
				}
			}
			if in != 1 {
				w.Errorf("%d got in", in)
			}
		}},
	}
}

// ending is a sign-in that ends at the portal's error_callback (contract B.3, 5).
func ending() []scenario {
	no := func(key, value string) *user.Refusal { return user.Refuse(user.Forbidden, "provider", key, value) }
	return []scenario{
		{"what a provider, or a stranger in its name, sends back is denied, and the visit is over", func(w *world) {
			code := w.says("code", "ada", user.Proven)
			for _, c := range []struct {
				what   string
				change func(*roundtrip.Answer)
				no     *user.Refusal
			}{
				{"an error", func(b *roundtrip.Answer) { b.Error = "access_denied" }, no("error", "access_denied")},
				{"an error and no code", func(b *roundtrip.Answer) { b.Error, b.Code = "access_denied", "" }, no("error", "access_denied")},
				{"no code", func(b *roundtrip.Answer) { b.Code = "" }, no("error", "")},
				{"another issuer", func(b *roundtrip.Answer) { b.Issuer = "https://evil.example.net" }, no("why", "another issuer")},
				{"an issuer almost as it is called", func(b *roundtrip.Answer) { b.Issuer = issuer + "/" }, no("why", "another issuer")},
				{"a code that proves nothing", func(b *roundtrip.Answer) { b.Code = "unknown" }, user.Refuse(user.BadToken, "token", "why", "expired")},
			} {
				g := w.starts(query())
				b := g.back(code)
				c.change(&b)
				in, err := w.google.Callback(w.Context(), b)
				w.Log(c.what)
				w.denied(err, query(), c.no)
				if in != (providerlogin.Entered{}) {
					w.Errorf("entered %+v", in)
				}
				_, err = w.google.Callback(w.Context(), g.back(code))
				w.refused(err, stale)
			}
			if w.known("ada") != "" {
				w.Error("there is a user")
			}
		}},
		{"the issuer that it says is the one that was asked", func(w *world) {
			b := w.starts(query()).back(w.says("code", "ada", user.Proven))
			b.Issuer = issuer
			_, err := w.google.Callback(w.Context(), b)
			w.ok(err)
		}},
		{"a provider that is down is no refusal of the person", func(w *world) {
			g := w.starts(query())
			fault := errors.New("no answer")
			w.provider.down = fault
			_, err := w.google.Callback(w.Context(), g.back("code"))
			d, ok := errors.AsType[*providerlogin.Denied](err)
			if !ok || !errors.Is(err, fault) || d.ErrorCallback != "/error" || !strings.Contains(d.Error(), "no answer") {
				w.Errorf("got %v", err)
			}
		}},
		{"why somebody is kept out comes through, for browsers and apps alike", func(w *world) {
			who, _ := w.browses(w.says("first", "ada", user.Proven))
			w.lock(who.User.ID)
			for _, client := range []string{"portal", "android"} {
				q := query()
				q.ClientID = client
				before := w.written()
				_, err := w.google.Callback(w.Context(), w.starts(q).back(w.says("code "+client, "ada", user.Proven)))
				w.denied(err, q, user.Refuse(user.UserLocked, "user"))
				_, err = w.google.Callback(w.Context(), w.starts(q).back(w.says("none "+client, "new", user.Proven, named("", "", ""))))
				w.denied(err, q, user.Refuse(user.Missing, "name"))
				if after := w.written(); after != before {
					w.Errorf("wrote %+v upon %+v", after, before)
				}
			}
		}},
		{"one code's proof that comes in two sign-ins is good for one", func(w *world) {
			w.browses(w.says("code", "ada", user.Proven))
			_, err := w.google.Callback(w.Context(), w.starts(query()).back("code"))
			w.denied(err, query(), user.Refuse(user.BadToken, "token", "why", "used before"))
		}},
		{"what a code proves is what its token may prove", func(w *world) {
			w.browses(w.says("code", "ada", user.Proven, func(p *signin.Proof) { p.Facts[user.Locale] = user.Text("en-GB") }))
			w.view(func(r store.Reader) error {
				u, err := r.User(w.known("ada"))
				if u.Profile.Text(user.GivenName) != "Ada" || u.Profile.Text(user.Locale) != "en-GB" {
					w.Errorf("is %+v", u.Profile)
				}
				return err
			})
		}},
	}
}
