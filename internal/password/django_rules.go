package password

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// DjangoRules say which passwords may be set at the GraphQL door: Django 3.1's
// four validators (contract gqlauth.md, section 5), which give every reason at
// once, within usher's own bounds. Since usher hashes the NFKC form (see Plain),
// that form has to pass as well as what was typed.
type DjangoRules struct {
	MinLength int // code points
	Blocklist bool
}

// Attributes are what a password must not resemble.
type Attributes struct{ Username, FirstName, LastName, Email string }

// Reasons of DjangoRules, beside those of Rules.
const (
	TooSimilar Reason = "too_similar"
	Numeric    Reason = "entirely_numeric"
)

// Weakness is one reason why a password may not be set.
type Weakness struct {
	Reason Reason
	// To is what it resembles, as Django calls it: "username", "first name",
	// "last name", "email". Empty for other reasons.
	To string
	// Min is the length that TooShort missed, in code points; zero for other
	// reasons.
	Min int
}

// Check gives every weakness, in Django's order; none for a password that may be
// set. One that is no text or too long has that weakness alone. An error is a
// fault.
func (r DjangoRules) Check(plain Plain, who Attributes) ([]Weakness, error) {
	text := string(plain)
	switch {
	case !utf8.ValidString(text):
		return []Weakness{{Reason: NotText}}, nil
	case len(text) > maxInput, utf8.RuneCountInString(text) > defaultMaxLength:
		return []Weakness{{Reason: TooLong}}, nil
	}
	normal := string(plain.normal())
	var weak []Weakness
	to := who.resembling(text)
	if to == "" {
		to = who.normal().resembling(normal)
	}
	if to != "" {
		weak = append(weak, Weakness{Reason: TooSimilar, To: to})
	}
	// NFKC can make one ligature into eighteen letters: it must not lengthen.
	if min(utf8.RuneCountInString(text), utf8.RuneCountInString(normal)) < r.MinLength {
		weak = append(weak, Weakness{Reason: TooShort, Min: r.MinLength})
	}
	if r.Blocklist {
		listed, err := isCommon(strings.TrimSpace(newLower()(normal)))
		if err != nil {
			return nil, err
		}
		if listed {
			weak = append(weak, Weakness{Reason: TooCommon})
		}
	}
	if onlyDigits(text) || onlyDigits(normal) {
		weak = append(weak, Weakness{Reason: Numeric})
	}
	return weak, nil
}

// onlyDigits is Python's str.isdigit: every character, of at least one, has the
// Unicode property Numeric_Type=Decimal or Numeric_Type=Digit.
func onlyDigits(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool { return !unicode.In(c, unicode.Nd, otherDigits) })
}

// otherDigits has Numeric_Type=Digit (Unicode 15, DerivedNumericType.txt): digits
// that are raised, in circles, brackets or before a stop, and those of scripts
// that count without a place for each.
var otherDigits = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x00b2, 0x00b3, 1},
		{0x00b9, 0x00b9, 1},
		{0x1369, 0x1371, 1},
		{0x19da, 0x19da, 1},
		{0x2070, 0x2070, 1},
		{0x2074, 0x2079, 1},
		{0x2080, 0x2089, 1},
		{0x2460, 0x2468, 1},
		{0x2474, 0x247c, 1},
		{0x2488, 0x2490, 1},
		{0x24ea, 0x24ea, 1},
		{0x24f5, 0x24fd, 1},
		{0x24ff, 0x24ff, 1},
		{0x2776, 0x277e, 1},
		{0x2780, 0x2788, 1},
		{0x278a, 0x2792, 1},
	},
	R32: []unicode.Range32{
		{0x10a40, 0x10a43, 1}, {0x10e60, 0x10e68, 1}, {0x11052, 0x1105a, 1}, {0x1f100, 0x1f10a, 1},
	},
	LatinOffset: 2,
}
