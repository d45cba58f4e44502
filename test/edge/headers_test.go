package edge

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

// spelling is one way to write x-user-ctx into a head. VALUE stands for the value.
type spelling struct {
	name, lines string
	refused     bool // by net/http, with 400, before anything of usher's
}

var spellings = []spelling{
	{"as written", "x-user-ctx: VALUE", false},
	{"canonical", "X-User-Ctx: VALUE", false},
	{"capitals", "X-USER-CTX: VALUE", false},
	{"mixed", "x-UsEr-cTX: VALUE", false},
	{"twice, in two cases", "X-User-Ctx: VALUE\r\nx-user-ctx: VALUE", false},
	{"empty, then full", "X-User-Ctx:\r\nX-User-Ctx: VALUE", false},
	{"underscores", "x_user_ctx: VALUE", false},
	{"underscores, capitals", "X_USER_CTX: VALUE", false},
	{"one underscore", "X-User_Ctx: VALUE", false},
	{"the other underscore", "x_user-ctx: VALUE", false},
	{"dots", "x.user.ctx: VALUE", false},
	{"no space, tab", "X-User-Ctx:\tVALUE", false},
	{"after a bare LF", "X-Foo: a\nX-User-Ctx: VALUE", false},
	{"folded into itself", "X-User-Ctx:\r\n VALUE", false},
	{"folded into another value", "X-Foo: a\r\n X-User-Ctx: VALUE", false},
	{"all at once", "x-user-ctx: VALUE\r\nX_User_Ctx: VALUE\r\nX-User.Ctx: VALUE", false},
	{"space before the colon", "X-User-Ctx : VALUE", true},
	{"tab before the colon", "X-User-Ctx\t: VALUE", true},
	{"NUL", "X-User-Ctx\x00: VALUE", true},
	{"bare CR", "X-Foo: a\rX-User-Ctx: VALUE", true},
	{"Kelvin sign", "X-User-Ctx\u212a: VALUE", true},
	{"long s", "X-U\u017fer-Ctx: VALUE", true},
	{"Latin-1", "X-User-Ctx\xa0: VALUE", true},
}

// route is a request of one door.
type route struct {
	method, path string
	header       string // "Name: value\r\n", or empty
	body         string
}

func (r route) bytes(extra string) string {
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: usher\r\n%s%sContent-Length: %d\r\nConnection: close\r\n\r\n%s", r.method, r.path, extra, r.header, len(r.body), r.body)
}

// routes are some of every door and of what belongs to none, with the things
// that the system could do.
func (s *scene) routes() []route {
	forged := `{"email":"forged@example.org","emailVerified":true,"password":"` + password + `"}`
	cookie := "Cookie: " + s.cookie + "\r\n"
	return []route{
		{"GET", "/api/users", "", ""},
		{"PUT", "/api/users", "", forged},
		{"PUT", "/api/users/", "", forged},
		{"PUT", "/api/users/?dryRun=true", "", forged},
		{"PUT", "/api/users:batch", "", forged + "\n"},
		{"GET", "/api/users/" + s.ada.ID, "", ""},
		{"PATCH", "/api/users/" + s.ada.ID, "", `{"firstName":"Forged"}`},
		{"DELETE", "/api/users/" + s.ada.ID, "", ""},
		{"POST", "/api/users/" + s.ada.ID + "/lock", "", ""},
		{"POST", "/api/users/" + s.ada.ID + "/unlock", "", ""},
		{"PUT", "/api/users/", "Authorization: " + s.bearer + "\r\n", forged},
		{"POST", "/api/auth/login", "", `{"type":"password"}`},
		{"POST", "/auth/login", "", "{}"},
		{"POST", "/internal/auth/user-context?format=json", "", `{"accessToken":"` + strings.TrimPrefix(s.bearer, "Bearer ") + `"}`},
		{"GET", "/auth/v1/ping", "", ""},
		{"POST", "/auth/v1/profile", "", `{"idp_uid":"forged"}`},
		{"GET", "/auth/v1/profile/" + s.vera.EDIID, "", ""},
		{"GET", "/auth/v1/profile/" + s.vera.EDIID, cookie, ""},
		{"DELETE", "/auth/v1/profile/" + s.vera.EDIID, "", ""},
		{"GET", "/", "", ""},
		{"GET", "/dev/inbox.json", "", ""},
		{"GET", "/.well-known/jwks.json", "", ""},
		{"GET", "/health/ready", "", ""},
		{"GET", "/graphql", "", ""},
	}
}

