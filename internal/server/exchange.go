package server

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/usher-id/usher/internal/failpoint"
)

// exchange is what the chain remembers of one request. It is the request's
// context and holds its response writer, so that both cost one allocation.
type exchange struct {
	context.Context
	response response

	id      string
	network netip.Prefix
	door    string        // set by As; empty: none
	route   string        // set by SetRoute; empty: the request's pattern
	raw     *http.Request // net/http's own, whose Trailer it fills

	// What Seen tells of it.
	tooLong, forged, panicked bool
}

// forge notes an internal header that the public sent; on nil it does nothing.
func (e *exchange) forge() {
	if e != nil {
		e.forged = true
	}
}

type exchangeKey struct{}

// Value implements context.Context.
func (e *exchange) Value(key any) any {
	if key == (exchangeKey{}) {
		return e
	}
	return e.Context.Value(key)
}

func exchangeOf(ctx context.Context) *exchange {
	e, _ := ctx.Value(exchangeKey{}).(*exchange)
	return e
}

// RequestID is the id under which the request is logged; empty outside of one.
func RequestID(ctx context.Context) string {
	if e := exchangeOf(ctx); e != nil {
		return e.id
	}
	return ""
}

// SetRoute names the route for the access log where a handler routes by other
// means than a ServeMux. It must hold nothing that the caller chose.
func SetRoute(ctx context.Context, route string) {
	if e := exchangeOf(ctx); e != nil {
		e.route = route
	}
}

// As has every request that h serves counted under the name of a door.
func As(door string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e := exchangeOf(r.Context()); e != nil {
			e.door = door
		}
		h.ServeHTTP(w, r)
	})
}

// response counts what is written and knows whether it began.
type response struct {
	http.ResponseWriter
	status int // 0: nothing written yet
	bytes  int64
}

// Unwrap serves http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *response) WriteHeader(status int) {
	// 1xx answers are only announcements; 101 ends the HTTP exchange.
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
		failpoint.Pass(failpoint.ReplyHead)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
		failpoint.Pass(failpoint.ReplyHead)
	}
	if w.bytes == 0 {
		failpoint.Pass(failpoint.ReplyBody)
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Flush implements http.Flusher.
func (w *response) Flush() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	// A writer that cannot flush keeps the bytes until the end, as it would without us.
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}
