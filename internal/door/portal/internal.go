package portal

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"

	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/user"
)

// Inside answers other services on the internal listener.
type Inside struct {
	// Completeness tells of the user whom a handle, an id, an identity or an address
	// names; NotFound for nobody's.
	Completeness func(ctx context.Context, ref string) (registrant.Completeness, error)
	// Secret is what a caller sends in X-Usher-Internal-Secret; empty: none is asked
	// for.
	Secret string
	Door   *Door
}

// CompletenessPath is where services ask (contract portal.md, Portal pages).
const CompletenessPath = "/internal/profiles/{handle}/completeness"

// ServeHTTP answers {"complete","missing_fields","pending_approval"}.
func (i Inside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d := i.Door
	want, got := sha256.Sum256([]byte(i.Secret)), sha256.Sum256([]byte(r.Header.Get("X-Usher-Internal-Secret")))
	switch {
	case i.Secret != "" && subtle.ConstantTimeCompare(want[:], got[:]) != 1:
		d.answer(w, r, http.StatusUnauthorized, object{{"detail", "X-Usher-Internal-Secret must be doors.partner.internal_secret."}})
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		d.say(w, r, http.StatusMethodNotAllowed, english.notAllowed(r.Method))
		return
	case r.URL.Query().Get("channel") != string(user.DoorPortal):
		d.answer(w, r, http.StatusBadRequest, object{{"detail", "channel must be portal."}})
		return
	}
	c, err := i.Completeness(r.Context(), r.PathValue("handle"))
	if err != nil {
		d.failed(w, r, err)
		return
	}
	var pending any
	if c.Pending != "" {
		pending = c.Pending
	}
	d.answer(w, r, http.StatusOK, object{{"complete", c.Complete}, {"missing_fields", c.Missing}, {"pending_approval", pending}})
}
