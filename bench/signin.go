package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

const (
	hashAlone   = "bare handler that hashes"
	signInAlone = "sign-in by password"
	crowd       = 64
)

// turns is what sign-ins and hashes that took turns cost.
type turns struct {
	hashes, signIns result
	// less is, for each turn, what the sign-in cost more CPU than the hash
	// beside it, in milliseconds.
	less []float64
}

// takeTurns asks for a sign-in and for a hash, one after the other, each n
// times over one connection. How long a hash takes depends on what else the
// memory of the machine is used for, from second to second and by far more than
// the rest of a sign-in: only neighbours can be compared. Both handlers run in
// processes of one kind. What a process does after its answer, while the other
// is asked, is counted as well.
func (b *bench) takeTurns(n int) (turns, error) {
	var t turns
	bare, err := dial(b.bare.public)
	if err != nil {
		return t, err
	}
	defer bare.Close()
	usher, err := dial(b.usher.public)
	if err != nil {
		return t, err
	}
	defer usher.Close()
	hash := request("POST", "/hash", "", plain)
	ask := func(c *conn, req []byte, r *result) error {
		begun := time.Now()
		status, _, err := c.do(req)
		if err != nil {
			return err
		}
		r.count(status)
		r.took += time.Since(begun)
		return nil
	}
	signed, hashed := b.usher.cpu(), b.bare.cpu()
	for i := range n {
		if err := errors.Join(ask(usher, login(i%signers), &t.signIns), ask(bare, hash, &t.hashes)); err != nil {
			return t, err
		}
		s, h := b.usher.cpu(), b.bare.cpu()
		t.signIns.cpu, t.hashes.cpu = t.signIns.cpu+s-signed, t.hashes.cpu+h-hashed
		t.less = append(t.less, ((s-signed)-(h-hashed)).Seconds()*1000)
		signed, hashed = s, h
	}
	return t, nil
}

// signInOperations set sign-ins beside a handler that does nothing but hash.
func (b *bench) signInOperations() []operation {
	var last turns
	return []operation{
		{name: hashAlone, conns: 1, run: func(context.Context) (result, error) {
			var err error
			last, err = b.takeTurns(b.hashes)
			b.less = append(b.less, last.less...)
			return last.hashes, err
		}},
		{name: signInAlone, conns: 1, beside: hashAlone + "/1", run: func(context.Context) (result, error) { return last.signIns, nil }},
		b.closed(hashAlone, crowd, "", b.bare, b.bare.public, all(request("POST", "/hash", "", plain))),
		b.closed(signInAlone, crowd, fmt.Sprintf("%s/%d", hashAlone, crowd), b.usher, b.usher.public, func(i int) worker { return same(login(i)) }),
	}
}

// interval is where the median of all that was drawn like these lies, 95 times
// of 100 (order statistics). It sorts its argument.
func interval(of []float64) (low, high float64) {
	if len(of) == 0 {
		return 0, 0
	}
	slices.Sort(of)
	half := 0.98 * math.Sqrt(float64(len(of)))
	middle := float64(len(of)-1) / 2
	return of[max(0, int(middle-half))], of[min(len(of)-1, int(math.Ceil(middle+half)))]
}
