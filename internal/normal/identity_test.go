package normal_test

import (
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/normal"
	"pgregory.net/rapid"
)

func TestParseIdentityName(t *testing.T) {
	tests := []struct {
		name            string
		issuer, subject string
		why             normal.Reason
	}{
		{"https://orcid.org/0000-0002-1825-0097", normal.IssuerORCID, "0000-0002-1825-0097", ""},
		{"https://github.com/ada", normal.IssuerGitHub, "ada", ""},
		{"https://github.com/Ada", normal.IssuerGitHub, "Ada", ""},
		{"uid=ada,o=EDI,dc=edirepository,dc=org", normal.IssuerLDAP, "uid=ada,o=EDI,dc=edirepository,dc=org", ""},
		{"123456789012345678901", normal.IssuerGoogle, "123456789012345678901", ""},
		{"Ada@Gmail.com", normal.IssuerEmail, "Ada@Gmail.com", ""},

		{"", normal.IssuerEDI, "", ""},
		{"  ", normal.IssuerEDI, "  ", ""},
		{"AAAAAAAAAAAAAAAAAAAAAxyz", normal.IssuerEDI, "AAAAAAAAAAAAAAAAAAAAAxyz", ""},
		{"12345678901234567890", normal.IssuerEDI, "12345678901234567890", ""},
		{"1234567890123456789012", normal.IssuerEDI, "1234567890123456789012", ""},
		{"１23456789012345678901", normal.IssuerEDI, "１23456789012345678901", ""},
		{"https://orcid.org/", normal.IssuerEDI, "https://orcid.org/", ""},
		{"https://orcid.org", normal.IssuerEDI, "https://orcid.org", ""},
		{"http://orcid.org/0000-0002-1825-0097", normal.IssuerEDI, "http://orcid.org/0000-0002-1825-0097", ""},
		{"HTTPS://ORCID.ORG/0000-0002-1825-0097", normal.IssuerEDI, "HTTPS://ORCID.ORG/0000-0002-1825-0097", ""},
		{" https://github.com/ada", normal.IssuerEDI, " https://github.com/ada", ""},
		{"https://github.com.attacker.test/ada", normal.IssuerEDI, "https://github.com.attacker.test/ada", ""},
		{"UID=ada,o=EDI", normal.IssuerEDI, "UID=ada,o=EDI", ""},
		{"uid=ada,O=EDI", normal.IssuerEDI, "uid=ada,O=EDI", ""},
		{"uid=ada", normal.IssuerEDI, "uid=ada", ""},
		{"ada@gmail.com'", normal.IssuerEDI, "ada@gmail.com'", ""},
		{"Ada <ada@gmail.com>", normal.IssuerEDI, "Ada <ada@gmail.com>", ""},
		{strings.Repeat("é", 256), normal.IssuerEDI, strings.Repeat("é", 256), ""},

		{strings.Repeat("é", 257), "", "", normal.TooLong},
		{"a\x00b", "", "", normal.Space},
		{"a\xff", "", "", normal.NotText},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := normal.ParseIdentityName(tt.name)
			if r := reason(t, err); r != tt.why {
				t.Fatalf("reason is %q, want %q", r, tt.why)
			}
			if got != (normal.Identity{Issuer: tt.issuer, Subject: tt.subject}) {
				t.Fatalf("%+v", got)
			}
			if back, ok := got.Name(); err == nil && (!ok || back != tt.name) {
				t.Errorf("name became %q", back)
			}
		})
	}
}

