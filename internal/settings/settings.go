package settings

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/token"
)

// Rotation of signing keys: the overlap is longer than any token they sign
// lives (security K2).
var rotation = token.RotationPolicy{MaxAge: 90 * 24 * time.Hour, Overlap: 24 * time.Hour, Lead: time.Hour}

// How often another process's changes are looked for.
const (
	policyEvery = time.Second
	keysEvery   = 30 * time.Second
)

// Service keeps settings in force.
type Service struct {
	store store.Store
	kek   *token.KEK
	realm string
	now   func() time.Time
	log   *slog.Logger

	inForce atomic.Pointer[inForce]
	ring    atomic.Pointer[token.Ring]
}

type inForce struct {
	policy   policy.Policy
	document []byte
}

// New makes the service; Load must come before anything else.
func New(s store.Store, kek *token.KEK, realm string, now func() time.Time, log *slog.Logger) *Service {
	return &Service{store: s, kek: kek, realm: realm, now: now, log: log}
}

// Load reads policy and keys, and makes keys where there are none.
func (s *Service) Load(ctx context.Context) error {
	if err := s.loadPolicy(ctx); err != nil {
		return err
	}
	return s.Rotate(ctx)
}

// Current gives the policy in force.
func (s *Service) Current() policy.Policy { return s.inForce.Load().policy }

// Document gives the policy's version and text; 0 and nothing for the built-in
// default.
func (s *Service) Document() (version int64, text []byte) {
	f := s.inForce.Load()
	return f.policy.Version, f.document
}

// Ring gives the signing keys of this moment.
func (s *Service) Ring() *token.Ring { return s.ring.Load() }

// Candidates makes the service a key source that follows rotation.
func (s *Service) Candidates(kid string) []token.PublicKey { return s.Ring().Candidates(kid) }

func (s *Service) loadPolicy(ctx context.Context) error {
	var row store.PolicyVersion
	err := s.store.View(ctx, func(r store.Reader) error {
		var err error
		row, err = r.Policy()
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		if s.inForce.Load() == nil {
			s.inForce.Store(&inForce{policy: policy.Default()})
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the policy: %w", err)
	}
	if f := s.inForce.Load(); f != nil && f.policy.Version == row.Version {
		return nil
	}
	p, err := policy.Parse(row.Document)
	if err != nil {
		return fmt.Errorf("policy version %d: %w", row.Version, err)
	}
	p.Version = row.Version
	s.inForce.Store(&inForce{p, row.Document})
	return nil
}

// Apply makes a policy the next version and puts it in force. The document
// that is in force already is not applied again.
func (s *Service) Apply(ctx context.Context, document []byte, by string) (int64, error) {
	if _, err := policy.Parse(document); err != nil {
		return 0, err
	}
	var version int64
	err := s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		old, err := tx.Policy()
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("reading the policy: %w", err)
		}
		if err == nil && string(old.Document) == string(document) {
			version = old.Version
			return nil
		}
		version = old.Version + 1
		if err := store.Insert(tx, store.PolicyVersion{
			Version: version, Document: document, By: by, Applied: tx.Now(),
		}); err != nil {
			return fmt.Errorf("writing policy version %d: %w", version, err)
		}
		return event.Append(tx, event.New{Kind: event.PolicyApplied, Actor: by, Body: map[string]any{"version": version}})
	})
	if err != nil {
		return 0, err
	}
	return version, s.loadPolicy(ctx)
}

// Secret gives a random 32-byte secret of that name, made once and shared by
// all processes.
func (s *Service) Secret(ctx context.Context, name string) ([]byte, error) {
	fresh := make([]byte, 32)
	if _, err := rand.Read(fresh); err != nil {
		return nil, fmt.Errorf("making secret %s: %w", name, err)
	}
	return s.Keep(ctx, name, fresh)
}

// Keep stores a secret under a name unless there is one, and gives the one
// that is there.
func (s *Service) Keep(ctx context.Context, name string, fresh []byte) ([]byte, error) {
	wrapped := s.kek.Seal(fresh, "secret", s.realm, name)
	err := s.store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		old, err := tx.Secret(name)
		if err == nil {
			wrapped = old.Wrapped
			return nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return store.Insert(tx, store.Secret{Name: name, Wrapped: wrapped, Created: tx.Now()})
	})
	if err != nil {
		return nil, fmt.Errorf("keeping secret %s: %w", name, err)
	}
	plain, err := s.kek.Open(wrapped, "secret", s.realm, name)
	if err != nil {
		return nil, fmt.Errorf("opening secret %s: %w", name, err)
	}
	return plain, nil
}

// Run follows what other processes change, and rotates keys, until ctx ends.
// A fault is logged and tried again: what was in force stays in force.
func (s *Service) Run(ctx context.Context) {
	policies, keys := time.NewTicker(policyEvery), time.NewTicker(keysEvery)
	defer policies.Stop()
	defer keys.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-policies.C:
			err = s.loadPolicy(ctx)
		case <-keys.C:
			err = s.Rotate(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "settings were not read again", "error", err)
		}
	}
}
