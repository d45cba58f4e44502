package portal_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/door/portal"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/registrant"
)

const others = `"acquired_badges":[],"next_badges":[],"total_health_benefits":{"calories_consumed":null,"benefit_index":null},` +
	`"total_emissions":{"so2":null,"so2_saved":null,"nox":null,"nox_saved":null,"co2":null,"co2_saved":null,"co":null,"co_saved":null,"pm10":null,"pm10_saved":null},` +
	`"total_distance_km":{},"total_travels":{}`

// Given somebody without a profile, with one, and with one that an operator gave,
// then the answer has the contract's keys in its order.
func TestGoldenAnswers(t *testing.T) {
	w := newWorld(t)
	const person = `"url":"https://portal.example.org/api/my-user","uuid":"0a1b","username":"ada@example.org","email":"ada@example.org",` +
		`"date_joined":"2026-11-22T04:48:19.251663Z","language_preference":"en","first_name":"Ada","last_name":"Lovelace",`
	get := call{method: http.MethodGet}
	w.answers("no profile", get, 200, `{"accepted_terms_of_service":false,`+person+`"nickname":"","profile":null,"profile_type":null,`+
		`"avatar":"https://portal.example.org/avatars/AL.svg",`+others+
		`,"missing_fields":["age","accepted_terms_of_service","occupation"],"pending_approval":null,"link_pending":false}`)

	a := &w.people.account
	a.Type, a.Accepted, a.Nickname, a.Missing = "enduserprofile", true, "Countess", []string{}
	a.Picture, a.LinkPending = "https://example.org/ada.png", true
	a.Updated = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	a.Values = map[string]string{"age": "19 - 30", "occupation": "freelancer", "gender": "female", "bicycle_usage": "rare", "bio": "a \"b\" <c>"}
	whole := `{"accepted_terms_of_service":true,` + person + `"nickname":"Countess",` +
		`"profile":{"gender":"female","age":"19 - 30","phone_number":"","bio":"a \"b\" \u003cc\u003e","date_updated":"2026-11-23T00:00:00Z","occupation":"freelancer","bicycle_usage":"rare"},` +
		`"profile_type":"enduserprofile","avatar":"https://example.org/ada.png",` + others + `,"missing_fields":[],"pending_approval":null,"link_pending":true}`
	w.answers("a profile", get, 200, whole)
	w.answers("PATCH", call{body: `{}`, kind: jsonKind}, 200, whole)
	w.answers("PUT", call{method: http.MethodPut, body: `{}`, kind: jsonKind}, 200, whole)

	a.Values, a.Missing = map[string]string{}, []string{"age"}
	if body := w.asks(get).Body.String(); !strings.Contains(body, `"profile":{"gender":null,"age":null,"phone_number":"","bio":"","date_updated":"2026-11-23T00:00:00Z","occupation":null},`) ||
		!strings.Contains(body, `"missing_fields":["age"]`) {
		t.Errorf("an empty profile: %s", body)
	}
	a.Type = "privilegeduserprofile"
	if body := w.asks(get).Body.String(); !strings.Contains(body, `"profile":{},"profile_type":"privilegeduserprofile",`) {
		t.Errorf("a privileged profile: %s", body)
	}
	a.Type, a.Asked = "", "analystprofile"
	if body := w.asks(get).Body.String(); !strings.Contains(body, `"profile":null,"profile_type":null,`) || !strings.Contains(body, `"pending_approval":"analystprofile"`) {
		t.Errorf("a request: %s", body)
	}
}

// Nobody keeps an answer, and who speaks what language is part of what it depends on.
func TestHeadersOfAnswers(t *testing.T) {
	w := newWorld(t)
	for _, c := range []call{{method: http.MethodGet}, {method: http.MethodGet, header: map[string]string{"Authorization": ""}}, {method: http.MethodDelete}} {
		h := w.asks(c).Header()
		if h.Get("Cache-Control") != "no-store" || h.Get("Content-Language") != "en" || !strings.Contains(h.Get("Vary"), "Accept-Language") || h.Get("Www-Authenticate") != "" {
			t.Errorf("%s: %v", c.method, h)
		}
	}
}

// HEAD is GET without a body, also where it is refused.
func TestHead(t *testing.T) {
	w := newWorld(t)
	w.answers("HEAD", call{method: http.MethodHead}, 200, "")
	w.answers("HEAD of nobody", call{method: http.MethodHead, header: map[string]string{"Authorization": ""}}, 403, "")
	if got := w.asks(call{method: http.MethodHead}).Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
}

