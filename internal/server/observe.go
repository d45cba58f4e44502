package server

import (
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/failpoint"
)

const (
	requestIDHeader = "X-Request-Id"
	maxRequestID    = 64
)

// observe gives a request its id and its client's network, and tells the
// observer and one line of the log when it is done: never a path, a query, a
// header or a body, for any of them may carry a secret.
func observe(next http.Handler, log *slog.Logger, proxies []netip.Prefix, l Side, told Observer) http.Handler {
	if told == nil {
		told = nobody{}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		e := &exchange{
			Context: r.Context(), response: response{ResponseWriter: w},
			id: requestID(r.Header[requestIDHeader]), network: clientNetwork(r, proxies), raw: r,
		}
		w.Header()[requestIDHeader] = []string{e.id}
		inner := r.WithContext(e)
		told.Began(l)
		defer func() {
			took := time.Since(start)
			told.Ended(seen(e, inner, l, took))
			writeLine(log, e, inner, took)
		}()
		next.ServeHTTP(&e.response, inner)
		failpoint.Pass(failpoint.ReplyEnd)
	})
}

func writeLine(log *slog.Logger, e *exchange, r *http.Request, took time.Duration) {
	level, status, route := slog.LevelInfo, e.status(), e.routeOf(r)
	if status >= http.StatusInternalServerError && r.Context().Err() == nil { // a client that has gone is no fault
		level = slog.LevelError
	}
	if strings.HasPrefix(route, healthPrefix) {
		level = slog.LevelDebug
	}
	if !log.Enabled(e, level) {
		return
	}
	log.LogAttrs(e, level, "request",
		slog.String("method", method(r.Method)),
		slog.String("route", route),
		slog.Int("status", status),
		slog.Int64("bytes", e.response.bytes),
		slog.Duration("took", took),
		slog.String("request_id", e.id),
		slog.String("network", networkText(e.network)),
	)
}

// method is the method if it is one of HTTP's own: others are any text.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return m
	}
	return "other"
}

// requestID takes over a caller's id if it is harmless in a log and a header,
// and makes one otherwise.
func requestID(given []string) string {
	if len(given) == 1 && isSafeID(given[0]) {
		return given[0]
	}
	var raw [8]byte
	// An id is no secret: cheap randomness will do.
	binary.BigEndian.PutUint64(raw[:], rand.Uint64()) //nolint:gosec // as said
	var text [16]byte
	hex.Encode(text[:], raw[:])
	return string(text[:])
}

func isSafeID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for i := range len(id) {
		if c := id[i]; !isAlphanumeric(c) && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
