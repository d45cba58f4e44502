package feed_test

import (
	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// power is what a feed may not give, and what ends with its record.
func power() []scenario {
	return []scenario{
		{"usher's own roles are an operator's to give", func(w *world) {
			for _, role := range []string{user.RoleOperator, user.RoleStaff} {
				w.refused(system, feed.Sync{
					Email: some(w.email("mallory")), Roles: feed.Some([]string{"reader", role}),
				}, user.Invalid, "roles")
			}
		}},
		{"roles and usernames that come and go are recorded", func(w *world) {
			in := feed.Sync{Email: some(w.email("rec")), Username: some(w.of("rec")), Roles: feed.Some([]string{w.of("reader"), w.of("editor")})}
			u := w.sync(in).Record.User.ID
			in.Username, in.Roles = some(w.of("recorded")), feed.Some([]string{w.of("reader")})
			w.sync(in)
			w.sync(in)
			counts := map[event.Kind]int{}
			w.view(func(r store.Reader) error {
				events, err := r.EventsOf(u, 100)
				clear(counts)
				for _, e := range events {
					counts[event.Kind(e.Kind)]++
				}
				return err
			})
			if counts[event.GroupJoined] != 2 || counts[event.GroupLeft] != 1 || counts[event.UserChanged] != 1 {
				w.Errorf("recorded %v", counts)
			}
		}},
		{"an untrusted source makes no administrators", func(w *world) {
			w.pol.Sources = map[string]policy.SourceRule{string(hr.Source): {Trust: policy.Untrusted}}
			in := feed.Sync{Email: some(w.email("mallory")), Roles: feed.Some([]string{user.RoleSysadmin})}
			w.refused(hr, in, user.Invalid, "roles")
		}},
		{"what an answer showed in a password's place is no password", func(w *world) {
			in := feed.Sync{Email: some(w.email("mk")), Username: some(w.of("mk")), Password: some(good)}
			w.sync(in)
			for _, shown := range []string{feed.RedactedPassword, "$2b$06$k2WcyM0iw0Jy3aYfFBi2MuNwunZtO0S9uTV1QEyqKtmM3t/4JwYcC"} {
				in.Password = some(shown)
				w.refused(system, in, user.WeakPassword, "password")
			}
			w.mustSignIn(w.of("mk"), good)
		}},
		{"a withdrawn record's username signs nobody in", func(w *world) {
			rec := w.sync(feed.Sync{
				Email: some(w.email("cersei")), Username: some(w.of("cersei")), Verified: feed.Some(true), Password: some(good),
			}).Record
			w.arrive(w.email("cersei")) // the user lives on by a proof of her own
			if _, err := w.feed.Delete(w.Context(), system, rec.Number); err != nil {
				w.Fatal(err)
			}
			_, err := w.signIn(w.of("cersei"), good)
			w.isRefusal(err, user.BadCredential, "")
		}},
	}
}
