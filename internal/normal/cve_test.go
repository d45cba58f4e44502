package normal_test

import (
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/normal"
)

// Faults that other houses had with identifiers. Each test bears the number of
// the advisory and says in one line what went wrong there.

func refusedEmails(t *testing.T, addresses map[string]normal.Reason) {
	t.Helper()
	for address, why := range addresses {
		e, err := normal.ParseEmail(address)
		if got := reason(t, err); got != why || !e.IsZero() {
			t.Errorf("%q: %q, want %q", address, got, why)
		}
	}
}

// The domain was cut at the last @ of an address that nobody had checked.
func TestCVE_2026_40574_SeveralAts(t *testing.T) {
	refusedEmails(t, map[string]normal.Reason{
		"eve@attacker.test@example.org":   normal.ManyAt,
		"eve@attacker.test@@example.org":  normal.ManyAt,
		"eve@attacker.test;@example.org":  normal.Quote,
		"\"@attacker.test\"@example.org":  normal.Quote,
		"eve＠attacker.test@example.org":   normal.NotNormalised,
		"eve\ufe6battacker.test@mail.org": normal.NotNormalised,
	})
}

// The address was checked first and normalised afterwards, and had two @ then.
func TestCVE_2026_73420_FullWidthAt(t *testing.T) {
	refusedEmails(t, map[string]normal.Reason{
		"ada＠example.org":           normal.NotNormalised,
		"ada\ufe6bexample.org":      normal.NotNormalised,
		"eve@attacker.test＠x.org":   normal.NotNormalised,
		"ada@example．org":           normal.NotNormalised,
		"ada@exa\u2024mple.org":     normal.NotNormalised,
		"a\u2100da@example.org":     normal.NotNormalised, // a/c in one character
		"ada@example.org\uff0ceve@": normal.NotNormalised, // a comma
	})
}

// A mail to "eve@attacker.test"@victim.test went to eve@attacker.test.
func TestGHSA_5jpx_9hw9_2fx4_QuotedLocalPart(t *testing.T) {
	refusedEmails(t, map[string]normal.Reason{
		`"eve@attacker.test"@victim.test`:        normal.Quote,
		`"eve@attacker.test x"@victim.test`:      normal.Space,
		`"eve@attacker.test\"x"@victim.test`:     normal.Quote,
		`eve."@".attacker.test@victim.test`:      normal.Quote,
		`<eve@attacker.test>@victim.test`:        normal.Quote,
		`=?utf-8?q?eve=40attacker.test?=@v.test`: normal.EncodedWord,
	})
}

func TestGHSA_mm7p_fcc7_pg87_QuotedLocalPart(t *testing.T) {
	refusedEmails(t, map[string]normal.Reason{`"xclow3n@gmail.com x"@internal.domain`: normal.Space})
}

// One field with a list of addresses got a sign-in link mailed to each.
func TestCVE_2022_35924_ListOfAddresses(t *testing.T) {
	refusedEmails(t, map[string]normal.Reason{
		"eve@attacker.test,ada@example.org":  normal.Quote,
		"eve@attacker.test, ada@example.org": normal.Space,
		"eve@attacker.test;ada@example.org":  normal.Quote,
		"eve@attacker.test ada@example.org":  normal.Space,
		"friends:eve@attacker.test;":         normal.Quote,
		"eve@attacker.test\r\nada@a.org":     normal.Space,
		"@a.test,@b.test:ada@example.org":    normal.Quote,
		"eve@attacker.test%2Cada@a.org":      normal.ManyAt,
	})
}

// A reset link went to each of an array of addresses. An array that reached
// this far as text is no address.
func TestCVE_2023_7028_ArrayOfAddresses(t *testing.T) {
	refusedEmails(t, map[string]normal.Reason{
		`["ada@example.org","eve@attacker.test"]`: normal.Quote,
		`[ada@example.org eve@attacker.test]`:     normal.Space,
		`{ada@example.org}`:                       normal.Domain,
	})
}

