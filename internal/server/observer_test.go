package server

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// watcher keeps what it was told.
type watcher struct {
	mu    sync.Mutex
	began map[Side]int
	ended []Seen
}

func (w *watcher) Began(s Side) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.began == nil {
		w.began = map[Side]int{}
	}
	w.began[s]++
}

func (w *watcher) Ended(s Seen) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = append(w.ended, s)
}

// last waits for the n-th request to end.
func (w *watcher) last(t *testing.T, n int) (s Seen) {
	t.Helper()
	eventually(t, "the observer is told", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.ended) != n {
			return false
		}
		s = w.ended[n-1]
		return true
	})
	return s
}

// Given requests of every fate, then the observer learns of each its door, the
// router's pattern and the status, and nothing of what the caller sent.
func TestTheObserverIsTold(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /things/{id}", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /bad", func(http.ResponseWriter, *http.Request) { panic("boom") })
	mux.HandleFunc("GET /half", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half")
		http.NewResponseController(w).Flush()
		panic("boom")
	})
	mux.HandleFunc("POST /read", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusBadRequest) // in words of its own
		}
	})
	var told watcher
	run := serve(t, Options{Public: As("shop", mux), Internal: mux, Observer: &told})
	for i, tc := range []struct {
		side           Side
		method, target string
		header         string
		body           string
		want           Seen
	}{
		{PublicSide, "GET", "/things/secret?q=secret", "", "", Seen{Door: "shop", Method: "GET", Route: "GET /things/{id}", Status: 200}},
		{InternalSide, "GET", "/things/secret", "", "", Seen{Method: "GET", Route: "GET /things/{id}", Status: 200}},
		{PublicSide, "GET", "/nothing", "", "", Seen{Door: "shop", Method: "GET", Status: 404}},
		{PublicSide, "SECRET", "/things/1", "", "", Seen{Door: "shop", Method: "other", Status: 405}},
		{PublicSide, "GET", "/health/live", "", "", Seen{Door: "health", Method: "GET", Route: "/health/live", Status: 200}},
		{PublicSide, "GET", "/bad", "", "", Seen{Door: "shop", Method: "GET", Route: "GET /bad", Status: 500, Panicked: true}},
		{PublicSide, "GET", "/half", "", "", Seen{Door: "shop", Method: "GET", Route: "GET /half", Status: 200, Panicked: true}},
		{PublicSide, "POST", "/read", "", "short", Seen{Door: "shop", Method: "POST", Route: "POST /read", Status: 200}},
		{PublicSide, "POST", "/read", "", strings.Repeat("x", MaxBody+1), Seen{Door: "shop", Method: "POST", Route: "POST /read", Status: 400, BodyTooLong: true}},
		{PublicSide, "GET", "/things/1", "X_User-Ctx", "", Seen{Door: "shop", Method: "GET", Route: "GET /things/{id}", Status: 200, InternalHeader: true}},
		{InternalSide, "GET", "/things/1", "X-User-Ctx", "", Seen{Method: "GET", Route: "GET /things/{id}", Status: 200}},
	} {
		address := run.public
		if tc.side == InternalSide {
			address = run.internal
		}
		req, err := http.NewRequestWithContext(t.Context(), tc.method, "http://"+address+tc.target, strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		if tc.header != "" {
			req.Header[tc.header] = []string{"secret"}
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			res.Body.Close()
		}
		got := told.last(t, i+1)
		if got.Took < 0 {
			t.Errorf("%s took %v", tc.target, got.Took)
		}
		got.Took, tc.want.Side = 0, tc.side
		if got != tc.want {
			t.Errorf("%s %s\n got %+v\nwant %+v", tc.method, tc.target, got, tc.want)
		}
	}
	if told.began[PublicSide] != 9 || told.began[InternalSide] != 2 {
		t.Errorf("began: %v", told.began)
	}
}

func TestLocalNames(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1:8081": true, "[::1]:8081": true, "10.0.0.3": true, "localhost": true, "usher": true, "a.localhost:80": true,
		"localhost.": true, "rebound.example": false, "127.0.0.1.example:8081": false, "localhost.example": false,
	} {
		if got := LocalName(&http.Request{Host: host}); got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
}
