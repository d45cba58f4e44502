package portal

import (
	"context"
	"net/http"

	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/server"
	"github.com/usher-id/usher/internal/user"
)

// Inside answers other services on the internal listener.
type Inside struct {
	// Completeness tells of the user whom a handle, an id, an identity or an address
	// names; NotFound for nobody's.
	Completeness func(ctx context.Context, ref string) (registrant.Completeness, error)
	// Secret is what a caller shows (server.HasInternalSecret).
	Secret string
	Door   *Door
}

// CompletenessPath is where services ask (contract portal.md, Portal pages).
const CompletenessPath = "/internal/profiles/{handle}/completeness"

// ServeHTTP answers {"complete","missing_fields","pending_approval"}.
func (i Inside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d := i.Door
	_, known := d.Policies.Current().Channel(user.Door(r.URL.Query().Get("channel")))
	switch {
	case !server.HasInternalSecret(r, i.Secret):
		d.answer(w, r, http.StatusUnauthorized, object{{"detail", server.InternalSecret + " must be doors.partner.internal_secret."}})
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		d.say(w, r, http.StatusMethodNotAllowed, english.notAllowed(r.Method))
		return
	case !known:
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
