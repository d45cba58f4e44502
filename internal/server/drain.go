package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// firstRequest is how long a connection without a request yet is waited for.
const firstRequest = time.Second

// connections are those that have an answer coming: they are new, or in the
// middle of a request.
type connections struct {
	mu  sync.Mutex
	now map[net.Conn]http.ConnState
}

// become is http.Server's ConnState.
func (c *connections) become(conn net.Conn, s http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch s {
	case http.StateNew, http.StateActive:
		if c.now == nil {
			c.now = map[net.Conn]http.ConnState{}
		}
		c.now[conn] = s
	default:
		delete(c.now, conn)
	}
}

// await waits for all answers, and a moment for requests.
func (c *connections) await(ctx context.Context) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for begun := time.Now(); ; {
		if fresh, active := c.count(); active == 0 && (fresh == 0 || time.Since(begun) > firstRequest) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (c *connections) count() (fresh, active int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.now {
		if s == http.StateNew {
			fresh++
		} else {
			active++
		}
	}
	return fresh, active
}
