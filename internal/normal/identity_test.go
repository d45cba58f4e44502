package normal_test

import (
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/normal"
	"pgregory.net/rapid"
)

func TestParseIdentityName(t *testing.T) {
	const ldap = "uid=ada,o=EDI,dc=edirepository,dc=org"
	tests := []struct {
		name            string
		issuer, subject string
		why             normal.Reason
	}{
		{"https://orcid.org/0000-0002-1825-0097", normal.IssuerORCID, "0000-0002-1825-0097", ""},
		{"http://orcid.org/0000-0002-1825-0097", normal.IssuerORCID, "0000-0002-1825-0097", ""},
		{"https://orcid.org/0000-0002-1825-0097/", normal.IssuerORCID, "0000-0002-1825-0097", ""},
		{"HTTPS://ORCID.ORG/0000-0002-1825-0097", normal.IssuerORCID, "0000-0002-1825-0097", ""},
		{"https://www.orcid.org/0000-0002-1825-0097", normal.IssuerORCID, "0000-0002-1825-0097", ""},
		{"https://orcid.org/0000-0002-1694-233X", normal.IssuerORCID, "0000-0002-1694-233X", ""},
		{"http://orcid.org/0000-0002-1694-233x/", normal.IssuerORCID, "0000-0002-1694-233X", ""},
		{"https://github.com/ada", normal.IssuerGitHub, "ada", ""},
		{"https://github.com/Ada", normal.IssuerGitHub, "ada", ""},
		{"HTTP://GitHub.com/ADA/", normal.IssuerGitHub, "ada", ""},
		{"https://github.com/ada_corp", normal.IssuerGitHub, "ada_corp", ""},
		{"https://github.com/ada-", normal.IssuerGitHub, "ada-", ""},
		{ldap, normal.IssuerLDAP, ldap, ""},
		{"UID=ADA,O=edi,DC=EDIRepository,DC=org", normal.IssuerEDI, "UID=ADA,O=edi,DC=EDIRepository,DC=org", ""},
		{"uid = ada , o = EDI , dc = edirepository,dc=org", normal.IssuerEDI, "uid = ada , o = EDI , dc = edirepository,dc=org", ""},
		{`uid=\61da,o=EDI,dc=edirepository,dc=org`, normal.IssuerEDI, `uid=\61da,o=EDI,dc=edirepository,dc=org`, ""},
		{"uid=ada  byron,o=EDI", normal.IssuerEDI, "uid=ada  byron,o=EDI", ""},
		{"uid=ａｄａ,o=EDI", normal.IssuerEDI, "uid=ａｄａ,o=EDI", ""},
		{`uid=ada\2Co\3DEDI,o=x`, normal.IssuerEDI, `uid=ada\2Co\3DEDI,o=x`, ""},
		{`uid=ada\2B\\\#\ ,o=x`, normal.IssuerEDI, `uid=ada\2B\\\#\ ,o=x`, ""},
		{`uid=\#1,o=x`, normal.IssuerEDI, `uid=\#1,o=x`, ""},
		{"123456789012345678901", normal.IssuerGoogle, "123456789012345678901", ""},
		{"Ada@Gmail.com", normal.IssuerEmail, "ada@gmail.com", ""},
		{"ada@BÜCHER.example", normal.IssuerEmail, "ada@xn--bcher-kva.example", ""},

		{"", normal.IssuerEDI, "", ""},
		{"  ", normal.IssuerEDI, "  ", ""},
		{"AAAAAAAAAAAAAAAAAAAAAxyz", normal.IssuerEDI, "AAAAAAAAAAAAAAAAAAAAAxyz", ""},
		{"12345678901234567890", normal.IssuerEDI, "12345678901234567890", ""},
		{"1234567890123456789012", normal.IssuerEDI, "1234567890123456789012", ""},
		{"１23456789012345678901", normal.IssuerEDI, "１23456789012345678901", ""},
		{"0000-0002-1825-0097", normal.IssuerEDI, "0000-0002-1825-0097", ""},
		{"https://orcid.org/", normal.IssuerEDI, "https://orcid.org/", ""},
		{"https://orcid.org", normal.IssuerEDI, "https://orcid.org", ""},
		{"https://orcid.org/0000-0002-1825-0098", normal.IssuerEDI, "https://orcid.org/0000-0002-1825-0098", ""},
		{"https://orcid.org/0000000218250097", normal.IssuerEDI, "https://orcid.org/0000000218250097", ""},
		{"https://orcid.org/0000-0002-1825-0097//", normal.IssuerEDI, "https://orcid.org/0000-0002-1825-0097//", ""},
		{"https://orcid.org/0000-0002-1825-0097?x", normal.IssuerEDI, "https://orcid.org/0000-0002-1825-0097?x", ""},
		{"https://orcid.org:443/0000-0002-1825-0097", normal.IssuerEDI, "https://orcid.org:443/0000-0002-1825-0097", ""},
		{"https://x@orcid.org/0000-0002-1825-0097", normal.IssuerEDI, "https://x@orcid.org/0000-0002-1825-0097", ""},
		{"https://sandbox.orcid.org/0000-0002-1825-0097", normal.IssuerEDI, "https://sandbox.orcid.org/0000-0002-1825-0097", ""},
		{"https://orcid.org./0000-0002-1825-0097", normal.IssuerEDI, "https://orcid.org./0000-0002-1825-0097", ""},
		{"orcid.org/0000-0002-1825-0097", normal.IssuerEDI, "orcid.org/0000-0002-1825-0097", ""},
		{"ftp://orcid.org/0000-0002-1825-0097", normal.IssuerEDI, "ftp://orcid.org/0000-0002-1825-0097", ""},
		{"https://orcid/0000-0002-1825-0097", normal.IssuerEDI, "https://orcid/0000-0002-1825-0097", ""},
		{" https://github.com/ada", normal.IssuerEDI, " https://github.com/ada", ""},
		{"https://github.com/", normal.IssuerEDI, "https://github.com/", ""},
		{"https://github.com/ada/repo", normal.IssuerEDI, "https://github.com/ada/repo", ""},
		{"https://github.com/-ada", normal.IssuerEDI, "https://github.com/-ada", ""},
		{"https://github.com/\u212aelvin", normal.IssuerEDI, "https://github.com/\u212aelvin", ""},
		{"https://github.com/" + strings.Repeat("a", 40), normal.IssuerEDI, "https://github.com/" + strings.Repeat("a", 40), ""},
		{"https://github.com.attacker.test/ada", normal.IssuerEDI, "https://github.com.attacker.test/ada", ""},
		{"https://accounts.google.com/123456789012345678901", normal.IssuerEDI, "https://accounts.google.com/123456789012345678901", ""},
		{"uid=ada", normal.IssuerEDI, "uid=ada", ""},
		{"o=EDI,uid=ada", normal.IssuerEDI, "o=EDI,uid=ada", ""},
		{"uid=,o=EDI", normal.IssuerEDI, "uid=,o=EDI", ""},
		{"uid=ada,o=EDI,", normal.IssuerEDI, "uid=ada,o=EDI,", ""},
		{"uid=ada+cn=x,o=EDI", normal.IssuerEDI, "uid=ada+cn=x,o=EDI", ""},
		{"uid=ada;o=EDI", normal.IssuerEDI, "uid=ada;o=EDI", ""},
		{"uid=#6164,o=EDI", normal.IssuerEDI, "uid=#6164,o=EDI", ""},
		{`uid="ada",o=EDI`, normal.IssuerEDI, `uid="ada",o=EDI`, ""},
		{`uid=\ff,o=EDI`, normal.IssuerEDI, `uid=\ff,o=EDI`, ""},
		{`uid=\00,o=EDI`, normal.IssuerEDI, `uid=\00,o=EDI`, ""},
		{`uid=ada,o=EDI\`, normal.IssuerEDI, `uid=ada,o=EDI\`, ""},
		{"uid=a\u200bda,o=EDI", normal.IssuerEDI, "uid=a\u200bda,o=EDI", ""},
		{"uid=" + strings.Repeat("ﷺ", 20) + ",o=EDI", normal.IssuerEDI, "uid=" + strings.Repeat("ﷺ", 20) + ",o=EDI", ""},
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
			name, ok := got.Name()
			if back, err := normal.ParseIdentityName(name); tt.why == "" && (!ok || err != nil || back != got) {
				t.Errorf("the name %q (%v) means %+v, %v", name, ok, back, err)
			}
			if ok && tt.issuer == normal.IssuerEDI && name != tt.name {
				t.Errorf("a name of no form became %q", name)
			}
		})
	}
}

// However a source spells an (issuer, subject), it is one identity, and EDI's
// name of it.
func TestPartnersIdentityIsEDIsName(t *testing.T) {
	const (
		orcid = "https://orcid.org/0000-0002-1825-0097"
		tenX  = "https://orcid.org/0000-0002-1694-233X"
		ldap  = "uid=ada,o=EDI,dc=edirepository,dc=org"
		sub   = "123456789012345678901"
	)
	tests := []struct {
		issuer, subject string
		name            string // "" for none
		why             normal.Reason
	}{
		{"https://orcid.org", "0000-0002-1825-0097", orcid, ""},
		{"https://orcid.org/", "0000-0002-1825-0097", orcid, ""},
		{"https://orcid.org//", "0000-0002-1825-0097", orcid, ""},
		{"http://orcid.org", "0000-0002-1825-0097", orcid, ""},
		{"HTTP://WWW.ORCID.ORG/", "0000-0002-1825-0097", orcid, ""},
		{"orcid.org", "0000-0002-1825-0097", orcid, ""},
		{"orcid", "0000-0002-1825-0097", orcid, ""},
		{"ORCID", orcid, orcid, ""},
		{"https://orcid.org", orcid, orcid, ""},
		{"https://orcid.org", "http://www.orcid.org/0000-0002-1825-0097/", orcid, ""},
		{"https://orcid.org", "0000-0002-1694-233X", tenX, ""},
		{"https://orcid.org", "0000-0002-1694-233x", tenX, ""},
		{"https://github.com/", "ada", "https://github.com/ada", ""},
		{"http://github.com", "Ada", "https://github.com/ada", ""},
		{"GitHub", "https://github.com/ADA/", "https://github.com/ada", ""},
		{"https://accounts.google.com/", sub, sub, ""},
		{"accounts.google.com", sub, sub, ""}, // as older ID tokens have it
		{"google", sub, sub, ""},
		{"ldap", ldap, ldap, ""},
		{"LDAP", "UID=Ada, O=edi, DC=EDIrepository, DC=Org", ldap, ""},

		{"https://accounts.google.com", "12", "", ""},
		{"ldap", "cn=Ada,dc=org", "", ""},
		{"https://sso.example.org/realms/x", "f:1", "", ""},
		{"https://sso.example.org/", "f:1", "", ""},
		{"https://sandbox.orcid.org", "0000-0002-1825-0098", "", ""},

		{"https://orcid.org", "0000-0002-1825-0098", "", normal.Checksum},
		{"https://orcid.org", "0000-0002-1825-009X", "", normal.Checksum},
		{"https://orcid.org", "0000-0002-1694-2330", "", normal.Checksum},
		{"https://orcid.org", "0000-0002-8125-0097", "", normal.Checksum}, // two digits exchanged
		{"https://orcid.org", "0000-0002-1825-009Y", "", normal.Subject},
		{"https://orcid.org", "000X-0002-1825-0097", "", normal.Subject},
		{"https://orcid.org", "0000000218250097", "", normal.Subject},
		{"https://orcid.org", "0000-0002-1825-0097 ", "", normal.Subject},
		{"https://orcid.org", "https://github.com/0000-0002-1825-0097", "", normal.Subject},
		{"https://orcid.org", "ada", "", normal.Subject},
		{"https://orcid.org/oauth", "0000-0002-1825-0097", "", normal.Issuer},
		{"https://github.com/login/oauth", "ada", "", normal.Issuer},
		{"https://github.com", "ada lovelace", "", normal.Subject},
		{"https://github.com", "ada/repo", "", normal.Subject},
		{"https://github.com", "https://orcid.org/ada", "", normal.Subject},
		{"https://accounts.google.com", "1 2", "", normal.Subject},
		{"https://accounts.google.com", strings.Repeat("1", 256), "", normal.Subject},
		{"ldap", "ada", "", normal.Subject},
		{"ldap", "uid=ada,", "", normal.Subject},
		{"edi", "anything", "", normal.Issuer},
		{"EDI/", "anything", "", normal.Issuer},
		{"email", "ada@example.org", "", normal.Issuer},
		{"Email", "ada@example.org", "", normal.Issuer},
		{"", "x", "", normal.Empty},
		{"https://orcid.org", "", "", normal.Empty},
		{" https://orcid.org", "0000-0002-1825-0097", "", normal.Space},
		{"https://orcid.org\n", "0000-0002-1825-0097", "", normal.Space},
		{"ldap", "a\x00", "", normal.Space},
		{"ldap\xff", "a", "", normal.NotText},
		{"x", strings.Repeat("a", 257), "", normal.TooLong},
	}
	for _, tt := range tests {
		t.Run(tt.issuer+" "+tt.subject, func(t *testing.T) {
			id, err := normal.NewIdentity(tt.issuer, tt.subject)
			if r := reason(t, err); r != tt.why {
				t.Fatalf("reason is %q, want %q (%+v)", r, tt.why, id)
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
	for _, issuer := range []string{"https://sso.example.org/", "https://SSO.example.org", "http://sso.example.org", "keycloak"} {
		if id, err := normal.NewIdentity(issuer, "Ada "); err != nil || id != (normal.Identity{Issuer: issuer, Subject: "Ada "}) {
			t.Errorf("another issuer is not exact: %+v, %v", id, err)
		}
	}
}

// Of sixteen characters any one that is wrong, and any two neighbours that are
// exchanged, are noticed.
func TestORCIDCheckCharacterNoticesSlips(t *testing.T) {
	const id = "0000-0002-1694-233X"
	taken := func(s string) bool {
		_, err := normal.NewIdentity(normal.IssuerORCID, s)
		return err == nil
	}
	if !taken(id) {
		t.Fatal("refused")
	}
	for i := range len(id) {
		for c := byte('0'); c <= 'Z'; c++ {
			if wrong := id[:i] + string(c) + id[i+1:]; wrong != id && taken(wrong) {
				t.Errorf("%s is taken", wrong)
			}
		}
		if i > 0 && id[i] != id[i-1] {
			if wrong := id[:i-1] + string(id[i]) + string(id[i-1]) + id[i+1:]; taken(wrong) {
				t.Errorf("%s is taken", wrong)
			}
		}
	}
}

func checkIdentity(t interface {
	Errorf(string, ...any)
}, a, b string,
) {
	if id, err := normal.ParseIdentityName(a); err == nil {
		name, ok := id.Name()
		back, err := normal.ParseIdentityName(name)
		if !ok || err != nil || back != id {
			t.Errorf("%q → %+v → %q, %v → %+v, %v", a, id, name, ok, back, err)
		}
		if id.Issuer == normal.IssuerEDI && name != a {
			t.Errorf("%q of no form became %q", a, name)
		}
		if id.Issuer != normal.IssuerEDI && id.Issuer != normal.IssuerEmail {
			if same, err := normal.NewIdentity(id.Issuer, id.Subject); err != nil || same != id {
				t.Errorf("EDI's %q is %+v, a source's %+v, %v", a, id, same, err)
			}
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
	issuers := []string{
		normal.IssuerORCID, normal.IssuerGitHub, normal.IssuerGoogle, normal.IssuerLDAP, normal.IssuerEmail, normal.IssuerEDI,
		"orcid", "GitHub", "http://www.github.com", "accounts.google.com", "https://sso.example.org",
	}
	name := rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`https?://(www\.)?(orcid\.org|GitHub\.com)/?[ -~]{0,20}/?`),
		rapid.StringMatching(`https://orcid\.org/0000-000[0-9]-000[0-9]-00[0-9][0-9Xx]`),
		rapid.StringMatching(`[uU]id ?= ?[a-zA-Z,= ]{0,10}(, ?o= ?)?[A-Zé\\#+]{0,5}`),
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

// The case and the spaces of a directory's name never count where the directory,
// or a source that knows it, says it.
func TestDirectoryNameHasOneForm(t *testing.T) {
	word := rapid.StringMatching(`[a-zA-Z0-9éß.\-]{1,8}`)
	rapid.Check(t, func(t *rapid.T) {
		uid, o, dc := word.Draw(t, "uid"), word.Draw(t, "o"), word.Draw(t, "dc")
		plain := "uid=" + uid + ",o=" + o + ",dc=" + dc
		want, err := normal.NewIdentity("ldap", plain)
		if err != nil || want.Issuer != normal.IssuerLDAP {
			t.Fatalf("%q is %+v, %v", plain, want, err)
		}
		for _, other := range []string{
			strings.ToUpper(plain), strings.ToLower(plain), "UID= " + uid + " , O =" + o + ",  Dc=" + strings.ToUpper(dc),
		} {
			if got, err := normal.NewIdentity("ldap", other); err != nil || got != want {
				t.Errorf("%q is %+v, %q is %+v (%v)", plain, want, other, got, err)
			}
		}
		if got, _ := normal.NewIdentity("ldap", "uid="+uid+"x,o="+o+",dc="+dc); got == want {
			t.Errorf("another uid is one with %q", plain)
		}
	})
}

func FuzzIdentity(f *testing.F) {
	f.Add("https://orcid.org/", "0000-0002-1825-0097")
	f.Add("https://orcid.org/x", "https://orcid.org/")
	f.Add("http://www.orcid.org/0000-0002-1694-233x/", "orcid")
	f.Add("https://accounts.google.com", "123456789012345678901")
	f.Add("GitHub", "https://github.com/Ada_L-/")
	f.Add("uid=a,o=b", "uid=,o=")
	f.Add("ldap", `UID = \c3\a9\,x\#, O= "e,dc=ﬁ`)
	f.Add(`uid=\20a\ ,o=ß,o=ΑΣ`, "ldap")
	f.Add("a@b.cd", "")
	f.Add("\xff", "\x00")
	f.Fuzz(func(t *testing.T, a, b string) { checkIdentity(t, a, b) })
}
