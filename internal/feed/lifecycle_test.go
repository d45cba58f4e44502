package feed_test

import (
	"slices"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Locks, deletes and erasure.
func lifecycle() []scenario {
	locks := func(w *world, u user.ID) (out []user.Source) {
		w.view(func(r store.Reader) error {
			ls, err := r.Locks(u)
			for _, l := range ls {
				out = append(out, l.Source)
			}
			return err
		})
		return out
	}
	return []scenario{
		{"a lock ends sessions, and is lifted by its own source alone", func(w *world) {
			res := w.sync(feed.Sync{Email: some(w.email("l")), Password: some(good)})
			u, number := res.Record.User.ID, res.Record.Number
			in := w.mustSignIn(w.email("l"), good)
			rec, err := w.feed.Lock(w.Context(), system, number)
			if err != nil || rec.LockedAt.IsZero() || rec.Strand.UpdatedBy != "__system" {
				w.Fatalf("locked %+v, %v", rec, err)
			}
			if w.alive(in.AccessToken) {
				w.Error("a session outlived the lock")
			}
			if got := w.endings(u); !slices.Equal(got, []session.Why{session.Locked}) {
				w.Errorf("it ended because of %q", got)
			}
			before := w.dump(true)
			if rec, err = w.feed.Lock(w.Context(), system, number); err != nil || rec.LockedAt.IsZero() {
				w.Errorf("locked twice: %+v, %v", rec, err)
			}
			w.same(before, w.dump(true))

			w.update(func(tx store.Tx) error {
				return store.Insert(tx, user.Lock{User: u, Source: "operator", Reason: "ban", At: tx.Now()})
			})
			rec, err = w.feed.Unlock(w.Context(), system, number)
			if err != nil || rec.LockedAt.IsZero() || !slices.Equal(locks(w, u), []user.Source{"operator"}) {
				w.Errorf("after its own unlock: locked at %v by %v, %v", rec.LockedAt, locks(w, u), err)
			}
			got := w.sync(feed.Sync{Number: some(number), Active: feed.Some(true)})
			if got.Record.LockedAt.IsZero() || !slices.Equal(locks(w, u), []user.Source{"operator"}) {
				w.Errorf("isActive lifted %v", locks(w, u))
			}
			if _, err := w.signIn(w.email("l"), good); err == nil {
				w.Error("an operator's lock let somebody in")
			}
		}},
		{"isActive false locks, true unlocks", func(w *world) {
			res := w.sync(feed.Sync{Email: some(w.email("a")), Active: feed.Some(false), Password: some(good)})
			u := res.Record.User.ID
			if res.Record.LockedAt.IsZero() || !slices.Equal(locks(w, u), []user.Source{system.Source}) {
				w.Fatalf("locked at %v by %v", res.Record.LockedAt, locks(w, u))
			}
			if _, err := w.signIn(w.email("a"), good); err == nil {
				w.Error("signed in while locked")
			}
			got := w.sync(feed.Sync{Email: some(w.email("a")), Active: feed.Some(true)})
			if !got.Record.LockedAt.IsZero() || len(locks(w, u)) > 0 || got.Record.Strand.UpdatedBy == "" {
				w.Errorf("locked at %v by %v", got.Record.LockedAt, locks(w, u))
			}
			w.mustSignIn(w.email("a"), good)
		}},
		{"a feed goes on describing a locked user", func(w *world) {
			w.sync(feed.Sync{Email: some(w.email("a")), Active: feed.Some(false)})
			if got := w.sync(feed.Sync{Email: some(w.email("a")), Facts: facts("locale", "de")}); got.Record.LockedAt.IsZero() {
				w.Error("a sync unlocked")
			}
		}},
		{"a deleted record is read, and never resurrected", func(w *world) {
			sent := full(w)
			res := w.sync(sent)
			number := res.Record.Number
			in := w.mustSignIn(w.email("Full"), good)
			rec, err := w.feed.Delete(w.Context(), system, number)
			if err != nil || rec.Strand.Withdrawn.IsZero() || rec.Strand.WithdrawnBy != "__system" || rec.User.Status != user.Deleted {
				w.Fatalf("deleted %+v, %v", rec.Strand, err)
			}
			if w.alive(in.AccessToken) {
				w.Error("a session outlived the user")
			}
			if got := w.endings(rec.User.ID); !slices.Equal(got, []session.Why{session.Left}) {
				w.Errorf("it ended because of %q", got)
			}
			read := w.read(system, number)
			if read.Strand.Document.Text(user.GivenName) != "Cersei" || !read.Strand.Withdrawn.Equal(rec.Strand.Withdrawn) || read.HasPassword {
				w.Errorf("reads %+v", read)
			}
			before := w.dump(true)
			if again, err := w.feed.Delete(w.Context(), system, number); err != nil || !again.Strand.Withdrawn.Equal(rec.Strand.Withdrawn) {
				w.Errorf("deleted twice: %+v, %v", again.Strand, err)
			}
			w.same(before, w.dump(true))

			// By whatever name it comes back, it does not come back.
			w.refused(system, sent, user.UserDeleted, "email")
			for _, in := range []feed.Sync{
				{Number: some(number)}, {Email: some(w.email("full"))}, {Username: some(w.of("full"))}, {Identities: orcid(w.of("0000"))},
			} {
				in.Facts = facts("locale", "fr")
				w.refused(system, in, user.UserDeleted, "email")
			}
			w.refused(hr, feed.Sync{Email: some(w.email("other")), Username: some(w.of("full"))}, user.InUse, "username")
			w.refused(hr, feed.Sync{Email: some(w.email("full")), Verified: feed.Some(true)}, user.UserDeleted, "email")
			for _, act := range []func() error{
				func() error { _, err := w.feed.Lock(w.Context(), system, number); return err },
				func() error { _, err := w.feed.Unlock(w.Context(), system, number); return err },
			} {
				w.isRefusal(act(), user.UserDeleted, "id")
			}
		}},
		{"a person's delete frees what they had, for the same feed", func(w *world) {
			sent := full(w)
			res := w.sync(sent)
			w.erase(res.Record.User.ID)
			_, err := w.feed.Read(w.Context(), system.Source, res.Record.Number)
			w.isRefusal(err, user.NotFound, "id")
			w.refused(system, feed.Sync{Number: some(res.Record.Number), Email: some(w.email("full"))}, user.NotFound, "id")

			// The name is a tombstone to everybody else, whatever comes before.
			w.refused(hr, feed.Sync{Email: some(w.email("other")), Username: some(w.of("full"))}, user.InUse, "username")
			w.arrive(w.email("blocked"))
			w.refused(system, feed.Sync{Email: some(w.email("blocked")), Username: some(w.of("full"))}, user.InUse, "email")
			w.refused(hr, feed.Sync{Email: some(w.email("other")), Username: some(w.of("full"))}, user.InUse, "username")

			again := w.sync(sent)
			if !again.Created || again.Record.User.ID == res.Record.User.ID || again.Record.Number == res.Record.Number {
				w.Errorf("came back as %+v", again.Record)
			}
			w.mustSignIn(w.of("full"), good)
			before := w.dump(true)
			w.sync(sent)
			w.same(before, w.dump(true))
		}},
		{"a page lists one source's records in order", func(w *world) {
			own := feed.Caller{Source: user.Source("partner:" + w.of("page")), By: "x"}
			var want []string
			for _, name := range []string{"a", "erased", "b", "deleted", "c"} {
				rec := w.syncAs(own, feed.Sync{Email: some(w.email(name))}).Record
				if name == "erased" {
					w.erase(rec.User.ID)
					continue
				}
				want = append(want, rec.Number)
			}
			if _, err := w.feed.Delete(w.Context(), own, want[2]); err != nil {
				w.Fatal(err)
			}
			w.sync(feed.Sync{Email: some(w.email("other"))})
			var got []string
			var after user.ID
			for {
				recs, err := w.feed.Page(w.Context(), own.Source, after, 2)
				if err != nil {
					w.Fatal(err)
				}
				if len(recs) == 0 || len(recs) > 2 {
					break
				}
				for _, r := range recs {
					got = append(got, r.Number)
					after = r.Strand.ID
				}
			}
			if !slices.Equal(got, want) {
				w.Errorf("pages %v, want %v", got, want)
			}
		}},
	}
}

// One identity, an EDI reservation and a feed's record, in either order: one
// user.
func identities() []scenario {
	reserve := func(w *world, key user.IdentityKey) admission.Reserved {
		w.Helper()
		out, err := admission.New(w.store, w).Reserve(w.Context(), admission.Reservation{Door: user.DoorEDI, By: "vetted", Identity: key})
		if err != nil {
			w.Fatal(err)
		}
		return out
	}
	one := func(w *world, r admission.Reserved, res feed.Result) {
		w.Helper()
		var h user.Handle
		w.view(func(rd store.Reader) error {
			var err error
			h, err = rd.Handle(user.SpaceEDI, r.Handle)
			return err
		})
		if h.User != res.Record.User.ID || h.Dead || w.userOf(h.User).Status != user.Active {
			w.Errorf("%s is %s's (%s), the record is %s's", r.Handle, h.User, w.userOf(h.User).Status, res.Record.User.ID)
		}
	}
	return []scenario{
		{"reserved, then synced", func(w *world) {
			r := reserve(w, orcid(w.of("I"))[0])
			res := w.sync(feed.Sync{Email: some(w.email("i")), Identities: orcid(w.of("I")), Password: some(good)})
			if res.Record.User.ID != r.User.ID {
				w.Errorf("the record is %s's, reserved was %s", res.Record.User.ID, r.User.ID)
			}
			one(w, r, res)
			w.mustSignIn(w.email("i"), good)
		}},
		{"synced, then reserved", func(w *world) {
			res := w.sync(feed.Sync{Email: some(w.email("i")), Identities: orcid(w.of("I"))})
			r := reserve(w, orcid(w.of("I"))[0])
			if r.Created {
				w.Error("reserved beside the user who has the identity")
			}
			one(w, r, res)
		}},
		{"synced, reserved, then named by the record: absorbed", func(w *world) {
			in := feed.Sync{Email: some(w.email("i"))}
			w.sync(in)
			r := reserve(w, orcid(w.of("I"))[0])
			in.Identities = orcid(w.of("I"))
			one(w, r, w.sync(in))
			before := w.dump(true)
			w.sync(in)
			w.same(before, w.dump(true))
		}},
		{"a source nobody trusts may not name somebody's identity", func(w *world) {
			w.pol.Sources["partner:stranger"] = policy.SourceRule{Trust: policy.Untrusted}
			stranger := feed.Caller{Source: "partner:stranger", By: "stranger"}
			reserve(w, orcid(w.of("I"))[0])
			w.refused(stranger, feed.Sync{Email: some(w.email("i")), Identities: orcid(w.of("I"))}, user.UntrustedSource, "identity")
		}},
		{"a reservation by e-mail is no source's to claim", func(w *world) {
			r := reserve(w, user.IdentityKey{Issuer: normal.IssuerEmail, Subject: w.email("i")})
			if res := w.sync(feed.Sync{Email: some(w.email("i")), Verified: feed.Some(true)}); res.Record.User.ID == r.User.ID {
				w.Error("claimed by a source's word about the address")
			}
		}},
	}
}
