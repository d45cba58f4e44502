package deploy

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// metric is a name in an expression. What stands behind a { or by ( is a label.
var metric = regexp.MustCompile(`\b(?:usher|go|process)_[a-z_]+\b`)

// named gives the families that an expression asks for.
func named(all map[string]*family, expr string) (known, unknown []string) {
	for _, name := range metric.FindAllString(expr, -1) {
		switch short := suffix.ReplaceAllString(name, ""); {
		case all[name] != nil:
			known = append(known, name)
		case all[short] != nil && all[short].kind == "histogram":
			known = append(known, short)
		default:
			unknown = append(unknown, name)
		}
	}
	return known, unknown
}

// matchers are the labels that an expression selects or groups by.
var (
	selected = regexp.MustCompile(`([a-z_]+)(?:=~|!~|!=|=)"`)
	grouped  = regexp.MustCompile(`\b(?:by|on) \(([^)]*)\)`)
)

func labelsOf(expr string) (out []string) {
	for _, m := range selected.FindAllStringSubmatch(expr, -1) {
		out = append(out, m[1])
	}
	for _, m := range grouped.FindAllStringSubmatch(expr, -1) {
		for _, l := range strings.Split(m[1], ",") {
			out = append(out, strings.TrimSpace(l))
		}
	}
	return out
}

// check holds an expression to what a scrape shows, and notes what it uses.
func check(t *testing.T, all map[string]*family, where, expr string, used map[string]bool) {
	t.Helper()
	known, unknown := named(all, expr)
	for _, name := range unknown {
		t.Errorf("%s asks for %s, which nobody shows", where, name)
	}
	if len(known) == 0 && !strings.HasPrefix(expr, "up{") {
		t.Errorf("%s asks for nothing: %s", where, expr)
	}
	may := map[string]bool{"le": true, "job": true, "instance": true} // the last two are Prometheus's own
	for _, name := range known {
		used[name] = true
		for l := range all[name].labels {
			may[l] = true
		}
	}
	for _, l := range labelsOf(expr) {
		if !may[l] {
			t.Errorf("%s: no metric of %q has the label %s", where, expr, l)
		}
	}
	if strings.Count(expr, "(") != strings.Count(expr, ")") || strings.Count(expr, "{") != strings.Count(expr, "}") {
		t.Errorf("%s: a bracket is left open in %q", where, expr)
	}
}

// Given what a server shows on either database, then the dashboard and the
// alerts ask for nothing else, and the dashboard shows all that is usher's own.
func TestDashboardAndAlertsAskForWhatThereIs(t *testing.T) {
	all, used := everything(t), map[string]bool{}

	var board struct {
		Title, UID    string
		SchemaVersion int
		Panels        []struct {
			ID                int
			Type, Title       string
			GridPos           struct{ X, Y, W, H int }
			Targets           []struct{ Expr, LegendFormat string }
			FieldConfig       struct{ Defaults struct{ Unit string } }
			Datasource        struct{ Type, UID string }
			Description, Kind string
		}
		Templating struct {
			List []struct{ Name, Definition string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "deploy/grafana/usher.json")), &board); err != nil {
		t.Fatal(err)
	}
	if board.UID != "usher" || board.SchemaVersion < 36 || len(board.Panels) < 20 {
		t.Errorf("%q, schema %d, %d panels", board.UID, board.SchemaVersion, len(board.Panels))
	}
	ids, cells := map[int]bool{}, map[[2]int]string{}
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" {
			t.Errorf("panel %d, %q", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if over := cells[[2]int{x, y}]; over != "" || x > 23 {
					t.Fatalf("%s lies on %q, or beside the board", p.Title, over)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
		if (p.Type == "row") != (len(p.Targets) == 0) {
			t.Errorf("%s shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			if p.Datasource.UID != "${datasource}" {
				t.Errorf("%s is bound to the data source %q", p.Title, p.Datasource.UID)
			}
			check(t, all, "panel "+p.Title, target.Expr, used)
		}
	}
	for _, v := range board.Templating.List {
		if _, unknown := named(all, v.Definition); len(unknown) > 0 {
			t.Errorf("variable %s asks for %v", v.Name, unknown)
		}
	}
	for _, name := range ownNames(all) {
		if !used[name] {
			t.Errorf("the dashboard does not show %s", name)
		}
	}

	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "deploy/prometheus/alerts.yml")), &rules); err != nil {
		t.Fatal(err)
	}
	operating, alerts := read(t, "docs/operating.md"), 0
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			alerts++
			check(t, all, "alert "+r.Alert, strings.TrimSpace(r.Expr), used)
			if s := r.Labels["severity"]; s != "page" && s != "ticket" || r.Annotations["summary"] == "" {
				t.Errorf("alert %s: %v %v", r.Alert, r.Labels, r.Annotations)
			}
			if !strings.Contains(operating, "| `"+r.Alert+"` |") {
				t.Errorf("docs/operating.md does not say what to do about %s", r.Alert)
			}
		}
	}
	if documented := strings.Count(operating, "| `Usher"); documented != alerts || alerts < 10 {
		t.Errorf("%d alerts, %d of them documented", alerts, documented)
	}
}

func TestPrometheusScrapesUsher(t *testing.T) {
	var p struct {
		RuleFiles     []string `yaml:"rule_files"`
		ScrapeConfigs []struct {
			JobName       string `yaml:"job_name"`
			MetricsPath   string `yaml:"metrics_path"`
			Authorization map[string]string
		} `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "deploy/prometheus/prometheus.yml")), &p); err != nil {
		t.Fatal(err)
	}
	if len(p.RuleFiles) != 1 || p.RuleFiles[0] != "alerts.yml" || len(p.ScrapeConfigs) != 1 || p.ScrapeConfigs[0].JobName != "usher" ||
		p.ScrapeConfigs[0].MetricsPath != "/metrics" || p.ScrapeConfigs[0].Authorization["credentials_file"] == "" {
		t.Errorf("%+v", p)
	}
}
