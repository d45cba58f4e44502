package deploy

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/usher-id/usher/internal/config"
	"github.com/usher-id/usher/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What these files set is what usher reads: a key that was renamed would stop it
// from starting.
func TestVariablesAreKeys(t *testing.T) {
	known := map[string]bool{"USHER_VERSION": true} // compose's own
	for _, k := range config.Keys() {
		known[k.Env] = true
		known[k.Env+"_FILE"] = k.Secret || known[k.Env+"_FILE"]
	}
	for _, path := range []string{"Dockerfile", "deploy/compose.yaml", "deploy/systemd/usher.service", "deploy/systemd/usher.env"} {
		found := regexp.MustCompile(`USHER_[A-Z_]+`).FindAllString(read(t, path), -1)
		if len(found) == 0 {
			t.Errorf("%s sets nothing", path)
		}
		for _, v := range found {
			if !known[v] {
				t.Errorf("%s has %s, which is no key", path, v)
			}
		}
	}
}

func TestDockerfile(t *testing.T) {
	text := read(t, "Dockerfile")
	for _, want := range []string{
		"\nUSER nonroot:nonroot\n", "\nFROM gcr.io/distroless/static-debian12:nonroot\n", "CGO_ENABLED=0", "-trimpath", "\nSTOPSIGNAL SIGTERM\n",
		`CMD ["/usher", "health"]`, `ENTRYPOINT ["/usher"]`, "USHER_INTERNAL_LISTEN= ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	flags := regexp.MustCompile(`LDFLAGS +:= (.*) -X`).FindStringSubmatch(read(t, "Makefile"))
	if flags == nil || !strings.Contains(text, `-ldflags "`+flags[1]+" -X main.version=") {
		t.Errorf("the binary is not linked as the Makefile's: %v", flags)
	}
	language := regexp.MustCompile(`\ngo (1\.\d+)`).FindStringSubmatch(read(t, "go.mod"))
	if language == nil || !strings.Contains(text, "FROM golang:"+language[1]+"-") {
		t.Errorf("the image to build with is not of Go %v", language)
	}
	if strings.Contains(text, ":latest") {
		t.Error("an image of no version")
	}
}

func TestCompose(t *testing.T) {
	var c struct {
		Services map[string]struct {
			Image       string
			ReadOnly    bool     `yaml:"read_only"`
			CapDrop     []string `yaml:"cap_drop"`
			SecurityOpt []string `yaml:"security_opt"`
			Ports       []string
			Environment map[string]string
		}
		Volumes, Secrets map[string]any
	}
	if err := yaml.Unmarshal([]byte(read(t, "deploy/compose.yaml")), &c); err != nil {
		t.Fatal(err)
	}
	for name, s := range c.Services {
		if !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") || strings.HasSuffix(s.Image, ":latest") {
			t.Errorf("%s: %+v", name, s)
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s is open to everybody at %s", name, p)
			}
		}
		for k, v := range s.Environment {
			if strings.Contains(k, "PASSWORD") && !strings.HasPrefix(v, "/run/secrets/") {
				t.Errorf("%s: %s is in the environment", name, k)
			}
		}
	}
	if u := c.Services["usher"]; !u.ReadOnly || c.Services["database"].Image == "" {
		t.Errorf("%+v", c.Services)
	}
}

// systemd itself reads the unit, where it is installed.
func TestUnit(t *testing.T) {
	text := read(t, "deploy/systemd/usher.service")
	for _, want := range []string{"Type=notify", "DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=\n", "StateDirectory=usher"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd-analyze is not installed: the unit was not read by systemd")
		return
	}
	unit := filepath.Join(t.TempDir(), "usher.service")
	// A program that is there, since systemd looks.
	text = strings.Replace(text, "/usr/local/bin/usher", os.Getenv(harness.EnvBinary), 1)
	if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", unit).CombinedOutput()
	if err != nil || strings.Contains(string(out), "usher.service:") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// What the health check of the image runs, and what systemd is told.
func TestHealthAndNotify(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	told := func() string {
		t.Helper()
		buf := make([]byte, 100)
		if err := l.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := l.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
	s := harness.Start(t, harness.Options{Env: []string{"NOTIFY_SOCKET=" + socket}})
	if got := told(); got != "READY=1" {
		t.Errorf("told %q", got)
	}
	if out := s.CLI("health", "--url", s.Public); out != "ready\n" {
		t.Errorf("health printed %q", out)
	}
	s.Stop()
	if got := told(); got != "STOPPING=1" {
		t.Errorf("told %q", got)
	}
	if ran, err := s.Run(t.Context(), "health", "--url", s.Public); err != nil || ran.Code != 1 || !strings.Contains(ran.Stderr, "nobody answers") {
		t.Errorf("after the end: %+v %v", ran, err)
	}
}
