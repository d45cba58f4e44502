package portal

import (
	"errors"
	"net/http"

	"github.com/usher-id/usher/internal/user"
)

// logoutPath is where the realm tells of log-outs.
const logoutPath = "/portal/backchannel-logout"

// loggedOut takes a logout token (OpenID Connect Back-Channel Logout 1.0, sections
// 2.5 and 2.8).
func (d *Door) loggedOut(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	token := r.PostFormValue("logout_token")
	if d.Logout == nil || token == "" || len(token) > maxToken {
		d.answer(w, r, http.StatusBadRequest, object{{"error", "invalid_request"}})
		return
	}
	err := d.Logout(r.Context(), token)
	if no, ok := errors.AsType[*user.Refusal](err); ok && no.Code == user.BadToken {
		d.answer(w, r, http.StatusBadRequest, object{{"error", "invalid_request"}})
		return
	}
	if err != nil {
		d.failed(w, r, err) // the realm tries again, or its events tell
		return
	}
	w.WriteHeader(http.StatusOK)
}
