package config

import (
	"net"
	"slices"
	"strings"
	"testing"
)

func TestInternalListenerIsGuarded(t *testing.T) {
	inEmptyFolder(t)
	long := strings.Repeat("s", 32)
	for _, tc := range []struct {
		listen, secret string
		ok             bool
	}{
		{"127.0.0.1:1", "", true},
		{"127.9.9.9:1", "", true},
		{"[::1]:1", "", true},
		{"localhost:1", "", true},
		{"unix:/run/usher", "", true},
		{"", "", true},
		{"0.0.0.0:1", "", false},
		{":1", "", false},
		{"[::]:1", "", false},
		{"10.0.0.1:1", "", false},
		{"localhost.example:1", "", false},
		{"0.0.0.0:1", "short", false},
		{"0.0.0.0:1", long, true},
		{"127.0.0.1:8080", "", false}, // the public listener's
	} {
		_, err := Load(Sources{Flags: map[string]string{"internal_listen": tc.listen, "doors.partner.internal_secret": tc.secret}})
		if (err == nil) != tc.ok {
			t.Errorf("%q with secret %q: %v", tc.listen, tc.secret, err)
		}
		if err != nil && !strings.Contains(err.Error(), "internal_listen") {
			t.Errorf("%q: the error does not name the key: %v", tc.listen, err)
		}
	}
}

func TestIssuersNeedHTTPS(t *testing.T) {
	inEmptyFolder(t)
	for _, tc := range []struct {
		url, dev string
		ok       bool
	}{
		{"https://kc.example/realms/x", "false", true},
		{"http://127.0.0.1:9/realms/x", "false", true},
		{"http://kc.example/realms/x", "false", false},
		{"http://kc:8080/realms/x", "true", true},
	} {
		_, err := Load(Sources{Flags: map[string]string{"doors.portal.issuer": tc.url, "dev": tc.dev}})
		if (err == nil) != tc.ok {
			t.Errorf("%s, dev %s: %v", tc.url, tc.dev, err)
		}
	}
}

// A provider's tokens are for somebody, and nothing of it is in the clear.
func TestAProviderNeedsClientsAndHTTPS(t *testing.T) {
	inEmptyFolder(t)
	const at = "doors.partner.oidc."
	for name, tc := range map[string]struct {
		flags map[string]string
		wrong string // the key that is refused
	}{
		"none":                       {nil, ""},
		"a name alone":               {map[string]string{"name": "keycloak"}, ""},
		"an issuer":                  {map[string]string{"issuer": "https://id.example", "client_ids": "a,b"}, ""},
		"an issuer that is marked":   {map[string]string{"issuer": "https://id.example", "client_ids": "a", "authoritative": "true"}, ""},
		"an issuer of this machine":  {map[string]string{"issuer": "http://127.0.0.1:8180/realms/x", "client_ids": "a"}, ""},
		"Google":                     {map[string]string{"issuer": GoogleIssuer, "client_ids": "a"}, ""},
		"no clients":                 {map[string]string{"issuer": "https://id.example"}, "client_ids"},
		"an empty client":            {map[string]string{"issuer": "https://id.example", "client_ids": "a,,b"}, "client_ids"},
		"clients of nobody":          {map[string]string{"client_ids": "a"}, "client_ids"},
		"a mark of nobody":           {map[string]string{"authoritative": "true"}, "authoritative"},
		"tokeninfo of nobody":        {map[string]string{"tokeninfo_url": "https://id.example/t"}, "tokeninfo_url"},
		"plain http":                 {map[string]string{"issuer": "http://id.example", "client_ids": "a", "dev": "true"}, "issuer"},
		"plain http for tokeninfo":   {map[string]string{"issuer": "https://id.example", "client_ids": "a", "tokeninfo_url": "http://id.example/t"}, "tokeninfo_url"},
		"Google with a slash":        {map[string]string{"issuer": GoogleIssuer + "/", "client_ids": "a"}, "issuer"},
		"Google that is marked":      {map[string]string{"issuer": GoogleIssuer, "client_ids": "a", "authoritative": "true"}, "authoritative"},
		"an issuer with a query":     {map[string]string{"issuer": "https://id.example?a=b", "client_ids": "a"}, "issuer"},
		"an issuer without a scheme": {map[string]string{"issuer": "id.example", "client_ids": "a"}, "issuer"},
		"a name that is none":        {map[string]string{"name": ""}, "name"},
		"a name with a colon":        {map[string]string{"name": "a:b"}, "name"},
	} {
		flags := map[string]string{}
		for k, v := range tc.flags {
			if k != "dev" {
				k = at + k
			}
			flags[k] = v
		}
		_, err := Load(Sources{Flags: flags})
		if (err == nil) != (tc.wrong == "") || err != nil && !strings.Contains(err.Error(), at+tc.wrong+" (") {
			t.Errorf("%s: %v, want %q refused", name, err, tc.wrong)
		}
	}
}

// An issuer is kept to the letter, and tokeninfo is Google's own for Google
// alone.
func TestWhatAProviderIsCalled(t *testing.T) {
	inEmptyFolder(t)
	load := func(issuer, info string) OIDC {
		return mustLoad(t, Sources{Flags: map[string]string{
			"doors.partner.oidc.issuer": issuer, "doors.partner.oidc.client_ids": "a", "doors.partner.oidc.tokeninfo_url": info,
		}}).Doors.Partner.OIDC
	}
	if o := load("https://id.example/", ""); o.Issuer != "https://id.example/" || o.Name != "google" || o.TokenInfo() != "" {
		t.Errorf("%+v", o)
	}
	if o := load(GoogleIssuer, ""); o.TokenInfo() != "https://oauth2.googleapis.com/tokeninfo" {
		t.Errorf("%+v asks %q", o, o.TokenInfo())
	}
	if o := load(GoogleIssuer, "https://info.example"); o.TokenInfo() != "https://info.example" {
		t.Errorf("%+v asks %q", o, o.TokenInfo())
	}
}

