package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Given providers by flag, variable and file, when they are loaded, then each key is
// its own provider's, and a name may stand in all three.
func TestProvidersAreNamedByTheirKeys(t *testing.T) {
	inEmptyFolder(t)
	path := writeFile(t, "usher.yaml", `
doors:
  edi:
    providers:
      keycloak:
        issuer: https://sso.example.org/realms/people
        client_id: usher
        authoritative: true
      orcid: {issuer: "https://orcid.org", client_id: APP-1, client_secret: o, scope: [openid]}
`)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("kept in a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := mustLoad(t, Sources{
		Flags: map[string]string{"config": path, "doors.edi.providers.local.issuer": "http://127.0.0.1:9000", "doors.edi.providers.local.client_id": "l"},
		Environ: []string{
			"USHER_DOORS_EDI_PROVIDERS_KEYCLOAK_CLIENT_SECRET_FILE=" + secret, "USHER_DOORS_EDI_PROVIDERS_LOCAL_CLIENT_SECRET=s",
			"USHER_DOORS_EDI_PROVIDERS_ORCID_SCOPE=openid,/read-limited", "USHER_DOORS_EDI_PROVIDERS_NAME_ISSUER=https://name.example.org",
			"USHER_DOORS_EDI_PROVIDERS_NAME_CLIENT_ID=n", "USHER_DOORS_EDI_PROVIDERS_NAME_CLIENT_SECRET=n",
		},
	})
	usual := []string{"openid", "email", "profile"}
	for name, want := range map[string]Provider{
		"keycloak": {"https://sso.example.org/realms/people", "usher", "kept in a file", usual, true},
		"local":    {"http://127.0.0.1:9000", "l", "s", usual, false},
		"orcid":    {"https://orcid.org", "APP-1", "o", []string{"openid", "/read-limited"}, false},
		"name":     {"https://name.example.org", "n", "n", usual, false},
	} {
		got := c.Doors.EDI.Providers[name]
		if got == nil || got.Issuer != want.Issuer || got.ClientID != want.ClientID || got.ClientSecret != want.ClientSecret ||
			!slices.Equal(got.Scope, want.Scope) || got.Authoritative != want.Authoritative {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if len(c.Doors.EDI.Providers) != 4 {
		t.Errorf("providers: %v", c.Doors.EDI.Providers)
	}
}

// A key of a provider that is wrong says which, what is wanted, and no secret.
func TestProvidersThatAreRefused(t *testing.T) {
	inEmptyFolder(t)
	with := func(more ...string) map[string]string {
		flags := map[string]string{}
		for _, f := range append([]string{"a.issuer=https://a.example.org", "a.client_id=usher", "a.client_secret=s3cret"}, more...) {
			key, value, _ := strings.Cut(f, "=")
			flags["doors.edi.providers."+key] = value
		}
		return flags
	}
	for says, flags := range map[string]map[string]string{
		"doors.edi.providers.a.issuer (checked with the other keys) is empty":                           with("a.issuer="),
		"doors.edi.providers.a.client_id (checked with the other keys) is empty":                        with("a.client_id="),
		"doors.edi.providers.a.client_secret (checked with the other keys) is empty":                    with("a.client_secret="),
		"want https; http only for a loopback host":                                                     with("a.issuer=http://a.example.org"),
		`doors.edi.providers.b.issuer (checked with the other keys) is "https://a.example.org"`:         with("b.issuer=https://a.example.org", "b.client_id=b", "b.client_secret=b"),
		"want https://accounts.google.com":                                                              with("a.issuer=https://accounts.google.com/"),
		"want false for Google":                                                                         with("a.issuer=https://accounts.google.com", "a.authoritative=true"),
		`doors.edi.providers.my-idp.issuer: "my-idp" is no name of a provider`:                          with("my-idp.issuer=https://b.example.org"),
		`"NAME" is no name of a provider`:                                                               with("NAME.issuer=https://b.example.org"),
		"unknown key --doors.edi.providers.a.isuer (flag): did you mean --doors.edi.providers.a.issuer": with("a.isuer=https://b.example.org"),
	} {
		_, err := Load(Sources{Flags: flags})
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("wanted %q: %v", says, err)
		}
	}
	if _, err := Load(Sources{Flags: with()}); err != nil {
		t.Error(err)
	}
}

// What is described once is each provider's.
func TestAKeyOfAProviderIsDescribed(t *testing.T) {
	for key, want := range map[string]string{
		"doors.edi.providers.keycloak.client_id": "doors.edi.providers.NAME.client_id", "doors.edi.token_key": "doors.edi.token_key",
		"doors.edi.providers": "doors.edi.providers",
	} {
		if got := Generic(key); got != want {
			t.Errorf("%s: %s", key, got)
		}
	}
}
