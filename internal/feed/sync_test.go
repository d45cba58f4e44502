package feed_test

import (
	"slices"
	"strings"

	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

func full(w *world) feed.Sync {
	return feed.Sync{
		Email: some(w.email("Full")), Verified: feed.Some(true), Username: some(w.of("Full")), Password: some(good),
		Facts: facts("given_name", "Cersei", "family_name", "Lannister", "locale", "de"),
		Roles: feed.Some([]string{"clerk", "sysadmin", "clerk"}), Active: feed.Some(true), Identities: orcid(w.of("0000")),
	}
}

// What a sync writes, and what it leaves alone.
func syncing() []scenario {
	return []scenario{
		{"a new user", func(w *world) {
			res := w.sync(full(w))
			st := res.Record.Strand
			if !res.Created || res.Record.Number == "" || st.CreatedBy != "__system" || st.UpdatedBy != "" || !st.Created.Equal(st.Updated) {
				w.Errorf("created %v, number %q, strand %+v", res.Created, res.Record.Number, st)
			}
			if got := w.read(system, res.Record.Number); !got.HasPassword || !got.LockedAt.IsZero() ||
				got.User.Profile.Text(user.Name) != "Cersei Lannister" || got.User.Profile.Text(user.EmailAttr) != w.email("Full") ||
				got.User.Profile.Text(user.EmailVerified) != "true" {
				w.Errorf("reads %+v", got)
			}
			// Known by a trusted source's word, which proves nothing.
			w.view(func(r store.Reader) error {
				owned, err := r.Owned(res.Record.User.ID)
				if len(owned) > 0 {
					w.Errorf("owns %v", owned)
				}
				return err
			})
		}},
		{"the same again writes nothing at all", func(w *world) {
			first := w.sync(full(w))
			before := w.dump(true)
			second := w.sync(full(w))
			w.same(before, w.dump(true))
			if second.Created || second.Record.Number != first.Record.Number || len(second.Changes) > 0 || len(second.Ignored) > 0 {
				w.Errorf("the second time: %+v", second)
			}
		}},
		{"only what is sent is changed", func(w *world) {
			first := w.sync(full(w))
			got := w.sync(feed.Sync{Email: some(w.email("Full")), Facts: facts("locale", "fr")})
			d := got.Record.Strand.Document
			if d.Text(user.GivenName) != "Cersei" || d.Text(user.PreferredName) != w.of("Full") || d.Text(user.Locale) != "fr" ||
				d.Text(user.EmailVerified) != "true" || d.Text(user.Roles) != `["clerk","sysadmin"]` {
				w.Errorf("document %v", d)
			}
			st := got.Record.Strand
			if st.UpdatedBy != "__system" || !st.Updated.After(st.Created) || !st.Created.Equal(first.Record.Strand.Created) || st.CreatedBy != "__system" {
				w.Errorf("strand %+v", st)
			}
			if len(got.Changes) != 1 || got.Changes[0].Attr != user.Locale || *got.Changes[0].From != "de" || *got.Changes[0].To != "fr" {
				w.Errorf("changes %+v", got.Changes)
			}
			if rec := w.read(system, first.Record.Number); rec.User.Profile.Text(user.Locale) != "fr" || !rec.HasPassword {
				w.Errorf("reads %+v", rec)
			}
		}},
		{"null clears, absence does not", func(w *world) {
			first := w.sync(full(w))
			got := w.sync(feed.Sync{
				Number: some(first.Record.Number), Username: feed.Null[string](), Roles: feed.Null[[]string](),
				Verified: feed.Null[bool](), Password: feed.Null[string](), Active: feed.Null[bool](),
				Facts: map[user.Attr]*string{user.Locale: nil, user.Gender: nil},
			})
			d := got.Record.Strand.Document
			if d.Get(user.Locale) != nil || d.Get(user.PreferredName) != nil || d.Get(user.Roles) != nil || d.Text(user.EmailVerified) != "true" {
				w.Errorf("document %v", d)
			}
			if !got.Record.HasPassword || len(got.Changes) != 3 {
				w.Errorf("password %v, changes %+v", got.Record.HasPassword, got.Changes)
			}
			before := w.dump(true)
			w.sync(feed.Sync{Number: some(first.Record.Number), Username: feed.Null[string](), Facts: map[user.Attr]*string{user.Locale: nil}})
			w.same(before, w.dump(true))
			// The name is free again.
			if other := w.sync(feed.Sync{Email: some(w.email("other")), Username: some(w.of("full"))}); !other.Created {
				w.Error("a freed username was not free")
			}
			w.refused(system, feed.Sync{Number: some(first.Record.Number), Email: feed.Null[string]()}, user.Invalid, "email")
		}},
		{"values that cannot be", func(w *world) {
			ok := some(w.email("v"))
			for name, c := range map[string]struct {
				in    feed.Sync
				field string
			}{
				"a stray quote":           {feed.Sync{Email: some("cersei-lannister@gmail.com'")}, "email"},
				"no address":              {feed.Sync{Email: some("nobody")}, "email"},
				"the system's name":       {feed.Sync{Email: ok, Username: some("__System")}, "username"},
				"somebody else's address": {feed.Sync{Email: ok, Username: some("victim@example.org")}, "username"},
				"an empty username":       {feed.Sync{Email: ok, Username: some("")}, "username"},
				"an empty role":           {feed.Sync{Email: ok, Roles: feed.Some([]string{""})}, "roles"},
				"a role with a space":     {feed.Sync{Email: ok, Roles: feed.Some([]string{" a"})}, "roles"},
				"a role of two lines":     {feed.Sync{Email: ok, Roles: feed.Some([]string{"clerk\nroot  operator"})}, "roles"},
				"a role that draws":       {feed.Sync{Email: ok, Roles: feed.Some([]string{"clerk\x1b[2K"})}, "roles"},
				"many roles":              {feed.Sync{Email: ok, Roles: feed.Some(manyRoles(65))}, "roles"},
				"an e-mail as identity":   {feed.Sync{Email: ok, Identities: []user.IdentityKey{{Issuer: "email", Subject: w.email("v")}}}, "identities"},
				"an identity of nobody":   {feed.Sync{Email: ok, Identities: []user.IdentityKey{{Issuer: "https://orcid.org"}}}, "identities"},
			} {
				_, err := w.feed.Sync(w.Context(), system, c.in, feed.Write)
				if err == nil {
					w.Errorf("%s was taken", name)
					continue
				}
				w.isRefusal(err, user.Invalid, c.field)
			}
		}},
		{"a username that is the own address", func(w *world) {
			res := w.sync(feed.Sync{Email: some(w.email("own")), Username: some(strings.ToUpper(w.email("own"))), Password: some(good)})
			if in := w.mustSignIn(w.email("own"), good); in.Session.Subject != res.Record.Number {
				w.Errorf("signed in as %s", in.Session.Subject)
			}
		}},
		{"a username is renamed", func(w *world) {
			res := w.sync(feed.Sync{Email: some(w.email("r")), Username: some(w.of("old")), Password: some(good)})
			got := w.sync(feed.Sync{Email: some(w.email("r")), Username: some(w.of("New"))})
			if got.Created || got.Record.Number != res.Record.Number || got.Record.Strand.Document.Text(user.PreferredName) != w.of("New") {
				w.Errorf("renamed %+v", got.Record)
			}
			w.mustSignIn(w.of("new"), good)
			if _, err := w.signIn(w.of("old"), good); err == nil {
				w.Error("the old name still signs in")
			}
			// Written in other letters it is the same name: shown anew, nothing else.
			if got := w.sync(feed.Sync{Email: some(w.email("r")), Username: some(w.of("NEW"))}); got.Record.Strand.Document.Text(user.PreferredName) != w.of("NEW") {
				w.Errorf("respelled %+v", got.Record.Strand.Document)
			}
			w.mustSignIn(w.of("new"), good)
		}},
		{"roles to memberships and back", func(w *world) {
			clerk, chief, extra := w.of("clerk"), w.of("chief"), w.of("extra")
			res := w.sync(feed.Sync{Email: some(w.email("roles")), Roles: feed.Some([]string{clerk, chief})})
			u, number := res.Record.User.ID, some(res.Record.Number)
			w.update(func(tx store.Tx) error { // a group that is no role, on the same strand
				g := user.Group{ID: tx.NewID(), Kind: user.GroupPlain, Name: extra, Created: tx.Now()}
				if err := store.Insert(tx, g); err != nil {
					return err
				}
				return store.Insert(tx, user.Membership{Group: g.ID, User: u, Strand: res.Record.Strand.ID, Since: tx.Now()})
			})
			has := func(want ...string) {
				w.Helper()
				var got []string
				w.view(func(r store.Reader) error {
					gs, err := r.GroupsOf(u)
					for _, g := range gs {
						got = append(got, g.Name)
					}
					return err
				})
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					w.Errorf("in %v, want %v", got, want)
				}
			}
			has(clerk, chief, extra)
			w.sync(feed.Sync{Number: number, Facts: facts("locale", "de")})
			has(clerk, chief, extra)
			w.sync(feed.Sync{Number: number, Roles: feed.Some([]string{chief})})
			has(chief, extra)
			w.sync(feed.Sync{Number: number, Roles: feed.Some([]string{})})
			has(extra)
			w.sync(feed.Sync{Number: number, Roles: feed.Some([]string{clerk})})
			has(clerk, extra)
			w.sync(feed.Sync{Number: number, Roles: feed.Null[[]string]()})
			has(extra)
		}},
	}
}

func manyRoles(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = "role" + strings.Repeat("x", i)
	}
	return out
}
