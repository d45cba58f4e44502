package normal

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// Lengths in code points.
const (
	maxNewUsername = 64
	maxUsername    = 256
	maxMarks       = 3 // upon one letter, as Devanagari needs
)

// usernamePunctuation may stand between the letters and digits of a new name.
// It leaves out whatever means something in a URL, a mail header, markup or a
// shell.
const usernamePunctuation = "._-+'"

// edgePunctuation may only stand inside, so that a name is no option of a
// command, no formula of a spreadsheet, and no end of a sentence.
const edgePunctuation = ".-+'"

// Username is a name to sign in with. Two usernames are the same if and only
// if their keys are equal.
type Username struct {
	Display string // as given
	Key     string // canonical, never shown
}

// NewUsername reads a name that a person or an operator chooses from now on: 1
// to 64 ASCII letters, digits and . _ - + ', a letter among them and none of
// . - + ' at either end, within UsernameCaseMapped (RFC 8265, section 3.3). What could be taken for the house
// (reserved.go) or for another kind of name (ParseReference) is refused. ASCII
// leaves no room for a Cyrillic "а". It fails with a *RefusedError.
func NewUsername(s string) (Username, error) {
	if strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return Username{}, &RefusedError{"username", NotASCII}
	}
	return newUsername(s)
}

// NewUnicodeUsername is NewUsername for a realm whose policy lets names have
// letters of any one script. Whoever stores the name has to keep its Skeleton
// unique too.
func NewUnicodeUsername(s string) (Username, error) {
	if !utf8.ValidString(s) {
		return Username{}, &RefusedError{"username", NotText}
	}
	return newUsername(s)
}

func newUsername(s string) (Username, error) {
	refused := func(r Reason) (Username, error) { return Username{}, &RefusedError{"username", r} }
	switch {
	case s == "":
		return refused(Empty)
	case utf8.RuneCountInString(s) > maxNewUsername:
		return refused(TooLong)
	}
	key, err := precis.UsernameCaseMapped.String(s)
	if err != nil {
		return refused(Characters)
	}
	if again, err := precis.UsernameCaseMapped.String(key); err != nil || again != key || utf8.RuneCountInString(key) > maxNewUsername {
		return refused(Characters)
	}
	// The display must not say more than the key: full-width letters and
	// ligatures are refused rather than stored beside their plain form.
	if !norm.NFKC.IsNormalString(s) {
		return refused(NotNormalised)
	}
	if _, other := ParseReference(s); other {
		return refused(LooksLike)
	}
	letter, marks := false, 0
	for _, r := range key {
		marks++
		switch {
		case unicode.IsLetter(r):
			letter, marks = true, 0
		case unicode.IsDigit(r), strings.ContainsRune(usernamePunctuation, r):
			marks = 0
		case !unicode.IsMark(r), marks > maxMarks:
			return refused(Characters)
		}
	}
	switch {
	case !letter:
		return refused(NoLetter)
	case strings.Trim(key, edgePunctuation) != key:
		return refused(Edge)
	case !oneScript(key):
		return refused(Scripts)
	case strings.HasPrefix(key, "__"), reserved[looks(key)]:
		return refused(Reserved)
	}
	return Username{Display: s, Key: key}, nil
}

// ImportedUsername reads a name that somebody had before usher came, so that
// it keeps signing in: 1 to 256 characters of UTF-8 without control
// characters, and no space at either end. It may look like anything; see
// Username.Reference. The key is that of UsernameCaseMapped where the profile
// takes the name, else NFC in lower case. It fails with a *RefusedError.
func ImportedUsername(s string) (Username, error) {
	refused := func(r Reason) (Username, error) { return Username{}, &RefusedError{"username", r} }
	switch {
	case s == "":
		return refused(Empty)
	case !utf8.ValidString(s):
		return refused(NotText)
	case utf8.RuneCountInString(s) > maxUsername:
		return refused(TooLong)
	case strings.ContainsFunc(s, unicode.IsControl), strings.TrimFunc(s, unicode.IsSpace) != s:
		return refused(Space)
	}
	return Username{Display: s, Key: foldUsername(s)}, nil
}

// Reference gives what else the name could be read as, which only an imported
// one can. Whoever stores it has to see that no other user has that reference:
// one could sign in, or be granted something, in the other's place.
func (u Username) Reference() (Reference, bool) {
	if ref, ok := ParseReference(u.Display); ok {
		return ref, ok
	}
	return ParseReference(u.Key)
}

// Skeleton is equal for names that look alike, in whatever case they are shown
// (Unicode Technical Standard 39, section 4). It is for comparison only.
func (u Username) Skeleton() string { return skeleton(u.Key) }

// foldUsername ends at a form that folds to itself. Each round can only lower
// or compose, so that a few suffice; the bound is for the proof.
func foldUsername(s string) string {
	for range 4 {
		folded, err := precis.UsernameCaseMapped.String(s)
		if err != nil {
			folded = norm.NFC.String(strings.ToLower(s))
		}
		if folded == s {
			break
		}
		s = folded
	}
	return s
}
