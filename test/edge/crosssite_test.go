package edge

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

// browsed are the paths that a browser comes to with its cookies: each pattern
// that the EDI door and the pages mount, with a path of that pattern and what
// it takes from one's own site.
var browsed = map[string]struct {
	path string
	body string
	own  map[string]int // by method
}{
	"/auth/v1/ping":    {"/auth/v1/ping", "", map[string]int{"GET": 200}},
	"/auth/v1/profile": {"/auth/v1/profile", `{"idp_uid":"uid=grace,o=EDI,dc=edirepository,dc=org"}`, map[string]int{"POST": 200}},
	"/auth/v1/profile/{id}": {
		"/auth/v1/profile/SELF", `{"common_name":"Vera"}`,
		map[string]int{"GET": 200, "PUT": 200, "DELETE": 200},
	},
	"/auth/v1/search": {"/auth/v1/search?s=vera", "", map[string]int{"GET": 200}},
	"/auth/v1/group":  {"/auth/v1/group", `{"title":"Readers","description":"of books"}`, map[string]int{"POST": 200}},
	// Of a group that is nobody's, and with the cookie that what follows needs:
	// only that other sites are refused.
	"/auth/v1/group/{group}":           {"/auth/v1/group/EDI-0", `{"title":"Readers"}`, nil},
	"/auth/v1/group/{group}/{profile}": {"/auth/v1/group/EDI-0/SELF", "", nil},
	"/auth/v1/token/refresh":           {"/auth/v1/token/refresh", "", nil},
	"/auth/v1/token/{id}":              {"/auth/v1/token/SELF", "", nil},
	"/auth/ui/api/token/download":      {"/auth/ui/api/token/download", "", map[string]int{"GET": 200}},

	"/auth/ui/api/avatar/gen/{initials}": {"/auth/ui/api/avatar/gen/VV", "", map[string]int{"GET": 200}},
	"/":                                  {"/auth/nothing", "", nil},
	"/{$}":                               {"/", "", map[string]int{"GET": 200}},
	"/dev/inbox":                         {"/dev/inbox", "", map[string]int{"GET": 200}},
	"/dev/inbox/{id}":                    {"/dev/inbox/1", "", nil},
	"/dev/inbox/{id}/html":               {"/dev/inbox/1/html", "", nil},
	"/dev/inbox.json":                    {"/dev/inbox.json", "", map[string]int{"GET": 200}},
}

// mounted are the patterns in the sources, so that a route nobody thought of
// here fails the test.
func mounted(t *testing.T) []string {
	t.Helper()
	var all []string
	for file, call := range map[string]*regexp.Regexp{
		"../../internal/door/edi/routes.go": regexp.MustCompile(`\bmount\("([^"]+)"`),
		"../../internal/web/pages.go":       regexp.MustCompile(`\bp\.(?:get|post|mux\.Handle(?:Func)?)\("([^"]+)"`),
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := call.FindAllStringSubmatch(string(text), -1)
		if len(found) < 5 {
			t.Fatalf("%s: %d routes; has the way to mount them changed?", file, len(found))
		}
		for _, m := range found {
			all = append(all, m[1])
		}
	}
	return all
}

// Given somebody signed in, when another site makes the browser send anything
// that could change something, on any route, then it is refused before anything
// happens, and no cookie is set; from one's own site it works.
func TestOtherSitesChangeNothing(t *testing.T) {
	s := newScene(t, harness.Options{})
	for _, pattern := range mounted(t) {
		if _, known := browsed[pattern]; !known {
			t.Errorf("%s is mounted and not tried here", pattern)
		}
	}
	foreign := []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}},
		{"Sec-Fetch-Site": {"same-site"}},
		{"Origin": {"https://evil.example"}},
		{"Origin": {"null"}},
		{"Origin": {s.Public + ".evil.example"}},
		{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}},
		{"Origin": {"https://evil.example"}, "X-Forwarded-Host": {"evil.example"}},
		{"Origin": {"https://evil.example"}, "X-Http-Method-Override": {"GET"}},
	}
	types := []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json"}
	before := s.stored()
	for _, pattern := range mounted(t) {
		r := browsed[pattern]
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "QUERY", "PROPFIND"} {
			for _, heads := range foreign {
				for _, kind := range types {
					h := heads.Clone()
					if kind != "" {
						h.Set("Content-Type", kind)
					}
					a := harness.Send(t, harness.Ask{Method: method, URL: s.Public + s.self(r.path), Cookie: s.cookie, Header: h, Body: r.body})
					taken := r.own[method] != 0
					switch {
					case taken && a.Status != http.StatusForbidden, a.Status != http.StatusForbidden && a.Status != http.StatusNotFound && a.Status != http.StatusMethodNotAllowed:
						t.Errorf("%s %s with %v: %d %s", method, r.path, h, a.Status, a.Text)
					case a.Header.Get("Set-Cookie") != "" || a.Header.Get("Access-Control-Allow-Origin") != "":
						t.Errorf("%s %s with %v: %v", method, r.path, h, a.Header)
					}
				}
			}
		}
	}
	if after := s.stored(); after != before {
		t.Fatalf("was %s\n is %s", before, after)
	}
	// Otherwise everything above might have been refused for another reason.
	for _, pattern := range mounted(t) {
		r := browsed[pattern]
		for _, method := range []string{"GET", "POST", "PUT"} {
			if want := r.own[method]; want != 0 {
				a := harness.Send(t, harness.Ask{Method: method, URL: s.Public + s.self(r.path), Cookie: s.cookie, Body: r.body, Header: http.Header{
					"Sec-Fetch-Site": {"same-origin"}, "Origin": {s.Public},
				}})
				if a.Status != want {
					t.Errorf("%s %s from one's own site: %d %s", method, r.path, a.Status, a.Text)
				}
			}
		}
	}
	a := harness.Send(t, harness.Ask{Method: "DELETE", URL: s.Public + s.self("/auth/v1/profile/SELF"), Cookie: s.cookie, Header: http.Header{"Sec-Fetch-Site": {"same-origin"}}})
	if a.Status != http.StatusOK {
		t.Errorf("DELETE from one's own site: %d %s", a.Status, a.Text)
	}
}

func (s *scene) self(path string) string { return strings.Replace(path, "SELF", s.vera.EDIID, 1) }

// What is safe to ask from anywhere must be safe: reading changes nothing, and
// lets no other site read along.
func TestOtherSitesReadNothingAlong(t *testing.T) {
	s := newScene(t, harness.Options{})
	before := s.stored()
	for _, pattern := range mounted(t) {
		for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
			a := harness.Send(t, harness.Ask{Method: method, URL: s.Public + s.self(browsed[pattern].path), Cookie: s.cookie, Header: http.Header{
				"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}, "Access-Control-Request-Method": {"PUT"},
			}})
			for name := range a.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s %s: %s", method, pattern, name)
				}
			}
			if v := a.Header.Values("X-Content-Type-Options"); !slices.Equal(v, []string{"nosniff"}) {
				t.Errorf("%s %s: X-Content-Type-Options %q", method, pattern, v)
			}
		}
	}
	if after := s.stored(); after != before {
		t.Errorf("was %s\n is %s", before, after)
	}
}
