package deploy

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

// family is a metric as a scrape shows it.
type family struct {
	name, kind, help string
	labels           map[string]bool // but le
}

var (
	sample = regexp.MustCompile(`^([a-z_]+)(?:\{(.*)\})? \S+$`)
	label  = regexp.MustCompile(`([a-z_]+)="((?:[^"\\]|\\.)*)"`)
	suffix = regexp.MustCompile(`_(?:bucket|sum|count)$`)
)

// scraped reads a scrape, and gives all labels to see.
func scraped(t *testing.T, text string, see func(name, label, value string)) map[string]*family {
	t.Helper()
	found := map[string]*family{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			name, help, _ := strings.Cut(rest, " ")
			found[name] = &family{name: name, help: help, labels: map[string]bool{}}
			continue
		}
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(rest, " ")
			found[name].kind = kind
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("a line of no form: %q", line)
		}
		f := found[m[1]]
		if f == nil {
			f = found[suffix.ReplaceAllString(m[1], "")]
		}
		if f == nil {
			t.Fatalf("%q belongs to no family", line)
		}
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			if l[1] == "le" {
				continue
			}
			f.labels[l[1]] = true
			if see != nil {
				see(f.name, l[1], l[2])
			}
		}
	}
	return found
}

// canary is in everything that the scenes send and must come out nowhere.
const canary = "xqcanaryqx"

const secretWord = canary + "-lanterns-over-the-weir"

// busy starts a server and has it do a little of everything that is counted.
func busy(t *testing.T, store harness.Store) *harness.Server {
	t.Helper()
	s := harness.Start(t, store.Empty(t))
	system := http.Header{"X-User-Ctx": {harness.System}}
	send := func(method, url string, h http.Header, body any) harness.Answer {
		t.Helper()
		return harness.Send(t, harness.Ask{Method: method, URL: url, Header: h, Body: body})
	}
	person := map[string]any{
		"email": canary + "@example.org", "username": canary, "firstName": canary, "emailVerified": true, "password": secretWord,
	}
	var made struct {
		ID string `json:"id"`
	}
	send(http.MethodPut, s.Internal+"/api/users/", system, person).JSON(t, http.StatusOK, &made)
	for _, password := range []string{secretWord, "wrong-" + canary} {
		send(http.MethodPost, s.Public+"/api/auth/login", nil, map[string]any{
			"type": "password", "clientId": "client-app-id", "clientSecret": "client-app-secret",
			"withPassword": map[string]any{"emailOrUsername": canary + "@example.org", "password": password},
		})
	}
	if a := send(http.MethodPut, s.Internal+"/api/users:batch", system,
		`{"email":"two-`+canary+`@example.org","username":"two`+canary+`","emailVerified":true}`+"\n"+canary+"\n"); a.Status != http.StatusOK {
		t.Fatalf("batch: %d %s", a.Status, a.Text)
	}
	send(http.MethodGet, s.Internal+"/api/users/"+made.ID, system, nil)
	send(http.MethodGet, s.Internal+"/jobs", nil, nil)
	send(http.MethodGet, s.Public+"/auth/v1/profile/EDI-"+canary, nil, nil)
	send(http.MethodGet, s.Public+"/"+canary+"?q="+canary, http.Header{"X-Request-Id": {canary}, "User-Agent": {canary}, "Cookie": {canary + "=1"}}, nil)
	send(http.MethodGet, s.Public+"/auth/%2e%2e/"+canary, nil, nil)
	send(strings.ToUpper(canary), s.Public+"/api/users/"+canary, nil, nil)
	send(http.MethodPost, s.Public+"/api/auth/login", nil, strings.Repeat(canary, 20_000)) // too long
	send(http.MethodGet, s.Public+"/api/users", system, nil)
	send(http.MethodGet, s.Public+"/health/ready", nil, nil)
	return s
}

func scrape(t *testing.T, s *harness.Server) string {
	t.Helper()
	a := harness.Send(t, harness.Ask{Method: http.MethodGet, URL: s.Internal + "/metrics"})
	if a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Text)
	}
	return a.Text
}

// everything is what a server on either database shows.
func everything(t *testing.T) map[string]*family {
	t.Helper()
	all := map[string]*family{}
	for _, store := range []harness.Store{harness.SQLite, harness.Postgres} {
		for name, f := range scraped(t, scrape(t, busy(t, store)), nil) {
			if known := all[name]; known != nil {
				maps.Copy(f.labels, known.labels)
			}
			all[name] = f
		}
	}
	return all
}

func ownNames(all map[string]*family) []string {
	var own []string
	for name := range all {
		if strings.HasPrefix(name, "usher_") {
			own = append(own, name)
		}
	}
	slices.Sort(own)
	return own
}
