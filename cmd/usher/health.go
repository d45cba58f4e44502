package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/config"
)

type healthCmd struct {
	URL  string `help:"Where usher is; by default where it would listen with this configuration."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// healthTimeout is how long an answer may take.
const healthTimeout = 3 * time.Second

type shownHealth struct {
	Ready  bool   `json:"ready"`
	Status string `json:"status"`
}

// Run asks usher whether it is ready: for images that have no other program to
// ask with.
func (c healthCmd) Run(e *environment) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(e.ctx, healthTimeout)
	defer cancel()
	status, err := askHealth(ctx, cfg, c.URL)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("not ready: %s", http.StatusText(status))
	}
	return e.print(c.JSON, shownHealth{true, http.StatusText(status)}, func(w io.Writer) { fmt.Fprintln(w, "ready") })
}

// askHealth gives the status of /health/ready.
func askHealth(ctx context.Context, cfg *config.Config, base string) (int, error) {
	client := &http.Client{}
	if base == "" {
		var err error
		if base, client.Transport, err = dialed(cfg.Listen); err != nil {
			return 0, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(base, "/")+"/health/ready", nil)
	if err != nil {
		return 0, usageError{fmt.Errorf("--url: %w", err)}
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("nobody answers: %w", err)
	}
	return res.StatusCode, res.Body.Close()
}

// dialed is how this machine reaches a listener.
func dialed(listen string) (base string, t http.RoundTripper, err error) {
	if path, ok := strings.CutPrefix(listen, "unix:"); ok {
		return "http://usher", &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}}, nil
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil || port == "0" {
		return "", nil, usageError{fmt.Errorf("listen is %s: say with --url where usher is", listen)}
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port), http.DefaultTransport, nil
}
