package golden

import (
	"testing"

	"github.com/usher-id/usher/internal/testkeycloak"
	"github.com/usher-id/usher/test/harness"
	"github.com/usher-id/usher/test/replay"
)

// Given a real Keycloak realm as the recorded one was, when the exchanges of the
// portal door are played in order, then every answer is the recorded one.
func TestRecordedCasesOfThePortalDoor(t *testing.T) {
	cases, err := replay.Recorded("portal")
	if err != nil {
		t.Fatal(err)
	}
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		realm := testkeycloak.Named(t, "save-my-bike", "smb-portal")
		o := store.Empty(t)
		o.Env = append(o.Env,
			"USHER_DOORS_PORTAL_ISSUER="+realm.Issuer, "USHER_DOORS_PORTAL_CLIENT_ID="+realm.ClientID,
			"USHER_DOORS_PORTAL_ADMIN_CLIENT_ID="+realm.AdminID, "USHER_DOORS_PORTAL_ADMIN_CLIENT_SECRET="+realm.AdminSecret)
		s := harness.Start(t, o)
		p := s.Player("a")
		p.Vars["keycloak"], p.Vars["admin_mail"] = realm.URL, "operator@usher.localhost.test"
		replay.Run(t, p, cases)
	})
}