func TestOptions(t *testing.T) {
	w := newWorld(t)
	c := call{method: http.MethodOptions}
	w.answers("OPTIONS", c, 200, `{"name":"My User","description":"","renders":["application/json"],"parses":["application/json","application/x-www-form-urlencoded","multipart/form-data"]}`)
	if got := w.asks(c).Header().Get("Allow"); got != "GET, PUT, PATCH, HEAD, OPTIONS" {
		t.Errorf("Allow %q", got)
	}
}

func TestPathsThatAreNone(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/api/my-user/", "/api/my-user/x", "/api/my-userx", "/api/"} {
		if rec := w.asks(call{method: http.MethodGet, path: path}); rec.Code != 404 {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
	if len(w.people.entered) > 0 {
		t.Error("somebody was let in")
	}
}

// Without a realm the door says what it needs.
func TestWithoutARealm(t *testing.T) {
	w := newWorld(t)
	w.options.People = nil
	w.answers("no realm", call{}, 501, detail("The portal needs a Keycloak realm: set doors.portal.issuer and doors.portal.client_id."))
}

// The initials of whoever has no picture, from the first name that has any.
func TestAvatars(t *testing.T) {
	for want, a := range map[string]registrant.Account{
		site + "/avatars/AL.svg":     {First: "ada", Last: "lovelace"},
		site + "/avatars/%C3%89.svg": {First: "édith", Last: "—"},
		site + "/avatars/N.svg":      {Nickname: "nick", Username: "user"},
		site + "/avatars/U.svg":      {Username: "<user>"},
		site + "/avatars/-.svg":      {Username: "…"},
		"https://example.org/a":      {Picture: "https://example.org/a", First: "ada"},
	} {
		if got := portal.Avatar(site, a); got != want {
			t.Errorf("%+v: %s, want %s", a, got, want)
		}
	}
}

// A drawing of letters is anybody's to keep, and holds nothing else.
func TestDrawingsOfInitials(t *testing.T) {
	w := newWorld(t)
	for name, letters := range map[string]string{"AL": "AL", "%C3%89": "É", "-": "-", "7": "7"} {
		rec := w.asks(call{method: http.MethodGet, path: "/avatars/" + name + ".svg", header: map[string]string{"Authorization": ""}})
		if rec.Code != 200 || rec.Header().Get("Content-Type") != "image/svg+xml" || !strings.Contains(rec.Body.String(), ">"+letters+"</text>") ||
			!strings.Contains(rec.Header().Get("Content-Security-Policy"), "default-src 'none'") || !strings.Contains(rec.Header().Get("Cache-Control"), "public") {
			t.Errorf("%s: %d %v %s", name, rec.Code, rec.Header(), rec.Body)
		}
		if head := w.asks(call{method: http.MethodHead, path: "/avatars/" + name + ".svg"}); head.Code != 200 || head.Body.Len() > 0 {
			t.Errorf("HEAD %s: %d %s", name, head.Code, head.Body)
		}
	}
	for _, name := range []string{"", ".svg", "ABC.svg", "AL", "AL.png", "%3C.svg", "%26.svg", "%22a.svg", "a%2Fb.svg", "%FF.svg", "%00.svg"} {
		if rec := w.asks(call{method: http.MethodGet, path: "/avatars/" + name}); rec.Code != 404 {
			t.Errorf("%q: %d %s", name, rec.Code, rec.Body)
		}
	}
}

// An attribute that policy adds stands behind the contract's, in policy's order.
func TestAttributesThatPolicyAdds(t *testing.T) {
	w := newWorld(t)
	p := w.rules.Portal.Profiles["enduserprofile"]
	p.Form = []string{"colour", "age", "bicycle_usage"}
	w.rules.Portal.Profiles = map[string]policy.ProfileType{"enduserprofile": p}
	w.people.account.Type = "enduserprofile"
	w.people.account.Values = map[string]string{"colour": "red", "bicycle_usage": "rare", "age": "65+", "gone": "x"}
	if body := w.asks(call{method: http.MethodGet}).Body.String(); !strings.Contains(body, `"occupation":null,"colour":"red","bicycle_usage":"rare"},"profile_type"`) {
		t.Error(body)
	}
}
