package config

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// inEmptyFolder keeps a usher.yaml lying about out of the test.
func inEmptyFolder(t *testing.T) { t.Helper(); t.Chdir(t.TempDir()) }

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustLoad(t *testing.T, src Sources) *Config {
	t.Helper()
	c, err := Load(src)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return c
}

func TestDefaultsNeedNothing(t *testing.T) {
	inEmptyFolder(t)
	c := mustLoad(t, Sources{})
	if c.Listen != "127.0.0.1:8080" || c.InternalListen != "127.0.0.1:8081" || c.Dev || c.File != "" ||
		c.Node != -1 || c.DrainTimeout != 10*time.Second || c.LogLevel != slog.LevelInfo || c.LogFormat != LogText {
		t.Errorf("defaults: %+v", c)
	}
	for name, d := range map[string]Door{
		"portal": c.Doors.Portal.Door, "partner": c.Doors.Partner.Door, "sunbird": c.Doors.Sunbird.Door,
		"edi": c.Doors.EDI.Door, "gqlauth": c.Doors.GQLAuth.Door,
	} {
		if !d.Enabled || d.Host != "" {
			t.Errorf("door %s by default: %+v", name, d)
		}
	}
	if c.KeyPath() != filepath.Join("usher-data", "usher.key") {
		t.Errorf("key file: %s", c.KeyPath())
	}
}

func TestFlagWinsOverEnvironmentOverFileOverDefault(t *testing.T) {
	inEmptyFolder(t)
	path := writeFile(t, "some.yaml", "listen: 127.0.0.1:1\ndata: from-file\nlog_level: warn\n")
	c := mustLoad(t, Sources{
		Flags:   map[string]string{"listen": "127.0.0.1:3"},
		Environ: []string{"USHER_CONFIG=" + path, "USHER_LISTEN=127.0.0.1:2", "USHER_DATA=from-env", "HOME=/x"},
	})
	if c.Listen != "127.0.0.1:3" || c.Data != "from-env" || c.LogLevel != slog.LevelWarn || c.LogFormat != LogText {
		t.Errorf("got %q %q %v %v", c.Listen, c.Data, c.LogLevel, c.LogFormat)
	}
	if c.File != path {
		t.Errorf("file: %q", c.File)
	}
}

