package main

import (
	"context"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/password"
)

const (
	hashAlone   = "the hash alone"
	signInAlone = "sign-in by password"
)

// hash is the yardstick of sign-ins: the same verification, in this process.
func (b *bench) hash() operation {
	return operation{name: hashAlone, conns: 1, run: func(ctx context.Context) (result, error) {
		h, err := password.NewHasher(password.DefaultParams(), 1)
		if err != nil {
			return result{}, err
		}
		stored, err := h.Hash(ctx, plain)
		if err != nil {
			return result{}, err
		}
		begun, cpu := time.Now(), ownCPU()
		r := result{}
		for ; r.ops < b.hashes; r.ops++ {
			if v, err := h.Verify(ctx, plain, stored); err != nil || !v.Match {
				return result{}, fmt.Errorf("verifying a password: %v %w", v.Match, err)
			}
		}
		r.took, r.cpu = time.Since(begun), ownCPU()-cpu
		return r, nil
	}}
}

// signInAlone signs in as often as the hash was computed, one at a time.
func (b *bench) signInAlone() operation {
	return operation{name: signInAlone, conns: 1, beside: hashAlone + "/1", run: func(context.Context) (result, error) {
		c, err := dial(b.usher.public)
		if err != nil {
			return result{}, err
		}
		defer c.Close()
		begun, cpu := time.Now(), b.usher.cpu()
		r := result{}
		for range b.hashes {
			status, _, err := c.do(login(r.ops % signers))
			if err != nil {
				return result{}, err
			}
			r.count(status)
		}
		r.took, r.cpu = time.Since(begun), b.usher.cpu()-cpu
		return r, nil
	}}
}
