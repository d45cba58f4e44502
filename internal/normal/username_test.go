package normal_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/normal"
	"pgregory.net/rapid"
)

func TestNewUsername(t *testing.T) {
	tests := []struct {
		given string
		key   string
		why   normal.Reason
	}{
		{"ada", "ada", ""},
		{"Ada.Lovelace-1815_x", "ada.lovelace-1815_x", ""},
		{"a", "a", ""},
		{"o'brien", "o'brien", ""},
		{"12345", "12345", ""},
		{"agent007", "agent007", ""},
		{strings.Repeat("a", 64), strings.Repeat("a", 64), ""},

		{"", "", normal.Empty},
		{strings.Repeat("a", 65), "", normal.TooLong},
		{"аlice", "", normal.NotASCII}, // Cyrillic а
		{"ａlice", "", normal.NotASCII},
		{"\u212aelvin", "", normal.NotASCII},
		{"ada\u200b", "", normal.NotASCII},
		{"ada\xff", "", normal.NotASCII},
		{"ada lovelace", "", normal.Characters},
		{" ada", "", normal.Characters},
		{"ada\x00", "", normal.Characters},
		{"ada\n", "", normal.Characters},
		{"ada@example.org", "", normal.LooksLike},
		{"@ada", "", normal.LooksLike},
		{"+447911123456", "", normal.LooksLike},
		{"07911-123456", "", normal.LooksLike},
		{"(212)555.0123", "", normal.LooksLike},
		{"1234567890123456789", "", normal.LooksLike}, // a snowflake
		{"EDI-1aac2051", "", normal.LooksLike},
		{"0190D3B2-7C1E-7A5B-9C3D-1234567890AB", "", normal.LooksLike},
		{"__system", "", normal.Reserved},
		{"__anything", "", normal.Reserved},
		{"Admin", "", normal.Reserved},
		{"root", "", normal.Reserved},
		{"SUPPORT", "", normal.Reserved},
		{"api", "", normal.Reserved},
		{"me", "", normal.Reserved},
		{"null", "", normal.Reserved},
	}
	for _, tt := range tests {
		t.Run(tt.given, func(t *testing.T) {
			u, err := normal.NewUsername(tt.given)
			if got := reason(t, err); got != tt.why {
				t.Fatalf("reason is %q, want %q", got, tt.why)
			}
			if u.Key != tt.key || err == nil && u.Display != tt.given {
				t.Errorf("%+v, want key %q", u, tt.key)
			}
		})
	}
}

func TestImportedUsername(t *testing.T) {
	tests := []struct {
		given string
		key   string
		why   normal.Reason
	}{
		{"ada", "ada", ""},
		{"ADA", "ada", ""},
		{"Ada@Example.org", "ada@example.org", ""},
		{"+447911123456", "+447911123456", ""},
		{"admin", "admin", ""},
		{"__system", "__system", ""},
		{"Ada Lovelace", "ada lovelace", ""},
		{"ａｄａ", "ada", ""},
		{"cafe\u0301", "caf\u00e9", ""},
		{"ΣΊΣΥΦΟΣ", "σίσυφοσ", ""},
		{"ada ①", "ada ①", ""},
		{strings.Repeat("é", 256), strings.Repeat("é", 256), ""},

		{"", "", normal.Empty},
		{strings.Repeat("é", 257), "", normal.TooLong},
		{"ada\xff", "", normal.NotText},
		{"ada\x00", "", normal.Space},
		{"a\tb", "", normal.Space},
		{"a\u0085b", "", normal.Space},
		{" ada", "", normal.Space},
		{"ada\u00a0", "", normal.Space},
		{"ada\u3000", "", normal.Space},
	}
	for _, tt := range tests {
		t.Run(tt.given, func(t *testing.T) {
			u, err := normal.ImportedUsername(tt.given)
			if got := reason(t, err); got != tt.why {
				t.Fatalf("reason is %q, want %q", got, tt.why)
			}
			if u.Key != tt.key || err == nil && u.Display != tt.given {
				t.Errorf("%+v, want key %q", u, tt.key)
			}
		})
	}
}

func checkUsername(t interface {
	Errorf(string, ...any)
}, s string,
) {
	fresh, errNew := normal.NewUsername(s)
	old, errOld := normal.ImportedUsername(s)
	if errNew == nil && (errOld != nil || fresh != old) {
		t.Errorf("%q is %+v when new, %+v (%v) when imported", s, fresh, old, errOld)
	}
	if errNew == nil {
		if again, err := normal.NewUsername(fresh.Key); err != nil || again.Key != fresh.Key {
			t.Errorf("key of %q is not canonical: %+v, %v", s, again, err)
		}
	}
	if errOld == nil {
		again, err := normal.ImportedUsername(old.Key)
		if utf8.RuneCountInString(old.Key) <= 256 && (err != nil || again.Key != old.Key) {
			t.Errorf("key %q of %q is not canonical: %+v, %v", old.Key, s, again, err)
		}
	}
}

func TestUsernameKeyIsCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkUsername(t, rapid.String().Draw(t, "any"))
		ascii := rapid.StringMatching(`[!-~]{1,64}`).Draw(t, "ascii")
		checkUsername(t, ascii)
		lower, errLower := normal.NewUsername(strings.ToLower(ascii))
		upper, errUpper := normal.NewUsername(strings.ToUpper(ascii))
		if lower.Key != upper.Key || (errLower == nil) != (errUpper == nil) {
			t.Errorf("case counts in %q", ascii)
		}
	})
}

func FuzzUsername(f *testing.F) {
	for _, s := range []string{"ada", "İstanbul", "ﬁ", "ß", "ΑΣ", "\u1e9e", "Ada L", "__system", "①Ⅳ", "\u0345", "ǅ", "ͅΑ", "\u1fbc x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkUsername(t, s) })
}
