package password

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// DjangoRules say which passwords may be set at the GraphQL door: Django 3.1's
// four validators (contract gqlauth.md, section 5), which give every reason at
// once, within usher's own bounds.
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
}

// maxSimilarity is from where on two texts resemble each other.
const maxSimilarity = 0.7

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
	var weak []Weakness
	if to := who.resembling(text); to != "" {
		weak = append(weak, Weakness{TooSimilar, to})
	}
	normal := string(plain.normal())
	// NFKC can make one ligature into eighteen letters: it must not lengthen.
	if min(utf8.RuneCountInString(text), utf8.RuneCountInString(normal)) < r.MinLength {
		weak = append(weak, Weakness{Reason: TooShort})
	}
	if r.Blocklist {
		listed, err := isCommon(strings.ToLower(strings.TrimSpace(normal)))
		if err != nil {
			return nil, err
		}
		if listed {
			weak = append(weak, Weakness{Reason: TooCommon})
		}
	}
	// The normal form has plain digits for those that are set high or in circles,
	// which Python counts as digits too.
	if normal != "" && !strings.ContainsFunc(normal, func(c rune) bool { return !unicode.IsDigit(c) }) {
		weak = append(weak, Weakness{Reason: Numeric})
	}
	return weak, nil
}

// resembling names the first attribute that a password is too similar to, whole
// or by one of its words.
func (a Attributes) resembling(plain string) string {
	plain = strings.ToLower(plain)
	for _, attr := range []struct{ name, value string }{
		{"username", a.Username}, {"first name", a.FirstName}, {"last name", a.LastName}, {"email", a.Email},
	} {
		if attr.value == "" {
			continue
		}
		words := strings.FieldsFunc(attr.value, func(c rune) bool {
			return c != '_' && !unicode.IsLetter(c) && !unicode.IsNumber(c)
		})
		for _, part := range append(words, attr.value) {
			if similarity(plain, strings.ToLower(part)) >= maxSimilarity {
				return attr.name
			}
		}
	}
	return ""
}

// similarity is what Python's difflib calls quick_ratio: twice the characters
// that both have, in whatever order, of the characters of both.
func similarity(a, b string) float64 {
	have, total, both := map[rune]int{}, 0, 0
	for _, c := range a {
		have[c]++
		total++
	}
	for _, c := range b {
		total++
		if have[c] > 0 {
			have[c]--
			both++
		}
	}
	if total == 0 {
		return 1
	}
	return 2 * float64(both) / float64(total)
}
