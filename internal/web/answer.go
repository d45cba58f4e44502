package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/usher-id/usher/internal/store"
)

const (
	// pagePolicy lets a page have this server's style sheet and icon, show a
	// message in a frame, and send a search form back.
	pagePolicy = "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	// framedPolicy shuts a mail in: its own styles and embedded pictures, a
	// new window for its links, and neither script nor anything from afar.
	framedPolicy = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'self'; frame-ancestors 'self'"
	dataPolicy   = "default-src 'none'; frame-ancestors 'none'"
)

func secure(h http.Header, policy string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// problem answers with an RFC 9457 document.
func problem(w http.ResponseWriter, status int, detail string) {
	secure(w.Header(), dataPolicy)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail,omitempty"`
	}{"about:blank", http.StatusText(status), status, detail})
}

// NotFound answers where there is nothing: with a page for a browser, with
// problem+json for everybody else.
func (p *Pages) NotFound(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Accept")
	if wantsPage(r) {
		p.render(w, r, http.StatusNotFound, "missing", nil)
		return
	}
	problem(w, http.StatusNotFound, "There is nothing at this address.")
}

// fault answers when the store could not be read.
func (p *Pages) fault(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, store.ErrUnavailable) {
		p.log.ErrorContext(r.Context(), "reading for a page failed", "err", err)
	}
	w.Header().Set("Retry-After", "1")
	if wantsPage(r) {
		p.render(w, r, http.StatusServiceUnavailable, "fault", nil)
		return
	}
	problem(w, http.StatusServiceUnavailable, "The database cannot be read at the moment.")
}

// wantsPage says whether the client names HTML among what it accepts. Accept:
// */* alone, which programs send, does not.
func wantsPage(r *http.Request) bool {
	for _, part := range strings.Split(strings.Join(r.Header.Values("Accept"), ","), ",") {
		kind, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(kind), "text/html") {
			continue
		}
		for _, param := range strings.Split(params, ";") {
			q, ok := strings.CutPrefix(strings.TrimSpace(param), "q=")
			if !ok {
				continue
			}
			if v, err := strconv.ParseFloat(q, 64); err == nil && v == 0 {
				return false
			}
		}
		return true
	}
	return false
}
