//go:build failpoint

package failpoint

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// Enabled says whether this build has failpoints.
const Enabled = true

// variable says what is armed, as "NAME=kill@N", separated by commas.
const variable = "USHER_TEST_FAILPOINTS"

// armed is global for it stands for the process and its end.
var armed = read(os.Getenv(variable))

// countdown is how many passes are left.
type countdown struct{ left atomic.Int64 }

func read(text string) map[Point]*countdown {
	out := map[Point]*countdown{}
	for item := range strings.SplitSeq(text, ",") {
		if item == "" {
			continue
		}
		name, at, found := strings.Cut(item, "=kill@")
		n, err := strconv.ParseInt(at, 10, 64)
		if !found || err != nil || n < 1 || !slices.Contains(All(), Point(name)) {
			fmt.Fprintf(os.Stderr, "%s: %q is not POINT=kill@N\n", variable, item)
			os.Exit(2)
		}
		c := &countdown{}
		c.left.Store(n)
		out[Point(name)] = c
	}
	return out
}

// Pass ends the process if the point is armed and this is the pass that counts.
func Pass(p Point) {
	c, ok := armed[p]
	if !ok || c.left.Add(-1) != 0 {
		return
	}
	fmt.Fprintln(os.Stderr, "failpoint:", p)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
