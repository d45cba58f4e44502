package normal_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/normal"
	"golang.org/x/text/unicode/norm"
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
		{"_ada", "_ada", ""},
		{"admin1", "admin1", ""},
		{"systematic", "systematic", ""},
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
		{"ada!", "", normal.Characters},
		{"<b>ada</b>", "", normal.Characters},
		{"ada/..", "", normal.Characters},
		{"ada?x=1", "", normal.Characters},
		{"ada;id", "", normal.Characters},
		{"a,b", "", normal.Characters},
		{"=ada", "", normal.Characters},
		{`ada\`, "", normal.Characters},
		{"--version", "", normal.Edge},
		{"-ada", "", normal.Edge},
		{".ada", "", normal.Edge},
		{"+ada", "", normal.Edge},
		{"'ada'", "", normal.Edge},
		{"ada.", "", normal.Edge},
		{".", "", normal.NoLetter},
		{"..", "", normal.NoLetter},
		{"--", "", normal.NoLetter},
		{"1_2", "", normal.NoLetter},

		{"ada@example.org", "", normal.LooksLike},
		{"ada@host", "", normal.LooksLike},
		{"@ada", "", normal.LooksLike},
		{"+447911123456", "", normal.LooksLike},
		{"07911-123456", "", normal.LooksLike},
		{"(212)555.0123", "", normal.LooksLike},
		{"7", "", normal.LooksLike}, // a serial number
		{"12345", "", normal.LooksLike},
		{"123456789012345", "", normal.LooksLike},
		{"1234567890123456789", "", normal.LooksLike}, // a snowflake
		{"12345678901234567890", "", normal.LooksLike},
		{"123456789012345678901", "", normal.LooksLike}, // Google's sub
		{"EDI-1aac2051", "", normal.LooksLike},
		{"edi-ada", "", normal.LooksLike},
		{"0190D3B2-7C1E-7A5B-9C3D-1234567890AB", "", normal.LooksLike},
		{"0190d3b27c1e7a5b9c3d1234567890ab", "", normal.LooksLike},
		{"user_3DqfWw6ZJoZf5waKSckJLMOtVu", "", normal.LooksLike},
		{"VXNlck5vZGU6MTIz", "", normal.LooksLike}, // UserNode:123
		{"https://orcid.org/0000-0002-1825-0097", "", normal.LooksLike},
		{"https://github.com/ada", "", normal.LooksLike},
		{"uid=ada,o=EDI", "", normal.LooksLike},

		{"__system", "", normal.Reserved},
		{"__anything", "", normal.Reserved},
		{"Admin", "", normal.Reserved},
		{"administrator", "", normal.Reserved},
		{"root", "", normal.Reserved},
		{"operator", "", normal.Reserved},
		{"system", "", normal.Reserved},
		{"SUPPORT", "", normal.Reserved},
		{"security", "", normal.Reserved},
		{"postmaster", "", normal.Reserved},
		{"hostmaster", "", normal.Reserved},
		{"webmaster", "", normal.Reserved},
		{"abuse", "", normal.Reserved},
		{"api", "", normal.Reserved},
		{"me", "", normal.Reserved},
		{"null", "", normal.Reserved},
		{"noreply", "", normal.Reserved},
		{"Mailer_Daemon", "", normal.Reserved},
		{"adm1n", "", normal.Reserved},
		{"AdmIn", "", normal.Reserved},
		{"adrnin", "", normal.Reserved},
		{"r00t", "", normal.Reserved},
		{"_admin_", "", normal.Reserved},
		{"sup.port", "", normal.Reserved},
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
		{"1234567890123456789", "1234567890123456789", ""},
		{"EDI-1AAC", "edi-1aac", ""},
		{"0190D3B2-7C1E-7A5B-9C3D-1234567890AB", "0190d3b2-7c1e-7a5b-9c3d-1234567890ab", ""},
		{"<b>ada</b>", "<b>ada</b>", ""},
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

func TestNewUnicodeUsername(t *testing.T) {
	tests := []struct {
		given string
		key   string
		why   normal.Reason
	}{
		{"Ada", "ada", ""},
		{"Zoë", "zoë", ""},
		{"Анна-1", "анна-1", ""},
		{"ΑΝΝΑ", "αννα", ""},
		{"さくら山", "さくら山", ""},
		{"서울서울", "서울서울", ""},
		{"नेहा", "नेहा", ""},
		{"a" + strings.Repeat("\u0327", 4), "", normal.Characters}, // letters under a heap of marks
		{strings.Repeat("я", 64), strings.Repeat("я", 64), ""},

		{strings.Repeat("я", 65), "", normal.TooLong},
		{"аlice", "", normal.Scripts}, // Cyrillic а
		{"αda", "", normal.Scripts},
		{"山анна", "", normal.Scripts},
		{"ａlice", "", normal.NotNormalised},
		{"\u212aelvin", "", normal.NotNormalised},
		{"ﬁona", "", normal.Characters},
		{"ada\u200b", "", normal.Characters},
		{"\u0301ada", "", normal.Characters},
		{"ada\xff", "", normal.NotText},
		{"①", "", normal.Characters},
		{"\u0660\u0661", "", normal.Characters}, // bidi: digits without a letter
		{"\u0967\u0968", "", normal.NoLetter},
		{"аdмin", "", normal.Scripts},
		{"админ", "админ", ""},
		{"ѕсоре", "ѕсоре", ""},         // one script; its skeleton is that of scope
		{"ѕаӏеѕ", "", normal.Reserved}, // all of it Cyrillic
		{"ада@example.org", "", normal.LooksLike},
	}
	for _, tt := range tests {
		t.Run(tt.given, func(t *testing.T) {
			u, err := normal.NewUnicodeUsername(tt.given)
			if got := reason(t, err); got != tt.why {
				t.Fatalf("reason is %q, want %q", got, tt.why)
			}
			if u.Key != tt.key || err == nil && u.Display != tt.given {
				t.Errorf("%+v, want key %q", u, tt.key)
			}
		})
	}
}

// What a stored name could be read as, so that nobody else may have it.
func TestImportedUsernameReference(t *testing.T) {
	tests := []struct {
		given string
		kind  normal.RefKind // "" for none
		value string
	}{
		{"ada", "", ""},
		{"Ada Lovelace", "", ""},
		{"admin", "", ""},
		{"agent007", "", ""},
		{"user_ada", "", ""},
		{"deadbeef", "", ""},
		{"VXNlcg", "", ""}, // User
		{"12345", normal.RefNumber, "12345"},
		{"755243458806280480", normal.RefNumber, "755243458806280480"},
		{"EDI-1AAC2051", normal.RefEDI, "EDI-1aac2051"},
		{"0190D3B2-7C1E-7A5B-9C3D-1234567890AB", normal.RefUUID, "0190d3b2-7c1e-7a5b-9c3d-1234567890ab"},
		{"{0190d3b27c1e7a5b9c3d1234567890ab}", normal.RefUUID, "0190d3b2-7c1e-7a5b-9c3d-1234567890ab"},
		{"urn:uuid:0190d3b2-7c1e-7a5b-9c3d-1234567890ab", normal.RefUUID, "0190d3b2-7c1e-7a5b-9c3d-1234567890ab"},
		{"user_3DqfWw6ZJoZf5waKSckJLMOtVu", normal.RefGUID, "user_3DqfWw6ZJoZf5waKSckJLMOtVu"},
		{"VXNlck5vZGU6MTIz", normal.RefRelay, "VXNlck5vZGU6MTIz"},
		{"VXNlck5vZGU6MQ==", normal.RefRelay, "VXNlck5vZGU6MQ=="},
		{"Ada@Example.org", normal.RefEmail, "ada@example.org"},
		{"Ada@Host", normal.RefEmail, "ada@host"},
		{"+44 7911 123456", normal.RefPhone, "+447911123456"},
		{"07911-123456", normal.RefPhone, "07911-123456"},
		{"http://ORCID.org/0000-0002-1694-233x/", normal.RefIdentity, "https://orcid.org/0000-0002-1694-233X"},
		{"uid=ada,o=EDI", normal.RefIdentity, "uid=ada,o=EDI"},
		{"123456789012345678901", normal.RefIdentity, "123456789012345678901"},
	}
	for _, tt := range tests {
		u, err := normal.ImportedUsername(tt.given)
		if err != nil {
			t.Fatal(err)
		}
		if ref, ok := u.Reference(); ref != (normal.Reference{Kind: tt.kind, Value: tt.value}) || ok != (tt.kind != "") {
			t.Errorf("%q could be %+v, %v; want %q %q", tt.given, ref, ok, tt.kind, tt.value)
		}
		if _, err := normal.NewUsername(tt.given); tt.kind != "" && err == nil {
			t.Errorf("%q may be chosen", tt.given)
		}
	}
}

func TestSkeleton(t *testing.T) {
	of := func(s string) string {
		u, err := normal.ImportedUsername(s)
		if err != nil {
			t.Fatal(err)
		}
		return u.Skeleton()
	}
	for _, same := range [][]string{
		{"scope", "ѕсоре", "SCOPE", "sc0pe"},
		{"paypal", "раураӏ", "paypaI", "paypa1"},
		{"marmot", "rnarrnot"},
		{"bill", "BiII", "b1ll"},
		{"zoë", "zoe\u0308"},
	} {
		for _, s := range same[1:] {
			if of(s) != of(same[0]) {
				t.Errorf("%q and %q look alike: %q, %q", s, same[0], of(s), of(same[0]))
			}
		}
	}
	for _, other := range [][2]string{{"ada", "abo"}, {"zoe", "zoë"}, {"vivian", "winan"}, {"anna", "анна"}} {
		if of(other[0]) == of(other[1]) {
			t.Errorf("%q and %q are one", other[0], other[1])
		}
	}
	// No other letters and digits of ASCII fall together.
	groups := map[string]string{}
	for _, c := range "abcdefghijklmnopqrstuvwxyz0123456789" {
		groups[of(string(c))] += string(c)
	}
	for _, g := range groups {
		if len(g) > 1 && g != "il1" && g != "o0" {
			t.Errorf("%q look alike", g)
		}
	}
}

// Every pair of the Unicode Consortium's list that two keys could have looks
// alike, but for letters with an accent, which are compared as two characters.
func TestConfusablePairs(t *testing.T) {
	text, err := os.ReadFile("gen/confusables.tsv")
	if err != nil {
		t.Fatal(err)
	}
	one := func(s string) (normal.Username, bool) {
		var b strings.Builder
		for _, f := range strings.Fields(s) {
			r, err := strconv.ParseInt(f, 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			b.WriteRune(rune(r))
		}
		u, err := normal.NewUnicodeUsername("a" + b.String())
		return u, err == nil && u.Key == u.Display
	}
	pairs := 0
	for line := range strings.Lines(string(text)) {
		left, right, _ := strings.Cut(line, "\t")
		a, okA := one(left)
		b, okB := one(right)
		if !okA || !okB || norm.NFD.String(a.Key) != a.Key {
			continue
		}
		pairs++
		if a.Skeleton() != b.Skeleton() {
			t.Errorf("%q and %q do not look alike: %q, %q", a.Key, b.Key, a.Skeleton(), b.Skeleton())
		}
	}
	if pairs < 50 {
		t.Errorf("%d pairs", pairs)
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
	if errNew == nil {
		if ref, other := old.Reference(); other {
			t.Errorf("%q is new, and a %s", s, ref.Kind)
		}
	}
	wide, errWide := normal.NewUnicodeUsername(s)
	switch {
	case errNew == nil && wide != fresh:
		t.Errorf("%q is %+v in ASCII, %+v else (%v)", s, fresh, wide, errWide)
	case errWide == nil && (errOld != nil || wide != old):
		t.Errorf("%q is %+v when new, %+v (%v) when imported", s, wide, old, errOld)
	case errWide == nil:
		again, err := normal.NewUnicodeUsername(wide.Key)
		if err != nil || again.Key != wide.Key || again.Skeleton() != wide.Skeleton() {
			t.Errorf("key of %q is not canonical: %+v, %v", s, again, err)
		}
	}
	if ref, ok := normal.ParseReference(s); ok {
		if again, ok := normal.ParseReference(ref.Value); !ok || again != ref {
			t.Errorf("%q is %+v, which is %+v", s, ref, again)
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
