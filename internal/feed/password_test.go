package feed_test

import (
	"slices"

	"golang.org/x/crypto/bcrypt"

	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// published is the example of the contract: the hash of good.
const published = "$2b$06$k2WcyM0iw0Jy3aYfFBi2MuNwunZtO0S9uTV1QEyqKtmM3t/4JwYcC"

func passwords() []scenario {
	return []scenario{
		{"one computation for a new password, one for the same again", func(w *world) {
			in := feed.Sync{Email: some(w.email("p")), Password: some(good)}
			for _, times := range []string{"a registration", "the same again"} {
				before := w.hasher.Count()
				w.sync(in)
				if n := w.hasher.Count() - before; n != 1 {
					w.Errorf("%s took %d computations", times, n)
				}
			}
			before := w.hasher.Count()
			w.sync(feed.Sync{Email: some(w.email("p")), Facts: facts("locale", "de")})
			if n := w.hasher.Count() - before; n != 0 {
				w.Errorf("a sync without a password took %d computations", n)
			}
		}},
		{"the same password ends no session, another ends all", func(w *world) {
			in := feed.Sync{Email: some(w.email("p")), Password: some(good)}
			res := w.sync(in)
			first, second := w.mustSignIn(w.email("p"), good), w.mustSignIn(w.email("p"), good)
			w.sync(in)
			if !w.alive(first.AccessToken) || !w.alive(second.AccessToken) {
				w.Error("the same password ended a session")
			}
			const other = "V4l4r#M0rghulis"
			in.Password = some(other)
			got := w.sync(in)
			if w.alive(first.AccessToken) || w.alive(second.AccessToken) {
				w.Error("a session outlived its password")
			}
			if why := w.endings(got.Record.User.ID); !slices.Equal(why, []session.Why{session.PasswordChanged}) {
				w.Errorf("they ended because of %q", why)
			}
			if got.Record.Strand.UpdatedBy != "__system" || got.Record.User.Epoch != res.Record.User.Epoch+1 {
				w.Errorf("updated by %q, epoch %d", got.Record.Strand.UpdatedBy, got.Record.User.Epoch)
			}
			if _, err := w.signIn(w.email("p"), good); err == nil {
				w.Error("the old password signs in")
			}
			w.mustSignIn(w.email("p"), other)
		}},
		{"a weak password is refused, unless it is the stored one", func(w *world) {
			for _, weak := range []string{"short", "password1", w.of("weakling"), w.of("weakling") + "!1"} {
				w.refused(system, feed.Sync{Email: some(w.email("weakling")), Username: some(w.of("weakling")), Password: some(weak)}, user.WeakPassword, "password")
			}
			weak, err := bcrypt.GenerateFromPassword([]byte("password1"), bcrypt.MinCost)
			if err != nil {
				w.Fatal(err)
			}
			w.sync(feed.Sync{Email: some(w.email("w")), PasswordHash: some(string(weak))})
			before := w.dump(true)
			w.sync(feed.Sync{Email: some(w.email("w")), Password: some("password1")})
			w.same(before, w.dump(true))
		}},
		{"a foreign hash is taken, and known again after its upgrade", func(w *world) {
			in := feed.Sync{Email: some(w.email("imported")), PasswordHash: some(published)}
			res := w.sync(in)
			before := w.dump(true)
			w.sync(in)
			w.same(before, w.dump(true))

			signed := w.mustSignIn(w.email("imported"), good)
			var hash string
			w.view(func(r store.Reader) error {
				ps, err := r.Passwords(res.Record.User.ID)
				hash = ps[0].Hash
				return err
			})
			if hash[:9] != "$argon2id" {
				w.Fatalf("was not upgraded: %.9s", hash)
			}
			before = w.dump(true)
			w.sync(in)
			w.sync(feed.Sync{Email: some(w.email("imported")), Password: some(good)})
			w.same(before, w.dump(true))
			if !w.alive(signed.AccessToken) {
				w.Error("the same hash again ended a session")
			}
			another, err := bcrypt.GenerateFromPassword([]byte("V4l4r#M0rghulis"), bcrypt.MinCost)
			if err != nil {
				w.Fatal(err)
			}
			w.sync(feed.Sync{Email: some(w.email("imported")), PasswordHash: some(string(another))})
			if w.alive(signed.AccessToken) {
				w.Error("another hash left a session")
			}
			w.mustSignIn(w.email("imported"), "V4l4r#M0rghulis")
		}},
		{"a hash that cannot be taken", func(w *world) {
			for name, in := range map[string]feed.Sync{
				"beside a password": {Email: some(w.email("h")), Password: some(good), PasswordHash: some(published)},
				"of no scheme":      {Email: some(w.email("h")), PasswordHash: some("plain")},
				"that costs hours":  {Email: some(w.email("h")), PasswordHash: some("$2b$31" + published[6:])},
			} {
				_, err := w.feed.Sync(w.Context(), system, in, feed.Write)
				if err == nil {
					w.Errorf("a hash %s was taken", name)
					continue
				}
				w.isRefusal(err, user.Invalid, "passwordHash")
			}
		}},
		{"a password is ignored where somebody else has proven anything", func(w *world) {
			person := w.arrive(w.email("proven"))
			in := feed.Sync{Email: some(w.email("proven")), Verified: feed.Some(true), Password: some(good)}
			res := w.sync(in)
			if res.Record.User.ID != person.User.ID || !slices.Equal(res.Ignored, []string{"password"}) {
				w.Fatalf("joined %s, ignored %v", res.Record.User.ID, res.Ignored)
			}
			if rec := w.read(system, res.Record.Number); rec.HasPassword {
				w.Error("it was set all the same")
			}
			before := w.dump(true)
			again := w.sync(in)
			w.same(before, w.dump(true))
			if !slices.Equal(again.Ignored, []string{"password"}) {
				w.Errorf("the second time ignored %v", again.Ignored)
			}
			in.Password, in.PasswordHash = feed.Opt[string]{}, some(published)
			if res := w.sync(in); !slices.Equal(res.Ignored, []string{"password"}) {
				w.Errorf("a hash: ignored %v", res.Ignored)
			}
			w.same(before, w.dump(true))
			if _, err := w.signIn(w.email("proven"), good); err == nil {
				w.Error("the feed's password signs in")
			}
		}},
		{"a password is ignored once the person has proven the address", func(w *world) {
			in := feed.Sync{Email: some(w.email("later")), Verified: feed.Some(true), Password: some(good)}
			w.sync(in)
			w.arrive(w.email("later"))
			w.mustSignIn(w.email("later"), good) // a trusted source vouched for what was proven
			const other = "V4l4r#M0rghulis"
			in.Password = some(other)
			if res := w.sync(in); !slices.Equal(res.Ignored, []string{"password"}) {
				w.Errorf("ignored %v", res.Ignored)
			}
			if _, err := w.signIn(w.email("later"), other); err == nil {
				w.Error("the feed changed a password that is the person's now")
			}
		}},
	}
}
