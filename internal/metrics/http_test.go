package metrics_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/metrics"
	"github.com/usher-id/usher/internal/server"
)

// Given requests of several kinds, when they have ended, then each is counted
// under its door, its pattern and its class of status.
func TestRequestsAreToldApart(t *testing.T) {
	m := newMetrics(t, &fakeDatabase{})
	h := m.HTTP()
	for _, s := range []server.Seen{
		{Side: server.PublicSide, Door: "partner", Method: "GET", Route: "/api/users/{ref}", Status: 200, Took: 3 * time.Millisecond},
		{Side: server.PublicSide, Door: "partner", Method: "GET", Route: "/api/users/{ref}", Status: 204, Took: 3 * time.Second},
		{Side: server.PublicSide, Door: "partner", Method: "GET", Route: "/api/users/{ref}", Status: 503, Panicked: true},
		{Side: server.InternalSide, Door: "web", Method: "GET", Route: "GET /jobs", Status: 200},
		{Side: server.PublicSide, Method: "other", Status: 400, InternalHeader: true},
		{Side: server.PublicSide, Door: "edi", Method: "POST", Route: "/auth/v1/profile", Status: 413, BodyTooLong: true},
	} {
		h.Began(s.Side)
		h.Ended(s)
	}
	h.Began(server.PublicSide) // and goes on
	has(t, scrape(t, m),
		`usher_http_requests_total{door="partner",listener="public",method="GET",route="/api/users/{ref}",status="2xx"} 2`,
		`usher_http_requests_total{door="partner",listener="public",method="GET",route="/api/users/{ref}",status="5xx"} 1`,
		`usher_http_requests_total{door="web",listener="internal",method="GET",route="/jobs",status="2xx"} 1`,
		`usher_http_requests_total{door="none",listener="public",method="other",route="none",status="4xx"} 1`,
		`usher_http_request_duration_seconds_bucket{door="partner",method="GET",route="/api/users/{ref}",le="0.005"} 2`,
		`usher_http_request_duration_seconds_count{door="partner",method="GET",route="/api/users/{ref}"} 3`,
		`usher_http_bodies_refused_total{door="edi"} 1`,
		`usher_http_internal_headers_total 1`,
		`usher_panics_total{where="request"} 1`,
		`usher_http_requests_in_flight{listener="public"} 1`,
		`usher_http_requests_in_flight{listener="internal"} 0`,
	)
}

// Given a router that makes a pattern of what callers send, then the number of
// series has an end all the same, and no request is lost from the count.
func TestSeriesHaveAnEnd(t *testing.T) {
	m := newMetrics(t, &fakeDatabase{})
	const many = 5000
	for i := range many {
		m.HTTP().Ended(server.Seen{Side: server.PublicSide, Door: "partner", Method: "GET", Route: fmt.Sprintf("/%d", i), Status: 200})
	}
	series, total := 0, 0
	for line := range strings.Lines(scrape(t, m)) {
		var n int
		if rest, ok := strings.CutPrefix(line, "usher_http_requests_total{"); ok {
			if _, err := fmt.Sscan(rest[strings.LastIndex(rest, " "):], &n); err != nil {
				t.Fatal(err)
			}
			series++
			total += n
		}
	}
	if series > 2100 || total != many {
		t.Errorf("%d series with %d requests, want at most 2100 with %d", series, total, many)
	}
}

// chain is what every request passes, around a handler that only answers.
func chain(o server.Observer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/users/{ref}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	log := slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError}))
	return server.Public(server.As("partner", mux), server.Options{Log: log, Observer: o}, nil)
}

// blank is a writer without a cost of its own.
type blank struct{ h http.Header }

func (b blank) Header() http.Header         { return b.h }
func (b blank) Write(p []byte) (int, error) { return len(p), nil }
func (b blank) WriteHeader(int)             {}

func serveOne(h http.Handler) {
	r := httptest.NewRequest(http.MethodGet, "/api/users/1", nil)
	h.ServeHTTP(blank{http.Header{}}, r)
}

// Being watched costs a request no allocation.
func TestWatchingAllocatesNothing(t *testing.T) {
	m := newMetrics(t, &fakeDatabase{})
	with, without := chain(m.HTTP()), chain(nil)
	serveOne(with) // makes the series
	if a, b := testing.AllocsPerRun(200, func() { serveOne(with) }), testing.AllocsPerRun(200, func() { serveOne(without) }); a > b {
		t.Errorf("%v allocations a request, %v without metrics", a, b)
	}
}

func BenchmarkRequest(b *testing.B) {
	m := metrics.New(metrics.Options{Database: &fakeDatabase{}, Hashing: idle{}, Log: slog.New(slog.DiscardHandler)})
	for name, h := range map[string]http.Handler{"unwatched": chain(nil), "watched": chain(m.HTTP())} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/api/users/1", nil)
			w := blank{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
}
