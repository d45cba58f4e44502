package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/testpg"
)

// TestACrashOfTheServer: during it, everybody is told that the database cannot
// be asked; after it, the same store works, and what was acknowledged is there.
func TestACrashOfTheServer(t *testing.T) {
	server := testpg.Own(t)
	db := opened(t, Options{URL: server.URL()})
	ctx, stop := context.WithCancel(t.Context())
	var mu sync.Mutex
	kept, failed := map[string]bool{}, 0
	const callers = 24
	ended := make(chan struct{})
	for i := range callers {
		go func() {
			defer func() { ended <- struct{}{} }()
			for n := 0; ctx.Err() == nil; n++ {
				name := fmt.Sprint(i, " ", n)
				err := write(db, store.Interactive, name)
				mu.Lock()
				if err == nil {
					kept[name] = true
				} else {
					failed++
				}
				mu.Unlock()
				if err != nil && !errors.Is(err, store.ErrUnavailable) {
					t.Errorf("update: %v", err)
				}
				err = db.View(ctx, func(r store.Reader) error { _, err := r.Secret(name); return err })
				if err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrUnavailable) && !errors.Is(err, store.ErrNotFound) {
					t.Errorf("view: %v", err)
				}
				mu.Lock()
				if errors.Is(err, store.ErrNotFound) && kept[name] {
					t.Errorf("%s: acknowledged and not there", name)
				}
				mu.Unlock()
			}
		}()
	}
	acknowledged := func(more int) {
		mu.Lock()
		want := len(kept) + more
		mu.Unlock()
		for have := 0; have < want; {
			time.Sleep(time.Millisecond)
			mu.Lock()
			have = len(kept)
			mu.Unlock()
		}
	}
	for range 2 {
		acknowledged(100)
		if err := server.Stop("immediate"); err != nil {
			t.Fatal(err)
		}
		if err := write(db, store.Interactive, "down"); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("while it is down: %v", err)
		}
		if err := db.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("ping while it is down: %v", err)
		}
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		acknowledged(100)
	}
	stop()
	for range callers {
		<-ended
	}
	if failed == 0 {
		t.Error("nobody noticed the crash")
	}
	for name := range kept {
		if !has(t, db, name) {
			t.Errorf("%s: acknowledged and lost", name)
		}
	}
}

// TestAfterARestart: a pool of connections that all died is no reason to fail
// anybody.
func TestAfterARestart(t *testing.T) {
	server := testpg.Own(t)
	db := opened(t, Options{URL: server.URL()})
	warm := make(chan error)
	for i := range 2 * pgConns {
		go func() { warm <- write(db, store.Interactive, fmt.Sprint(i)) }()
	}
	for range 2 * pgConns {
		if err := <-warm; err != nil {
			t.Fatal(err)
		}
	}
	for _, first := range []func() error{
		func() error { return write(db, store.Interactive, "a") },
		func() error {
			return db.View(t.Context(), func(r store.Reader) error { _, err := r.Secret("a"); return err })
		},
	} {
		if err := server.Stop("immediate"); err != nil {
			t.Fatal(err)
		}
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		if err := first(); err != nil {
			t.Errorf("the first after a restart: %v", err)
		}
	}
}

// TestAPoolThatIsTaken: a caller that waits for a connection can be cancelled,
// and what waited is served when there is one again.
func TestAPoolThatIsTaken(t *testing.T) {
	db := opened(t, Options{URL: testpg.Start(t)})
	free, began, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	for range pgConns {
		go func() {
			ended <- db.Update(t.Context(), store.Interactive, func(store.Tx) error {
				began <- struct{}{}
				<-free
				return nil
			})
		}()
	}
	for range pgConns {
		<-began
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() { gone <- db.Update(ctx, store.Interactive, func(store.Tx) error { return nil }) }()
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while it waited: %v", err)
	}
	go func() { gone <- write(db, store.Interactive, "a") }()
	close(free)
	for range pgConns {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if err := <-gone; err != nil {
		t.Errorf("waited: %v", err)
	}
}
