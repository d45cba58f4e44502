package main

import (
	"context"
	"fmt"
	"time"
)

const (
	hashAlone   = "bare handler that hashes"
	signInAlone = "sign-in by password"
	turn        = 4 // sign-ins, then as many hashes, in turns
	crowd       = 64
)

// signInOperations set sign-ins beside a handler that does nothing but hash. A
// hash is forty times what the rest of a sign-in costs, and how long it takes
// depends on what else the memory of the machine is used for: so the two take
// turns of a fraction of a second, and are set beside each other in processes
// of one kind.
func (b *bench) signInOperations() []operation {
	var hashes, signIns result
	hash := request("POST", "/hash", "", plain)
	ask := func(p *process, reqs func(i int) []byte, c *conn, r *result) error {
		begun, cpu := time.Now(), p.cpu()
		for range turn {
			status, _, err := c.do(reqs(r.ops))
			if err != nil {
				return err
			}
			r.count(status)
		}
		r.took, r.cpu = r.took+time.Since(begun), r.cpu+p.cpu()-cpu
		return nil
	}
	inTurns := func() error {
		hashes, signIns = result{}, result{}
		bare, err := dial(b.bare.public)
		if err != nil {
			return err
		}
		defer bare.Close()
		usher, err := dial(b.usher.public)
		if err != nil {
			return err
		}
		defer usher.Close()
		for hashes.ops < b.hashes {
			if err := ask(b.bare, func(int) []byte { return hash }, bare, &hashes); err != nil {
				return err
			}
			if err := ask(b.usher, func(i int) []byte { return login(i % signers) }, usher, &signIns); err != nil {
				return err
			}
		}
		return nil
	}
	return []operation{
		{name: hashAlone, conns: 1, run: func(context.Context) (result, error) {
			err := inTurns()
			return hashes, err
		}},
		{name: signInAlone, conns: 1, beside: hashAlone + "/1", run: func(context.Context) (result, error) { return signIns, nil }},
		b.closed(hashAlone, crowd, "", b.bare, b.bare.public, all(hash)),
		b.closed(signInAlone, crowd, fmt.Sprintf("%s/%d", hashAlone, crowd), b.usher, b.usher.public, func(i int) worker { return same(login(i)) }),
	}
}
