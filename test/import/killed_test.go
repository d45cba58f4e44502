//go:build unix

package imports

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/usher-id/usher/test/harness"
)

// Given ten thousand lines, when an import of them is killed after three
// thousand and gone on with, then each line is answered once, and the users are
// those of an import that was not disturbed. While it runs and until it is gone
// on with the result file lets nothing else happen.
func TestAnImportThatIsKilledIsGoneOnWith(t *testing.T) {
	lines := generated(10_000)
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		whole := harness.Start(t, store.Empty(t))
		file := put(t, "users.ndjson", texts(lines))
		ran(t, whole, 1, "import", "users", file)
		complete(t, results(t, file+".results.ndjson"), lines)
		want := users(t, whole)

		s := harness.Start(t, store.Empty(t))
		kept := filepath.Join(t.TempDir(), "kept.ndjson")
		killed(t, s, texts(lines[:3000]), kept, 2900)
		tear(t, kept)

		refused(t, s, "Go on with: usher import users "+file+" --results "+kept+" --resume", file, "--results", kept)
		other := put(t, "other.ndjson", strings.Replace(texts(lines), "user10@", "user1o@", 1))
		refused(t, s, "is not of "+other, other, "--results", kept, "--resume")
		refused(t, s, "is not of "+file, file, "--results", kept, "--resume", "--source", "hr")

		var sums totals
		harness.Read(t, ran(t, s, 1, "import", "users", file, "--results", kept, "--resume", "--json").Stdout, &sums)
		if sums.Earlier < 2900 || sums.Earlier >= 3000 || sums.Lines != 9900 || sums.Refused != 400 {
			t.Errorf("%+v", sums)
		}
		complete(t, results(t, kept), lines)
		if got := users(t, s); strings.Join(got, "") != strings.Join(want, "") {
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Fatalf("%d users, want %d; the first that differs:\n%s\n%s", len(got), len(want), got[i], want[i])
				}
			}
			t.Fatalf("%d users, want %d", len(got), len(want))
		}
		// Nothing is left to go on with.
		harness.Read(t, ran(t, s, 1, "import", "users", file, "--results", kept, "--resume", "--json").Stdout, &sums)
		if sums.Earlier != 9900 || sums.Lines != 9900 {
			t.Errorf("%+v", sums)
		}
	})
}

func refused(t *testing.T, s *harness.Server, says string, args ...string) {
	t.Helper()
	if got := ran(t, s, 1, append([]string{"import", "users"}, args...)...); !strings.Contains(got.Stderr, says) {
		t.Errorf("no %q in %s", says, got.Stderr)
	}
}

// killed imports through a pipe that stays open, and kills the import once so
// many lines are answered.
func killed(t *testing.T, s *harness.Server, text, kept string, answered int) {
	t.Helper()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	ended := make(chan error, 1)
	go func() {
		_, err := s.Run(ctx, "import", "users", pipe, "--results", kept)
		ended <- err
	}()
	w, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	go func() { _, _ = w.WriteString(text) }()
	for {
		have, _ := os.ReadFile(kept)
		if bytes.Count(have, []byte("\n")) >= answered {
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("the import ended by itself: %v", err)
		case <-time.After(5 * time.Millisecond):
		}
	}
	again := put(t, "again.ndjson", text)
	refused(t, s, "another usher import writes to the result file "+kept, again, "--results", kept, "--resume")
	refused(t, s, "another usher import writes to the result file "+kept, again, "--results", kept)
	kill()
	if err := <-ended; err == nil {
		t.Fatal("the import ended before it was killed")
	}
}

// tear leaves half of the last answer.
func tear(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err == nil {
		err = os.Truncate(path, info.Size()-100)
	}
	if err != nil {
		t.Fatal(err)
	}
}
