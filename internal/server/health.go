package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	healthPrefix = "/health/"
	livePath     = healthPrefix + "live"
	readyPath    = healthPrefix + "ready"

	readyTimeout = 2 * time.Second
	// readyAge bounds how often anybody can have the parts asked.
	readyAge = time.Second
)

// audience says who reads a health answer.
type audience int

const (
	forPublic audience = iota
	forInternal
)

// reason is an error with a text for everybody.
type reason struct {
	public string
	err    error
}

// Reason gives err a text that may be told on the public listener; the internal
// one tells both.
func Reason(public string, err error) error { return &reason{public, err} }

func (r *reason) Error() string { return r.public + ": " + r.err.Error() }
func (r *reason) Unwrap() error { return r.err }

// health answers whether the process lives and whether it can serve.
type health struct {
	draining *atomic.Bool
	ready    func(context.Context) error

	mu    sync.Mutex
	asked time.Time
	last  error
}

func newHealth(draining *atomic.Bool, ready func(context.Context) error) *health {
	return &health{draining: draining, ready: ready}
}

// serve returns a function that answers the two paths and says whether it did.
func (h *health) serve(to audience) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		path := r.URL.Path
		if path != livePath && path != readyPath {
			return false
		}
		if e := exchangeOf(r.Context()); e != nil {
			e.door, e.route = "health", path
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			Problem(w, http.StatusMethodNotAllowed, "")
			return true
		}
		if path == livePath {
			writeHealth(w, nil)
			return true
		}
		writeHealth(w, reasons(h.check(r.Context()), to))
		return true
	}
}

// check asks the parts, or repeats an answer that is fresh.
func (h *health) check(ctx context.Context) error {
	if h.draining.Load() {
		return Reason("draining", errors.New("the process is about to end"))
	}
	if h.ready == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.asked) < readyAge {
		return h.last
	}
	// Not the asker's context: the answer is for others too.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout)
	defer cancel()
	h.last = h.ready(ctx)
	h.asked = time.Now()
	return h.last
}

// reasons lists why err says no. The public gets only the texts made for it:
// others may name hosts and users.
func reasons(err error, to audience) []string {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // a wrapped join is one reason
		var all []string
		for _, e := range joined.Unwrap() {
			all = append(all, reasons(e, to)...)
		}
		return all
	}
	if to == forInternal {
		return []string{err.Error()}
	}
	var r *reason
	if errors.As(err, &r) {
		return []string{r.public}
	}
	return []string{"a part of the service does not answer"}
}

func writeHealth(w http.ResponseWriter, reasons []string) {
	answer := struct {
		Status  string   `json:"status"`
		Reasons []string `json:"reasons,omitempty"`
	}{"ok", reasons}
	status := http.StatusOK
	if len(reasons) > 0 {
		answer.Status, status = "unavailable", http.StatusServiceUnavailable
	}
	body, err := json.Marshal(answer)
	if err != nil {
		status, body = http.StatusServiceUnavailable, []byte(`{"status":"unavailable"}`)
	}
	writeJSON(w, status, "application/json", body)
}
