package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/usher-id/usher/internal/password"
)

const (
	// floor is what policy has by default.
	floor = 300 * time.Millisecond
	// within is by how much medians may differ.
	within = 5 * time.Millisecond
	// askers are the most that ask side by side; see sideBySide.
	askers = 8
)

// Of each hundred requests of a kind this many are asked where they take long,
// or are only to be looked at.
const (
	ofDear      = 25
	ofUnfloored = 10
	// fewest is how many there are at least.
	fewest = 20
)

// enumeration asks usher, in all the ways a stranger has, about people who are
// there and people who are not, and compares what the stranger sees: the
// answer, and how long it took.
type enumeration struct {
	dir, program, pg string
	usher            *process
	own              hashOf
	accounts         int // of each kind
	askers           int
}

// enumerate measures with policy's floor, then without.
func enumerate(ctx context.Context, pg string, each int) (err error) {
	dir, program, err := build()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	e := &enumeration{dir: dir, program: program, pg: pg, accounts: each/tries + 1}
	if e.own, err = ownHash(ctx); err != nil {
		return err
	}
	if e.askers, err = sideBySide(ctx); err != nil {
		return err
	}
	if err := e.start(ctx); err != nil {
		return err
	}
	defer e.usher.stop()

	cheap, err := e.signIns(ctx, fmt.Sprintf("Sign-ins that fail, response_floor %v", floor), "c", cheapHashes, e.reasons)
	if err != nil {
		return err
	}
	// One at a time: these take no hash, and a core each.
	doorstep, err := e.doorstep(ctx)
	if err != nil {
		return err
	}
	failed := e.measure(ctx, cheap, each)
	for _, s := range doorstep {
		failed = errors.Join(failed, e.measure(ctx, s, each))
	}

	if err := e.apply(ctx, 0); err != nil {
		return err
	}
	bare, err := e.signIns(ctx, "The same, response_floor 0s", "b", cheapHashes, e.reasons)
	if err != nil {
		return err
	}
	bare.askers, bare.within = 1, 0
	failed = errors.Join(failed, e.measure(ctx, bare, max(fewest, each*ofUnfloored/100)))

	// Last, since a dear hash slows every answer for minutes.
	if err := e.apply(ctx, floor); err != nil {
		return err
	}
	dear, err := e.signIns(ctx, fmt.Sprintf("Beside hashes that are dearer than usher's own, response_floor %v", floor), "d", dearHashes, nil)
	if err != nil {
		return err
	}
	dear.askers = max(1, e.askers/2)
	return errors.Join(failed, e.measure(ctx, dear, max(fewest, each*ofDear/100)))
}

// sideBySide is how many may ask at once so that a hash and its wait for a core
// take at most two thirds of the floor. With more, hashes would wait for one
// another beyond the floor, and what the table shows would be that.
func sideBySide(ctx context.Context) (int, error) {
	h, err := password.NewHasher(password.DefaultParams(), 0)
	if err != nil {
		return 0, err
	}
	const rounds = 5
	for n := askers; n > 1; n-- {
		took := make([]float64, n*rounds)
		errs := make([]error, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				for r := range rounds {
					begun := time.Now()
					errs[i] = errors.Join(errs[i], h.VerifyNone(ctx, plain))
					took[i*rounds+r] = time.Since(begun).Seconds()
				}
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return 0, err
		}
		if median(took) < floor.Seconds()*2/3 {
			return n, nil
		}
	}
	return 1, nil
}

// policyOf lifts what would turn a crowd of failures away, and has an account
// that failed often enough stay closed.
func policyOf(floor time.Duration) []byte {
	return fmt.Appendf(nil, `limits:
  account_failures: %d
  account_window: 1h
  account_total: %[1]d
  network_failures: 100000000
  network_window: 15m
response_floor: %[2]v
`, tries+1, floor)
}

// tokenKey makes the EDI door look at the profile that is asked for.
const tokenKey = "a-key-of-at-least-thirty-two-characters"

