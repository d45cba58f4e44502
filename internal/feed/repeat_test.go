package feed_test

import (
	"fmt"

	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/user"
)

// What is answered without writing must be answered as if it had its turn.
func repeats() []scenario {
	line := func(w *world, i int, locale string) feed.Sync {
		return feed.Sync{Email: some(w.email(fmt.Sprintf("line%d-", i))), Facts: facts("locale", locale)}
	}
	return []scenario{
		{"what a line says again counts after what a line before it changed", func(w *world) {
			var stored []feed.Sync
			for i := range 4 {
				stored = append(stored, line(w, i, "de"))
			}
			if _, err := w.feed.SyncBatch(w.Context(), system, stored); err != nil {
				w.Fatal(err)
			}
			in := []feed.Sync{stored[0], line(w, 1, "fr"), stored[2], line(w, 3, "fr"), stored[1], stored[3], line(w, 2, "it")}
			out, err := w.feed.SyncBatch(w.Context(), system, in)
			if err != nil {
				w.Fatal(err)
			}
			for i, want := range []string{"de", "fr", "de", "fr", "de", "de", "it"} {
				if got := out[i].Record.Strand.Document.Text(user.Locale); out[i].Err != nil || out[i].Created || got != want {
					w.Errorf("line %d: locale %q, want %q, %v", i, got, want, out[i].Err)
				}
			}
			for number, want := range map[string]string{
				out[0].Record.Number: "de", out[1].Record.Number: "de", out[6].Record.Number: "it", out[5].Record.Number: "de",
			} {
				if got := w.read(system, number).Strand.Document.Text(user.Locale); got != want {
					w.Errorf("%s ends with locale %q, want %q", number, got, want)
				}
			}
		}},
		{"a repeated batch with refused lines in it", func(w *world) {
			in := []feed.Sync{line(w, 0, "de"), {Email: some("nobody")}, line(w, 1, "de"), line(w, 2, "de")}
			first, err := w.feed.SyncBatch(w.Context(), system, in)
			if err != nil {
				w.Fatal(err)
			}
			before := w.dump(true)
			again, err := w.feed.SyncBatch(w.Context(), system, in)
			if err != nil {
				w.Fatal(err)
			}
			w.same(before, w.dump(true))
			w.isRefusal(again[1].Err, user.Invalid, "email")
			for _, i := range []int{0, 2, 3} {
				if again[i].Err != nil || again[i].Created || len(again[i].Changes) > 0 || again[i].Record.Number != first[i].Record.Number {
					w.Errorf("line %d: %+v", i, again[i])
				}
			}
		}},
		{"a lock is shown by a sync that repeats, and lifted by one that says so", func(w *world) {
			in := feed.Sync{Email: some(w.email("locked")), Active: feed.Some(true)}
			res := w.sync(in)
			if _, err := w.feed.Lock(w.Context(), system, res.Record.Number); err != nil {
				w.Fatal(err)
			}
			if again := w.sync(feed.Sync{Email: in.Email}); again.Record.LockedAt.IsZero() {
				w.Error("the lock is not shown")
			}
			if lifted := w.sync(in); !lifted.Record.LockedAt.IsZero() {
				w.Error("isActive did not lift the source's own lock")
			}
		}},
	}
}