// A domain on a list let every domain in that ended the same way.
func TestCVE_2024_27918_DomainSuffix(t *testing.T) {
	for _, address := range []string{"eve@evil-example.org", "eve@evilexample.org", "eve@sub.example.org", "eve@example.org.test", "eve%example.org@attacker.test"} {
		e, err := normal.ParseEmail(address)
		if err != nil || e.Domain() == "example.org" {
			t.Errorf("%s is at %q (%v)", address, e.Domain(), err)
		}
	}
	for _, address := range []string{"ada@example.org", "Ada@EXAMPLE.ORG"} {
		if e, err := normal.ParseEmail(address); err != nil || e.Domain() != "example.org" {
			t.Errorf("%s is at %q (%v)", address, e.Domain(), err)
		}
	}
}

// Failures were counted by the name as it was typed, so that each spelling had
// a count of its own.
func TestCVE_2025_24806_SpellingsShareOneKey(t *testing.T) {
	for _, s := range []string{"Ada@Example.org", "ADA@EXAMPLE.ORG", "ada@example.org"} {
		if e, err := normal.ParseEmail(s); err != nil || e.Key() != "ada@example.org" {
			t.Errorf("%s: %q, %v", s, e.Key(), err)
		}
	}
	for _, s := range []string{"+447911123456", "+44 7911 123456", "+44 (0)7911-123.456"} {
		if p, err := normal.ParsePhone(s, ""); err != nil || p.Key() != "+447911123456" {
			t.Errorf("%s: %q, %v", s, p.Key(), err)
		}
	}
}

// The name at sign-in was not the canonical one.
func TestCVE_2026_47203_UsernameIsCanonical(t *testing.T) {
	for _, s := range []string{"Ada", "ADA", "ada", "ａｄａ", "\uff21da"} {
		if u, err := normal.ImportedUsername(s); err != nil || u.Key != "ada" {
			t.Errorf("%s: %q, %v", s, u.Key, err)
		}
	}
}

// Whoever took another's address or number as a username locked the owner out,
// or was taken for the owner.
func refusedUsernames(t *testing.T) {
	t.Helper()
	for _, s := range []string{
		"ada@example.org", "Ada@Example.Org", "ada@host", "@", "+447911123456", "+44-7911-123456", "07911.123456", "447911123456",
	} {
		if u, err := normal.NewUsername(s); reason(t, err) != normal.LooksLike {
			t.Errorf("%q may be chosen: %+v, %v", s, u, err)
		}
		if u, err := normal.NewUnicodeUsername(s); reason(t, err) != normal.LooksLike {
			t.Errorf("%q may be chosen: %+v, %v", s, u, err)
		}
		u, err := normal.ImportedUsername(s)
		if ref, ok := u.Reference(); err != nil || !ok || ref.Value == "" {
			t.Errorf("%q is imported as nobody's but its own: %v", s, err)
		}
	}
}

func TestCVE_2026_19607_UsernameIsSomebodysAddress(t *testing.T) { refusedUsernames(t) }
func TestCVE_2021_3754_UsernameIsSomebodysAddress(t *testing.T)  { refusedUsernames(t) }
func TestCVE_2022_39229_UsernameIsSomebodysAddress(t *testing.T) { refusedUsernames(t) }

// A user was found by the e-mail that a provider told, not by issuer and
// subject.
func TestCVE_2023_3128_IdentityIsIssuerAndSubject(t *testing.T) {
	seen := map[normal.Identity]string{}
	for _, issuer := range []string{"https://login.one.test/v2", "https://login.two.test/v2", "https://login.one.test/v2/", "ada@example.org"} {
		id, err := normal.NewIdentity(issuer, "ada@example.org")
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[id]; ok {
			t.Errorf("%q and %q are one issuer", issuer, other)
		}
		seen[id] = issuer
		if name, ok := id.Name(); ok {
			t.Errorf("%+v is EDI's %q", id, name)
		}
	}
	if id, err := normal.ParseIdentityName("ada@example.org"); err != nil || seen[id] != "" || strings.HasPrefix(id.Issuer, "http") {
		t.Errorf("an address is the name of a provider's subject: %+v, %v", id, err)
	}
}
