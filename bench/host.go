package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/usher-id/usher/internal/password"
)

// process is a program under measurement.
type process struct {
	cmd    *exec.Cmd
	public string // host:port
	inside string // host:port
}

// startUsher starts the built program and waits until it says where it
// listens.
func startUsher(ctx context.Context, program, data, database string) (*process, error) {
	cmd := exec.CommandContext(ctx, program, "serve", "--dev", "--log_level", "warn",
		"--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0", "--data", data, "--database-url", database)
	cmd.Stderr = os.Stderr
	lines, err := start(cmd, 2)
	if err != nil {
		return nil, err
	}
	return &process{cmd, after(lines[0]), after(lines[1])}, nil
}

func after(line string) string {
	return strings.TrimSpace(line[strings.LastIndex(line, "/")+1:])
}

// start runs a command and reads its first lines.
func start(cmd *exec.Cmd, n int) ([]string, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	var lines []string
	for s := bufio.NewScanner(out); len(lines) < n && s.Scan(); {
		lines = append(lines, s.Text())
	}
	if len(lines) < n {
		return nil, errors.Join(fmt.Errorf("%s ended before it was ready", cmd.Path), cmd.Wait())
	}
	return lines, nil
}

// stop ends a process and waits for it.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait() // its exit status says nothing here
}

// cpu is the processor time spent so far, in nanoseconds where Linux counts
// them for each thread, else in ticks of 10 ms.
func (p *process) cpu() time.Duration {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid)) // the pattern is sound
	var sum time.Duration
	for _, t := range threads {
		text, err := os.ReadFile(t)
		if err != nil {
			continue // the thread has ended
		}
		ran, _, _ := strings.Cut(string(text), " ")
		ns, _ := strconv.ParseInt(ran, 10, 64) // 0 shows in the table
		sum += time.Duration(ns)
	}
	if sum > 0 {
		return sum
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / 100
}

// ownCPU is the processor time of this very process.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// machineCPU is the processor time that everybody together has spent.
func machineCPU() time.Duration {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	var ticks int64
	for i, f := range strings.Fields(line) {
		n, _ := strconv.ParseInt(f, 10, 64) // "cpu" itself is 0
		if i <= 3 || i == 6 || i == 7 {     // user, nice, system, interrupts; not idle or waiting
			ticks += n
		}
	}
	return time.Duration(ticks) * time.Second / 100
}

// memory is the resident set in MiB.
func (p *process) memory() float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if kib, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.ParseFloat(strings.Fields(kib)[0], 64) // 0 shows
			return n / 1024
		}
	}
	return 0
}

// bareArg makes this program the bare handler instead.
const bareArg = "bare"

// serveBare is the second process: a handler that writes as many bytes as an
// own profile has, and one that does nothing but check a password.
func serveBare(ctx context.Context) error {
	h, err := password.NewHasher(password.DefaultParams(), 0)
	if err != nil {
		return err
	}
	stored, err := h.Hash(ctx, plain)
	if err != nil {
		return err
	}
	debug.FreeOSMemory() // as usher does when it has begun
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("bare  http://" + l.Addr().String())
	body := []byte(strings.Repeat("x", 330))
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hash", func(w http.ResponseWriter, r *http.Request) {
		given, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<10))
		if err == nil {
			_, err = h.Verify(r.Context(), password.Plain(given), stored)
		}
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = w.Write(body)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: mux}
	return srv.Serve(l)
}

func startBare(ctx context.Context) (*process, error) {
	cmd := exec.CommandContext(ctx, os.Args[0], bareArg)
	lines, err := start(cmd, 1)
	if err != nil {
		return nil, err
	}
	return &process{cmd: cmd, public: after(lines[0])}, nil
}
