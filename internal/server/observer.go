package server

import (
	"net/http"
	"time"
)

// Side is the listener that a request came in by.
type Side string

// The two.
const (
	PublicSide   Side = "public"
	InternalSide Side = "internal"
)

// Observer is told of every request, by many goroutines at once and before the
// answer is complete: it must be quick.
type Observer interface {
	Began(s Side)
	Ended(s Seen)
}

// Seen is what an observer learns of a request: nothing that the caller chose
// but the method, and that only if it is one of HTTP's own ("other" else).
type Seen struct {
	Side   Side
	Door   string // as given to As; empty: none
	Method string
	Route  string // a router's pattern, or SetRoute's; empty: refused before any
	Status int
	Took   time.Duration

	BodyTooLong    bool // the body, or what it promised to be, was longer than its limit
	InternalHeader bool // the public sent what only the internal listener knows
	Panicked       bool
}

func seen(e *exchange, r *http.Request, s Side, took time.Duration) Seen {
	status := e.status()
	return Seen{
		Side: s, Door: e.door, Method: method(r.Method), Route: e.routeOf(r), Status: status, Took: took,
		BodyTooLong: e.tooLong || status == http.StatusRequestEntityTooLarge, InternalHeader: e.forged, Panicked: e.panicked,
	}
}

// status is what was answered, or what net/http sends for a handler that wrote
// nothing.
func (e *exchange) status() int {
	if e.response.status == 0 {
		return http.StatusOK
	}
	return e.response.status
}

func (e *exchange) routeOf(r *http.Request) string {
	if e.route != "" {
		return e.route
	}
	return r.Pattern
}

// nobody watches.
type nobody struct{}

func (nobody) Began(Side) {}
func (nobody) Ended(Seen) {}
