package normal_test

import (
	"net/mail"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/normal"
	"pgregory.net/rapid"
)

func TestParseEmail(t *testing.T) {
	local64 := strings.Repeat("l", 64)
	label63 := strings.Repeat("d", 63)
	tests := []struct {
		given string
		key   string
		why   normal.Reason
	}{
		{"ada@example.org", "ada@example.org", ""},
		{"Ada.Lovelace@Example.ORG", "ada.lovelace@example.org", ""},
		{"a+b.c@sub.example.co.uk", "a+b.c@sub.example.co.uk", ""},
		{"o'brien@example.ie", "o'brien@example.ie", ""},
		{"!#$%&'*+-/?=^_`{|}~@example.org", "!#$%&'*+-/?=^_`{|}~@example.org", ""},
		{"ada@bücher.example", "ada@xn--bcher-kva.example", ""},
		{"ada@BÜCHER.example", "ada@xn--bcher-kva.example", ""},
		{"ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example", ""},
		{"ada@straße.example", "ada@xn--strae-oqa.example", ""},
		{"1@2.xn--p1ai", "1@2.xn--p1ai", ""},
		{local64 + "@example.org", local64 + "@example.org", ""},
		{"a@" + label63 + ".org", "a@" + label63 + ".org", ""},

		// As the partner's document prints it, with the quote of the example.
		{"cersei-lannister@gmail.com'", "", normal.Quote},
		{"cersei-lannister@gmail.com’", "", normal.Quote},
		{`cersei-lannister@gmail.com"`, "", normal.Quote},
		{"'cersei-lannister@gmail.com", "'cersei-lannister@gmail.com", ""}, // a legal local part

		{"", "", normal.Empty},
		{" ada@example.org", "", normal.Space},
		{"ada@example.org ", "", normal.Space},
		{"ada@example.org\n", "", normal.Space},
		{"ada@example.org\r\nBcc: x@y.test", "", normal.Space},
		{"ada\x00@example.org", "", normal.Space},
		{"ada\u202e@example.org", "", normal.Space},
		{"ada@exam\u200bple.org", "", normal.Space},
		{"ada@exam\u00adple.org", "", normal.Space},
		{"ada@example.org\xff", "", normal.NotText},
		{"ａda@example.org", "", normal.NotNormalised},
		{"ada＠example.org", "", normal.NotNormalised},
		{"ada@example．org", "", normal.NotNormalised},
		{"ada@e\u0301xample.org", "", normal.NotNormalised},
		{"\u212aay@example.org", "", normal.NotNormalised},
		{"ada@example。org", "", normal.Domain},
		{"Ada <ada@example.org>", "", normal.Space},
		{"<ada@example.org>", "", normal.Quote},
		{"ada(comment)@example.org", "", normal.Quote},
		{`"e@attacker.test"@victim.test`, "", normal.Quote},
		{"a@b.org,c@d.org", "", normal.Quote},
		{"ada@[127.0.0.1]", "", normal.Quote},
		{"mailto:ada@example.org", "", normal.Quote},
		{"ada", "", normal.NoAt},
		{"@", "", normal.LocalPart},
		{"e@attacker.test@victim.test", "", normal.ManyAt},
		{"=?utf-8?q?ada?=@example.org", "", normal.EncodedWord},
		{"@example.org", "", normal.LocalPart},
		{".ada@example.org", "", normal.LocalPart},
		{"ada.@example.org", "", normal.LocalPart},
		{"a..b@example.org", "", normal.LocalPart},
		{"äda@example.org", "", normal.LocalPart},
		{"l" + local64 + "@example.org", "", normal.LocalPart},
		{"ada@", "", normal.Domain},
		{"ada@localhost", "", normal.Domain},
		{"ada@example.org.", "", normal.Domain},
		{"ada@.example.org", "", normal.Domain},
		{"ada@example..org", "", normal.Domain},
		{"ada@-example.org", "", normal.Domain},
		{"ada@example-.org", "", normal.Domain},
		{"ada@exa_mple.org", "", normal.Domain},
		{"ada@192.168.0.1", "", normal.Domain},
		{"ada@example.123", "", normal.Domain},
		{"ada@example.0x7f", "", normal.Domain},
		{"ada@example.c-d", "", normal.Domain},
		{"ada@☃.com", "", normal.Domain},
		{"ada@xn--n3h.com", "", normal.Domain},
		{"ada@💩.la", "", normal.Domain},
		{"ada@xn--80ak6aa92e.com", "ada@xn--80ak6aa92e.com", ""}, // another name than apple.com, so another address
		{"ada@xn--.org", "", normal.Domain},
		{"ada@xn--a-ecp.ru", "", normal.Domain},
		{"a@d" + label63 + ".org", "", normal.Domain},
		{"a@" + strings.Repeat("d.", 130) + "org", "", normal.TooLong},
	}
	for _, tt := range tests {
		t.Run(tt.given, func(t *testing.T) {
			e, err := normal.ParseEmail(tt.given)
			if got := reason(t, err); got != tt.why {
				t.Fatalf("reason is %q, want %q", got, tt.why)
			}
			if err != nil {
				if !e.IsZero() || strings.Contains(err.Error(), tt.given) && len(tt.given) > 3 {
					t.Errorf("a refusal with %+v, %v", e, err)
				}
				return
			}
			if e.Key() != tt.key || e.String() != tt.given {
				t.Errorf("key %q, text %q", e.Key(), e)
			}
			if e.Local()+"@"+e.Domain() != tt.key {
				t.Errorf("parts %q, %q", e.Local(), e.Domain())
			}
		})
	}
}

