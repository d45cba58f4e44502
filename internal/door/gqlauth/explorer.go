package gqlauth

import (
	_ "embed"
	"net/http"
	"strconv"
	"strings"
)

//go:embed explorer.html
var explorerPage []byte

// wantsPage says whether a browser asks for a page rather than for JSON.
func wantsPage(r *http.Request) bool {
	if r.Method != http.MethodGet || r.URL.Query().Has("raw") {
		return false
	}
	accept := strings.ToLower(strings.Join(r.Header.Values("Accept"), ","))
	html, json := strings.Index(accept, "text/html"), strings.Index(accept, "application/json")
	return html >= 0 && (json < 0 || html < json)
}

// explore shows a form that posts a query. It has no script: nothing runs on
// this page.
func (d *Door) explore(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(explorerPage)))
	h.Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept, Cookie")
	_, _ = w.Write(explorerPage) // the client is gone if this fails
}
