package portal_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/usher-id/usher/internal/door/portal"
	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/user"
)

// Given another service that asks about somebody's profile, then it hears whether
// that is complete, what it lacks and what it waits for.
func TestCompleteness(t *testing.T) {
	w := newWorld(t)
	all := map[string]registrant.Completeness{
		"ada": {Complete: true, Missing: []string{}},
		"bob": {Missing: []string{"age", "occupation"}, Pending: "analystprofile"},
	}
	inside := portal.Inside{Door: portal.New(w.options), Completeness: func(_ context.Context, ref string) (c registrant.Completeness, err error) {
		if ref == "busy" {
			return c, user.Refuse(user.Busy, "store")
		}
		c, ok := all[ref]
		if !ok {
			return c, user.Refuse(user.NotFound, "user")
		}
		return c, nil
	}}
	for _, c := range []struct {
		method, path, secret, have string
		status                     int
		body                       string
	}{
		{"GET", "ada/completeness?channel=portal", "", "", 200, `{"complete":true,"missing_fields":[],"pending_approval":null}`},
		{"GET", "bob/completeness?channel=portal", "", "x", 200, `{"complete":false,"missing_fields":["age","occupation"],"pending_approval":"analystprofile"}`},
		{"HEAD", "ada/completeness?channel=portal", "", "", 200, ""},
		{"GET", "eve/completeness?channel=portal", "", "", 404, detail("Not found.")},
		{"GET", "busy/completeness?channel=portal", "", "", 503, detail("The service cannot do this at the moment. Please try again.")},
		{"GET", "ada/completeness", "", "", 400, detail("channel must be portal.")},
		{"GET", "ada/completeness?channel=partner", "", "", 400, detail("channel must be portal.")},
		{"POST", "ada/completeness?channel=portal", "", "", 405, `{"detail":"Method \"POST\" not allowed."}`},
		{"GET", "ada/completeness?channel=portal", "s3cret", "s3cret", 200, `{"complete":true,"missing_fields":[],"pending_approval":null}`},
		{"GET", "ada/completeness?channel=portal", "s3cret", "", 401, detail("X-Usher-Internal-Secret must be doors.partner.internal_secret.")},
		{"GET", "ada/completeness?channel=portal", "s3cret", "s3cre", 401, detail("X-Usher-Internal-Secret must be doors.partner.internal_secret.")},
		{"POST", "ada/completeness?channel=partner", "s3cret", "other", 401, detail("X-Usher-Internal-Secret must be doors.partner.internal_secret.")},
	} {
		inside.Secret = c.secret
		mux := http.NewServeMux()
		mux.Handle(portal.CompletenessPath, inside)
		r := httptest.NewRequest(c.method, "/internal/profiles/"+c.path, nil)
		if c.have != "" {
			r.Header.Set("X-Usher-Internal-Secret", c.have)
		}
		rec := httptest.NewRecorder()
		mux.ServeHTTP(rec, r)
		if rec.Code != c.status || rec.Body.String() != c.body {
			t.Errorf("%s %s: %d %s, want %d %s", c.method, c.path, rec.Code, rec.Body, c.status, c.body)
		}
	}
}
