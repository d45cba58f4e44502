package metrics

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strconv"
	"strings"

	"github.com/prometheus/common/expfmt"

	"github.com/usher-id/usher/internal/server"
)

// Path is where the internal listener shows the metrics.
const Path = "/metrics"

// Access says who may read. Without a secret everybody may who comes this far.
type Access struct {
	// Secret is sent as `Authorization: Bearer SECRET`, or like any other
	// caller's as X-Usher-Internal-Secret.
	Secret string
	// Open says that a request may do without; nil: none may.
	Open func(*http.Request) bool
}

// Handler shows the metrics in Prometheus's text format.
func (m *Metrics) Handler(a Access) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			server.Problem(w, http.StatusMethodNotAllowed, "Metrics can only be read.")
		case !a.allows(r):
			w.Header().Set("WWW-Authenticate", `Bearer realm="usher metrics"`)
			server.Problem(w, http.StatusUnauthorized, "Send doors.partner.internal_secret as a Bearer token.")
		default:
			m.serve(w, r)
		}
	})
}

func (a Access) allows(r *http.Request) bool {
	if a.Secret == "" || a.Open != nil && a.Open(r) {
		return true
	}
	return a.is(r.Header["X-Usher-Internal-Secret"], "") || a.is(r.Header["Authorization"], "Bearer ")
}

// is says whether a header was sent once and is the secret, in constant time.
func (a Access) is(sent []string, scheme string) bool {
	if len(sent) != 1 || len(sent[0]) < len(scheme) || !strings.EqualFold(sent[0][:len(scheme)], scheme) {
		return false
	}
	given, want := sha256.Sum256([]byte(sent[0][len(scheme):])), sha256.Sum256([]byte(a.Secret))
	return subtle.ConstantTimeCompare(given[:], want[:]) == 1
}

func (m *Metrics) serve(w http.ResponseWriter, r *http.Request) {
	families, err := m.registry.Gather()
	if err != nil { // of a part; the others are told
		m.log.ErrorContext(r.Context(), "gathering metrics", "error", err)
	}
	format := expfmt.NewFormat(expfmt.TypeTextPlain)
	var b bytes.Buffer
	to := expfmt.NewEncoder(&b, format)
	for _, f := range families {
		if err := to.Encode(f); err != nil {
			m.log.ErrorContext(r.Context(), "writing metrics", "family", f.GetName(), "error", err)
		}
	}
	w.Header().Set("Content-Type", string(format))
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(b.Bytes())
}
