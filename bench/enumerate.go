package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// askers are how many ask side by side in an enumeration. More would wait for
// one another's hashes, which is not what is to be measured.
const askers = 4

// enumeration asks for sign-ins that all fail, each for another reason, and
// compares what a stranger sees: the answer, and how long it took.
type enumeration struct {
	dir, program, pg string
	each             int           // requests of a class
	floor            time.Duration // of policy
	usher            *process
	classes          []class
}

// class is one reason for a sign-in to fail.
type class struct {
	name string
	// ask gives the login and password of the n-th request.
	ask func(n int) (login, password string)
	// Seen by the stranger, in milliseconds and once each.
	took    []float64
	answers map[string]int
}

// tries is how often an account is tried: less than makes it wait.
const tries = 4

// policyOf lifts what would turn a crowd of failures away, and has an account
// that failed often enough stay closed.
const policyOf = `limits:
  account_failures: 5
  account_window: 15m
  account_total: 5
  network_failures: 100000000
  network_window: 15m
response_floor: %s
`

// enumerate measures one floor and prints a table.
func enumerate(ctx context.Context, dir, program, pg string, each int, floor time.Duration) (err error) {
	e := &enumeration{dir: filepath.Join(dir, fmt.Sprint("floor", floor)), program: program, pg: pg, each: each, floor: floor}
	if err := e.start(ctx); err != nil {
		return err
	}
	defer e.usher.stop()
	if err := e.prepare(ctx); err != nil {
		return err
	}
	if err := e.ask(ctx); err != nil {
		return err
	}
	return e.write(os.Stdout)
}

func (e *enumeration) start(ctx context.Context) error {
	if err := os.MkdirAll(e.dir, 0o700); err != nil {
		return err
	}
	policy := filepath.Join(e.dir, "policy.yaml")
	if err := os.WriteFile(policy, fmt.Appendf(nil, policyOf, e.floor), 0o600); err != nil {
		return err
	}
	data := filepath.Join(e.dir, "data")
	// Without --dev, where the floor is not kept.
	cmd := exec.CommandContext(ctx, e.program, "serve", "--log_level", "warn", "--policy", policy,
		"--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0", "--data", data, "--database-url", e.pg)
	cmd.Stderr = os.Stderr
	lines, err := start(cmd, 2)
	if err != nil {
		return err
	}
	e.usher = &process{cmd, after(lines[0]), after(lines[1])}
	made := exec.CommandContext(ctx, e.program, "client", "create", "--id", "client-app-id", "--secret", "client-app-secret",
		"--data", data, "--database-url", e.pg)
	if out, err := made.CombinedOutput(); err != nil {
		return fmt.Errorf("making a client: %w\n%s", err, out)
	}
	return nil
}

// prepare makes the accounts of every class.
func (e *enumeration) prepare(ctx context.Context) error {
	hashes, err := foreignHashes(ctx)
	if err != nil {
		return err
	}
	var users bytes.Buffer
	accounts := e.each/tries + 1
	people := func(name string, more map[string]any) func(int) (string, string) {
		for i := range accounts {
			u := map[string]any{"email": fmt.Sprintf("%s%d@example.org", name, i), "username": fmt.Sprintf("%s%d", name, i), "emailVerified": true}
			for k, v := range more {
				u[k] = v
			}
			line, _ := json.Marshal(u) // strings and a boolean
			users.Write(append(line, '\n'))
		}
		return func(n int) (string, string) {
			return fmt.Sprintf("%s%d@example.org", name, n%accounts), "wrong-password-77"
		}
	}
	right := func(ask func(int) (string, string)) func(int) (string, string) {
		return func(n int) (string, string) { login, _ := ask(n); return login, plain }
	}
	add := func(name string, ask func(int) (string, string)) {
		e.classes = append(e.classes, class{name: name, ask: ask, answers: map[string]int{}})
	}
	add(unknown, func(n int) (string, string) { return fmt.Sprintf("unknown%d@example.org", n), "wrong-password-77" })
	add("no such username", func(n int) (string, string) { return fmt.Sprintf("unknown%d", n), "wrong-password-77" })
	for _, h := range hashes {
		add(h.name+", wrong", people(h.key, map[string]any{"passwordHash": h.text}))
	}
	add("no password", people("without", nil))
	own := map[string]any{"passwordHash": hashes[0].text}
	byName := people("byname", own)
	add("argon2id by username, wrong", func(n int) (string, string) {
		login, password := byName(n)
		return strings.TrimSuffix(login, "@example.org"), password
	})
	locked := map[string]any{"passwordHash": hashes[0].text, "isActive": false}
	add("locked, right", right(people("lockedr", locked)))
	add("locked, wrong", people("lockedw", locked))
	deleted := right(people("deleted", own))
	add("deleted, right", deleted)
	closed := people("closed", own)
	add("closed after failures, right", right(func(int) (string, string) { return closed(0) }))
	answers, err := e.call(ctx, "PUT", "http://"+e.usher.inside+"/api/users:batch", users.Bytes())
	if err != nil {
		return err
	}
	for line := range bytes.Lines(answers) {
		var got struct {
			StatusCode int
			User       struct{ ID, Username string }
		}
		if err := json.Unmarshal(line, &got); err != nil || got.StatusCode != 200 {
			return fmt.Errorf("making an account: %s %w", line, err)
		}
		if strings.HasPrefix(got.User.Username, "deleted") {
			if _, err := e.call(ctx, "DELETE", "http://"+e.usher.inside+"/api/users/"+got.User.ID, nil); err != nil {
				return err
			}
		}
	}
	for range 6 {
		login, password := closed(0)
		if _, _, err := e.signIn(ctx, http.DefaultClient, login, password); err != nil {
			return err
		}
	}
	return nil
}

