package order

import (
	"net/http"

	"github.com/usher-id/usher/test/harness"
)

// byGoogle makes somebody a user of the Sunbird door by Google's word for a mailbox
// that it answers for, and gives their id there.
func (w *world) byGoogle(sub, email, given, family string) string {
	w.t.Helper()
	token := w.google.ID(sub, map[string]any{
		"email": email, "email_verified": true, "hd": "example.org", "name": given + " " + family, "given_name": given, "family_name": family,
	})
	a := harness.Send(w.t, harness.Ask{
		Method: http.MethodPost, URL: w.Public + "/v1/user/verifyAndCreate", Header: http.Header{"Content-Type": {"application/json"}},
		Body: map[string]any{"request": map[string]string{
			"firstName": given, "lastName": family, "email": email, "verificationSource": "google", "verificationCode": token,
		}},
	})
	var made struct{ Result struct{ UserID string } }
	a.JSON(w.t, http.StatusOK, &made)
	return made.Result.UserID
}
