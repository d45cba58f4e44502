package portal

import (
	"net/http"
	"strings"

	"github.com/usher-id/usher/internal/registrant"
)

// maxToken is longer than any realm's access token.
const maxToken = 16 << 10

// caller is who a request is of: by its Bearer token, else by a page's cookie.
func (d *Door) caller(r *http.Request) (registrant.Here, error) {
	t := d.texts(r)
	parts := strings.Fields(r.Header.Get("Authorization"))
	if len(parts) == 0 || !strings.EqualFold(parts[0], "Bearer") {
		if len(parts) == 0 && d.Browser != nil {
			if here, ok, err := d.Browser(r); err != nil || ok {
				return here, err
			}
		}
		return registrant.Here{}, forbidden(t.noCredentials)
	}
	switch {
	case len(parts) == 1:
		return registrant.Here{}, forbidden(t.noToken)
	case len(parts) > 2:
		return registrant.Here{}, forbidden(t.spaces)
	case len(parts[1]) > maxToken:
		return registrant.Here{}, forbidden(t.badToken)
	}
	return d.People.Enter(r.Context(), parts[1])
}

// failure is an answer that is ready.
type failure struct {
	status int
	body   object
}

func (f *failure) Error() string { return http.StatusText(f.status) }

func forbidden(text string) error {
	return &failure{http.StatusForbidden, object{{"detail", text}}}
}
