package feed_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/password"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// A dry run prints exactly what the real run does, and writes nothing.
func dryRuns() []scenario {
	return []scenario{{"a dry run is the real run but for the writing", func(w *world) {
		w.arrive(w.email("proven"))
		w.sync(feed.Sync{Email: some(w.email("known")), Verified: feed.Some(true), Username: some(w.of("known")), Password: some(good), Facts: facts("locale", "de")})
		w.sync(feed.Sync{Email: some(w.email("gone"))})
		gone := w.sync(feed.Sync{Email: some(w.email("gone"))})
		if _, err := w.feed.Delete(w.Context(), system, gone.Record.Number); err != nil {
			w.Fatal(err)
		}
		known := some(w.email("known"))
		for name, in := range map[string]feed.Sync{
			"a new user":               full(w),
			"a user of another door":   {Email: some(w.email("proven")), Verified: feed.Some(true), Password: some(good)},
			"nothing new":              {Email: known, Password: some(good)},
			"a changed fact":           {Email: known, Facts: facts("locale", "fr")},
			"a changed password":       {Email: known, Password: some("V4l4r#M0rghulis")},
			"a changed name":           {Email: known, Username: some(w.of("renamed"))},
			"a lock":                   {Email: known, Active: feed.Some(false)},
			"roles":                    {Email: known, Roles: feed.Some([]string{w.of("role")})},
			"a weak password":          {Email: known, Password: some("password1")},
			"a deleted user":           {Email: some(w.email("gone"))},
			"a name that is another's": {Email: some(w.email("proven")), Username: some(w.of("known"))},
			"a value that cannot be":   {Email: some("nobody")},
		} {
			before := w.dump(true)
			dry, dryErr := w.feed.Sync(w.Context(), system, in, feed.DryRun)
			w.same(before, w.dump(true))
			real, realErr := w.feed.Sync(w.Context(), system, in, feed.Write)
			if fmt.Sprint(dryErr) != fmt.Sprint(realErr) {
				w.Errorf("%s: %v, then %v", name, dryErr, realErr)
			}
			if !reflect.DeepEqual(essence(dry), essence(real)) {
				w.Errorf("%s:\n dry %+v\nreal %+v", name, essence(dry), essence(real))
			}
		}
	}}}
}

// essence is a result without the times and ids that no two runs share.
func essence(r feed.Result) map[string]any {
	facts := map[user.Attr]string{}
	for a := range r.Record.Strand.Document {
		facts[a] = r.Record.Strand.Document.Text(a) + "/" + string(r.Record.Strand.Document[a].Assurance)
	}
	profile := map[user.Attr]string{}
	for a := range r.Record.User.Profile {
		profile[a] = r.Record.User.Profile.Text(a)
	}
	return map[string]any{
		"created": r.Created, "changes": r.Changes, "ignored": r.Ignored, "facts": facts, "profile": profile,
		"status": r.Record.User.Status, "epoch": r.Record.User.Epoch, "locked": !r.Record.LockedAt.IsZero(), "by": r.Record.Strand.UpdatedBy,
	}
}

// panicking hashes nothing.
type panicking struct{ feed.Passwords }

func (panicking) Hash(context.Context, password.Plain) (password.Hash, error) {
	panic("a fault while hashing")
}

