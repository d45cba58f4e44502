package testkeycloak

import (
	"net/http"
	"net/url"
)

// Forbid takes rights of realm-management from the service account: its next token
// goes without them.
func (r *Realm) Forbid(rights ...string) {
	r.t.Helper()
	type role = map[string]any
	var account, management []struct{ ID string }
	at := "/auth/admin/realms/" + r.Name
	r.master("GET", at+"/users?exact=true&username=service-account-"+r.AdminID, nil, &account)
	r.master("GET", at+"/clients?clientId=realm-management", nil, &management)
	if len(account) != 1 || len(management) != 1 {
		r.t.Fatalf("%d service accounts and %d clients realm-management", len(account), len(management))
	}
	taken := make([]role, len(rights))
	for i, right := range rights {
		r.master("GET", at+"/clients/"+management[0].ID+"/roles/"+right, nil, &taken[i])
	}
	r.master("DELETE", at+"/users/"+account[0].ID+"/role-mappings/clients/"+management[0].ID, taken, nil)
}

// MakeGroup makes a group at the top.
func (r *Realm) MakeGroup(name string) {
	r.t.Helper()
	r.master("POST", "/auth/admin/realms/"+r.Name+"/groups", map[string]any{"name": name}, nil)
}

// SignOut ends the session of these tokens, as their own person does.
func (r *Realm) SignOut(of Tokens) {
	r.t.Helper()
	answer, err := http.PostForm(r.Issuer+"/protocol/openid-connect/logout", //nolint:noctx // a test's own server
		url.Values{"client_id": {r.ClientID}, "refresh_token": {of.Refresh}})
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		r.t.Fatalf("Keycloak answers a sign-out with %d", answer.StatusCode)
	}
}

// LogOutAll ends everybody's sessions, the service account's too.
func (r *Realm) LogOutAll() {
	r.t.Helper()
	r.master("POST", "/auth/admin/realms/"+r.Name+"/logout-all", nil, nil)
}