func TestFileInTheWorkingFolderIsRead(t *testing.T) {
	inEmptyFolder(t)
	if err := os.WriteFile(DefaultFile, []byte("data: here\ndoors:\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c := mustLoad(t, Sources{}); c.Data != "here" || c.File != DefaultFile {
		t.Errorf("got %q from %q", c.Data, c.File)
	}
}

func TestNamedFileMustExist(t *testing.T) {
	inEmptyFolder(t)
	if _, err := Load(Sources{Flags: map[string]string{"config": "absent.yaml"}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestEmptyVariableIsAValue(t *testing.T) {
	inEmptyFolder(t)
	if c := mustLoad(t, Sources{Environ: []string{"USHER_INTERNAL_LISTEN="}}); c.InternalListen != "" {
		t.Errorf("internal listener: %q", c.InternalListen)
	}
}

func TestNestedKeysInFileAndEnvironment(t *testing.T) {
	inEmptyFolder(t)
	path := writeFile(t, "usher.yaml", `
trusted_proxies: [10.0.0.0/8, "::1"]
doors:
  portal: {enabled: false, host: Portal.Example}
  sunbird:
    google:
      client_ids: [one, two]
`)
	c := mustLoad(t, Sources{Environ: []string{"USHER_CONFIG=" + path, "USHER_DOORS_GQLAUTH_SECRET_KEY=s3cret"}})
	if c.Doors.Portal.Enabled || c.Doors.Portal.Host != "portal.example" {
		t.Errorf("portal: %+v", c.Doors.Portal.Door)
	}
	if !slices.Equal(c.Doors.Sunbird.Google.ClientIDs, []string{"one", "two"}) {
		t.Errorf("client ids: %q", c.Doors.Sunbird.Google.ClientIDs)
	}
	if c.Doors.GQLAuth.SecretKey != "s3cret" {
		t.Errorf("secret key: %q", c.Doors.GQLAuth.SecretKey)
	}
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	if !slices.Equal(c.TrustedProxies, want) {
		t.Errorf("proxies: %v", c.TrustedProxies)
	}
}

func TestUnknownNameIsRefusedWithItsNearest(t *testing.T) {
	inEmptyFolder(t)
	for _, tc := range []struct {
		name string
		src  Sources
		want string
	}{
		{"variable", Sources{Environ: []string{"USHER_LISTN=x"}}, "unknown key USHER_LISTN (environment): did you mean USHER_LISTEN?"},
		{"flag", Sources{Flags: map[string]string{"databse_url": "x"}}, "unknown key --databse_url (flag): did you mean --database_url?"},
		{"file", Sources{Flags: map[string]string{"config": writeFile(t, "c.yaml", "doors: {edi: {hosts: x}}\n")}}, "did you mean doors.edi.host?"},
		{"nothing near", Sources{Environ: []string{"USHER_FOO=x"}}, "unknown key USHER_FOO (environment): `usher config` lists"},
		{"no door near", Sources{Flags: map[string]string{"config": writeFile(t, "c.yaml", "doors: {e: {host: x}}\n")}}, "): `usher config` lists those that there are"},
		{"no key near", Sources{Flags: map[string]string{"config": writeFile(t, "c.yaml", "foo: x\n")}}, "): `usher config` lists those that there are"},
		{"door", Sources{Flags: map[string]string{"config": writeFile(t, "c.yaml", "doors: {gqlaut: {host: x}}\n")}}, "did you mean doors.gqlauth.host?"},
		{"the file cannot name itself", Sources{Flags: map[string]string{"config": writeFile(t, "c.yaml", "config: x\n")}}, "unknown key config"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Load(tc.src)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	t.Run("variables of the tests are not keys", func(t *testing.T) {
		mustLoad(t, Sources{Environ: []string{"USHER_TEST_POSTGRES_URL=x"}})
	})
}

func TestValuesAreParsedStrictly(t *testing.T) {
	inEmptyFolder(t)
	key := base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	for _, tc := range []struct {
		key      string
		good     []string
		bad      []string
		wantText string
	}{
		{"listen", []string{"127.0.0.1:0", "[::1]:80", ":8080", "unix:/run/usher"}, []string{"", "8080", "localhost", "host:http", "h:70000", "unix:"}, "HOST:PORT"},
		{"dev", []string{"true", "false"}, []string{"", "1", "yes", "TRUE", "on"}, "true or false"},
		{"node", []string{"-1", "0", "1023"}, []string{"-2", "1024", "+1", "1.0", " 1", "", "0x1"}, "from -1 to 1023"},
		{"drain_timeout", []string{"0s", "1m30s"}, []string{"10", "0", "", "-1s", "11m", "10 s"}, "unit"},
		{"log_level", []string{"debug", "error"}, []string{"DEBUG", "", "trace"}, "debug, info, warn or error"},
		{"log_format", []string{"json"}, []string{"xml", ""}, "text or json"},
		{"public_url", []string{"", "https://id.example", "http://h:1/base/"}, []string{"id.example", "ftp://h", "https://", "https://u@h", "https://h?q", "https://h#f"}, "http(s) URL"},
		{"database_url", []string{"", "postgres://u:p@h/d"}, []string{"mysql://h/d", "h/d"}, "postgres://"},
		{"data", []string{"x"}, []string{""}, "a path"},
		{"trusted_proxies", []string{"", "10.1.2.3", "10.0.0.0/8, ::/0"}, []string{"10.0.0.0/33", "proxy", "fe80::1%eth0", ","}, "networks"},
		{"doors.edi.host", []string{"", "edi.example", "A-b.c"}, []string{"edi.example:80", "https://edi", "a b", "a_b"}, "host name"},
		{"doors.edi.enabled", []string{"false"}, []string{"off"}, "true or false"},
		{"doors.sunbird.google.client_ids", []string{"", "a,b"}, []string{"a,,b"}, "commas"},
		{"key", []string{"", key}, []string{"short", key[:40], base64.StdEncoding.EncodeToString(make([]byte, 32))}, "32 random bytes"},
		{"mail.from", []string{"", "a@b.example", "Müller GmbH <a@b.example>", `"Müller, GmbH" <a@b.example>`, "a@exämple.org"}, []string{"a", "a@b.example, c@d.example", "a@b.example\r\nBcc: e@f.example", `"a b"@b.example`, "a@[127.0.0.1]", "A\x00 <a@b.example>", "team: a@b.example;", "a@b.example (c)"}, "angle brackets"},
		{"mail.smtp.host", []string{""}, []string{"smtp.example:25", "[::1]", "smtp://h"}, "host name"},
		{"mail.smtp.tls", []string{"implicit", "opportunistic", "none"}, []string{"", "STARTTLS", "ssl", "false"}, "starttls, implicit"},
		{"mail.smtp.timeout", []string{"1s", "30s"}, []string{"0s", "31s", "20"}, "from 1s to 30s"},
		{"doors.edi.trusted_public_key", []string{"", "-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----"}, []string{"AAAA", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"}, "PEM"},
	} {
		t.Run(tc.key, func(t *testing.T) {
			for _, v := range tc.good {
				if _, err := Load(Sources{Flags: map[string]string{tc.key: v}}); err != nil {
					t.Errorf("%q refused: %v", v, err)
				}
			}
			for _, v := range tc.bad {
				_, err := Load(Sources{Flags: map[string]string{tc.key: v}})
				keyErr := &KeyError{}
				if !errors.As(err, &keyErr) || keyErr.Key != tc.key || !strings.Contains(keyErr.Error(), tc.wantText) {
					t.Errorf("%q: got %v, want an error with %q", v, err, tc.wantText)
				}
			}
		})
	}
}

func TestFileTypesAreNotBent(t *testing.T) {
	inEmptyFolder(t)
	for _, content := range []string{
		"doors: {gqlauth: {secret_key: 0123}}", "dev: 'true'", "dev: yes", "node: '1'", "node: 1.5",
		"drain_timeout: 10", "listen:", "listen: [a]", "trusted_proxies: {a: b}",
		"doors: {sunbird: {google: {client_ids: [1]}}}", "doors: {sunbird: {google: {client_ids: ['a,b']}}}",
		"dev: true\ndev: false", "doors: x", "- a",
	} {
		if _, err := Load(Sources{Flags: map[string]string{"config": writeFile(t, "c.yaml", content)}}); err == nil {
			t.Errorf("accepted %q", content)
		}
	}
}

func TestErrorsNeverShowSecrets(t *testing.T) {
	inEmptyFolder(t)
	_, err := Load(Sources{Environ: []string{"USHER_KEY=hunter2hunter2", "USHER_DATABASE_URL=mysql://u:hunter2@h"}})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestAllErrorsAreToldAtOnce(t *testing.T) {
	inEmptyFolder(t)
	_, err := Load(Sources{Flags: map[string]string{"dev": "x"}, Environ: []string{"USHER_NODE=y", "USHER_Z=1"}})
	for _, want := range []string{"dev (--dev)", "node (USHER_NODE)", "USHER_Z"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in %v", want, err)
		}
	}
}
