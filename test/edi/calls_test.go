package edi

import (
	"net/http"
	"strings"
	"testing"
)

// sent is one request of iam-lib 0.2.0, and what must come of it. Paths and
// bodies have {own}, {other}, {group}, {token} and {run} for what they are
// about.
type sent struct {
	name         string // the client's method
	method, path string // empty: refused by the client itself, nothing is sent
	body         string
	status       int
	want         string // in the answer
}

// calls are those for profiles, tokens and groups, in the order in which
// testdata/client.py makes them. Where the answer is no success the original
// of 2025-12 has none either, but for read_group, which it refused.
var calls = []sent{
	{"create_profile", "POST", "/auth/v1/profile", `{"idp_uid": "uid=iam{run},o=EDI,dc=edirepository,dc=org"}`, 200, `"msg":"A new profile was created","edi_id":"EDI-`},
	{"read_profile", "GET", "/auth/v1/resource/{own}", "", 404, `{"detail":"Not Found"}`},
	{"update_profile", "PUT", "/auth/v1/profile/{own}", `{"given_name": "Ann", "family_name": "Smith", "email": "ann.smith@example.org"}`, 200, `"edi_id":"{own}","email":"ann.smith@example.org","method":"updateProfile"`},
	{"create_token", "POST", "/auth/v1/token/{own}", `{"key": "not the key"}`, 403, `"msg":"Access denied: Invalid request","edi_id":"{own}","method":"getToken"`},
	{"refresh_token", "POST", "/auth/v1/token/refresh", `{"pasta-token": null, "edi-token": "{token}"}`, 200, `"pasta-token":null,"edi-token":"`},
	{"lock_token", "DELETE", "/auth/v1/token/{own}", "", 405, "Method Not Allowed"},
	{"revoke_token", "PUT", "/auth/v1/token/{own}", `{}`, 405, "Method Not Allowed"},
	{name: "create_group"},
	{name: "update_group"},
	{"read_group", "PUT", "/auth/v1/group/{group}", `{}`, 200, `"msg":"Group updated successfully","group":"{group}"`},
	{"add_group_member", "POST", "/auth/v1/group/{group}/{other}", `{}`, 200, `"msg":"Group membership added successfully"`},
	{"remove_group_member", "DELETE", "/auth/v1/group/{group}/{other}", "", 200, `"msg":"Group membership removed successfully"`},
	{"delete_group", "DELETE", "/auth/v1/group/{group}", "", 200, `"msg":"Group deleted successfully"`},
	{"delete_profile", "DELETE", "/auth/v1/profile/{own}", "", 200, `"msg":"Profile deleted successfully. `},
}

// about is what calls are about.
type about struct {
	own   person // vetted
	other person
	group string
	run   string
}

func (w town) about() (a about) {
	w.Helper()
	a.own, a.other = w.person("Ann", "ann@example.org", "Vetted"), w.person("Bob", "bob@example.org")
	made := w.asks(a.own, "POST", group, `{"title":"Birds","description":""}`)
	a.group, _ = made.body["group_edi_id"].(string)
	a.run = a.own.id
	return a
}

func (a about) fill(text string) string {
	return strings.NewReplacer("{own}", a.own.edi, "{other}", a.other.edi, "{group}", a.group, "{token}", a.own.token, "{run}", a.run).Replace(text)
}

// What the client sends is answered as it expects, and does what it says.
func TestCallsOfIAMLib(t *testing.T) {
	inTown(t, func(w town) {
		a := w.about()
		for _, c := range calls {
			if c.method == "" {
				continue
			}
			// Its "Accept-Type" is no header that anybody reads.
			h := http.Header{"Accept": {"*/*"}, "Accept-Type": {"application/json"}, "User-Agent": {"python-requests/2.34.2"}}
			if c.body != "" {
				h.Set("Content-Type", "application/json")
			}
			w.is(c.name, w.send(a.own, c.method, a.fill(c.path), a.fill(c.body), h), c.status, a.fill(c.want))
			if c.name == "update_profile" { // the names it sends are none that can be changed
				w.is("the profile then", w.asks(a.own, "GET", "/auth/v1/profile/"+a.own.edi, ""), 200, `"common_name":"Ann","email":"ann.smith@example.org"`)
			}
		}
		w.is("afterwards", w.asks(a.own, "GET", "/auth/v1/profile/"+a.own.edi, ""), 401, "Unauthorized")
	})
}
