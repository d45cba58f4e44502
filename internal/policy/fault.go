package policy

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Fault is what is wrong with a value of an attribute.
type Fault string

// The faults.
const (
	NotAChoice Fault = "choice" // none of Choices
	NotAPhone  Fault = "phone"  // not +99999999, 8 to 15 digits
	TooLong    Fault = "long"   // more than Length characters
	NotText    Fault = "text"   // no text that can be kept
)

var phoneForm = regexp.MustCompile(`^\+[0-9]{8,15}$`)

// Faults judges a value as the API and the pages take it; an empty one of a text or
// phone is none at all and has no fault (contract portal.md, the table of fields).
func (a Attribute) Faults(value string) (out []Fault) {
	switch {
	case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
		return []Fault{NotText}
	case a.Type == Choice || a.Type == YesNo:
		if !slices.Contains(a.Choices(), value) {
			out = append(out, NotAChoice)
		}
		return out
	case a.Type == Tel && value != "" && !phoneForm.MatchString(value):
		out = append(out, NotAPhone)
	}
	if utf8.RuneCountInString(value) > a.Length() {
		out = append(out, TooLong)
	}
	return out
}
