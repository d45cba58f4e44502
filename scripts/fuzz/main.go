// Fuzz runs every fuzz target for a while and prints what it did as a table.
// What a target finds stays in testdata/fuzz beside it, to be kept with the
// mended code.
//
//	go run ./scripts/fuzz [-time 20s] [PACKAGE…]
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"time"
)

func main() {
	each := flag.Duration("time", 20*time.Second, "how long each target runs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *each, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, each time.Duration, packages []string) error {
	if len(packages) == 0 {
		packages = []string{"./..."}
	}
	all, err := targets(ctx, packages)
	if err != nil {
		return err
	}
	fmt.Println("| target | package | inputs tried | a second |\n|---|---|---:|---:|")
	failed := 0
	for _, t := range all {
		begun := time.Now()
		n, out, err := t.run(ctx, each)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failed++
			fmt.Fprintf(os.Stderr, "%s in %s:\n%s\n", t.name, t.pkg, out)
		}
		fmt.Printf("| `%s` | %s | %d | %d |\n", t.name, t.pkg[strings.Index(t.pkg, "internal/"):], n, int(float64(n)/time.Since(begun).Seconds()))
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d targets failed", failed, len(all))
	}
	return nil
}

type target struct{ name, pkg string }

// targets lists what `go test -list` knows: names, and after them the line with
// their package.
func targets(ctx context.Context, packages []string) (all []target, err error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-list", "^Fuzz"}, packages...)...) //nolint:gosec // the caller's own packages
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("listing the targets: %w", err)
	}
	var names []string
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		switch {
		case len(f) == 1 && strings.HasPrefix(f[0], "Fuzz"):
			names = append(names, f[0])
		case len(f) > 1 && f[0] == "ok":
			for _, n := range names {
				all = append(all, target{n, f[1]})
			}
			names = nil
		}
	}
	return all, nil
}

var executions = regexp.MustCompile(`execs: (\d+)`)

// run fuzzes one target and gives how many inputs it tried.
func (t target) run(ctx context.Context, d time.Duration) (n int, out string, err error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", d.String(), t.pkg) //nolint:gosec // as listed
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return 0, "", err
	}
	if err := cmd.Start(); err != nil {
		return 0, "", err
	}
	var said strings.Builder
	for s := bufio.NewScanner(pipe); s.Scan(); {
		said.WriteString(s.Text() + "\n")
		if m := executions.FindStringSubmatch(s.Text()); m != nil {
			n, _ = strconv.Atoi(m[1]) // digits
		}
	}
	return n, said.String(), cmd.Wait()
}
