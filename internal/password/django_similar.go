package password

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// maxSimilarity is from where on two texts resemble each other.
const maxSimilarity = 0.7

// normal gives the attributes in the form that passwords are hashed in.
func (a Attributes) normal() Attributes {
	f := norm.NFKC.String
	return Attributes{f(a.Username), f(a.FirstName), f(a.LastName), f(a.Email)}
}

// resembling names the first attribute that a password is too similar to, whole
// or by one of its words; "" is none.
func (a Attributes) resembling(plain string) string {
	lower := newLower()
	have := lettersOf(lower(plain))
	similar := func(part string) bool { return have.similar(lower(part)) }
	for _, attr := range []struct{ name, value string }{
		{"username", a.Username}, {"first name", a.FirstName}, {"last name", a.LastName}, {"email", a.Email},
	} {
		if attr.value == "" {
			continue
		}
		if similar(attr.value) || slices.ContainsFunc(strings.FieldsFunc(attr.value, isSign), similar) {
			return attr.name
		}
	}
	return ""
}

// newLower gives Python's str.lower, for one goroutine: unlike strings.ToLower it
// follows Unicode's SpecialCasing.txt for a sigma that ends a word and for the
// dotted capital I.
func newLower() func(string) string { return cases.Lower(language.Und).String }

// isSign is \W of Python's regular expressions: neither letter nor number of any
// script nor underscore, so marks that stand over or beside a letter count.
func isSign(c rune) bool { return c != '_' && !unicode.IsLetter(c) && !unicode.IsNumber(c) }

// letters counts the characters of a text.
type letters struct {
	of    map[rune]int
	total int
}

func lettersOf(s string) letters {
	l := letters{of: map[rune]int{}}
	for _, c := range s {
		l.of[c]++
		l.total++
	}
	return l
}

// similar asks for what Python's difflib calls quick_ratio: twice the characters
// that both texts have, in whatever order, of the characters of both.
func (l letters) similar(s string) bool {
	n := utf8.RuneCountInString(s)
	resemble := func(both int) bool { return 2*float64(both)/float64(l.total+n) >= maxSimilarity }
	if l.total == 0 || !resemble(min(l.total, n)) {
		return false // by their lengths alone, so what is counted below is short
	}
	both, seen := 0, map[rune]int{}
	for _, c := range s {
		if seen[c] < l.of[c] {
			seen[c]++
			both++
		}
	}
	return resemble(both)
}
