package feed_test

import (
	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Whom a sync is about, among the source's own records (contract partner.md):
// identity, number, e-mail, username; two that lead to two records conflict.
func matching() []scenario {
	two := func(w *world) (a, b feed.Result) {
		a = w.sync(feed.Sync{Email: some(w.email("a")), Username: some(w.of("ann")), Identities: orcid(w.of("A"))})
		b = w.sync(feed.Sync{Email: some(w.email("b")), Username: some(w.of("bob")), Identities: orcid(w.of("B"))})
		if !a.Created || !b.Created || a.Record.Number == b.Record.Number {
			w.Fatalf("given two records: %+v %+v", a.Record, b.Record)
		}
		return a, b
	}
	finds := func(name string, in func(w *world, a feed.Result) feed.Sync) scenario {
		return scenario{"finds by " + name, func(w *world) {
			a, _ := two(w)
			sent := in(w, a)
			sent.Facts = facts("locale", "de")
			got := w.sync(sent)
			if got.Created || got.Record.Number != a.Record.Number || got.Record.Strand.Document.Text(user.Locale) != "de" {
				w.Errorf("found %s, want %s", got.Record.Number, a.Record.Number)
			}
		}}
	}
	refuses := func(name string, code user.Code, field string, in func(w *world, a, b feed.Result) feed.Sync) scenario {
		return scenario{"refuses " + name, func(w *world) {
			a, b := two(w)
			sent := in(w, a, b)
			sent.Facts = facts("locale", "de")
			w.refused(system, sent, code, field)
		}}
	}
	return []scenario{
		{"who signed in before keeps their number", func(w *world) {
			in := w.arrive(w.email("early"))
			var number string
			w.update(func(tx store.Tx) (err error) {
				number, _, err = session.PartnerNumber(tx, in.User.ID, in.Strand.ID)
				return err
			})
			sent := feed.Sync{Email: some(w.email("early")), Verified: feed.Some(true), Username: some(w.of("early"))}
			got := w.sync(sent)
			if got.Record.User.ID != in.User.ID || got.Record.Number != number {
				w.Fatalf("user %s is known by %s, want %s by %s", got.Record.User.ID, got.Record.Number, in.User.ID, number)
			}
			if rec := w.read(system, number); rec.Strand.ID != got.Record.Strand.ID {
				w.Errorf("the number leads to strand %s, want %s", rec.Strand.ID, got.Record.Strand.ID)
			}
			before := w.dump(true)
			if again := w.sync(sent); again.Record.Number != number || again.Changed {
				w.Errorf("synced again: %+v", again)
			}
			w.same(before, w.dump(true))
			w.update(func(tx store.Tx) error {
				n, on, err := session.PartnerNumber(tx, in.User.ID, in.Strand.ID)
				if n != number || on != got.Record.Strand.ID {
					w.Errorf("signs in as %s on %s", n, on)
				}
				return err
			})
			// Another source's record has a number of its own.
			if other := w.syncAs(hr, feed.Sync{Email: some(w.email("early")), Verified: feed.Some(true)}); other.Record.User.ID != in.User.ID || other.Record.Number == number {
				w.Errorf("another source: %+v", other.Record)
			}
		}},
		finds("identity", func(w *world, _ feed.Result) feed.Sync { return feed.Sync{Identities: orcid(w.of("A"))} }),
		finds("identity before e-mail", func(w *world, _ feed.Result) feed.Sync {
			return feed.Sync{Identities: orcid(w.of("A")), Email: some(w.email("new"))}
		}),
		finds("number", func(_ *world, a feed.Result) feed.Sync { return feed.Sync{Number: some(a.Record.Number)} }),
		finds("number before e-mail", func(w *world, a feed.Result) feed.Sync {
			return feed.Sync{Number: some(a.Record.Number), Email: some(w.email("new"))}
		}),
		finds("e-mail, whatever its case", func(w *world, _ feed.Result) feed.Sync {
			return feed.Sync{Email: some("A" + w.email("a")[1:])}
		}),
		finds("e-mail before username", func(w *world, _ feed.Result) feed.Sync {
			return feed.Sync{Email: some(w.email("a")), Username: some(w.of("new"))}
		}),
		finds("username, whatever its case", func(w *world, _ feed.Result) feed.Sync {
			return feed.Sync{Email: some(w.email("new")), Username: some("A" + w.of("ann")[1:])}
		}),
		finds("username alone", func(w *world, _ feed.Result) feed.Sync { return feed.Sync{Username: some(w.of("ann"))} }),

		refuses("an e-mail and a username of two", user.Conflict, "username", func(w *world, _, _ feed.Result) feed.Sync {
			return feed.Sync{Email: some(w.email("a")), Username: some(w.of("bob"))}
		}),
		refuses("a number and an e-mail of two", user.Conflict, "email", func(w *world, a, _ feed.Result) feed.Sync {
			return feed.Sync{Number: some(a.Record.Number), Email: some(w.email("b"))}
		}),
		refuses("a number and a username of two", user.InUse, "username", func(w *world, a, _ feed.Result) feed.Sync {
			return feed.Sync{Number: some(a.Record.Number), Username: some(w.of("bob"))}
		}),
		refuses("a number and an identity of two", user.Conflict, "identities", func(w *world, a, _ feed.Result) feed.Sync {
			return feed.Sync{Number: some(a.Record.Number), Identities: orcid(w.of("B"))}
		}),
		refuses("an identity and an e-mail of two", user.Conflict, "email", func(w *world, _, _ feed.Result) feed.Sync {
			return feed.Sync{Identities: orcid(w.of("A")), Email: some(w.email("b"))}
		}),
		refuses("an identity and a username of two", user.InUse, "username", func(w *world, _, _ feed.Result) feed.Sync {
			return feed.Sync{Identities: orcid(w.of("A")), Username: some(w.of("bob"))}
		}),
		refuses("identities of two", user.Conflict, "identity", func(w *world, _, _ feed.Result) feed.Sync {
			return feed.Sync{Identities: append(orcid(w.of("A")), orcid(w.of("B"))...)}
		}),
		refuses("a number nobody has", user.NotFound, "id", func(w *world, _, _ feed.Result) feed.Sync {
			return feed.Sync{Number: some("1"), Email: some(w.email("a"))}
		}),
		refuses("a number nobody has, beside an identity", user.NotFound, "id", func(w *world, _, _ feed.Result) feed.Sync {
			return feed.Sync{Number: some("1"), Identities: orcid(w.of("A"))}
		}),
		refuses("nobody named", user.Missing, "email", func(*world, feed.Result, feed.Result) feed.Sync { return feed.Sync{} }),
		refuses("a new user without an e-mail", user.Missing, "email", func(w *world, _, _ feed.Result) feed.Sync {
			return feed.Sync{Username: some(w.of("new"))}
		}),

		{"a patch is about the number's record and no other", func(w *world) {
			a, b := two(w)
			before := w.dump(false)
			_, err := w.feed.Patch(w.Context(), system, a.Record.Number, feed.Sync{Identities: orcid(w.of("B")), Facts: facts("locale", "de")})
			w.isRefusal(err, user.Conflict, "identities")
			w.same(before, w.dump(false))
			got, err := w.feed.Patch(w.Context(), system, b.Record.Number, feed.Sync{Facts: facts("locale", "fr")})
			if err != nil || got.Record.Number != b.Record.Number || got.Record.Strand.Document.Text(user.Locale) != "fr" {
				w.Errorf("patched %+v, %v", got.Record, err)
			}
		}},
		{"a record of another source does not exist", func(w *world) {
			a := w.syncAs(hr, feed.Sync{Email: some(w.email("hr")), Username: some(w.of("hr"))})
			number := a.Record.Number
			_, err := w.feed.Read(w.Context(), system.Source, number)
			w.isRefusal(err, user.NotFound, "id")
			w.refused(system, feed.Sync{Number: some(number), Facts: facts("locale", "de")}, user.NotFound, "id")
			for name, act := range map[string]func() error{
				"lock":   func() error { _, err := w.feed.Lock(w.Context(), system, number); return err },
				"unlock": func() error { _, err := w.feed.Unlock(w.Context(), system, number); return err },
				"delete": func() error { _, err := w.feed.Delete(w.Context(), system, number); return err },
			} {
				if err := act(); err == nil {
					w.Errorf("%s of another source's record", name)
				} else {
					w.isRefusal(err, user.NotFound, "id")
				}
			}
			// Its username is taken all the same: one name signs in one user.
			w.refused(system, feed.Sync{Email: some(w.email("b")), Username: some(w.of("hr"))}, user.InUse, "username")
		}},
	}
}
