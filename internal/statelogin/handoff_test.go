package statelogin_test

import (
	"context"
	"crypto/sha256"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/statelogin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// handing is what a success address is worth: one session, for five minutes.
func handing() []scenario {
	// ready gives a handle that nobody has followed, and whose it is.
	ready := func(w *world, change ...func(*statelogin.Claims)) (handle string, who user.ID) {
		w.Helper()
		handle = w.handle(w.enters(w.visits("100", change...), w.phone(1)))
		return handle, w.known("100")
	}
	over := func(w *world, handle string) {
		w.Helper()
		in, err := w.states.Follow(w.Context(), handle)
		w.refused(err, noVisit)
		if in != (statelogin.Entered{}) {
			w.Errorf("refused, and gave %+v", in)
		}
		pair, err := w.states.Collect(w.Context(), handle, "app")
		w.refused(err, noVisit)
		if _, err := w.sessions.Access(w.Context(), pair.Access); err == nil {
			w.Error("refused, and the tokens are good")
		}
	}
	return []scenario{
		{"a browser follows it once", func(w *world) {
			handle, who := ready(w)
			in, err := w.states.Follow(w.Context(), handle)
			w.ok(err)
			live, err := w.sessions.Browser(w.Context(), in.Token)
			w.ok(err)
			if live.User.ID != who || live.Session.Client != "" || !in.Expires.Equal(w.clock.Now().Add(session.BrowserLife)) {
				w.Errorf("in as %+v until %s", live.Session, in.Expires)
			}
			over(w, handle)
		}},
		{"a client collects it once, and the tokens are the client's", func(w *world) {
			handle, who := ready(w)
			pair, err := w.states.Collect(w.Context(), handle, "app")
			w.ok(err)
			live, err := w.sessions.Access(w.Context(), pair.Access)
			w.ok(err)
			if live.User.ID != who || live.Session.Client != "app" || live.Session.Door != user.DoorSunbird {
				w.Errorf("in as %+v", live.Session)
			}
			over(w, handle)
		}},
		{"of many who follow it at once, one gets in", func(w *world) {
			handle, who := ready(w)
			const n = 6
			errs := make([]error, n)
			var all sync.WaitGroup
			for i := range n {
				all.Go(func() {
					if i%2 == 0 {
						_, errs[i] = w.states.Follow(context.Background(), handle)
					} else {
						_, errs[i] = w.states.Collect(context.Background(), handle, "app")
					}
				})
			}
			all.Wait()
			in := 0
			for _, err := range errs {
				if err == nil {
					in++
				} else {
					w.refused(err, noVisit)
				}
			}
			w.view(func(r store.Reader) error {
				all, err := r.Sessions(who)
				if in != 1 || len(all) != 1 {
					w.Errorf("%d got in, %d sessions", in, len(all))
				}
				return err
			})
		}},
		{"it is over after five minutes", func(w *world) {
			handle, _ := ready(w)
			w.clock.Advance(5*time.Minute - time.Second)
			other := w.handle(w.begin(w.token("100")).Next)
			w.clock.Advance(time.Second)
			over(w, handle)
			w.ok(errOf(w.states.Follow(w.Context(), other)))
		}},
		{"nothing else names it: no other text, no visit's cookie, nor it a visit", func(w *world) {
			cookie := w.visits("100")
			next := w.enters(cookie, w.phone(1))
			for _, text := range []string{"", cookie, "another", w.handle(next) + "x", strings.ToUpper(w.handle(next))} {
				over(w, text)
			}
			_, err := w.states.Look(w.Context(), w.handle(next))
			w.refused(err, noVisit)
			w.follows(next)
		}},
		{"it is worth nothing once its user is locked, closed or another's", func(w *world) {
			for i, c := range []struct {
				what   string
				change func(user.ID)
			}{
				{"locked", func(u user.ID) { w.lock(u) }},
				{"deleted", func(u user.ID) {
					w.change(u, func(u *user.User) { u.Status, u.ClosedBy = user.Deleted, user.ClosedByOperator })
				}},
				{"erased", func(u user.ID) { w.erase(u) }},
				{"set aside", func(u user.ID) { w.change(u, func(u *user.User) { u.Status = user.SetAside }) }},
				{"another's proofs", func(u user.ID) { w.change(u, func(u *user.User) { u.MoveEpoch(w.clock.Now()) }) }},
			} {
				handle := w.handle(w.enters(w.visits(c.what), w.phone(i)))
				who := w.known(c.what)
				c.change(who)
				w.Log(c.what)
				over(w, handle)
				w.view(func(r store.Reader) error {
					all, err := r.Sessions(who)
					if len(all) != 0 {
						w.Errorf("%d sessions", len(all))
					}
					return err
				})
			}
		}},
		{"it leads where the token says, if a sign-in may end there, else home", func(w *world) {
			w.pol.Sunbird.Redirects = []string{"https://portal.example.org"}
			for i, c := range []struct{ asked, next string }{
				{"", statelogin.PathHome},
				{"/learn?x=1", "/learn?x=1"},
				{publicURL + "/learn", publicURL + "/learn"},
				{"https://portal.example.org/explore", "https://portal.example.org/explore"},
				{"https://evil.example.net/", statelogin.PathHome},
				{"//evil.example.net/", statelogin.PathHome},
			} {
				subject := "10" + string(rune('0'+i))
				handle := w.handle(w.enters(w.visits(subject, func(cl *statelogin.Claims) { cl.RedirectURI = c.asked }), w.phone(i)))
				in, err := w.states.Follow(w.Context(), handle)
				if err != nil || in.Next != c.next {
					w.Errorf("%q: led to %q, %v", c.asked, in.Next, err)
				}
			}
		}},
		{"the handle in the address is not what is kept", func(w *world) {
			handle, _ := ready(w)
			w.view(func(r store.Reader) error {
				sum := sha256.Sum256([]byte(handle))
				v, err := r.Visit(sum[:])
				if strings.Contains(string(v.Body), handle) {
					w.Errorf("the body has it: %s", v.Body)
				}
				return err
			})
		}},
	}
}

func errOf(_ statelogin.Entered, err error) error { return err }

// renewing is how a client's tokens go on.
func renewing() []scenario {
	dead := user.Refuse(user.BadToken, "refreshToken")
	collected := func(w *world) session.Pair {
		w.Helper()
		pair, err := w.states.Collect(w.Context(), w.handle(w.enters(w.visits("100"), w.phone(1))), "app")
		w.ok(err)
		return pair
	}
	return []scenario{
		{"a refresh token gives the next pair", func(w *world) {
			first := collected(w)
			next, err := w.states.Renew(w.Context(), first.Refresh, "app")
			w.ok(err)
			if next.Refresh == first.Refresh {
				w.Error("the same token")
			}
			if live, err := w.sessions.Access(w.Context(), next.Access); err != nil || live.User.ID != w.known("100") {
				w.Errorf("in as %+v, %v", live.Session, err)
			}
			_, err = w.states.Renew(w.Context(), next.Refresh, "app")
			w.ok(err)
		}},
		{"one that comes twice ends its session, and the end stays", func(w *world) {
			first := collected(w)
			next, err := w.states.Renew(w.Context(), first.Refresh, "app")
			w.ok(err)
			_, err = w.states.Renew(w.Context(), first.Refresh, "app")
			w.refused(err, dead)
			_, err = w.states.Renew(w.Context(), next.Refresh, "app")
			w.refused(err, dead)
			if _, err := w.sessions.Access(w.Context(), next.Access); err == nil {
				w.Error("the access token is good")
			}
			if got := w.events(w.known("100")); got[len(got)-1] != event.SessionEnded {
				w.Errorf("events %v", got)
			}
		}},
		{"it is of one client, of this door, and no other token will do", func(w *world) {
			pair := collected(w)
			for _, c := range []struct{ text, client string }{
				{pair.Refresh, "android"},
				{pair.Refresh, ""},
				{pair.Access, "app"},
				{"", "app"},
				{"another", "app"},
			} {
				_, err := w.states.Renew(w.Context(), c.text, c.client)
				w.refused(err, dead)
			}
			who := w.known("100")
			other, err := w.sessions.NewPair()
			w.ok(err)
			w.update(func(tx store.Tx) error {
				_, err := w.sessions.Issue(tx, user.Session{User: who, Door: user.DoorPartner, Client: "app", Epoch: 1}, other)
				return err
			})
			_, err = w.states.Renew(w.Context(), other.Refresh, "app")
			w.refused(err, dead)
			_, err = w.states.Renew(w.Context(), pair.Refresh, "app")
			w.ok(err)
		}},
		{"it is worth nothing once its user is locked, or its time is over", func(w *world) {
			pair := collected(w)
			w.clock.Advance(session.RefreshLife)
			_, err := w.states.Renew(w.Context(), pair.Refresh, "app")
			w.refused(err, dead)
			begun := w.begin(w.token("100"))
			pair, err = w.states.Collect(w.Context(), w.handle(begun.Next), "app")
			w.ok(err)
			w.lock(w.known("100"))
			_, err = w.states.Renew(w.Context(), pair.Refresh, "app")
			w.refused(err, dead)
		}},
	}
}

// clients are who may collect.
func clients() []scenario {
	return []scenario{
		{"a client is one that policy names, with the secret it was registered with", func(w *world) {
			named, other, public := w.of("app"), w.of("other"), w.of("public")
			sum := sha256.Sum256([]byte("s3cret"))
			w.update(func(tx store.Tx) error {
				for _, c := range []user.Client{
					{ID: w.of("1"), ClientID: named, SecretHash: sum[:]},
					{ID: w.of("2"), ClientID: other, SecretHash: sum[:]},
					{ID: w.of("3"), ClientID: public},
				} {
					if err := store.Insert(tx, c); err != nil {
						return err
					}
				}
				return nil
			})
			w.pol.Sunbird.SessionClients = []string{named, public, w.of("unknown")}
			for _, c := range []struct {
				what, id, secret string
				ok               bool
			}{
				{"right", named, "s3cret", true},
				{"another secret", named, "s3cret ", false},
				{"no secret", named, "", false},
				{"not named by policy", other, "s3cret", false},
				{"without a secret of its own", public, "", false},
				{"any secret for one without", public, "s3cret", false},
				{"not registered", w.of("unknown"), "s3cret", false},
				{"nobody", "", "", false},
			} {
				err := w.states.Client(w.Context(), c.id, c.secret)
				if c.ok {
					w.ok(err)
					continue
				}
				w.Log(c.what)
				w.refused(err, user.Refuse(user.InvalidClient, "clientId"))
			}
		}},
		{"a client that was registered with a secret is not open to who has none", func(w *world) {
			sum := sha256.Sum256([]byte("s3cret"))
			w.update(func(tx store.Tx) error {
				if err := store.Insert(tx, user.Client{ID: w.of("1"), ClientID: w.of("app"), SecretHash: sum[:]}); err != nil {
					return err
				}
				return store.Insert(tx, user.Client{ID: w.of("2"), ClientID: w.of("public")})
			})
			w.refused(w.states.Open(w.Context(), w.of("app")), user.Refuse(user.InvalidClient, "clientId"))
			w.ok(w.states.Open(w.Context(), w.of("public")))
			w.ok(w.states.Open(w.Context(), w.of("unknown")))
		}},
	}
}

// Given addresses as a portal or an attacker writes them, then a sign-in ends only
// at a path, under usher's own address, or at an origin of policy's.
func TestWhereASignInMayEnd(t *testing.T) {
	pol := policy.Sunbird{Redirects: []string{"https://portal.example.org", "https://other.example.org:8443", "com.example.app://", "http://localhost:3000"}}
	for _, c := range []struct {
		asked string
		want  bool
	}{
		{"/", true},
		{"/resources", true},
		{"/resources?a=b#c", true},
		{"/%2e%2e//evil.example.net", true}, // a path for all browsers
		{"https://id.example.org", true},
		{"https://id.example.org/x?y=z", true},
		{"https://portal.example.org", true},
		{"https://portal.example.org/x", true},
		{"https://other.example.org:8443/x", true},
		{"http://localhost:3000/x", true},
		{"com.example.app:/signed-in", true},
		{"com.example.app:///signed-in", true},

		{"", false},
		{"resources", false},
		{"?a=b", false},
		{"#a", false},
		{"//evil.example.net", false},
		{"///evil.example.net", false},
		{`/\evil.example.net`, false},
		{`\\evil.example.net`, false},
		{"/\t/evil.example.net", false},
		{"\t//evil.example.net", false},
		{" /resources", false},
		{"/resources\r\nSet-Cookie: a=b", false},
		{"/\x7f/evil.example.net", false},
		{"/\x00", false},
		{"http://id.example.org/", false},
		{"https://id.example.org:444/", false},
		{"https://id.example.org.evil.example.net/", false},
		{"https://evil.example.net/https://id.example.org/", false},
		{"https://evil.example.net?https://portal.example.org", false},
		{"https://evil.example.net#https://portal.example.org", false},
		{"https://portal.example.org@evil.example.net/", false},
		{"https://a:b@portal.example.org/", false},
		{"https://@portal.example.org/", false},
		{"http://portal.example.org/", false},
		{"https://other.example.org/", false},
		{"https://sub.portal.example.org/", false},
		{"https:/portal.example.org", false},
		{"https:portal.example.org", false},
		{"javascript:alert(1)", false},
		{"javascript://portal.example.org/%0aalert(1)", false},
		{"data:text/html,x", false},
		{"com.example.other:/signed-in", false},
		{"com.example.app:signed-in", false},
		{"https://[::1", false},
		{"%zz", false},
	} {
		if got := statelogin.Allowed(c.asked, publicURL, pol); got != c.want {
			t.Errorf("%q: %v", c.asked, got)
		}
	}
	for _, base := range []string{"", "not a base", "%zz", "/"} {
		for _, asked := range []string{"https://evil.example.net/", "://", "//"} {
			if statelogin.Allowed(asked, base, policy.Sunbird{}) {
				t.Errorf("%q under %q", asked, base)
			}
		}
		if !statelogin.Allowed("/x", base, policy.Sunbird{}) {
			t.Errorf("a path under %q", base)
		}
	}
}