func TestMailServersAreTrustedWithNothingInTheClear(t *testing.T) {
	inEmptyFolder(t)
	const host, tls, from, user, pass = "mail.smtp.host", "mail.smtp.tls", "mail.from", "mail.smtp.username", "mail.smtp.password"
	for name, tc := range map[string]struct {
		flags map[string]string
		wrong string // the key that is refused
	}{
		"no server":                            {map[string]string{tls: "none", user: "u"}, ""},
		"a server":                             {map[string]string{host: "smtp.example", from: "a@b.example"}, ""},
		"a server and an account":              {map[string]string{host: "smtp.example", from: "a@b.example", user: "u", pass: "p"}, ""},
		"nobody to be from":                    {map[string]string{host: "smtp.example"}, from},
		"an account without password":          {map[string]string{host: "smtp.example", from: "a@b.example", user: "u"}, user},
		"a password without account":           {map[string]string{host: "smtp.example", from: "a@b.example", pass: "p"}, user},
		"unencrypted to another machine":       {map[string]string{host: "smtp.example", from: "a@b.example", tls: "none"}, tls},
		"unencrypted to this machine":          {map[string]string{host: "127.0.0.1", from: "a@b.example", tls: "none"}, ""},
		"perhaps encrypted":                    {map[string]string{host: "smtp.example", from: "a@b.example", tls: "opportunistic"}, ""},
		"a password that may be overheard":     {map[string]string{host: "smtp.example", from: "a@b.example", tls: "opportunistic", user: "u", pass: "p"}, tls},
		"a password that stays in the machine": {map[string]string{host: "localhost", from: "a@b.example", tls: "none", user: "u", pass: "p"}, ""},
	} {
		_, err := Load(Sources{Flags: tc.flags})
		if (err == nil) != (tc.wrong == "") || err != nil && !strings.Contains(err.Error(), tc.wrong+" (") {
			t.Errorf("%s: %v, want %q refused", name, err, tc.wrong)
		}
	}
}

func TestTwoPlacesForTheKeyAreRefused(t *testing.T) {
	c := &Config{Listen: "127.0.0.1:1", Key: make([]byte, 32), KeyFile: "x"}
	if err := c.Validate(); err == nil {
		t.Error("accepted")
	}
}

func TestResolveDerivesWhatWasNotSet(t *testing.T) {
	for _, tc := range []struct{ bound, public, wantURL, wantHD string }{
		{"127.0.0.1:8080", "", "http://127.0.0.1:8080", "127.0.0.1"},
		{"0.0.0.0:81", "", "http://127.0.0.1:81", "127.0.0.1"},
		{"[::]:81", "", "http://127.0.0.1:81", "127.0.0.1"},
		{"[::1]:81", "", "http://[::1]:81", "::1"},
		{"0.0.0.0:81", "https://id.example", "https://id.example", "id.example"},
	} {
		addr, err := net.ResolveTCPAddr("tcp", tc.bound)
		if err != nil {
			t.Fatal(err)
		}
		c := &Config{PublicURL: tc.public}
		c.Resolve(addr)
		if c.PublicURL != tc.wantURL || c.Doors.EDI.Issuer != tc.wantURL || c.Doors.EDI.HD != tc.wantHD {
			t.Errorf("%s: %q, edi %q %q", tc.bound, c.PublicURL, c.Doors.EDI.Issuer, c.Doors.EDI.HD)
		}
	}
	c := &Config{PublicURL: "https://a", Doors: Doors{EDI: EDIDoor{Issuer: "own", HD: "own.example"}}}
	c.Resolve(&net.UnixAddr{})
	if c.Doors.EDI.Issuer != "own" || c.Doors.EDI.HD != "own.example" {
		t.Errorf("what was set is lost: %+v", c.Doors.EDI)
	}
}

func TestHosts(t *testing.T) {
	inEmptyFolder(t)
	for given, want := range map[string][]string{
		"":                          nil,
		"ID.example.org, b.example": {"id.example.org", "b.example", "public.example", "edi.example"},
		"public.example":            {"public.example", "edi.example"},
	} {
		c, err := Load(Sources{Flags: map[string]string{
			"hosts": given, "public_url": "https://public.example", "doors.edi.host": "edi.example",
		}})
		if err != nil {
			t.Fatal(err)
		}
		c.Resolve(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080})
		if !slices.Equal(c.Hosts, want) {
			t.Errorf("%q: %q, want %q", given, c.Hosts, want)
		}
	}
	for _, bad := range []string{"https://id.example", "id.example:8080", "id.example/x", "a,,b", "a b"} {
		if _, err := Load(Sources{Flags: map[string]string{"hosts": bad}}); err == nil || !strings.Contains(err.Error(), "hosts") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestTokenKeyOfEDIIsLongAndNeverShown(t *testing.T) {
	inEmptyFolder(t)
	for key, ok := range map[string]bool{"": true, strings.Repeat("k", 31): false, strings.Repeat("k", 32): true} {
		_, err := Load(Sources{Flags: map[string]string{"doors.edi.token_key": key}})
		if (err == nil) != ok {
			t.Errorf("%d characters: %v", len(key), err)
		}
		if err != nil && (!strings.Contains(err.Error(), "doors.edi.token_key") || strings.Contains(err.Error(), "kkk")) {
			t.Errorf("%d characters: %v", len(key), err)
		}
	}
}
