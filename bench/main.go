package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == bareArg {
		if err := serveBare(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
		return
	}
	pg := flag.String("pg", "", "URL of an empty PostgreSQL database; SQLite otherwise")
	short := flag.Bool("short", false, "one short round: a quick look")
	signIns := flag.Int("signin", 0, "only sign-ins and hashes in turns, so many of each: what a sign-in costs beside its hash")
	each := flag.Int("enumerate", 0, "only failed sign-ins, so many of each kind: what answers and their times tell")
	flag.Parse()
	do := func() error { return run(*pg, *short, *signIns) }
	if *each > 0 {
		do = func() error { return enumerate(context.Background(), *pg, *each) }
	}
	if err := do(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is one run.
type bench struct {
	dir, program, pg string

	rounds int
	slot   time.Duration // of one operation in one round
	lines  int           // users in a batch
	hashes int           // sign-ins, and hashes beside them, in a round

	usher, bare *process
	raw         *raw
	less        []float64 // of sign-ins and hashes that took turns: see turns
	people
}

// The longest run: rounds end early where a machine is slow.
const (
	longest    = 170 * time.Second
	lastRound  = 110 * time.Second
	warmUpPart = 4 // of a slot
)

func newBench(pg string, short bool) *bench {
	if short {
		return &bench{pg: pg, rounds: 1, slot: 500 * time.Millisecond, lines: 1600, hashes: 16}
	}
	return &bench{pg: pg, rounds: 3, slot: 1200 * time.Millisecond, lines: 8000, hashes: 40}
}

// build makes usher in a folder of its own.
func build() (dir, program string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if dir, err = os.MkdirTemp("", "usher-bench-"); err != nil {
		return "", "", err
	}
	program = filepath.Join(dir, "usher")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/usher").CombinedOutput(); err != nil {
		return "", "", errors.Join(fmt.Errorf("building usher: %w\n%s", err, out), os.RemoveAll(dir))
	}
	return dir, program, nil
}

func run(pg string, short bool, signIns int) (err error) {
	b := newBench(pg, short)
	if b.dir, b.program, err = build(); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	begun := time.Now()
	if b.usher, err = startUsher(ctx, b.program, filepath.Join(b.dir, "data"), pg); err != nil {
		return err
	}
	defer func() { b.usher.stop() }()
	if b.bare, err = startBare(ctx); err != nil {
		return err
	}
	defer b.bare.stop()
	if b.raw, err = openRaw(ctx, b.dir, pg); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.raw.close()) }()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	if signIns > 0 {
		t, err := b.takeTurns(signIns)
		b.less = t.less
		b.writeLess()
		return err
	}
	if err := b.measure(ctx, begun); err != nil {
		return err
	}
	return b.starts(ctx)
}

// measure runs the rounds and prints what they came to.
func (b *bench) measure(ctx context.Context, begun time.Time) error {
	t := newTable(b.operations())
	full := *b
	b.slot, b.lines, b.hashes = full.slot/warmUpPart, full.lines/warmUpPart, full.hashes/warmUpPart
	if err := t.round(ctx, false); err != nil {
		return err
	}
	b.less = nil
	b.slot, b.lines, b.hashes = full.slot, full.lines, full.hashes
	rounds, since := 0, time.Now()
	everybody, ours := machineCPU(), b.cpu()
	for ; rounds < b.rounds && (rounds == 0 || time.Since(begun) < lastRound); rounds++ {
		if err := t.round(ctx, true); err != nil {
			return err
		}
	}
	others := max(0, (machineCPU()-everybody)-(b.cpu()-ours)) // clocks of two grains
	database := "SQLite"
	if b.pg != "" {
		database = "PostgreSQL (its own CPU time counts as others')"
	}
	fmt.Printf("%s on %s/%s, %d CPUs, %s; %d rounds; other processes used %.1f CPUs meanwhile.\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), database, rounds, others.Seconds()/time.Since(since).Seconds())
	t.write(os.Stdout)
	b.writeLess()
	fmt.Printf("With %d connections, taken over whole rounds: %.2f ms.\n", crowd,
		t.less(fmt.Sprintf("%s/%d", signInAlone, crowd), fmt.Sprintf("%s/%d", hashAlone, crowd)))
	return nil
}

// writeLess says what a sign-in costs beside its hash.
func (b *bench) writeLess() {
	low, high := interval(b.less)
	fmt.Printf("\nWith one connection a sign-in costs %.2f ms of CPU more than the hash beside it (median of %d turns; 95 %% of such medians lie between %.2f and %.2f).\n",
		median(b.less), len(b.less), low, high)
}

// cpu is the processor time of all that belongs to the run.
func (b *bench) cpu() time.Duration { return ownCPU() + b.usher.cpu() + b.bare.cpu() }
