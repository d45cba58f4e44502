package username_test

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/username"
)

// counting draws 0, 1, 2 and so on from a first number.
func counting(from uint32) func() uint32 {
	return func() uint32 { from++; return from - 1 }
}

func TestStems(t *testing.T) {
	for _, c := range []struct{ what, given, family, stem string }{
		{"the contract's example", "Amit", "Kumar", "amitkumar"},
		{"one name", "Amit", "", "amit"},
		{"the other", "", "Kumar", "kumar"},
		{"spaces", "  Amit  ", " de la Kumar ", "amitdelakumar"},
		{"Hindi", "अमित", "कुमार", "amitkumaar"},
		{"Telugu", "అమిత్", "కుమార్", "amitkumaar"},
		{"Tamil", "அமித்", "குமார்", "amitkumaar"},
		{"Arabic", "أحمد", "محمد", "hmdmhmd"},
		{"Hebrew", "שרה", "", "shrh"},
		{"Chinese", "小明", "王", "xiaomingwang"},
		{"Japanese", "さくら", "", "sakura"},
		{"Korean", "철수", "김", "ceolsugim"},
		{"Korean in parts", "\u1100\u1175\u11b7", "", "gim"},
		{"Cyrillic", "Алексей", "Щукин", "alekseishchukin"},
		{"accents", "José", "Ñandú Müller", "josenandumuller"},
		{"accents in parts", "Jose\u0301", "Nandu", "josenandu"},
		{"strokes and ligatures", "Łukasz", "Ørsted ß ﬁ", "lukaszorstedssfi"},
		{"full width", "ＡＤＡ", "", "ada"},
		{"mathematical letters", "𝕬dam", "", "adam"},
		{"right-to-left marks", "\u200fAmit\u202e", "\u2066Kumar\u2069", "amitkumar"},
		{"a joiner", "Am\u200dit\ufeff", "", "amit"},
		{"dashes and quotes go", "Anne-Marie", "O'Brien", "annemarieobrien"},
		{"dots and underscores stay", "J. R.", "Tolkien_jr.", "j.r.tolkien_jr."},
		{"but not in front", "._-__system", "", "system"},
		{"digits within", "R2", "D2", "r2d2"},
		{"digits in front", "3", "Kumar", "3kumar"},
		{"line breaks and NUL", "Amit\r\n", "\x00Kumar", "amitkumar"},
		{"markup", "<b>Amit</b>", "", "bamitb"},
		{"an address", "amit@example.org", "", "amitexample.org"},
		{"not UTF-8", "Am\xff\xfeit", "", "amit"},
		{"cut", strings.Repeat("abcdefghij", 5), "Kumar", "abcdefghijabcdefghijabcd"},
		{"cut within a letter of several", strings.Repeat("щ", 7), "", "shchshchshchshchshchshch"},
		{"endless", strings.Repeat("ä", 1<<20), "", strings.Repeat("a", 24)},

		{"nothing", "", "", "user"},
		{"spaces alone", " ", "\u3000", "user"},
		{"emoji", "😀🎉", "👨‍👩‍👧", "user"},
		{"emoji and a name", "😀 Amit", "🎉", "amit"},
		{"digits alone", "12", "34", "user"},
		{"Arabic digits alone", "١٢٣", "", "user"},
		{"punctuation alone", "._.", "---", "user"},
		{"marks alone", "\u200f\u202e", "\u0301", "user"},
		{"an identifier of the partner door", "user_abcdefghijklmnopqrs", "", "user"},
		{"a word of the house", "Admin", "", "admin"},
		{"a number of EDI", "EDI-12", "", "edi12"},
	} {
		t.Run(c.what, func(t *testing.T) {
			got := username.Candidates(c.given, c.family, counting(3821))
			for i, want := range []string{"4821", "4822", "4823", "4824", "4825", "4826", "4827", "4828", "4829", "4830"} {
				if i >= len(got) || got[i] != c.stem+want {
					t.Fatalf("%q", got)
				}
			}
		})
	}
}

// The digits go from 1000 to 9999, and no two of the ten are alike whatever is
// drawn.
func TestDigits(t *testing.T) {
	for _, c := range []struct {
		what        string
		draw        func() uint32
		first, last string
	}{
		{"the lowest", counting(0), "amit1000", "amit1009"},
		{"the highest", counting(8999), "amit9999", "amit1008"},
		{"one number only", func() uint32 { return 8995 }, "amit9995", "amit1004"},
		{"a large number", counting(1<<32 - 1 - 9), "amit6286", "amit6295"},
	} {
		got := username.Candidates("Amit", "", c.draw)
		if len(got) != username.Count || got[0] != c.first || got[9] != c.last {
			t.Errorf("%s: %q", c.what, got)
		}
	}
}

var shape = regexp.MustCompile(`^[a-z0-9][a-z0-9_.]{0,23}[1-9][0-9]{3}$`)

// Whatever a person is called, each of the ten is a name that they could have
// chosen, and they differ.
func TestEveryCandidateMayBeChosen(t *testing.T) {
	hard := rapid.SampledFrom([]string{
		"__system", "user_", "user_aaaaaaaaaaaaaaaaaaa", "EDI-", "+44", "http://", "uid=", "admin", "root", "l0", "rn",
		"अ", "ﷺ", "\u200f", "\xed\xa0\x80", ".", "_", "-", "deadbeef", "0190d3b27c1e7a5b9c3d12345678", "VXNlck5vZGU6",
	})
	name := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.String(), hard, rapid.StringMatching(`[a-z_.]{1,30}`)), 0, 4).Draw(t, "parts"), "")
	})
	rapid.Check(t, func(t *rapid.T) {
		given, family := name.Draw(t, "given"), name.Draw(t, "family")
		seen := map[string]bool{}
		drawn := func() uint32 { return rapid.Uint32().Draw(t, "drawn") }
		for _, c := range username.Candidates(given, family, drawn) {
			u, err := normal.NewUsername(c)
			if err != nil || u.Key != c || !shape.MatchString(c) || seen[c] {
				t.Fatalf("%q: %q (%v), seen: %v", given+" "+family, c, err, seen[c])
			}
			seen[c] = true
		}
		if len(seen) != username.Count {
			t.Fatalf("%d candidates", len(seen))
		}
	})
}
