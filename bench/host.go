package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a program under measurement.
type process struct {
	cmd    *exec.Cmd
	public string // host:port
	inside string
}

// startUsher starts the built program and waits until it tells its addresses.
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

// cpu is the processor time spent so far.
func (p *process) cpu() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, _ := strconv.ParseInt(fields[11], 10, 64)   // 0 where it cannot be read,
	system, _ := strconv.ParseInt(fields[12], 10, 64) // which the table shows
	return time.Duration(user+system) * time.Second / 100
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

// serveBare is the second process: a handler that writes as many bytes as an
// own profile has.
func serveBare() error {
	body := []byte(strings.Repeat("x", 330))
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // for the life of the process
	if err != nil {
		return err
	}
	fmt.Println("bare  http://" + l.Addr().String())
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})}
	return srv.Serve(l)
}

func startBare(ctx context.Context) (*process, error) {
	cmd := exec.CommandContext(ctx, os.Args[0], "bare") //nolint:gosec // this very program
	lines, err := start(cmd, 1)
	if err != nil {
		return nil, err
	}
	return &process{cmd: cmd, public: after(lines[0])}, nil
}
