package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// The published bcrypt hash (contract of the partner API): imported as it is.
const foreign = "$2b$06$k2WcyM0iw0Jy3aYfFBi2MuNwunZtO0S9uTV1QEyqKtmM3t/4JwYcC"

// batchOperations sync many users in a request: new ones who bring a foreign
// hash, then the same again, then the same at once over several connections.
func (b *bench) batchOperations() []operation {
	const side = 4
	var users []string // the last round's new ones, cut for each connection
	made := 0
	fresh := func() string {
		var lines strings.Builder
		for range b.lines / side {
			made++
			fmt.Fprintf(&lines, `{"username":"batch%d","email":"batch%d@example.org","emailVerified":true,"firstName":"Ada","lastName":"Batch","passwordHash":%q}`+"\n", made, made, foreign)
		}
		return lines.String()
	}
	return []operation{
		{name: "batch sync, new and pre-hashed", conns: 1, beside: rawUpdate, run: func(ctx context.Context) (result, error) {
			users = users[:0]
			for range side {
				users = append(users, fresh())
			}
			return b.send(ctx, strings.Join(users, ""))
		}},
		{name: "batch sync, pre-hashed, unchanged", conns: 1, beside: rawRead, run: func(ctx context.Context) (result, error) {
			return b.send(ctx, strings.Join(users, ""))
		}},
		{name: "batch sync, pre-hashed, unchanged", conns: side, beside: rawRead, run: func(ctx context.Context) (result, error) {
			return b.send(ctx, users...)
		}},
	}
}

// send sends each body as a batch of its own, all at once.
func (b *bench) send(ctx context.Context, bodies ...string) (result, error) {
	each, errs := make([]result, len(bodies)), make([]error, len(bodies))
	var wg sync.WaitGroup
	begun, cpu := time.Now(), b.usher.cpu()
	for i, body := range bodies {
		wg.Go(func() { errs[i] = sendOne(ctx, "http://"+b.usher.inside+"/api/users:batch", body, &each[i]) })
	}
	wg.Wait()
	sum := result{took: time.Since(begun), cpu: b.usher.cpu() - cpu}
	for _, r := range each {
		sum.ops, sum.faults, sum.odd = sum.ops+r.ops, sum.faults+r.faults, sum.odd+r.odd
	}
	return sum, errors.Join(errs...)
}

func sendOne(ctx context.Context, url, body string, r *result) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-User-Ctx", `{"id":"__system","user":"__system"}`)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("sending a batch: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("sending a batch: %s", resp.Status)
	}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		r.count(lineStatus(lines.Bytes()))
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading a batch's answer: %w", err)
	}
	if sent := strings.Count(body, "\n"); r.ops != sent {
		return fmt.Errorf("a batch of %d lines was answered with %d", sent, r.ops)
	}
	return nil
}

// lineStatus reads the status of one line's answer, its second member, without
// the cost of decoding the rest; 0 for something else.
func lineStatus(line []byte) int {
	_, rest, ok := bytes.Cut(line, []byte(`"statusCode":`))
	if !ok || len(rest) < 3 {
		return 0
	}
	return int(rest[0]-'0')*100 + int(rest[1]-'0')*10 + int(rest[2]-'0')
}
