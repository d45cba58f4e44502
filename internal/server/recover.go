package server

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
)

// recovering turns a panic into a logged 500. If the answer has begun, the
// connection is cut instead, so that nobody takes half an answer for a whole
// one. http.ErrAbortHandler, which asks for just that, passes.
func recovering(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(http.ErrAbortHandler)
			}
			ctx := r.Context()
			e := exchangeOf(ctx)
			if e != nil {
				e.panicked = true
			}
			log.LogAttrs(ctx, slog.LevelError, "panic", slog.String("request_id", RequestID(ctx)),
				slog.String("route", r.Pattern), slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
			if e != nil && e.response.status != 0 {
				panic(http.ErrAbortHandler)
			}
			// What the handler meant to send does not describe this answer.
			for _, name := range []string{"Content-Length", "Content-Encoding", "Etag", "Last-Modified", "Set-Cookie", "Location"} {
				w.Header().Del(name)
			}
			Problem(w, http.StatusInternalServerError, "This request failed. The fault is on our side and has been noted.")
		}()
		next.ServeHTTP(w, r)
	})
}
