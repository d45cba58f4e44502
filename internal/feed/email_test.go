package feed_test

import (
	"strings"

	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// A changed e-mail is another mailbox: the old one is given up, and what was
// said about it does not hold for the new one.
func emails() []scenario {
	claims := func(w *world, u user.ID) (out []string) {
		w.view(func(r store.Reader) error {
			cs, err := r.ClaimsOf(u)
			for _, c := range cs {
				out = append(out, c.Display+" "+string(c.Assurance))
			}
			return err
		})
		return out
	}
	want := func(w *world, u user.ID, shown, verified, claim string) {
		w.Helper()
		p := w.userOf(u).Profile
		if p.Text(user.EmailAttr) != shown || p.Text(user.EmailVerified) != verified {
			w.Errorf("shows %s, verified %s; want %s, %s", p.Text(user.EmailAttr), p.Text(user.EmailVerified), shown, verified)
		}
		if got := claims(w, u); len(got) != 1 || got[0] != claim {
			w.Errorf("claims %q, want %q", got, claim)
		}
	}
	return []scenario{
		{"an e-mail moves, unverified until said otherwise", func(w *world) {
			res := w.sync(feed.Sync{Email: some(w.email("old")), Verified: feed.Some(true), Password: some(good)})
			u, number := res.Record.User.ID, some(res.Record.Number)
			want(w, u, w.email("old"), "true", w.email("old")+" attested")

			moved := w.sync(feed.Sync{Number: number, Email: some(w.email("new"))})
			if d := moved.Record.Strand.Document; d.Text(user.EmailAttr) != w.email("new") || d.Text(user.EmailVerified) != "false" {
				w.Errorf("document %v", d)
			}
			if p := moved.Record.User.Profile; p.Text(user.EmailAttr) != w.email("new") {
				w.Errorf("the answer shows %s", p.Text(user.EmailAttr))
			}
			want(w, u, w.email("new"), "false", w.email("new")+" asserted")
			w.mustSignIn(w.email("new"), good)
			if _, err := w.signIn(w.email("old"), good); err == nil {
				w.Error("the old address still signs in")
			}

			w.sync(feed.Sync{Number: number, Verified: feed.Some(true)})
			want(w, u, w.email("new"), "true", w.email("new")+" attested")
			w.sync(feed.Sync{Number: number, Verified: feed.Some(false)})
			want(w, u, w.email("new"), "false", w.email("new")+" asserted")

			if other := w.sync(feed.Sync{Email: some(w.email("old")), Verified: feed.Some(true)}); !other.Created || other.Record.User.ID == u {
				w.Error("the old address is not free")
			}
		}},
		{"an e-mail in other letters is the same", func(w *world) {
			res := w.sync(feed.Sync{Email: some(w.email("same")), Verified: feed.Some(true)})
			upper := strings.ToUpper(w.email("same"))
			got := w.sync(feed.Sync{Email: some(upper)})
			if d := got.Record.Strand.Document; got.Created || d.Text(user.EmailAttr) != upper || d.Text(user.EmailVerified) != "true" {
				w.Errorf("document %v", d)
			}
			want(w, res.Record.User.ID, upper, "true", upper+" attested")
		}},
		{"an e-mail of another record, or of another door's user", func(w *world) {
			res := w.sync(feed.Sync{Email: some(w.email("mine"))})
			w.sync(feed.Sync{Email: some(w.email("theirs"))})
			w.arrive(w.email("elsewhere"))
			number := some(res.Record.Number)
			w.refused(system, feed.Sync{Number: number, Email: some(w.email("theirs"))}, user.Conflict, "email")
			w.refused(system, feed.Sync{Number: number, Email: some(w.email("elsewhere"))}, user.InUse, "email")
			w.refused(system, feed.Sync{Number: number, Email: some(w.email("elsewhere")), Verified: feed.Some(true)}, user.Challenge, "email")
		}},
		{"an authority gives up what it owned", func(w *world) {
			w.pol.Sources["partner:registry"] = policy.SourceRule{Trust: policy.Authoritative}
			registry := feed.Caller{Source: "partner:registry", By: "registry"}
			res := w.syncAs(registry, feed.Sync{Email: some(w.email("desk")), Verified: feed.Some(true)})
			number := some(res.Record.Number)
			owner := func(address string) (u user.ID) {
				w.view(func(r store.Reader) error {
					if o, err := r.Owner(user.Email, address); err == nil {
						u = o.User
					}
					return nil
				})
				return u
			}
			if owner(w.email("desk")) != res.Record.User.ID {
				w.Fatal("an authority's word is a proof")
			}
			w.syncAs(registry, feed.Sync{Number: number, Email: some(w.email("home")), Verified: feed.Some(true)})
			if owner(w.email("desk")) != "" || owner(w.email("home")) != res.Record.User.ID {
				w.Errorf("the desk is %q's, home %q's", owner(w.email("desk")), owner(w.email("home")))
			}
			next := w.syncAs(registry, feed.Sync{Email: some(w.email("desk")), Verified: feed.Some(true)})
			if !next.Created || next.Record.User.ID == res.Record.User.ID {
				w.Error("who has the mailbox now is not who had it")
			}
			w.syncAs(registry, feed.Sync{Number: number, Verified: feed.Some(false)})
			if owner(w.email("home")) != "" {
				w.Error("it owns what nobody says any more")
			}
		}},
		{"a source nobody trusts proves nothing", func(w *world) {
			w.pol.Sources["partner:stranger"] = policy.SourceRule{Trust: policy.Untrusted}
			stranger := feed.Caller{Source: "partner:stranger", By: "stranger"}
			res := w.syncAs(stranger, feed.Sync{Email: some(w.email("x")), Verified: feed.Some(true)})
			want(w, res.Record.User.ID, w.email("x"), "false", w.email("x")+" asserted")
			w.arrive(w.email("owned"))
			w.refused(stranger, feed.Sync{Email: some(w.email("owned")), Verified: feed.Some(true)}, user.InUse, "email")
		}},
	}
}
