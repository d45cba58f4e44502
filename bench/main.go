package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/usher-id/usher/internal/password"
)

const (
	asSystem = "X-User-Ctx: {\"id\":\"__system\",\"user\":\"__system\"}\r\nContent-Type: application/json\r\n"
	asJSON   = "Content-Type: application/json\r\n"
	plain    = "a-fair-password-77"
	// The published bcrypt hash (contract of the partner API): imported as it is.
	foreign = "$2b$06$k2WcyM0iw0Jy3aYfFBi2MuNwunZtO0S9uTV1QEyqKtmM3t/4JwYcC"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "bare" {
		if err := serveBare(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
		return
	}
	pg := flag.String("pg", "", "URL of an empty PostgreSQL database; SQLite otherwise")
	short := flag.Bool("short", false, "shorter rounds")
	flag.Parse()
	if err := run(context.Background(), *pg, *short); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is one run.
type bench struct {
	dir, program, pg string
	round            time.Duration
	usher, bare      *process
	token, id        string // of the user who reads their own profile
}

func run(ctx context.Context, pg string, short bool) error {
	dir, err := os.MkdirTemp("", "usher-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b := &bench{dir: dir, program: filepath.Join(dir, "usher"), pg: pg, round: 3 * time.Second}
	if short {
		b.round = time.Second
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", b.program, "./cmd/usher") //nolint:gosec // our own program
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building usher: %w\n%s", err, out)
	}
	if b.usher, err = startUsher(ctx, b.program, filepath.Join(dir, "data"), pg); err != nil {
		return err
	}
	defer func() { b.usher.stop() }()
	if b.bare, err = startBare(ctx); err != nil {
		return err
	}
	defer b.bare.stop()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	fmt.Println("| operation | connections | a second | of bare | CPU ms each | 5xx | other |\n|---|---|---|---|---|---|---|")
	for _, step := range []func(context.Context) error{b.reads, b.signIns, b.refreshes, b.batches, b.starts} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) row(name string, n int, r, bare result) {
	ratio := "–"
	if bare.ops > 0 {
		ratio = fmt.Sprintf("%.0f %%", 100*r.rate()/bare.rate())
	}
	fmt.Printf("| %s | %d | %.0f | %s | %.3f | %d | %d |\n", name, n, r.rate(), ratio, float64(r.each().Microseconds())/1000, r.faults, r.odd)
}

// prepare makes the user who reads, and the one who signs in.
func (b *bench) prepare(ctx context.Context) error {
	for _, args := range [][]string{
		{"user", "create", "--email", "reader@example.org", "--name", "Grace Hopper", "--verified", "--json"},
		{"token", "mint", "--door", "edi", "--user", "reader@example.org", "--json"},
	} {
		cmd := exec.CommandContext(ctx, b.program, append(args, "--data", filepath.Join(b.dir, "data"), "--database-url", b.pg)...) //nolint:gosec // our own
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("usher %s: %w", strings.Join(args, " "), err)
		}
		var minted struct {
			Token string `json:"token"`
			EDIID string `json:"edi_id"`
		}
		if err := json.Unmarshal(out, &minted); err != nil {
			return err
		}
		b.token, b.id = minted.Token, minted.EDIID
	}
	c, err := dial(b.usher.inside)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	for i := range 16 {
		status, body, err := c.do(request("PUT", "/api/users/", asSystem, fmt.Sprintf(
			`{"username":"signer%d","email":"signer%d@example.org","emailVerified":true,"password":%q}`, i, i, plain)))
		if err != nil || status != 200 {
			return fmt.Errorf("syncing a user: %d %s %w", status, body, err)
		}
	}
	return nil
}

func (b *bench) reads(context.Context) error {
	own := request("GET", "/auth/v1/profile/"+b.id, "Cookie: edi-token="+b.token+"\r\n", "")
	other := request("GET", "/api/users?limit=1", asSystem, "")
	for _, n := range []int{1, 16, 64} {
		bare, err := loop(b.bare, b.bare.public, n, b.round, same(request("GET", "/", "", "")))
		if err != nil {
			return err
		}
		b.row("bare net/http", n, bare, bare)
		r, err := loop(b.usher, b.usher.public, n, b.round, same(own))
		if err != nil {
			return err
		}
		b.row("own profile (EDI)", n, r, bare)
		if r, err = loop(b.usher, b.usher.inside, n, b.round, same(other)); err != nil {
			return err
		}
		b.row("first page of one (partner)", n, r, bare)
		unchanged := request("PUT", "/api/users/", asSystem, `{"username":"signer0","email":"signer0@example.org","emailVerified":true}`)
		if r, err = loop(b.usher, b.usher.inside, n, b.round, same(unchanged)); err != nil {
			return err
		}
		b.row("sync, unchanged", n, r, bare)
	}
	return nil
}

func login(i int) []byte {
	return request("POST", "/api/auth/login", asJSON, fmt.Sprintf(
		`{"type":"password","clientId":"client-app-id","clientSecret":"client-app-secret","withPassword":{"emailOrUsername":"signer%d@example.org","password":%q}}`, i, plain))
}

// signIns are set beside the hash alone, run in this process in the same minute.
func (b *bench) signIns(ctx context.Context) error {
	h, err := password.NewHasher(password.DefaultParams(), 1)
	if err != nil {
		return err
	}
	hash, err := h.Hash(ctx, plain)
	if err != nil {
		return err
	}
	const tries = 40
	spent := self()
	for range tries {
		if _, err := h.Verify(ctx, plain, hash); err != nil {
			return err
		}
	}
	alone := (self() - spent) / tries
	r, err := loop(b.usher, b.usher.public, 1, 2*b.round, func(int) func([]byte) []byte {
		i := 0
		return func([]byte) []byte { i++; return login(i % 16) }
	})
	if err != nil {
		return err
	}
	b.row("sign-in by password", 1, r, result{})
	fmt.Printf("| … the hash alone | 1 | – | – | %.3f | – | – |\n| … sign-in less the hash | 1 | – | – | %.3f | – | – |\n",
		float64(alone.Microseconds())/1000, float64((r.each()-alone).Microseconds())/1000)
	return nil
}

func self() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (b *bench) refreshes(context.Context) error {
	c, err := dial(b.usher.public)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	for _, n := range []int{1, 16} {
		begun := make([][]byte, n)
		for i := range begun {
			if _, begun[i], err = c.do(login(i)); err != nil {
				return err
			}
		}
		r, err := loop(b.usher, b.usher.public, n, b.round, func(w int) func([]byte) []byte {
			return func(last []byte) []byte {
				if last == nil {
					last = begun[w]
				}
				var t struct{ RefreshToken string }
				_ = json.Unmarshal(last, &t) // an odd answer shows in the next one's status
				return request("POST", "/api/auth/login", asJSON, fmt.Sprintf(
					`{"type":"refresh-token","clientId":"client-app-id","clientSecret":"client-app-secret","withRefreshToken":{"refreshToken":%q}}`, t.RefreshToken))
			}
		})
		if err != nil {
			return err
		}
		b.row("refresh", n, r, result{})
	}
	return nil
}

// batches sync many users in one request: new ones with a foreign hash, then
// the same again.
func (b *bench) batches(ctx context.Context) error {
	users := 20_000
	if b.round < 2*time.Second {
		users = 5_000
	}
	var body strings.Builder
	for i := range users {
		fmt.Fprintf(&body, `{"username":"batch%d","email":"batch%d@example.org","emailVerified":true,"firstName":"A","lastName":"B","passwordHash":%q}`+"\n", i, i, foreign)
	}
	for _, name := range []string{"batch sync, new and pre-hashed", "batch sync, unchanged"} {
		req, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+b.usher.inside+"/api/users:batch", strings.NewReader(body.String()))
		if err != nil {
			return err
		}
		req.Header.Set("X-User-Ctx", `{"id":"__system","user":"__system"}`)
		begun, cpu := time.Now(), b.usher.cpu()
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		r := result{ops: int64(users)}
		dec := json.NewDecoder(resp.Body)
		for range users {
			var line struct{ StatusCode int }
			if err := dec.Decode(&line); err != nil {
				return fmt.Errorf("reading a batch's answer: %w", err)
			}
			if line.StatusCode >= 500 {
				r.faults++
			} else if line.StatusCode != 200 {
				r.odd++
			}
		}
		_ = resp.Body.Close()
		r.took, r.cpu = time.Since(begun), b.usher.cpu()-cpu
		b.row(name, 1, r, result{})
	}
	return nil
}

// starts measures a cold start on the database that is there by now, and the
// memory of a process that has nothing to do.
func (b *bench) starts(ctx context.Context) error {
	loaded := b.usher.memory()
	b.usher.stop()
	var took []time.Duration
	for range 10 {
		begun := time.Now()
		p, err := startUsher(ctx, b.program, filepath.Join(b.dir, "data"), b.pg)
		if err != nil {
			return err
		}
		c, err := dial(p.public)
		if err != nil {
			return err
		}
		if status, _, err := c.do(request("GET", "/health/ready", "", "")); err != nil || status != 200 {
			return fmt.Errorf("not ready: %d %w", status, err)
		}
		took = append(took, time.Since(begun))
		_ = c.Close()
		p.stop()
	}
	slices.Sort(took)
	p, err := startUsher(ctx, b.program, filepath.Join(b.dir, "data"), b.pg)
	if err != nil {
		return err
	}
	b.usher = p
	time.Sleep(3 * time.Second)
	fmt.Printf("\ncold start %d ms (median of %d)\nmemory     %.1f MiB idle, %.1f MiB after the load\n",
		took[len(took)/2].Milliseconds(), len(took), p.memory(), loaded)
	return nil
}
