package sqlstore

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/usher-id/usher/internal/store"
)

// Given an open database, when its folder is no longer where it was, then writes
// are refused and readiness says so; when it is put back, both go on.
func TestAFileThatIsTakenAwayIsNoticed(t *testing.T) {
	for _, c := range []struct {
		name string
		put  func(t *testing.T, dir string) // where the folder was
	}{
		{"moved", func(*testing.T, string) {}},
		{"replaced by an empty folder", func(t *testing.T, dir string) { must(t, os.Mkdir(dir, 0o700)) }},
		{"replaced by a copy", func(t *testing.T, dir string) { must(t, os.CopyFS(dir, os.DirFS(dir+"-moved"))) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			db := opened(t, Options{Data: dir})
			db.engine.(*lite).look.every = 0 // or a write in the same moment may still pass
			must(t, write(db, store.Interactive, "before"))
			must(t, db.Ping(t.Context()))

			must(t, os.Rename(dir, dir+"-moved"))
			c.put(t, dir)
			for _, lane := range []store.Lane{store.Interactive, store.Bulk} {
				if err := write(db, lane, "meanwhile"); !errors.Is(err, store.ErrUnavailable) {
					t.Errorf("a write: %v", err)
				}
			}
			if err := db.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("readiness: %v", err)
			}

			must(t, os.RemoveAll(dir))
			must(t, os.Rename(dir+"-moved", dir))
			must(t, db.Ping(t.Context()))
			must(t, write(db, store.Interactive, "after"))
			if has(t, db, "meanwhile") || !has(t, db, "after") || !has(t, db, "before") {
				t.Error("what was refused was written, or what was not refused was not")
			}
		})
	}
}

func TestAFileThatIsRemovedIsNoticed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	db := opened(t, Options{Data: dir})
	db.engine.(*lite).look.every = 0
	must(t, os.RemoveAll(dir))
	if err := write(db, store.Interactive, "meanwhile"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a write: %v", err)
	}
	if err := db.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("readiness: %v", err)
	}
}

// A connection that is opened later would open what is at the path then.
func TestNoConnectionIsOpenedToAnotherFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	db := opened(t, Options{Data: dir}) // migrating used no reading connection
	must(t, os.Rename(dir, dir+"-moved"))
	opened(t, Options{Data: dir})
	err := db.View(t.Context(), func(store.Reader) error { return nil })
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a read: %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func BenchmarkInPlace(b *testing.B) {
	db := opened(b, Options{Data: b.TempDir()})
	l := db.engine.(*lite)
	for _, bc := range []struct {
		name string
		look func() error
	}{{"look", l.file.inPlace}, {"writer", (&lookout{file: l.file, every: lookEvery}).inPlace}} {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bc.look(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
