package normal

import (
	"regexp"
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
)

// Username is a name to sign in with. Two usernames are the same if and only
// if their keys are equal.
type Username struct {
	Display string // as given
	Key     string // canonical, never shown
}

// reserved are names that could be taken for the house.
var reserved = map[string]bool{
	"abuse": true, "account": true, "admin": true, "administrator": true, "anonymous": true, "api": true,
	"auth": true, "authenticated": true, "console": true, "everyone": true, "guest": true, "health": true,
	"help": true, "hostmaster": true, "info": true, "internal": true, "login": true, "logout": true,
	"me": true, "metrics": true, "moderator": true, "nil": true, "nobody": true, "none": true,
	"noreply": true, "no-reply": true, "null": true, "oauth": true, "official": true, "operator": true,
	"postmaster": true, "public": true, "register": true, "root": true, "security": true, "self": true,
	"service": true, "signin": true, "signup": true, "staff": true, "superuser": true, "support": true,
	"sysadmin": true, "system": true, "undefined": true, "user": true, "users": true, "usher": true,
	"vetted": true, "webmaster": true, "www": true,
}

// Names that would be taken for something else where any reference to a user
// is accepted: numbers, usher's ids, EDI numbers.
var (
	likeNumber = regexp.MustCompile(`^[-+.()/]*([0-9][-+.()/]*){6,}$`)
	likeID     = regexp.MustCompile(`^(edi-.*|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$`)
)

// NewUsername reads a name that somebody wants to have from now on: 1 to 64
// ASCII characters within UsernameCaseMapped (RFC 8265, section 3.3), not
// reserved, and nothing that looks like an address, a number or an id. ASCII
// leaves no room for look-alikes such as a Cyrillic "а". It fails with a
// *RefusedError.
func NewUsername(s string) (Username, error) {
	refused := func(r Reason) (Username, error) { return Username{}, &RefusedError{"username", r} }
	switch {
	case s == "":
		return refused(Empty)
	case len(s) > maxNewUsername:
		return refused(TooLong)
	}
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return refused(NotASCII)
		}
	}
	key, err := precis.UsernameCaseMapped.String(s)
	if err != nil {
		return refused(Characters)
	}
	switch {
	case strings.Contains(key, "@"), likeNumber.MatchString(key), likeID.MatchString(key):
		return refused(LooksLike)
	case strings.HasPrefix(key, "__"), reserved[key]:
		return refused(Reserved)
	}
	return Username{Display: s, Key: key}, nil
}

// ImportedUsername reads a name that somebody had before usher came, so that
// it keeps signing in: 1 to 256 characters of UTF-8 without control
// characters, and no space at either end. It may look like anything. The key
// is that of UsernameCaseMapped where the profile takes the name, else NFC in
// lower case. It fails with a *RefusedError.
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