func (e *enumeration) call(ctx context.Context, method, url string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-User-Ctx", `{"id":"__system","user":"__system"}`)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != 200 {
		err = fmt.Errorf("%s %s: %d %s", method, url, res.StatusCode, text)
	}
	return text, err
}

// signIn gives the answer as a stranger sees it, less what is of this moment
// alone, and how long it took.
func (e *enumeration) signIn(ctx context.Context, c *http.Client, login, password string) (string, time.Duration, error) {
	body, err := json.Marshal(map[string]any{
		"type": "password", "clientId": "client-app-id", "clientSecret": "client-app-secret",
		"withPassword": map[string]any{"emailOrUsername": login, "password": password},
	})
	if err != nil {
		return "", 0, err
	}
	req, err := http.NewRequestWithContext(ctx, "POST", "http://"+e.usher.public+"/api/auth/login", bytes.NewReader(body))
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
	res.Header.Del("Date")
	res.Header.Del("X-Request-Id")
	var b bytes.Buffer
	fmt.Fprintln(&b, res.Status)
	return b.String() + headerText(res.Header) + string(text), took, err
}

func headerText(h http.Header) string {
	var b strings.Builder
	_ = h.Write(&b) // sorted; a Builder takes everything
	return b.String()
}

// ask sends everything, in an order that is drawn.
func (e *enumeration) ask(ctx context.Context) error {
	type request struct{ class, n int }
	var all []request
	for c := range e.classes {
		for n := range e.each {
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
	for range askers {
		wg.Go(func() {
			c := &http.Client{Transport: &http.Transport{}}
			defer c.CloseIdleConnections()
			for r := range queue {
				cl := &e.classes[r.class]
				login, password := cl.ask(r.n)
				answer, took, err := e.signIn(ctx, c, login, password)
				mu.Lock()
				cl.took = append(cl.took, took.Seconds()*1000)
				cl.answers[answer]++
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
	return errors.Join(errs...)
}

// unknown is the class that the others are set beside.
const unknown = "unknown"

// write prints the table; answers that are not alike are an error.
func (e *enumeration) write(w io.Writer) error {
	fmt.Fprintf(w, "\n%d failed sign-ins of each kind, in an order that was drawn, %d side by side, response_floor %v:\n\n", e.each, askers, e.floor)
	fmt.Fprintln(w, "| why it fails | median ms | 95 % ms | median less unknown's | told from unknown |\n|---|---:|---:|---:|---:|")
	base := e.classes[0].took
	middle := median(base)
	answers := map[string]int{}
	lowest, highest := middle, middle
	for _, c := range e.classes {
		m := median(c.took) // sorts
		lowest, highest = min(lowest, m), max(highest, m)
		fmt.Fprintf(w, "| %s | %.1f | %.1f | %+.1f | %.0f %% |\n", c.name, m, c.took[len(c.took)*95/100], m-middle, 100*told(base, c.took))
		for a, n := range c.answers {
			answers[a] += n
		}
	}
	fmt.Fprintf(w, "\nThe medians lie within %.1f ms. Whoever guesses by the time alone whether a name is unknown is right as often as the last column says; 50 %% is chance.\n", highest-lowest)
	if len(answers) > 1 {
		for a, n := range answers {
			fmt.Fprintf(os.Stderr, "%d times:\n%s\n\n", n, a)
		}
		return fmt.Errorf("there are %d different answers", len(answers))
	}
	fmt.Fprintln(w, "All answers are alike to the byte, but for Date and X-Request-Id.")
	return nil
}

// told is how often the better of two guesses, "the longer is a" or "the
// longer is b", is right for one of each: the area under the curve of Mann and
// Whitney's test. Both are sorted.
func told(a, b []float64) float64 {
	slices.Sort(a)
	wins := 0.0
	for _, y := range b {
		below, _ := slices.BinarySearch(a, y)
		upTo, _ := slices.BinarySearchFunc(a, y, func(x, y float64) int {
			if x <= y {
				return -1
			}
			return 1
		})
		wins += float64(below) + float64(upTo-below)/2
	}
	auc := wins / float64(len(a)*len(b))
	return max(auc, 1-auc)
}
