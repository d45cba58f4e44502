package deploy

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

// Given people who signed in, were synced and refused, when the metrics are
// read, then they tell that it happened and to nobody whom.
func TestMetricsTellOfNobody(t *testing.T) {
	labels := map[string]*regexp.Regexp{
		"listener": regexp.MustCompile(`^(public|internal)$`),
		"door":     regexp.MustCompile(`^(partner|edi|web|health|metrics|none|gqlauth)$`),
		"method":   regexp.MustCompile(`^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|other|password|provider|refresh)$`),
		// Patterns of routers, whose variables have names.
		"route":     regexp.MustCompile(`^(none|/([a-z0-9_.:/-]|\{[a-z$]+\})*)$`),
		"status":    regexp.MustCompile(`^[1-5]xx$`),
		"outcome":   regexp.MustCompile(`^[a-z_]+$`),
		"waits":     regexp.MustCompile(`^(account|network)$`),
		"lane":      regexp.MustCompile(`^(interactive|bulk)$`),
		"operation": regexp.MustCompile(`^(view|update)$`),
		"state":     regexp.MustCompile(`^(in_use|idle)$`),
		"kind":      regexp.MustCompile(`^(mail|other)$`),
		"where":     regexp.MustCompile(`^(request|job|batch)$`),
		"version":   regexp.MustCompile(`.`), "goversion": regexp.MustCompile(`^go`),
	}
	harness.OnEachStore(t, func(t *testing.T, store harness.Store) {
		s := busy(t, store)
		text := scrape(t, s)
		if strings.Contains(strings.ToLower(text), canary) {
			t.Errorf("something that was sent is told on:\n%s", text)
		}
		series := 0
		scraped(t, text, func(name, label, value string) {
			if !strings.HasPrefix(name, "usher_") {
				return
			}
			series++
			if pattern := labels[label]; pattern == nil || !pattern.MatchString(value) {
				t.Errorf("%s has %s=%q", name, label, value)
			}
		})
		if series < 100 {
			t.Errorf("%d labels", series)
		}
		for _, want := range []string{
			`usher_http_requests_total{door="partner",listener="internal",method="PUT",route="/api/users/{$}",status="2xx"} 1`,
			`usher_http_requests_total{door="partner",listener="internal",method="GET",route="/api/users/{ref}",status="2xx"} 1`,
			`usher_http_requests_total{door="partner",listener="public",method="other",route="/api/users/{ref}",status="4xx"} 1`,
			`usher_http_requests_total{door="web",listener="internal",method="GET",route="/jobs",status="2xx"} 1`,
			`usher_http_requests_total{door="health",listener="public",method="GET",route="/health/ready",status="2xx"} 1`,
			`usher_http_bodies_refused_total{door="partner"} 1`,
			`usher_http_internal_headers_total 1`,
			`usher_sign_ins_total{door="partner",method="password",outcome="ok"} 1`,
			`usher_sign_ins_total{door="partner",method="password",outcome="bad_credential"} 1`,
			`usher_partner_batch_lines_total{outcome="created"} 1`,
			`usher_partner_batch_lines_total{outcome="refused"} 1`,
			`usher_store_up 1`,
			`usher_panics_total{where="request"} 0`,
			`usher_http_requests_in_flight{listener="internal"} 1`, // this one
		} {
			if !strings.Contains(text, "\n"+want+"\n") {
				t.Errorf("no line %s", want)
			}
		}
	})
}

func TestMetricsAreInternal(t *testing.T) {
	s := harness.Start(t, harness.Options{})
	for _, path := range []string{"/metrics", "/metrics/", "//metrics", "/METRICS", "/internal/metrics", "/%6detrics", "/auth/../metrics"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			a := harness.Send(t, harness.Ask{Method: method, URL: s.Public + path})
			if a.Status != http.StatusNotFound || strings.Contains(a.Text, "usher_") {
				t.Errorf("%s %s in public: %d", method, path, a.Status)
			}
		}
	}
	if a := harness.Send(t, harness.Ask{Method: http.MethodGet, URL: s.Internal + "/metrics"}); a.Status != http.StatusOK ||
		!strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain; version=0.0.4") || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", a.Status, a.Header)
	}
}

// Given a secret, then only this machine reads without it, and no page that was
// led here by a name of its own.
func TestMetricsOffThisMachineNeedTheSecret(t *testing.T) {
	const secret = "thirty-two characters and some more"
	ask := func(t *testing.T, s *harness.Server, host, authorization string) int {
		t.Helper()
		u, err := url.Parse(s.Internal)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+u.Port()+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	env := []string{"USHER_DOORS_PARTNER_INTERNAL_SECRET=" + secret}
	for name, tc := range map[string]struct {
		args []string
		// what is answered under a local name, under a stranger's, and to the secret
		local, strange int
	}{
		"loopback":   {nil, 200, 401},
		"everywhere": {[]string{"--internal-listen", "0.0.0.0:0"}, 401, 401},
	} {
		t.Run(name, func(t *testing.T) {
			s := harness.Start(t, harness.Options{Env: env, Args: tc.args})
			for host, want := range map[string]int{"127.0.0.1": tc.local, "localhost": tc.local, "rebound.example": tc.strange} {
				if got := ask(t, s, host, ""); got != want {
					t.Errorf("as %s: %d, want %d", host, got, want)
				}
				if got := ask(t, s, host, "Bearer "+secret); got != 200 {
					t.Errorf("as %s, with the secret: %d", host, got)
				}
			}
			if got := ask(t, s, "rebound.example", "Bearer another"); got != 401 {
				t.Errorf("with another secret: %d", got)
			}
		})
	}
}

// The page for operators has every metric, as a scrape tells of it.
func TestMetricsAreDocumented(t *testing.T) {
	all := everything(t)
	var want strings.Builder
	for _, name := range ownNames(all) {
		var labels []string
		for l := range all[name].labels {
			labels = append(labels, "`"+l+"`")
		}
		slices.Sort(labels)
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s |\n", name, all[name].kind, strings.Join(labels, ", "), all[name].help)
	}
	if !strings.Contains(read(t, "docs/operating.md"), "\n"+want.String()+"\n") {
		t.Errorf("docs/operating.md has another table than\n%s", want.String())
	}
}