func (e *enumeration) start(ctx context.Context) error {
	policy := filepath.Join(e.dir, "policy.yaml")
	if err := os.WriteFile(policy, policyOf(floor), 0o600); err != nil {
		return err
	}
	// Without --dev, where the floor is not kept.
	cmd := exec.CommandContext(ctx, e.program, "serve", "--log_level", "error", "--policy", policy,
		"--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0", "--data", e.data(), "--database-url", e.pg)
	cmd.Env = append(os.Environ(), "USHER_DOORS_EDI_TOKEN_KEY="+tokenKey)
	cmd.Stderr = os.Stderr
	lines, err := start(cmd, 2)
	if err != nil {
		return err
	}
	e.usher = &process{cmd, after(lines[0]), after(lines[1])}
	_, err = e.command(ctx, "client", "create", "--id", "client-app-id", "--secret", "client-app-secret")
	return err
}

func (e *enumeration) data() string { return filepath.Join(e.dir, "data") }

// command runs usher beside the server, and gives what it prints.
func (e *enumeration) command(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, e.program, append(args, "--data", e.data(), "--database-url", e.pg)...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("usher %s: %w\n%s", strings.Join(args, " "), err, complaint.Bytes())
	}
	return out, nil
}

// apply puts another floor in force while the server runs, and waits until it
// is.
func (e *enumeration) apply(ctx context.Context, floor time.Duration) error {
	file := filepath.Join(e.dir, fmt.Sprintf("floor-%v.yaml", floor))
	if err := os.WriteFile(file, policyOf(floor), 0o600); err != nil {
		return err
	}
	if _, err := e.command(ctx, "policy", "apply", file); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(3 * time.Second): // servers look every second
		return nil
	}
}

// measure asks everything, in an order that is drawn, and prints what came.
func (e *enumeration) measure(ctx context.Context, s *series, each int) error {
	type request struct {
		of *class
		n  int
	}
	var all []request
	for _, c := range s.classes {
		for n := range each {
			all = append(all, request{c, n})
		}
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	queue := make(chan request)
	var (
		mu   sync.Mutex
		wg   sync.WaitGroup
		errs []error
	)
	for range s.askers {
		wg.Go(func() {
			c := &http.Client{Transport: &http.Transport{}}
			defer c.CloseIdleConnections()
			for r := range queue {
				answer, took, err := e.put(ctx, c, r.of.ask(r.n))
				mu.Lock()
				r.of.took = append(r.of.took, took.Seconds()*1000)
				r.of.answers[answer]++
				errs = append(errs, err)
				mu.Unlock()
			}
		})
	}
	for _, r := range all {
		queue <- r
	}
	close(queue)
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %w", s.title, err)
	}
	return s.write(os.Stdout)
}

// question is one request to the public listener.
type question struct {
	method, path, body string
	// about is whom it names, where the answer may repeat that.
	about string
}

// put gives the answer as a stranger sees it, less what is of this moment
// alone, and how long it took.
func (e *enumeration) put(ctx context.Context, c *http.Client, q question) (string, time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, q.method, "http://"+e.usher.public+q.path, strings.NewReader(q.body))
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	begun := time.Now()
	res, err := c.Do(req)
	if err != nil {
		return "", 0, err
	}
	text, err := io.ReadAll(res.Body)
	took := time.Since(begun)
	_ = res.Body.Close()
	return seen(res, text, q.about), took, err
}

// seen spells an answer.
func seen(res *http.Response, body []byte, about string) string {
	res.Header.Del("Date")
	res.Header.Del("X-Request-Id")
	var b strings.Builder
	b.WriteString(res.Proto + " " + res.Status + "\n")
	_ = res.Header.Write(&b) // sorted; a Builder takes everything
	b.WriteString("\n")
	b.Write(body)
	if about == "" {
		return b.String()
	}
	return strings.ReplaceAll(b.String(), about, "WHOM")
}
