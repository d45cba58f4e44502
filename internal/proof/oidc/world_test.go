package oidc_test

import (
	"bytes"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/proof/oidc"
	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/test/oidc/idp"
)

// clock runs with the real one, which the provider's tokens are made by, and is
// moved on by hand.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// world is a provider and what verifies its tokens.
type world struct {
	*testing.T
	idp *idp.Issuer
	*clock
	issuer *oidc.Issuer
	said   *bytes.Buffer // the log
}

func newWorld(t *testing.T, change ...func(*oidc.Config)) *world {
	t.Helper()
	w := &world{T: t, idp: idp.New(t), clock: &clock{}, said: &bytes.Buffer{}}
	c := w.config()
	for _, fn := range change {
		fn(&c)
	}
	made, err := oidc.New(c)
	if err != nil {
		t.Fatal(err)
	}
	w.issuer = made
	return w
}

func (w *world) config() oidc.Config {
	return oidc.Config{
		Issuer: w.idp.URL, ClientIDs: []string{"other.example.org", idp.Client}, Trust: oidc.Authoritative,
		TokenInfo: w.idp.URL + idp.TokenInfo, Source: "oidc:test", Purpose: "partner",
		Log: slog.New(slog.NewTextHandler(w.said, nil)), Now: w.now,
	}
}

func (w *world) proves(text string, kind signin.TokenKind) signin.Proof {
	w.Helper()
	p, err := w.issuer.Prove(w.Context(), text, kind)
	if err != nil {
		w.Fatalf("%s: %v", kind, err)
	}
	return p
}

// refuses expects that a token proves nothing, and this in the reason.
func (w *world) refuses(what, text string, kind signin.TokenKind, why string) {
	w.Helper()
	p, err := w.issuer.Prove(w.Context(), text, kind)
	no, ok := errors.AsType[*signin.Unproven](err)
	if !ok || no.Why != why || p.Identity != (user.IdentityKey{}) {
		w.Errorf("%s: %v and %v, want %q", what, p.Identity, err, why)
	}
}

// busy expects that the provider, and not the token, is to blame.
func (w *world) busy(what, text string, kind signin.TokenKind) {
	w.Helper()
	_, err := w.issuer.Prove(w.Context(), text, kind)
	if no, ok := errors.AsType[*user.Refusal](err); !ok || no.Code != user.Busy || no.RetryAfter != 10 {
		w.Errorf("%s: %v, want Busy for 10 s", what, err)
	}
}

func (w *world) asked(discovery, keys int) {
	w.Helper()
	if d, k := w.idp.Asked(idp.Discovery), w.idp.Asked(idp.KeySet); d != discovery || k != keys {
		w.Errorf("asked %d times for the discovery document and %d for the keys, want %d and %d", d, k, discovery, keys)
	}
}
