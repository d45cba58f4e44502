package settings_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/settings"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/testpg"
	"github.com/usher-id/usher/internal/token"
)

func TestMain(m *testing.M) { testpg.Main(m) }

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func kek(t *testing.T, fill byte) *token.KEK {
	t.Helper()
	k, err := token.NewKEK(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// process is one of several on the same store; its clock is the test's.
func process(t *testing.T, s store.Store, now func() time.Time) *settings.Service {
	t.Helper()
	return settings.New(s, kek(t, 7), "main", now, slog.New(slog.DiscardHandler))
}

func loaded(t *testing.T, s store.Store, now func() time.Time) *settings.Service {
	t.Helper()
	p := process(t, s, now)
	if err := p.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

func events(t *testing.T, s store.Store, kind event.Kind) (n int) {
	t.Helper()
	err := s.View(t.Context(), func(r store.Reader) error {
		es, err := r.Unsequenced(1000)
		for _, e := range es {
			if e.Kind == string(kind) {
				n++
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// All of these hold on every store, on one database after another.
func TestSettings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s store.Store) {
		now := func() time.Time { return noon }
		// Given an empty database and processes that start at once, then one set of
		// keys is made and all have it.
		t.Run("keys are made once", func(t *testing.T) {
			all := make([]*settings.Service, 6)
			var wg sync.WaitGroup
			for i := range all {
				all[i] = process(t, s, now)
				wg.Go(func() {
					if err := all[i].Load(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if t.Failed() {
				return
			}
			for i, p := range all {
				if string(p.Ring().JWKS()) != string(all[0].Ring().JWKS()) {
					t.Errorf("process %d has other keys", i)
				}
				text, err := p.Ring().Sign(map[string]any{"sub": "x"}, "JWT")
				if err != nil || text == "" {
					t.Errorf("process %d cannot sign: %v", i, err)
				}
			}
			states := map[string]int{}
			for _, k := range rows(t, s) {
				states[k.State]++
			}
			if states["active"] != 1 || states["next"] != 1 || len(states) != 2 {
				t.Errorf("keys: %v", states)
			}
			if n := events(t, s, event.KeyRotated); n != 2 {
				t.Errorf("%d events", n)
			}
		})
		t.Run("policy versions", func(t *testing.T) {
			a, b := loaded(t, s, now), loaded(t, s, now)
			if v, text := a.Document(); v != 0 || len(text) != 0 || a.Current().Version != 0 {
				t.Errorf("at first version %d, %q", v, text)
			}
			apply := func(p *settings.Service, doc string, want int64) {
				t.Helper()
				if v, err := p.Apply(t.Context(), []byte(doc), "root"); err != nil || v != want {
					t.Errorf("version %d, %v; want %d", v, err, want)
				}
				if v, text := p.Document(); v != want || string(text) != doc {
					t.Errorf("in force is %d, %q", v, text)
				}
			}
			apply(a, "limits: {account_failures: 3}", 1)
			apply(a, "limits: {account_failures: 3}", 1)
			apply(b, "limits: {account_failures: 3}", 1)
			apply(b, "limits: {account_failures: 4}", 2)
			if n := events(t, s, event.PolicyApplied); n != 2 {
				t.Errorf("%d events", n)
			}
			if err := a.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			if p := a.Current(); p.Version != 2 || p.Limits.AccountFailures != 4 {
				t.Errorf("the other process has %d of version %d", p.Limits.AccountFailures, p.Version)
			}
			if _, err := a.Apply(t.Context(), []byte("limts: {}"), "root"); err == nil {
				t.Error("a policy that cannot be read was applied")
			}
			if p := a.Current(); p.Version != 2 {
				t.Errorf("version %d after a refused one", p.Version)
			}
		})
		t.Run("policies applied at once get a version each", func(t *testing.T) {
			before, _ := loaded(t, s, now).Document()
			var wg sync.WaitGroup
			for i := range 4 {
				p := loaded(t, s, now)
				wg.Go(func() {
					if _, err := p.Apply(t.Context(), []byte(strings.Repeat("#", i+1)), "root"); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if after, _ := loaded(t, s, now).Document(); after != before+4 {
				t.Errorf("version %d, then %d", before, after)
			}
		})
		t.Run("secrets are made once", func(t *testing.T) {
			got := make([][]byte, 6)
			var wg sync.WaitGroup
			for i := range got {
				p := process(t, s, now)
				wg.Go(func() {
					var err error
					if got[i], err = p.Secret(t.Context(), "cursor"); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			for i, g := range got {
				if len(g) != 32 || !bytes.Equal(g, got[0]) {
					t.Errorf("process %d has another secret, of %d bytes", i, len(g))
				}
			}
			p := process(t, s, now)
			if other, err := p.Secret(t.Context(), "another"); err != nil || bytes.Equal(other, got[0]) {
				t.Errorf("another name gives the same secret, %v", err)
			}
			if kept, err := p.Keep(t.Context(), "cursor", []byte("mine")); err != nil || !bytes.Equal(kept, got[0]) {
				t.Errorf("kept %x over what was there, %v", kept, err)
			}
			if kept, err := p.Keep(t.Context(), "given", []byte("mine")); err != nil || string(kept) != "mine" {
				t.Errorf("kept %q, %v", kept, err)
			}
			err := s.View(t.Context(), func(r store.Reader) error {
				row, err := r.Secret("given")
				if bytes.Contains(row.Wrapped, []byte("mine")) {
					t.Error("lies open in the database")
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
		t.Run("what a server publishes", func(t *testing.T) {
			a, b := process(t, s, now), process(t, s, now)
			if url, err := a.Published(t.Context()); err != nil || url != "" {
				t.Errorf("nobody published %q, %v", url, err)
			}
			for _, url := range []string{"https://id.example.org", "https://id.example.org", "https://new.example.org"} {
				if err := a.Publish(t.Context(), url); err != nil {
					t.Fatal(err)
				}
				if got, err := b.Published(t.Context()); err != nil || got != url {
					t.Errorf("published %q, %v", got, err)
				}
			}
		})
		t.Run("another key encryption key", func(t *testing.T) {
			other := settings.New(s, kek(t, 8), "main", now, slog.New(slog.DiscardHandler))
			for name, act := range map[string]func() error{
				"load":      func() error { return other.Load(t.Context()) },
				"secret":    func() error { _, err := other.Secret(t.Context(), "cursor"); return err },
				"published": func() error { _, err := other.Published(t.Context()); return err },
			} {
				if err := act(); !errors.Is(err, token.ErrWrongKEK) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if n := len(rows(t, s)); n != 2 {
				t.Errorf("%d keys after it", n)
			}
		})
	})
}

func rows(t *testing.T, s store.Store) (keys []store.Key) {
	t.Helper()
	err := s.View(context.Background(), func(r store.Reader) error {
		var err error
		keys, err = r.Keys()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// A key is published before it signs, verifies for a day after it signed its
// last, and is dead then.
func TestRotation(t *testing.T) {
	s := storetest.SQLite(t)
	at := noon
	now := func() time.Time { return at }
	p := loaded(t, s, now)
	verifier, err := token.NewVerifier(token.VerifierConfig{
		Algs: []token.Alg{token.ES256}, Keys: p, Issuer: "usher", NoAudience: true, Typ: "JWT", Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	sign := func() string {
		t.Helper()
		text, err := p.Ring().Sign(map[string]any{"iss": "usher", "exp": noon.Add(1000 * 24 * time.Hour).Unix()}, "JWT")
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	rotate := func(d time.Duration) {
		t.Helper()
		at = at.Add(d)
		if err := p.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	kid := func(text string) string {
		t.Helper()
		c, err := verifier.Verify(text)
		if err != nil {
			t.Fatal(err)
		}
		return c.KID
	}
	first := sign()
	published := string(p.Ring().JWKS())
	rotate(89 * 24 * time.Hour)
	if string(p.Ring().JWKS()) != published || kid(sign()) != kid(first) {
		t.Error("rotated before 90 days")
	}
	rotate(25 * time.Hour)
	second := sign()
	if kid(second) == kid(first) {
		t.Fatal("not rotated after 90 days")
	}
	if !strings.Contains(published, kid(second)) {
		t.Error("a key signs that was not published before")
	}
	kid(first) // still verifies
	rotate(23 * time.Hour)
	kid(first)
	rotate(2 * time.Hour)
	if _, err := verifier.Verify(first); !errors.Is(err, token.ErrRefused) {
		t.Errorf("a retired key still verifies: %v", err)
	}
	kid(second)
	// A process that starts now has the same.
	if string(loaded(t, s, now).Ring().JWKS()) != string(p.Ring().JWKS()) {
		t.Error("another process has other keys")
	}
}

// Given two processes, when one applies a policy or rotates the keys, then the
// other takes them up without being asked.
func TestRunFollowsOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := storetest.SQLite(t)
		a, b := loaded(t, s, time.Now), loaded(t, s, time.Now)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { b.Run(ctx) })
		if _, err := a.Apply(t.Context(), []byte("limits: {account_failures: 3}"), "root"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if p := b.Current(); p.Version != 1 || p.Limits.AccountFailures != 3 {
			t.Errorf("the other process has version %d", p.Version)
		}
		// One whose clock is three months ahead rotates the keys.
		ahead := loaded(t, s, func() time.Time { return time.Now().Add(91 * 24 * time.Hour) })
		if string(ahead.Ring().JWKS()) == string(b.Ring().JWKS()) {
			t.Fatal("given a rotation by another process")
		}
		time.Sleep(time.Minute)
		if string(ahead.Ring().JWKS()) != string(b.Ring().JWKS()) {
			t.Error("the keys of the other process were not taken up")
		}
		stop()
		wg.Wait()
	})
}
