package edi

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"github.com/usher-id/usher/internal/user"
)

// minTokenKey keeps a key that opens every profile from being guessed.
const minTokenKey = 32

// refresh gives a fresh token for one that is sent in the body (contract
// edi.md, section 2): 400, then 401, then 200. A pasta-token is neither needed
// nor renewed, since only the original has the key for it.
func (d *Door) refresh(ctx context.Context, r *http.Request) answer {
	const method = "refreshToken"
	m, bad, err := body(r)
	if err != nil {
		return d.failed(ctx, method, err)
	}
	if m == nil {
		return bad
	}
	text, problem := m.text(cookieName, maxToken)
	if problem == "" {
		_, problem = m.text("pasta-token", maxToken)
	}
	switch {
	case problem != "":
		return badRequest(problem)
	case !text.sent:
		return badRequest("Missing field in JSON in request body: '" + cookieName + "'")
	case text.value == nil:
		return badRequest("Field in JSON in request body must be a string: '" + cookieName + "'")
	}
	fresh := ""
	live, err := d.Sessions.Cookie(ctx, *text.value)
	if err == nil {
		fresh, _, err = d.Sessions.MintCookie(ctx, live)
	}
	if _, refused := errors.AsType[*user.Refusal](err); refused {
		return answer{status: http.StatusUnauthorized, msg: "Attempted to refresh invalid edi-token: Token is missing or invalid"}
	}
	if err != nil {
		return d.failed(ctx, method, err)
	}
	return ok("PASTA and EDI tokens refreshed successfully", field{"pasta-token", nil}, field{cookieName, fresh})
}

// tokenByKey gives a service that has the key a token for a profile: 400, then
// 403, then 404, then 200. Where no key is set, no key is right.
func (d *Door) tokenByKey(ctx context.Context, r *http.Request) answer {
	const method, invalid = "getToken", "Invalid request"
	id := r.PathValue("id")
	m, bad, err := body(r)
	if err != nil {
		return d.failed(ctx, method, err)
	}
	key, problem := m.text("key", maxBody)
	if bad.status != 0 || problem != "" || key.value == nil {
		return badRequest(invalid)
	}
	presented, right := sha256.Sum256([]byte(*key.value)), sha256.Sum256([]byte(d.TokenKey))
	if subtle.ConstantTimeCompare(presented[:], right[:]) != 1 || d.TokenKey == "" {
		return denied(invalid).about(id)
	}
	none := answer{status: http.StatusNotFound, msg: "Not found: " + invalid}.about(id)
	if !plausible(id) {
		return none
	}
	u, err := d.Profiles.FindEDI(ctx, id)
	if no, refused := errors.AsType[*user.Refusal](err); refused && no.Code == user.NotFound {
		return none
	}
	fresh := ""
	if err == nil {
		fresh, err = d.Mint(ctx, u.ID)
	}
	if err != nil {
		return d.failed(ctx, method, err)
	}
	return ok("Token created successfully", field{cookieName, fresh}).about(id)
}

// download gives whoever holds the cookie a fresh token as a file. There is no
// page to send others to: they get the API's 401.
func (d *Door) download(w http.ResponseWriter, r *http.Request) {
	const method = "downloadToken"
	p := d.present(r)
	fresh, err := "", p.err
	if err == nil {
		fresh, _, err = d.Sessions.MintCookie(r.Context(), p.live)
	}
	if err != nil {
		d.write(w, r, method, asJSON, d.failed(r.Context(), method, err))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="token-`+strings.Map(nameable, p.live.Session.Subject)+`.jwt"`)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write([]byte(fresh))
}

// nameable keeps what a file and a header can be named by; ids that came from
// elsewhere may hold anything.
func nameable(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
		return r
	default:
		return '_'
	}
}
