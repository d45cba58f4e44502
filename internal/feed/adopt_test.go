package feed_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/door/partner"
	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/snowflake"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/user"
)

// The published example, and others from before usher was there.
const (
	cersei = "755243458806280480"
	jaime  = "500768179843385796"
	tyrion = "500768179843385797"
	serial = "4711"
)

func TestImport(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		for i, sc := range adoptions() {
			t.Run(sc.name, func(t *testing.T) { sc.run(newWorld(t, s, i)) })
		}
	})
}

func (w *world) imported(mode feed.Mode, in ...feed.Sync) []feed.BatchResult {
	w.Helper()
	out, err := feed.NewImporter(w.feed).Import(w.Context(), system, in, mode)
	if err != nil || len(out) != len(in) {
		w.Fatalf("%d results for %d lines, %v", len(out), len(in), err)
	}
	return out
}

// at is a number that was made then.
func at(made time.Time, sequence int64) string {
	return snowflake.Format((made.UnixMilli()-snowflake.Epoch)<<(snowflake.NodeBits+snowflake.SequenceBits) | sequence)
}

func adoptions() []scenario {
	return []scenario{
		{"a number that nobody has becomes the record's, and later syncs find it by it", func(w *world) {
			out := w.imported(feed.Write, feed.Sync{Number: some(cersei), Email: some(w.email("cersei")), Username: some(w.of("cersei"))},
				feed.Sync{Number: some(serial), Email: some(w.email("serial"))}, feed.Sync{Email: some(w.email("none"))})
			for i, want := range []string{cersei, serial} {
				if out[i].Err != nil || !out[i].Created || !out[i].Changed || out[i].Record.Number != want {
					w.Errorf("line %d: %+v", i, out[i])
				}
			}
			if n := out[2].Record.Number; out[2].Err != nil || n == "" || n == cersei {
				w.Errorf("without a number: %q, %v", n, out[2].Err)
			}
			res := w.sync(feed.Sync{Number: some(cersei), Facts: facts("locale", "de")})
			if res.Created || !res.Changed || res.Record.User.ID != out[0].Record.User.ID {
				w.Errorf("a sync by the number: %+v", res)
			}
			if rec := w.read(system, cersei); rec.Strand.Document.Text(user.EmailAttr) != w.email("cersei") {
				w.Errorf("reads %v", rec.Strand.Document)
			}
		}},
		{"the same import twice changes nothing", func(w *world) {
			in := []feed.Sync{
				{Number: some(jaime), Email: some(w.email("jaime")), Username: some(w.of("jaime")), Active: feed.Some(false)},
				{Number: some(tyrion), Email: some(w.email("tyrion")), Password: some(good), Identities: orcid(w.of("tyrion"))},
			}
			w.imported(feed.Write, in...)
			before := w.dump(true)
			for i, res := range w.imported(feed.Write, in...) {
				if res.Err != nil || res.Created || res.Changed {
					w.Errorf("line %d: %+v", i, res)
				}
			}
			w.same(before, w.dump(true))
		}},
		{"nobody but an importer adopts", func(w *world) {
			in := feed.Sync{Number: some("500768179843385901"), Email: some(w.email("adopted"))}
			w.refused(system, in, user.NotFound, "id")
			out, err := w.feed.SyncBatch(w.Context(), system, []feed.Sync{in})
			if err != nil {
				w.Fatal(err)
			}
			w.isRefusal(out[0].Err, user.NotFound, "id")
			_, err = w.feed.Patch(w.Context(), system, *in.Number.Value, in)
			w.isRefusal(err, user.NotFound, "id")
		}},
		{"a number that is or was somebody's, or is not one", func(w *world) {
			var (
				theirs  = "500768179843385911"
				erased  = "500768179843385912"
				mine    = "500768179843385913"
				digits  = "500768179843385914"
				unknown = "500768179843385915"
			)
			out, err := feed.NewImporter(w.feed).Import(w.Context(), hr, []feed.Sync{{Number: some(theirs), Email: some(w.email("theirs"))}}, feed.Write)
			if err != nil || out[0].Err != nil {
				w.Fatal(err, out)
			}
			gone := w.imported(feed.Write, feed.Sync{Number: some(erased), Email: some(w.email("erased"))})
			w.erase(gone[0].Record.User.ID)
			w.imported(feed.Write, feed.Sync{Number: some(mine), Email: some(w.email("mine")), Username: some(w.of("mine"))},
				feed.Sync{Email: some(w.email("digits")), Username: some(digits)})
			now := time.Now()
			for name, c := range map[string]struct {
				in    feed.Sync
				code  user.Code
				field string
			}{
				"another source's":                {feed.Sync{Number: some(theirs), Email: some(w.email("a"))}, user.InUse, "id"},
				"of somebody who left":            {feed.Sync{Number: some(erased), Email: some(w.email("b"))}, user.InUse, "id"},
				"somebody's username":             {feed.Sync{Number: some(digits), Email: some(w.email("c"))}, user.InUse, "id"},
				"zero":                            {feed.Sync{Number: some("0"), Email: some(w.email("d"))}, user.Invalid, "id"},
				"not a number":                    {feed.Sync{Number: some("-7"), Email: some(w.email("e"))}, user.Invalid, "id"},
				"too great":                       {feed.Sync{Number: some("9223372036854775808"), Email: some(w.email("f"))}, user.Invalid, "id"},
				"of the future":                   {feed.Sync{Number: some("9223372036854775807"), Email: some(w.email("g"))}, user.Invalid, "id"},
				"of this moment":                  {feed.Sync{Number: some(at(now, 7)), Email: some(w.email("h"))}, user.Invalid, "id"},
				"of a user who has one by e-mail": {feed.Sync{Number: some(unknown), Email: some(w.email("mine"))}, user.Conflict, "id"},
				"of a user who has one by name":   {feed.Sync{Number: some(unknown), Username: some(w.of("mine"))}, user.Conflict, "id"},
				"without an e-mail":               {feed.Sync{Number: some(unknown)}, user.Missing, "email"},
			} {
				before := w.dump(false)
				res := w.imported(feed.Write, c.in)
				r, ok := errors.AsType[*user.Refusal](res[0].Err)
				if !ok || r.Code != c.code || r.Field != c.field {
					w.Errorf("%s: %v, want %s (%s)", name, res[0].Err, c.code, c.field)
				}
				w.same(before, w.dump(false))
			}
		}},
		// usher's own numbers begin with the moment, so that none before now is
		// minted again; the newest that is taken shows it.
		{"what was adopted is never minted", func(w *world) {
			newest := at(time.Now().Add(-2*time.Minute), 4095)
			out := w.imported(feed.Write, feed.Sync{Number: some(newest), Email: some(w.email("newest"))})
			if out[0].Err != nil {
				w.Fatal(out[0].Err)
			}
			adopted, _ := snowflake.Parse(newest)
			for range 100 {
				w.update(func(tx store.Tx) error {
					if n := tx.NewNumber(); n <= adopted {
						w.Errorf("minted %d after %d was adopted", n, adopted)
					}
					return nil
				})
			}
		}},
		{"lines of one import see each other", func(w *world) {
			number := some("500768179843385921")
			first := feed.Sync{Number: number, Email: some(w.email("first"))}
			again := feed.Sync{Number: number, Facts: facts("locale", "de")}
			other := feed.Sync{Number: some("500768179843385922"), Email: some(w.email("first"))}
			named := feed.Sync{Email: some(w.email("named")), Username: number}
			for _, mode := range []feed.Mode{feed.DryRun, feed.Write} {
				out := w.imported(mode, first, again, other, named)
				if !out[0].Created || out[1].Err != nil || out[1].Created || out[1].Record.Number != *number.Value {
					w.Errorf("mode %v: %+v", mode, out[:2])
				}
				w.isRefusal(out[2].Err, user.Conflict, "id")
				w.isRefusal(out[3].Err, user.InUse, "username")
			}
		}},
		{"a dry run answers as the real one and writes nothing", func(w *world) {
			w.imported(feed.Write, feed.Sync{Number: some("500768179843385931"), Email: some(w.email("known"))})
			in := []feed.Sync{
				{Number: some("500768179843385931"), Facts: facts("locale", "fr")},
				{Number: some("500768179843385931"), Facts: facts("locale", "fr")},
				{Number: some("500768179843385932"), Email: some(w.email("new")), Password: some(good)},
				{Email: some(w.email("minted"))},
				{Email: some("nobody")},
				{Number: some("500768179843385933"), Email: some(w.email("known"))},
			}
			before := w.dump(true)
			dry := w.imported(feed.DryRun, in...)
			w.same(before, w.dump(true))
			real := w.imported(feed.Write, in...)
			for i := range in {
				minted := in[i].Number.Value == nil
				if reflect.DeepEqual(essence(dry[i].Result), essence(real[i].Result)) && dry[i].Changed == real[i].Changed &&
					fmt.Sprint(dry[i].Err) == fmt.Sprint(real[i].Err) && (minted || dry[i].Record.Number == real[i].Record.Number) {
					continue
				}
				w.Errorf("line %d:\n dry %+v %v\nreal %+v %v", i, dry[i].Result, dry[i].Err, real[i].Result, real[i].Err)
			}
			if dry[3].Record.Number != "" {
				w.Errorf("a dry run names %s, which it did not mint", dry[3].Record.Number)
			}
		}},
		{"a line that meets a name taken in the same moment adopts when tried alone", func(w *world) {
			in := feed.Sync{Number: some("500768179843385941"), Email: some(w.email("raced"))}
			raced := &overtaken{Store: w.store, by: func() { w.sync(feed.Sync{Email: some(w.email("before"))}) }}
			out, err := feed.NewImporter(feed.New(raced, w, w.hasher, 1)).Import(w.Context(), system, []feed.Sync{in}, feed.Write)
			if err != nil || out[0].Err != nil || out[0].Record.Number != *in.Number.Value {
				w.Errorf("%+v, %v", out, err)
			}
		}},
		{"changed says whether anything was written", func(w *world) {
			known := feed.Sync{Email: some(w.email("known")), Password: some(good)}
			w.sync(known)
			for _, c := range []struct {
				name string
				in   feed.Sync
				want bool
			}{
				{"the same", known, false},
				{"a new password", feed.Sync{Email: known.Email, Password: some("V4l4r#M0rghulis")}, true},
				{"a lock", feed.Sync{Email: known.Email, Active: feed.Some(false)}, true},
				{"that lock again", feed.Sync{Email: known.Email, Active: feed.Some(false)}, false},
				{"an identity", feed.Sync{Email: known.Email, Identities: orcid(w.of("known"))}, true},
			} {
				if res := w.sync(c.in); res.Changed != c.want || res.Created {
					w.Errorf("%s: changed %v", c.name, res.Changed)
				}
			}
		}},
	}
}

// A door takes a Feed. An importer is none, so that no wiring can put it there;
// and only the command line makes one.
func TestAnImporterIsOutOfADoorsReach(t *testing.T) {
	door := reflect.TypeFor[partner.Feed]()
	if reflect.TypeFor[*feed.Importer]().Implements(door) || !reflect.TypeFor[*feed.Service]().Implements(door) {
		t.Fatal("an importer could serve a door, or a service could not")
	}
	makers := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, name := range selected(file, "feed") {
			if name == "Importer" || name == "NewImporter" {
				makers[filepath.ToSlash(filepath.Dir(path))] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(makers) != 1 || !makers["../../cmd/usher"] {
		t.Errorf("importers are made in %v", makers)
	}
}

// selected are the names that a file takes out of an import called so.
func selected(file *ast.File, pkg string) (names []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == pkg {
				names = append(names, sel.Sel.Name)
			}
		}
		return true
	})
	return names
}