// H2. Given any route of the public listener, when x-user-ctx comes along in any
// spelling, then the answer is the one without it, or a 400, and nothing
// happens.
func TestTheContextMeansNothingInPublic(t *testing.T) {
	s := newScene(t, harness.Options{})
	before := s.stored()
	public := hostOf(s.Public)
	for _, r := range s.routes() {
		without := once(t, public, r.bytes(""))
		for _, sp := range spellings {
			for _, value := range contextHeaders() {
				got := once(t, public, r.bytes(strings.ReplaceAll(sp.lines, "VALUE", value)+"\r\n"))
				switch {
				case sp.refused && got.status != http.StatusBadRequest:
					t.Errorf("%s %s, %s: %d, want 400", r.method, r.path, sp.name, got.status)
				case !sp.refused && (got.status != without.status || got.body != without.body):
					t.Errorf("%s %s, %s: %d %s\nwithout it %d %s", r.method, r.path, sp.name, got.status, got.body, without.status, without.body)
				}
			}
		}
		if !strings.Contains(s.Said(), "internal header removed") {
			t.Errorf("%s %s: the attempt is not in the log", r.method, r.path)
		}
	}
	if strings.Contains(s.Said(), "__system") {
		t.Error("a forged context is in the log")
	}
	if after := s.stored(); after != before {
		t.Errorf("was %s\n is %s", before, after)
	}
}

// H2. To name it in Connection or Trailer is aimed at whoever stands between.
func TestNamingTheContextIsRefused(t *testing.T) {
	s := newScene(t, harness.Options{})
	for _, r := range s.routes() {
		for _, lines := range []string{
			"Connection: x-user-ctx", "Connection: keep-alive, X-User-Ctx", "Connection: keep-alive,\tX_USER_CTX", "Connection: x.user.ctx",
			"Connection: x-user-ctx\r\nX-User-Ctx: {}", "Connection: keep-alive\r\nConnection: x-user-ctx", "Proxy-Connection: x-user-ctx",
			"Trailer: x-user-ctx", "Trailer: X-Sum, x_user_ctx",
		} {
			if got := once(t, hostOf(s.Public), r.bytes(lines+"\r\n")); got.status != http.StatusBadRequest {
				t.Errorf("%s %s, %q: %d", r.method, r.path, lines, got.status)
			}
		}
	}
}

// H2. As a trailer it comes after the handler has begun; whoever reads the body
// never gets to its end.
func TestTheContextAsATrailerIsRefused(t *testing.T) {
	s := newScene(t, harness.Options{})
	for _, r := range s.routes() {
		for _, announce := range []string{"", "Trailer: X-Sum\r\n"} {
			for _, name := range []string{"x-user-ctx", "X-User-Ctx", "x_user_ctx", "X_USER_CTX", "x.user.ctx"} {
				sent := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: usher\r\n%s%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n%s: %s\r\n\r\n",
					r.method, r.path, announce, r.header, max(len(r.body), 1), r.body+strings.Repeat(" ", max(0, 1-len(r.body))), name, harness.System)
				got := once(t, hostOf(s.Public), sent)
				if readsBody := strings.HasSuffix(r.path, "/login"); readsBody && got.status != http.StatusBadRequest {
					t.Errorf("%s %s, %s: %d", r.method, r.path, name, got.status)
				}
				if r.path != "/auth/v1/profile/"+s.vera.EDIID && strings.HasPrefix(r.path, "/api/users") && got.status < 400 {
					t.Errorf("%s %s, %s: %d", r.method, r.path, name, got.status)
				}
			}
		}
	}
}

// H3, H4. On the internal listener exactly one well-formed context names the
// system; anything else, and its absence, is nobody.
func TestTheContextIsReadStrictly(t *testing.T) {
	s := newScene(t, harness.Options{})
	one := "X-User-Ctx: " + harness.System + "\r\n"
	list := route{method: "GET", path: "/api/users"}
	if got := once(t, hostOf(s.Internal), list.bytes(one)); got.status != http.StatusOK {
		t.Fatalf("the right one: %d %s", got.status, got.body)
	}
	for name, lines := range map[string]string{
		"none":                   "",
		"lost on the way":        "Connection: keep-alive, x-user-ctx\r\n",
		"empty":                  "X-User-Ctx:\r\n",
		"twice":                  one + one,
		"twice, one empty":       "X-User-Ctx:\r\n" + one,
		"in a list":              "X-User-Ctx: " + harness.System + ", " + harness.System + "\r\n",
		"underscores":            "X_User_Ctx: " + harness.System + "\r\n",
		"repeated member":        `X-User-Ctx: {"id":"x","id":"__system","user":"__system"}` + "\r\n",
		"repeated in capitals":   `X-User-Ctx: {"id":"__system","ID":"x","user":"__system"}` + "\r\n",
		"contradicts itself":     `X-User-Ctx: {"id":"__system","user":"x"}` + "\r\n",
		"a list":                 `X-User-Ctx: [{"id":"__system"}]` + "\r\n",
		"id is a list":           `X-User-Ctx: {"id":["__system"]}` + "\r\n",
		"more after it":          "X-User-Ctx: " + harness.System + "x\r\n",
		"longer than 4 KB":       "X-User-Ctx: " + `{"id":"__system","x":"` + strings.Repeat("x", 4096) + `"}` + "\r\n",
		"base64 that is none":    "X-User-Ctx: e!!!\r\n",
		"base64 of another kind": "X-User-Ctx: bm90IGpzb24=\r\n",
		"nobody":                 `X-User-Ctx: {"id":"755243458806280480"}` + "\r\n",
	} {
		if got := once(t, hostOf(s.Internal), list.bytes(lines)); got.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}