func TestZeroEmailHasNoParts(t *testing.T) {
	var e normal.Email
	if !e.IsZero() || e.Key() != "" || e.Local() != "" || e.Domain() != "" || e.String() != "" {
		t.Errorf("%+v", e)
	}
}

func TestEmailKeyIsCanonical(t *testing.T) {
	atom := rapid.StringMatching(`[a-zA-Z0-9!#$%&'*+/=^_{|}~-]{1,10}`)
	label := rapid.StringMatching(`[a-zA-Z]([a-zA-Z0-9]{0,8}[a-zA-Z])?`)
	rapid.Check(t, func(t *rapid.T) {
		local := strings.Join(rapid.SliceOfN(atom, 1, 4).Draw(t, "local"), ".")
		domain := strings.Join(rapid.SliceOfN(label, 2, 5).Draw(t, "domain"), ".")
		given := local + "@" + domain
		e, err := normal.ParseEmail(given)
		if err != nil {
			t.Skip("an xn-- by chance")
		}
		for _, other := range []string{e.Key(), strings.ToUpper(given), strings.ToLower(given)} {
			again, err := normal.ParseEmail(other)
			if err != nil || again.Key() != e.Key() {
				t.Errorf("%q has key %q, %q has %q (%v)", given, e.Key(), other, again.Key(), err)
			}
		}
	})
}

func checkEmail(t *testing.T, s string) {
	e, err := normal.ParseEmail(s)
	if err != nil {
		_ = reason(t, err)
		return
	}
	key := e.Key()
	if e.String() != s || strings.Count(key, "@") != 1 || strings.ContainsAny(key, "\r\n \"<>,;:") || len(key) > 254 {
		t.Errorf("%q became %q", s, key)
	}
	for i := range len(key) {
		if key[i] < '!' || key[i] > '~' {
			t.Errorf("%q has key %q", s, key)
		}
	}
	again, err := normal.ParseEmail(key)
	if err != nil || again.Key() != key {
		t.Errorf("key %q of %q is not canonical: %q, %v", key, s, again.Key(), err)
	}
	if peer, err := mail.ParseAddress(key); err != nil || peer.Address != key {
		t.Errorf("net/mail reads %q as %v, %v", key, peer, err)
	}
}

func FuzzParseEmail(f *testing.F) {
	for _, s := range []string{
		"ada@example.org", "ada@bücher.example", "cersei-lannister@gmail.com'", `"a@b.c"@d.e`, "a@b", "a@xn--a.b",
		"=?utf-8?q?a?=@b.c", "a@b。c", "a@１.com", "ｆ@b.c", "a@\u200d.com", "a@א.com", "@", "",
	} {
		f.Add(s)
	}
	f.Fuzz(checkEmail)
}
