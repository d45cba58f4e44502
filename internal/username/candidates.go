package username

import (
	"strconv"
	"strings"

	"github.com/mozillazg/go-unidecode"
	"golang.org/x/text/unicode/norm"

	"github.com/usher-id/usher/internal/normal"
)

const (
	// Count is how many candidates there are at a time.
	Count = 10
	// MaxStem bounds what is left of the person's name, in characters: a name of
	// any length gives a username that can be typed.
	MaxStem = 24
	// unnamed is the stem for a name with no letter that ASCII can stand for,
	// such as one of emoji or of digits alone.
	unnamed = "user"
	// maxRead bounds how much of each name is looked at, in bytes.
	maxRead = 512

	lowest, highest = 1000, 9999 // of the digits
)

// Candidates gives Count different usernames for a person, each the stem of the
// two names followed by four digits from 1000 to 9999; a draw is any number,
// evenly spread. Either name may be empty, and in any script.
//
// The stem is "given family" in ASCII and lower case with nothing but a-z, 0-9,
// "_" and "." in it, cut at MaxStem, and "user" where no letter remains. It
// begins with neither of the last two: usher keeps some such names for itself,
// and takes others from nobody.
func Candidates(given, family string, draw func() uint32) []string {
	s := stem(given, family)
	out := make([]string, 0, Count)
	taken := make(map[uint32]bool, Count)
	for len(out) < Count {
		n := draw() % (highest - lowest + 1)
		// The next free number, rather than another draw: this ends whatever is
		// drawn.
		for taken[n] {
			n = (n + 1) % (highest - lowest + 1)
		}
		taken[n] = true
		out = append(out, named(s, strconv.FormatUint(uint64(lowest+n), 10)))
	}
	return out
}

// named puts the digits behind the stem. A few stems become, with digits, what
// is read as another kind of name (normal.ParseReference): "user_" and twenty
// more is an identifier of the partner door.
func named(stem, digits string) string {
	if _, err := normal.NewUsername(stem + digits); err != nil {
		return unnamed + digits
	}
	return stem + digits
}

func stem(given, family string) string {
	// Composed letters first: the tables know é and 각, not always their parts.
	name := norm.NFC.String(head(given) + " " + head(family))
	var b strings.Builder
	letter := false
	for _, r := range strings.ToLower(unidecode.Unidecode(name)) {
		switch {
		case r >= 'a' && r <= 'z':
			letter = true
		case r >= '0' && r <= '9':
		case (r == '_' || r == '.') && b.Len() > 0:
		default:
			continue
		}
		if b.WriteByte(byte(r)); b.Len() == MaxStem {
			break
		}
	}
	if !letter {
		return unnamed
	}
	return b.String()
}

// head gives the beginning of a name, in whole characters.
func head(s string) string {
	if len(s) > maxRead {
		s = s[:maxRead]
	}
	return strings.ToValidUTF8(s, "")
}
