package metrics

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/usher-id/usher/internal/server"
)

// seriesMost bounds how many kinds of requests are told apart. Patterns,
// methods and classes of status are fewer together; the bound is for the day
// on which a router makes a pattern of what a caller sent.
const seriesMost = 2000

// none is a door or route that a request has not come as far as, other what is
// beyond seriesMost.
const (
	none  = "none"
	other = "other"
)

// requests watches the server.
type requests struct {
	total    *prometheus.CounterVec
	took     *prometheus.HistogramVec
	tooLong  *prometheus.CounterVec
	forged   prometheus.Counter
	panicked prometheus.Counter

	public, internal atomic.Int64 // in flight

	// known is replaced, never changed: reading it takes no lock.
	known atomic.Pointer[map[kind]series]
	mu    sync.Mutex
}

// kind is what requests are told apart by.
type kind struct {
	side                server.Side
	door, route, method string
	class               byte
}

// series is where requests of a kind are counted.
type series struct {
	total prometheus.Counter
	took  prometheus.Observer
}

func newRequests(r prometheus.Registerer, panicked prometheus.Counter) *requests {
	q := &requests{
		total: counters(r, "usher_http_requests_total",
			"Requests answered, by listener, door, route (the router's pattern), method and class of status.", "listener", "door", "route", "method", "status"),
		took: histograms(r, "usher_http_request_duration_seconds",
			"From a request's head to the end of its answer, by door, route and method.", answers, "door", "route", "method"),
		tooLong: counters(r, "usher_http_bodies_refused_total",
			"Requests whose body was longer than its limit, by door.", "door"),
		forged: counter(r, "usher_http_internal_headers_total",
			"Requests on the public listener that carried or announced a header of the internal one. None does by accident."),
		panicked: panicked,
	}
	q.known.Store(&map[kind]series{})
	const name, help = "usher_http_requests_in_flight", "Requests being answered now, by listener."
	gaugeOf(r, name, help, prometheus.Labels{"listener": string(server.PublicSide)}, func() int { return int(q.public.Load()) })
	gaugeOf(r, name, help, prometheus.Labels{"listener": string(server.InternalSide)}, func() int { return int(q.internal.Load()) })
	return q
}

// HTTP watches the server.
func (m *Metrics) HTTP() server.Observer { return m.http }

// Began implements server.Observer.
func (q *requests) Began(s server.Side) { q.inFlight(s).Add(1) }

// Ended implements server.Observer.
func (q *requests) Ended(s server.Seen) {
	q.inFlight(s.Side).Add(-1)
	k := kindOf(s)
	found, ok := (*q.known.Load())[k]
	if !ok {
		found = q.learn(k)
	}
	found.total.Inc()
	found.took.Observe(s.Took.Seconds())
	if s.BodyTooLong {
		q.tooLong.WithLabelValues(k.door).Inc()
	}
	if s.InternalHeader {
		q.forged.Inc()
	}
	if s.Panicked {
		q.panicked.Inc()
	}
}

func (q *requests) inFlight(s server.Side) *atomic.Int64 {
	if s == server.PublicSide {
		return &q.public
	}
	return &q.internal
}

func kindOf(s server.Seen) kind {
	k := kind{side: s.Side, door: s.Door, route: s.Route, method: s.Method, class: byte(s.Status / 100)}
	if k.door == "" {
		k.door = none
	}
	if _, path, ok := strings.Cut(k.route, " "); ok { // "GET /x": the method has a label of its own
		k.route = path
	}
	if k.route == "" {
		k.route = none
	}
	return k
}

// learn makes the series of a kind that is new.
func (q *requests) learn(k kind) series {
	q.mu.Lock()
	defer q.mu.Unlock()
	known := *q.known.Load()
	if s, ok := known[k]; ok {
		return s
	}
	if len(known) >= seriesMost {
		k.door, k.route = other, other
		if s, ok := known[k]; ok {
			return s
		}
	}
	s := series{
		total: q.total.WithLabelValues(string(k.side), k.door, k.route, k.method, string([]byte{'0' + k.class, 'x', 'x'})),
		took:  q.took.WithLabelValues(k.door, k.route, k.method),
	}
	more := maps.Clone(known)
	more[k] = s
	q.known.Store(&more)
	return s
}
