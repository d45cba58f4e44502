package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

func write(db *DB, lane store.Lane, name string) error {
	return db.Update(context.Background(), lane, func(tx store.Tx) error {
		return store.Insert(tx, store.Secret{Name: name})
	})
}

func has(t testing.TB, db *DB, name string) bool {
	t.Helper()
	err := db.View(t.Context(), func(r store.Reader) error { _, err := r.Secret(name); return err })
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

func TestTheFileIsPrivateWhateverItsFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a folder?with #odd% name")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	db := opened(t, Options{Data: dir})
	if err := write(db, store.Interactive, "a"); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 2 {
		t.Fatalf("files: %v, %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestAFileThatIsNotKeptSafelyIsRefused(t *testing.T) {
	db := opened(t, Options{Data: t.TempDir()})
	for _, c := range []struct {
		pragma string
		ok     bool
	}{{"synchronous = FULL", true}, {"synchronous = NORMAL", false}, {"synchronous = OFF", false}} {
		w, err := pin(t.Context(), pool(db))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.exec("PRAGMA "+c.pragma, nil); err != nil {
			t.Fatal(err)
		}
		if err := w.inForce(t.Context()); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.pragma, err)
		}
		w.discard()
	}
}

func TestWhatUpdateReturnedIsInTheFile(t *testing.T) {
	o := Options{Data: t.TempDir()}
	opened(t, o) // and stays open, so that nothing is tidied up on closing
	db := opened(t, o)
	if err := write(db, store.Bulk, "a"); err != nil {
		t.Fatal(err)
	}
	// A copy of the files is what a crash would leave.
	copied := t.TempDir()
	for _, name := range []string{FileName, FileName + "-wal"} {
		data, err := os.ReadFile(filepath.Join(o.Data, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(copied, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !has(t, opened(t, Options{Data: copied}), "a") {
		t.Error("lost")
	}
}

func TestTwoProcessesWriteOneFile(t *testing.T) {
	o := Options{Data: t.TempDir()}
	server, command := opened(t, o), opened(t, o)
	ctx, stop := context.WithCancel(t.Context())
	var busy atomic.Int64
	errs := make(chan error)
	const callers = 8
	for i := range callers {
		go func() { // a server that never rests
			for n := 0; ctx.Err() == nil; n++ {
				if err := write(server, store.Interactive, fmt.Sprint(i, " ", n)); err != nil {
					errs <- err
					return
				}
				busy.Add(1)
			}
			errs <- nil
		}()
	}
	for i := range 50 {
		if err := write(command, store.Interactive, fmt.Sprint("command ", i)); err != nil {
			t.Error(err)
		}
	}
	stop()
	for range callers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if busy.Load() == 0 || !has(t, server, "command 49") {
		t.Errorf("%d written by the server", busy.Load())
	}
}

// hold takes the write lock of a file, as another process would.
func hold(t *testing.T, db *DB) (release func()) {
	t.Helper()
	p, err := pin(t.Context(), pool(db))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.exec("BEGIN IMMEDIATE", nil); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := p.exec("ROLLBACK", nil); err != nil {
			t.Error(err)
		}
		if err := p.close(); err != nil {
			t.Error(err)
		}
	}
}

func TestALockThatDoesNotEnd(t *testing.T) {
	o := Options{Data: t.TempDir()}
	db := opened(t, o)
	l := db.engine.(*lite)
	release := hold(t, opened(t, o))

	// A caller that waits no more is let go, though the writer still waits.
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		gone <- db.Update(ctx, store.Interactive, func(tx store.Tx) error { return store.Insert(tx, store.Secret{Name: "gone"}) })
	}()
	for len(l.interactive) > 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled in the queue: %v", err)
	}
	release()
	if err := write(db, store.Interactive, "a"); err != nil {
		t.Fatalf("after the lock: %v", err)
	}
	if has(t, db, "gone") {
		t.Error("what was given up was written")
	}

	release = hold(t, opened(t, o))
	l.busy = 20 * time.Millisecond
	for range 2 {
		if err := write(db, store.Bulk, "b"); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("during the lock: %v", err)
		}
	}
	release()
	if err := write(db, store.Interactive, "b"); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

// TestALostTransaction: some failures make SQLite roll back the transaction
// behind the batch. Nobody in it is told of success, and the next works.
func TestALostTransaction(t *testing.T) {
	db := opened(t, Options{Data: t.TempDir()})
	release := hold(t, db) // so that all below are in one batch
	errs := make([]error, 3)
	done := make(chan int)
	for i := range errs {
		go func() {
			errs[i] = db.update(context.Background(), store.Interactive, func(c conn) error {
				tx := &tx{reader: reader{c, "main"}, made: db.made}
				if err := store.Insert(tx, store.Secret{Name: fmt.Sprint(i)}); err != nil {
					return err
				}
				if i == 1 {
					_, err := c.exec("ROLLBACK", nil)
					return err
				}
				return nil
			})
			done <- i
		}()
	}
	release()
	for range errs {
		<-done
	}
	for i, err := range errs {
		if kept := has(t, db, fmt.Sprint(i)); kept != (err == nil) {
			t.Errorf("update %d: kept %t, told %v", i, kept, err)
		}
	}
	if !errors.Is(errs[1], store.ErrUnavailable) {
		t.Errorf("the one that lost it: %v", errs[1])
	}
	if err := write(db, store.Interactive, "after"); err != nil || !has(t, db, "after") {
		t.Errorf("afterwards: %v", err)
	}
}

func TestBulkWorkIsNotStarved(t *testing.T) {
	db := opened(t, Options{Data: t.TempDir()})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	const callers = 3 * batchMost // more than one batch takes
	ended := make(chan struct{})
	for i := range callers {
		go func() {
			for n := 0; ctx.Err() == nil; n++ {
				if err := write(db, store.Interactive, fmt.Sprint(i, " ", n)); err != nil {
					t.Error(err)
					break
				}
			}
			ended <- struct{}{}
		}()
	}
	for i := range 20 {
		if err := write(db, store.Bulk, fmt.Sprint("bulk ", i)); err != nil {
			t.Error(err)
		}
	}
	stop()
	for range callers {
		<-ended
	}
}

func TestClosing(t *testing.T) {
	db, err := Open(t.Context(), Options{Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	const callers = 200
	ended := make(chan error)
	kept := make([]atomic.Bool, callers)
	for i := range callers {
		go func() {
			err := write(db, store.Lane(i%2), fmt.Sprint(i))
			kept[i].Store(err == nil)
			ended <- err
		}()
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Errorf("again: %v", err)
	}
	for range callers {
		if err := <-ended; err != nil && !errors.Is(err, store.ErrUnavailable) {
			t.Error(err)
		}
	}
	if err := write(db, store.Interactive, "late"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("update after: %v", err)
	}
	if err := db.View(t.Context(), func(store.Reader) error { return nil }); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("view after: %v", err)
	}
	db = opened(t, Options{Data: filepath.Dir(db.engine.(*lite).file.path)})
	for i := range callers {
		if has(t, db, fmt.Sprint(i)) != kept[i].Load() {
			t.Errorf("update %d: acknowledged %t", i, kept[i].Load())
		}
	}
}

// TestTheLogDoesNotGrowWithoutEnd: where somebody always reads, SQLite's own
// checkpoints never get to the end of the write-ahead log.
func TestTheLogDoesNotGrowWithoutEnd(t *testing.T) {
	db := opened(t, Options{Data: t.TempDir()})
	l := db.engine.(*lite)
	l.walMost = 1 << 20
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	for range readers {
		go func() {
			for ctx.Err() == nil {
				_ = db.View(ctx, func(r store.Reader) error { _, err := r.Users("", 100); return err })
			}
			ended <- struct{}{}
		}()
	}
	most := int64(0)
	for i := range 8 * walEvery {
		err := db.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
			for range 5 {
				u := user.User{ID: tx.NewID(), Profile: user.Profile{user.Name: {Value: user.Text("some name")}}}
				if err := store.Insert(tx, u); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(i, err)
		}
		if f, err := os.Stat(l.file.path + "-wal"); err == nil {
			most = max(most, f.Size())
		}
	}
	stop()
	for range readers {
		<-ended
	}
	// A few rounds, where a look comes when the readers are busy; without
	// looking it gets past 28 MiB, at some 14 KiB a commit.
	if most > 20<<20 {
		t.Errorf("the log had %d KiB", most>>10)
	}
}