// The partner's (issuer, subject) and EDI's name are one identity.
func TestPartnersIdentityIsEDIsName(t *testing.T) {
	tests := []struct {
		issuer, subject string
		name            string // "" for none
		why             normal.Reason
	}{
		{"https://orcid.org", "0000-0002-1825-0097", "https://orcid.org/0000-0002-1825-0097", ""},
		{"https://orcid.org/", "0000-0002-1825-0097", "https://orcid.org/0000-0002-1825-0097", ""},
		{"https://github.com/", "ada", "https://github.com/ada", ""},
		{"https://accounts.google.com/", "123456789012345678901", "123456789012345678901", ""},
		{"ldap", "uid=ada,o=EDI,dc=edirepository,dc=org", "uid=ada,o=EDI,dc=edirepository,dc=org", ""},

		{"https://orcid.org//", "x", "", ""},
		{"https://accounts.google.com", "12", "", ""},
		{"ldap", "ada", "", ""},
		{"https://sso.example.org/realms/x", "f:1", "", ""},
		{"https://sso.example.org/", "f:1", "", ""},

		{"edi", "anything", "", normal.Issuer},
		{"email", "ada@example.org", "", normal.Issuer},
		{"", "x", "", normal.Empty},
		{"https://orcid.org", "", "", normal.Empty},
		{"ldap", "a\x00", "", normal.Space},
		{"ldap\xff", "a", "", normal.NotText},
		{"x", strings.Repeat("a", 257), "", normal.TooLong},
	}
	for _, tt := range tests {
		t.Run(tt.issuer+" "+tt.subject, func(t *testing.T) {
			id, err := normal.NewIdentity(tt.issuer, tt.subject)
			if r := reason(t, err); r != tt.why {
				t.Fatalf("reason is %q, want %q", r, tt.why)
			}
			if id.Subject != tt.subject && err == nil {
				t.Errorf("subject became %q", id.Subject)
			}
			name, ok := id.Name()
			if ok != (tt.name != "") || ok && name != tt.name {
				t.Fatalf("name is %q, %v", name, ok)
			}
			if !ok {
				return
			}
			if same, err := normal.ParseIdentityName(name); err != nil || same != id {
				t.Errorf("EDI reads %q as %+v, the partner means %+v", name, same, id)
			}
		})
	}
	if id, _ := normal.NewIdentity("https://sso.example.org/", "x"); id.Issuer != "https://sso.example.org/" {
		t.Errorf("another issuer's slash was dropped: %q", id.Issuer)
	}
}

func checkIdentity(t interface {
	Errorf(string, ...any)
}, a, b string,
) {
	if id, err := normal.ParseIdentityName(a); err == nil {
		if back, ok := id.Name(); !ok || back != a {
			t.Errorf("%q → %+v → %q, %v", a, id, back, ok)
		}
	}
	id, err := normal.NewIdentity(a, b)
	if err != nil {
		return
	}
	if again, err := normal.NewIdentity(id.Issuer, id.Subject); err != nil || again != id {
		t.Errorf("%+v → %+v, %v", id, again, err)
	}
	if name, ok := id.Name(); ok {
		if back, err := normal.ParseIdentityName(name); err != nil || back != id {
			t.Errorf("%+v → %q → %+v, %v", id, name, back, err)
		}
	}
}

func TestIdentityNamesRoundTrip(t *testing.T) {
	issuers := []string{normal.IssuerORCID, normal.IssuerGitHub, normal.IssuerGoogle, normal.IssuerLDAP, normal.IssuerEmail, normal.IssuerEDI}
	name := rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`https://(orcid\.org|github\.com)/?[ -~]{0,20}`),
		rapid.StringMatching(`uid=[a-z,=]{0,10}(,o=)?[A-Z]{0,5}`),
		rapid.StringMatching(`[0-9]{20,22}`),
		rapid.StringMatching(`[a-zA-Z'.]{1,9}@[a-z']{1,9}\.[a-z]{2,3}'?`),
	)
	rapid.Check(t, func(t *rapid.T) {
		subject := name.Draw(t, "name")
		checkIdentity(t, subject, subject)
		issuer := rapid.SampledFrom(issuers).Draw(t, "issuer")
		checkIdentity(t, issuer+rapid.SampledFrom([]string{"", "/"}).Draw(t, "slash"), subject)
	})
}

func FuzzIdentity(f *testing.F) {
	f.Add("https://orcid.org/", "0000-0002-1825-0097")
	f.Add("https://orcid.org/x", "https://orcid.org/")
	f.Add("https://accounts.google.com", "123456789012345678901")
	f.Add("uid=a,o=b", "uid=,o=")
	f.Add("a@b.cd", "")
	f.Add("\xff", "\x00")
	f.Fuzz(func(t *testing.T, a, b string) { checkIdentity(t, a, b) })
}
