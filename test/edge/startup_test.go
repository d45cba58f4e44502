package edge

import (
	"net/http"
	"strings"
	"testing"

	"github.com/usher-id/usher/test/harness"
)

// H1. Given an internal listener that others than this machine could reach,
// when no secret guards it, then usher says so and does not start.
func TestAnOpenInternalListenerIsRefused(t *testing.T) {
	s := harness.Start(t, harness.Options{})
	short := strings.Repeat("s", 31)
	for _, address := range []string{"0.0.0.0:0", "[::]:0", ":0", "192.0.2.1:0", "10.0.0.1:8081", "[2001:db8::1]:0", "internal.example:8081"} {
		for _, secret := range []string{"", short} {
			ran, err := s.Run(t.Context(), "serve", "--dev", "--listen", "127.0.0.1:0", "--internal-listen", address, "--doors.partner.internal_secret", secret)
			if err != nil {
				t.Fatal(err)
			}
			if ran.Code == 0 || strings.Contains(ran.Stdout, "http://") {
				t.Errorf("%s, a secret of %d: exit %d\n%s", address, len(secret), ran.Code, ran.Stdout)
			}
			for _, want := range []string{"internal_listen", "loopback", "doors.partner.internal_secret"} {
				if !strings.Contains(ran.Stderr, want) {
					t.Errorf("%s: no %q in %s", address, want, ran.Stderr)
				}
			}
			if secret != "" && strings.Contains(ran.Stderr+ran.Stdout, secret) {
				t.Errorf("%s: the secret is shown", address)
			}
		}
	}
}

// H1, H3. Where a secret is set, the context counts for nothing without it.
func TestTheInternalSecretIsAsked(t *testing.T) {
	secret := strings.Repeat("s3cret-", 6)
	s := harness.Start(t, harness.Options{Env: []string{"USHER_DOORS_PARTNER_INTERNAL_SECRET=" + secret}})
	for _, c := range []struct {
		name   string
		given  []string
		status int
	}{
		{"right", []string{secret}, http.StatusOK},
		{"none", nil, http.StatusUnauthorized},
		{"empty", []string{""}, http.StatusUnauthorized},
		{"wrong", []string{secret + "x"}, http.StatusUnauthorized},
		{"a part", []string{secret[:len(secret)-1]}, http.StatusUnauthorized},
		{"another case", []string{strings.ToUpper(secret)}, http.StatusUnauthorized},
		{"twice", []string{secret, secret}, http.StatusUnauthorized},
		{"wrong, then right", []string{"x", secret}, http.StatusUnauthorized},
	} {
		h := http.Header{"X-User-Ctx": {harness.System}}
		if c.given != nil {
			h["X-Usher-Internal-Secret"] = c.given
		}
		a := harness.Send(t, harness.Ask{Method: http.MethodGet, URL: s.Internal + "/api/users", Header: h})
		if a.Status != c.status {
			t.Errorf("%s: %d %s", c.name, a.Status, a.Text)
		}
	}
	if strings.Contains(s.Said(), secret) {
		t.Error("the secret is in the log")
	}
	// The secret opens nothing in public, where the context means nothing.
	a := harness.Send(t, harness.Ask{Method: http.MethodGet, URL: s.Public + "/api/users", Header: http.Header{
		"X-User-Ctx": {harness.System}, "X-Usher-Internal-Secret": {secret},
	}})
	if a.Status != http.StatusUnauthorized {
		t.Errorf("in public: %d", a.Status)
	}
}
