package statelogin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// newName makes what a cookie or a link holds, and the hash it is kept by.
func newName() (text string, hash []byte) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (Go 1.24)
	text = base64.RawURLEncoding.EncodeToString(b[:])
	return text, hashOf(text)
}

func hashOf(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// gone is the refusal of a visit or handoff that is over, or never was.
func gone() *user.Refusal { return user.Refuse(user.BadToken, "visit") }

func keep(tx store.Tx, hash []byte, kind string, body any, until time.Time) error {
	doc, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("writing a visit: %w", err)
	}
	if err := store.Put(tx, store.Visit{Hash: hash, Kind: kind, Body: doc, Created: tx.Now(), Until: until}); err != nil {
		return fmt.Errorf("keeping a visit: %w", err)
	}
	return nil
}

// read gives the row and, in into, the body of a visit that is not over.
func read(r store.Reader, text, kind string, now time.Time, into any) (store.Visit, error) {
	v, err := r.Visit(hashOf(text))
	if errors.Is(err, store.ErrNotFound) || err == nil && (v.Kind != kind || !v.Until.After(now)) {
		return v, gone()
	}
	if err != nil {
		return v, fmt.Errorf("reading a visit: %w", err)
	}
	if err := json.Unmarshal(v.Body, into); err != nil {
		return v, fmt.Errorf("reading a visit: %w", err)
	}
	return v, nil
}

// Look gives a visit. BadToken for one that is over.
func (s *Service) Look(ctx context.Context, cookie string) (v Visit, err error) {
	err = s.Store.View(ctx, func(r store.Reader) error {
		v = Visit{}
		_, err := read(r, cookie, kindVisit, s.Now(), &v)
		return err
	})
	return v, err
}

// change reads a visit, has it changed and keeps it, in one transaction. A refusal
// from fn is a result: what fn wrote is kept.
func (s *Service) change(ctx context.Context, cookie string, fn func(tx store.Tx, v *Visit) (*user.Refusal, error)) error {
	var no *user.Refusal
	err := s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		var v Visit
		row, err := read(tx, cookie, kindVisit, tx.Now(), &v)
		if err != nil {
			return err
		}
		if no, err = fn(tx, &v); err != nil {
			return err
		}
		return keep(tx, row.Hash, kindVisit, v, row.Until)
	})
	if err == nil && no != nil {
		return no
	}
	return err
}
