package server

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
)

// DefaultInternalHeaders are the names that mean something on the internal
// listener only (partner contract, "Who may call").
func DefaultInternalHeaders() []string { return []string{"X-User-Ctx"} }

// ErrInternalTrailer is what reading a body ends with that carries an internal
// header as a trailer.
var ErrInternalTrailer = errors.New("the body carries a reserved trailer")

// internalNames matches header names in every spelling: gateways and
// frameworks fold case, and fold other marks into one another (CGI's
// underscores), so `X_User_Ctx` and `x.user.ctx` are X-User-Ctx too.
type internalNames []string

func newInternalNames(names []string) internalNames {
	folded := make(internalNames, len(names))
	for i, n := range names {
		b := []byte(n)
		for j := range b {
			b[j] = foldByte(b[j])
		}
		folded[i] = string(b)
	}
	return folded
}

func (n internalNames) has(name string) bool {
	for _, own := range n {
		if len(own) == len(name) && equalFolded(own, name) {
			return true
		}
	}
	return false
}

// equalFolded compares a folded name with one as it came. Folding keeps length.
func equalFolded(folded, name string) bool {
	for i := range len(folded) {
		if folded[i] != foldByte(name[i]) {
			return false
		}
	}
	return true
}

func foldByte(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c + ('a' - 'A')
	case isAlphanumeric(c):
		return c
	}
	return '-'
}

// withoutInternal removes internal headers from what the public sends, before
// anything else can see them. To name one in Connection or Trailer, or to send
// it as a trailer, is an attempt on whoever stands between, and is refused.
func withoutInternal(next http.Handler, names []string, log *slog.Logger) http.Handler {
	internal := newInternalNames(names)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := exchangeOf(r.Context())
		for name := range r.Header {
			if internal.has(name) {
				delete(r.Header, name)
				e.forge()
				logAttempt(log, r, "internal header removed", name)
			}
		}
		if name, found := internal.announced(r); found {
			e.forge()
			logAttempt(log, r, "request refused: it announces an internal header", name)
			w.Header().Set("Connection", "close")
			Problem(w, http.StatusBadRequest, "The request announces a reserved header.")
			return
		}
		// Only a chunked body can have trailers that nothing announced.
		if r.ContentLength < 0 && r.Body != nil {
			raw := r
			if e != nil {
				raw = e.raw
			}
			r.Body = &trailerGuard{ReadCloser: r.Body, raw: raw, exchange: e, internal: internal, log: log}
		}
		next.ServeHTTP(w, r)
	})
}

// announced finds an internal name in Connection or Trailer. net/http moves the
// names in Trailer to r.Trailer.
func (n internalNames) announced(r *http.Request) (name string, found bool) {
	for name := range r.Trailer {
		if n.has(name) {
			return name, true
		}
	}
	for _, header := range [...]string{"Connection", "Proxy-Connection", "Trailer"} {
		for _, line := range r.Header[header] {
			for token := range strings.SplitSeq(line, ",") {
				if token = strings.Trim(token, " \t"); n.has(token) {
					return token, true
				}
			}
		}
	}
	return "", false
}

func logAttempt(log *slog.Logger, r *http.Request, what, name string) {
	log.LogAttrs(r.Context(), slog.LevelWarn, what, slog.String("header", name),
		slog.String("request_id", RequestID(r.Context())), slog.String("network", networkText(ClientNetwork(r))))
}

// trailerGuard fails the end of a body that was followed by an internal header.
type trailerGuard struct {
	io.ReadCloser
	raw      *http.Request
	exchange *exchange // nil: of no listener's
	internal internalNames
	log      *slog.Logger
	refused  bool
}

func (g *trailerGuard) Read(p []byte) (int, error) {
	if g.refused {
		return 0, ErrInternalTrailer
	}
	n, err := g.ReadCloser.Read(p)
	if err != io.EOF {
		return n, err
	}
	for name := range g.raw.Trailer {
		if g.internal.has(name) {
			delete(g.raw.Trailer, name)
			g.exchange.forge()
			logAttempt(g.log, g.raw, "request refused: internal header as trailer", name)
			g.refused = true
		}
	}
	if g.refused {
		return n, ErrInternalTrailer
	}
	return n, io.EOF
}
