package directory

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// ediPrefix begins every EDI number that was ever given, folded.
const ediPrefix = "edi-"

// Fold makes texts that a person takes for the same word the same: whatever
// their case, composition, width and spaces. What cannot be text is empty.
func Fold(s string) string {
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return ""
	}
	folded := cases.Fold().String(norm.NFKC.String(s))
	return strings.Join(strings.Fields(norm.NFKC.String(folded)), " ")
}

// Terms are what a folded search string may be the beginning of, for texts and
// a number: each text, and the number with and without its prefix.
func Terms(number string, texts ...string) []string {
	var terms []string
	for _, t := range texts {
		terms = append(terms, Fold(t))
	}
	if n := Fold(number); n != "" {
		terms = append(terms, n, strings.TrimPrefix(n, ediPrefix))
	}
	terms = slices.DeleteFunc(terms, func(t string) bool { return t == "" })
	slices.Sort(terms)
	return slices.Compact(terms)
}

// Begins says whether one of the terms begins with a folded search string.
func Begins(terms []string, with string) bool {
	return with != "" && slices.ContainsFunc(terms, func(t string) bool { return strings.HasPrefix(t, with) })
}

// userTerms are what leads to a user at the EDI door (contract edi.md, section
// 6): the name, the name from its second word on, the e-mail that is shown,
// the number.
func userTerms(u user.User, number string) []string {
	name := u.Profile.Text(user.Name)
	_, rest, _ := strings.Cut(Fold(name), " ")
	email := ""
	if e := ShownEmail(u.Profile); e != nil {
		email = *e
	}
	return Terms(number, name, rest, email)
}

// ShownEmail is the e-mail of a profile: the contact e-mail where one was ever
// given, null included; else the sign-in e-mail.
func ShownEmail(p user.Profile) *string {
	if contact, said := p[user.ContactEmail]; said {
		return contact.Value
	}
	return p.Get(user.EmailAttr)
}

// listed says whether a user can be found at the EDI door.
func listed(u user.User) bool {
	return u.Status == user.Active || u.Status == user.Reserved || u.Status == user.Archived
}

// kept are terms as the index has them: cut, and each once.
func kept(terms []string) []string {
	out := make([]string, len(terms))
	for i, t := range terms {
		out[i] = t[:min(len(t), store.TermMost)]
	}
	slices.Sort(out)
	return slices.Compact(out)
}
