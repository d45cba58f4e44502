package signin_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Refresh tokens are used once (security T14).
func refreshing() []scenario {
	renewal := func(token string) signin.Renewal {
		return signin.Renewal{Door: user.DoorPartner, ClientID: "public", RefreshToken: token}
	}
	dead := func(w *world, r signin.Renewal) {
		w.Helper()
		in, err := w.signin.Refresh(w.Context(), r)
		if no := w.isRefusal(err, user.BadToken); in.AccessToken != "" || no.Field != "refreshToken" {
			w.Errorf("%+v gave %+v", no, in)
		}
	}
	renew := func(w *world, token string) signin.SignedIn {
		w.Helper()
		in, err := w.signin.Refresh(w.Context(), renewal(token))
		if err != nil {
			w.Fatal(err)
		}
		return in
	}
	reuses := func(w *world, u user.ID) (n int) {
		w.view(func(r store.Reader) error {
			es, err := r.EventsOf(u, 1000)
			for _, e := range es {
				if e.Kind == string(event.RefreshReused) {
					n++
				}
			}
			return err
		})
		return n
	}
	// ends is a thing after which the refresh token of a session is dead.
	ends := func(name string, end func(w *world, rec store.Record)) scenario {
		return scenario{"no refresh after " + name, func(w *world) {
			rec := w.partnerUser("ada")
			in := w.in(w.email("ada"), good)
			end(w, rec)
			dead(w, renewal(in.RefreshToken))
			if w.alive(in.AccessToken) {
				w.Error("the access token lives")
			}
		}}
	}
	return []scenario{
		{"a refresh token is traded for the next pair", func(w *world) {
			rec := w.partnerUser("ada")
			first := w.in(w.email("ada"), good)
			w.clock.Advance(30 * time.Minute)
			next := renew(w, first.RefreshToken)
			if next.Session.ID != first.Session.ID || next.Session.Subject != rec.Number || next.RefreshToken == first.RefreshToken || next.AccessToken == first.AccessToken {
				w.Errorf("%+v, then %+v", first, next)
			}
			if now := w.clock.Now(); !next.AccessUntil.Equal(now.Add(time.Hour)) || !next.RefreshUntil.Equal(now.Add(14*24*time.Hour)) {
				w.Errorf("until %v and %v", next.AccessUntil, next.RefreshUntil)
			}
			if !w.alive(first.AccessToken) || !w.alive(next.AccessToken) {
				w.Error("an access token lives for its hour")
			}
			w.clock.Advance(31 * time.Minute)
			if w.alive(first.AccessToken) || !w.alive(next.AccessToken) {
				w.Error("an access token outlived its hour")
			}
		}},
		{"used twice, the session ends", func(w *world) {
			rec := w.partnerUser("ada")
			other := w.in(w.email("ada"), good)
			first := w.in(w.email("ada"), good)
			next := renew(w, first.RefreshToken)
			dead(w, renewal(first.RefreshToken))
			dead(w, renewal(next.RefreshToken))
			if w.alive(next.AccessToken) || w.alive(first.AccessToken) {
				w.Error("the session of a copied token lives")
			}
			if n := reuses(w, rec.User.ID); n != 1 {
				w.Errorf("%d events", n)
			}
			if !w.alive(other.AccessToken) {
				w.Error("another session of the user ended")
			}
			renew(w, other.RefreshToken)
		}},
		{"100 uses at once, one success", func(w *world) {
			rec := w.partnerUser("ada")
			in := w.in(w.email("ada"), good)
			var won atomic.Int64
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					_, err := w.signin.Refresh(w.Context(), renewal(in.RefreshToken))
					if err == nil {
						won.Add(1)
						return
					}
					w.isBad(err)
				})
			}
			wg.Wait()
			if won.Load() != 1 || reuses(w, rec.User.ID) != 1 {
				w.Errorf("%d succeeded, %d events", won.Load(), reuses(w, rec.User.ID))
			}
		}},
		{"a session lives on for refreshing, a month in all", func(w *world) {
			w.partnerUser("ada")
			in := w.in(w.email("ada"), good)
			begun := in.Session.Created
			for range 4 {
				w.clock.Advance(7 * 24 * time.Hour)
				in = renew(w, in.RefreshToken)
				if !w.alive(in.AccessToken) {
					w.Fatalf("dead at %v", w.clock.Now())
				}
			}
			if want := begun.Add(30 * 24 * time.Hour); !in.RefreshUntil.Equal(want) || !in.AccessUntil.Equal(w.clock.Now().Add(time.Hour)) {
				w.Errorf("until %v, want %v", in.RefreshUntil, want)
			}
			w.clock.Advance(2 * 24 * time.Hour)
			dead(w, renewal(in.RefreshToken))
		}},
		{"what is no token of this door and client", func(w *world) {
			w.partnerUser("ada")
			in := w.in(w.email("ada"), good)
			for _, text := range []string{"", "x", in.AccessToken, strings.ToUpper(in.RefreshToken), in.RefreshToken + "0", strings.Repeat("0", 40)} {
				dead(w, renewal(text))
			}
			secret := "s3cret"
			dead(w, signin.Renewal{Door: user.DoorPartner, ClientID: "confidential", ClientSecret: &secret, RefreshToken: in.RefreshToken})
			dead(w, signin.Renewal{Door: user.DoorEDI, ClientID: "public", RefreshToken: in.RefreshToken})
			for _, r := range []signin.Renewal{
				{Door: user.DoorPartner, ClientID: "nobody", RefreshToken: in.RefreshToken},
				{Door: user.DoorPartner, ClientID: "public", ClientSecret: &secret, RefreshToken: in.RefreshToken},
				{Door: user.DoorPartner, ClientID: "confidential", RefreshToken: in.RefreshToken},
			} {
				_, err := w.signin.Refresh(w.Context(), r)
				w.isRefusal(err, user.InvalidClient)
			}
			renew(w, in.RefreshToken) // none of it used the token
		}},
		{"a refresh token expires", func(w *world) {
			w.partnerUser("ada")
			in := w.in(w.email("ada"), good)
			w.clock.Advance(14*24*time.Hour - time.Second)
			in = renew(w, in.RefreshToken)
			w.clock.Advance(14 * 24 * time.Hour)
			dead(w, renewal(in.RefreshToken))
		}},
		ends("a lock", func(w *world, rec store.Record) {
			if _, err := w.feed.Lock(w.Context(), feed.Caller{Source: "partner:__system", By: "__system"}, rec.Number); err != nil {
				w.Fatal(err)
			}
		}),
		ends("a lock that ended no session", func(w *world, rec store.Record) { w.lock(rec.User.ID) }),
		ends("a delete", func(w *world, rec store.Record) {
			if _, err := w.feed.Delete(w.Context(), feed.Caller{Source: "partner:__system", By: "__system"}, rec.Number); err != nil {
				w.Fatal(err)
			}
		}),
		ends("a change of password", func(w *world, _ store.Record) {
			w.synced(feed.Sync{Email: feed.Some(w.email("ada")), Password: feed.Some(bad)})
		}),
		ends("a change of the proof's owner", func(w *world, rec store.Record) {
			w.update(func(tx store.Tx) error {
				u, err := tx.User(rec.User.ID)
				if err != nil {
					return err
				}
				u.Epoch++
				return store.Put(tx, u)
			})
		}),
	}
}

// isBad is isRefusal for goroutines, which must not end the test.
func (w *world) isBad(err error) {
	w.Helper()
	if r, ok := err.(*user.Refusal); !ok || r.Code != user.BadToken { //nolint:errorlint // refusals come bare
		w.Errorf("got %v, want a refusal %s", err, user.BadToken)
	}
}