func batches() []scenario {
	line := func(w *world, i int) feed.Sync {
		return feed.Sync{Email: some(w.email(fmt.Sprintf("line%d-", i))), Username: some(w.of(fmt.Sprintf("line%d-", i)))}
	}
	return []scenario{
		{"a panic while hashing is a fault of the batch, not the end of the program", func(w *world) {
			before := w.dump(true)
			in := []feed.Sync{line(w, 0), line(w, 1)}
			in[1].Password = some(good)
			out, err := feed.New(w.store, w, panicking{}, 2).SyncBatch(w.Context(), system, in)
			if _, refused := errors.AsType[*user.Refusal](err); err == nil || refused || out != nil {
				w.Errorf("%v, %v", out, err)
			}
			w.same(before, w.dump(true))
		}},
		{"a refused line does not hurt its neighbours", func(w *world) {
			w.arrive(w.email("owned"))
			in := make([]feed.Sync, 9)
			for i := range in {
				in[i] = line(w, i)
			}
			in[1] = feed.Sync{Email: some("nobody")}                                 // refused before the transaction
			in[3] = feed.Sync{Email: some(w.email("owned"))}                         // refused by admission
			in[5] = feed.Sync{Email: in[4].Email, Username: in[2].Username}          // of two lines before
			in[7] = feed.Sync{Email: some(w.email("weak")), Password: some("short")} // refused while hashing
			codes := map[int]user.Code{1: user.Invalid, 3: user.InUse, 5: user.Conflict, 7: user.WeakPassword}
			out, err := w.feed.SyncBatch(w.Context(), system, in)
			if err != nil || len(out) != len(in) {
				w.Fatalf("%d results, %v", len(out), err)
			}
			for i, res := range out {
				if want := codes[i]; want != "" {
					r, ok := errors.AsType[*user.Refusal](res.Err)
					if !ok || r.Code != want {
						w.Errorf("line %d: %v, want %s", i, res.Err, want)
					}
					continue
				}
				if res.Err != nil || !res.Created {
					w.Errorf("line %d: created %v, %v", i, res.Created, res.Err)
					continue
				}
				if rec := w.read(system, res.Record.Number); rec.Strand.Document.Text(user.EmailAttr) != *in[i].Email.Value {
					w.Errorf("line %d reads %v", i, rec.Strand.Document)
				}
			}
			before := w.dump(false)
			if _, err := w.feed.SyncBatch(w.Context(), system, in); err != nil {
				w.Fatal(err)
			}
			w.same(before, w.dump(false))
		}},
		{"two lines of one batch about one user", func(w *world) {
			first, second := line(w, 0), line(w, 0)
			first.Password, second.Password = some(good), some(good)
			second.Facts = facts("locale", "de")
			third := feed.Sync{Email: some(w.email("moved")), Username: first.Username}
			out, err := w.feed.SyncBatch(w.Context(), system, []feed.Sync{first, second, third})
			if err != nil {
				w.Fatal(err)
			}
			for i, res := range out {
				if res.Err != nil || res.Created != (i == 0) || res.Record.Number != out[0].Record.Number {
					w.Errorf("line %d: created %v, %s, %v", i, res.Created, res.Record.Number, res.Err)
				}
			}
			if d := w.read(system, out[0].Record.Number).Strand.Document; d.Text(user.EmailAttr) != w.email("moved") || d.Text(user.Locale) != "de" {
				w.Errorf("document %v", d)
			}
			w.mustSignIn(w.email("moved"), good)
		}},
		{"two sources want the same names at once", func(w *world) {
			callers := []feed.Caller{
				{Source: user.Source("partner:" + w.of("one")), By: "one"}, {Source: user.Source("partner:" + w.of("two")), By: "two"},
			}
			const lines = 8
			results := make([][]feed.BatchResult, len(callers))
			var wg sync.WaitGroup
			for c, caller := range callers {
				wg.Go(func() {
					in := make([]feed.Sync, lines)
					for i := range in {
						in[i] = feed.Sync{
							Email: some(w.email(fmt.Sprintf("%s%d-", caller.By, i))), Username: some(w.of(fmt.Sprintf("shared%d-", i))),
						}
					}
					if c == 1 {
						slices.Reverse(in)
					}
					out, err := w.feed.SyncBatch(w.Context(), caller, in)
					if err != nil {
						w.Errorf("%s: %v", caller.By, err)
						return
					}
					if c == 1 {
						slices.Reverse(out)
					}
					results[c] = out
				})
			}
			wg.Wait()
			if w.Failed() {
				return
			}
			for i := range lines {
				created := 0
				for c := range callers {
					r := results[c][i]
					if refusal, ok := errors.AsType[*user.Refusal](r.Err); ok && refusal.Code != user.InUse {
						w.Errorf("name %d: %v", i, r.Err)
					}
					if !r.Created {
						continue
					}
					created++
					w.view(func(rd store.Reader) error {
						h, err := rd.Handle(user.SpacePartnerUN, w.of(fmt.Sprintf("shared%d-", i)))
						if h.User != r.Record.User.ID {
							w.Errorf("name %d is %s's, was given to %s", i, h.User, r.Record.User.ID)
						}
						return err
					})
				}
				if created != 1 {
					w.Errorf("name %d was given %d times", i, created)
				}
			}
		}},
		{"a transaction that runs again sees what came between", func(w *world) {
			in := feed.Sync{Email: some(w.email("raced"))}
			raced := &overtaken{Store: w.store, by: func() {
				w.sync(feed.Sync{Email: in.Email, Verified: feed.Some(true)})
			}}
			res, err := feed.New(raced, w, w.hasher, 1).Sync(w.Context(), system, in, feed.Write)
			if err != nil || res.Created || res.Record.Strand.Document.Text(user.EmailVerified) != "true" {
				w.Errorf("created %v, %v, %v", res.Created, res.Record.Strand.Document, err)
			}
		}},
		{"more lines than fit", func(w *world) {
			_, err := w.feed.SyncBatch(w.Context(), system, make([]feed.Sync, feed.BatchSize+1))
			w.isRefusal(err, user.TooLarge, "")
		}},
	}
}

// overtaken rolls the first update back, lets another caller go first, and
// runs it again, as PostgreSQL may.
type overtaken struct {
	store.Store
	by func()
}

var errOvertaken = errors.New("overtaken")

func (s *overtaken) Update(ctx context.Context, lane store.Lane, fn func(store.Tx) error) error {
	if by := s.by; by != nil {
		s.by = nil
		err := s.Store.Update(ctx, lane, func(tx store.Tx) error {
			if err := fn(tx); err != nil {
				return err
			}
			return errOvertaken
		})
		if !errors.Is(err, errOvertaken) {
			return err
		}
		by()
	}
	return s.Store.Update(ctx, lane, fn)
}
