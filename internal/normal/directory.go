package normal

import (
	"encoding/hex"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// distinguished is a directory's name of an entry (RFC 4514), from the entry
// upward, in one form: no spaces around = and comma, types in lower case,
// values folded as caseIgnoreMatch compares them (RFC 4517, section 4.2.11,
// RFC 4518), o in capitals. Capitals are how directories write their
// organisation, and how the tokens of old show it: uid=ada,o=EDI,dc=….
type distinguished []part

type part struct{ kind, value string }

var attributeType = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*$`)

// dnSpecials have to be escaped in a value (RFC 4514, section 2.4).
const dnSpecials = `"+,;<>\`

// parseDN reads a name of one attribute a level. Values in hexadecimal BER,
// types as numbers and levels of several attributes are not understood: ok is
// false.
func parseDN(s string) (d distinguished, ok bool) {
	for s != "" || len(d) == 0 {
		kind, rest, found := strings.Cut(s, "=")
		kind = strings.Trim(kind, " ")
		if !found || !attributeType.MatchString(kind) {
			return nil, false
		}
		value, rest, ok := cutValue(rest)
		if !ok {
			return nil, false
		}
		kind = strings.ToLower(kind)
		if value, ok = foldValue(kind, value); !ok {
			return nil, false
		}
		d = append(d, part{kind, value})
		s = rest
	}
	return d, utf8.RuneCountInString(d.String()) <= maxIdentity
}

// cutValue reads up to the next comma that is not escaped. A comma at the very
// end is malformed.
func cutValue(s string) (value, rest string, ok bool) {
	s = strings.TrimLeft(s, " ")
	if strings.HasPrefix(s, "#") {
		return "", "", false
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == ',':
			return b.String(), s[i+1:], s[i+1:] != ""
		case c != '\\':
			if strings.IndexByte(dnSpecials, c) >= 0 {
				return "", "", false
			}
			b.WriteByte(c)
		case i+1 < len(s) && strings.IndexByte(dnSpecials+" #=", s[i+1]) >= 0:
			i++
			b.WriteByte(s[i])
		case i+2 < len(s):
			octet, err := hex.DecodeString(s[i+1 : i+3])
			if err != nil {
				return "", "", false
			}
			i += 2
			b.Write(octet)
		default:
			return "", "", false
		}
	}
	return b.String(), "", true
}

// foldValue ends at a form that folds to itself; the bound is for the proof.
func foldValue(kind, v string) (string, bool) {
	if !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError
	}) {
		return "", false
	}
	for range 4 {
		folded := strings.Join(strings.Fields(norm.NFKC.String(cases.Fold().String(v))), " ")
		if kind == "o" {
			folded = upperASCII(folded)
		}
		if folded == v {
			return v, v != ""
		}
		v = folded
	}
	return "", false
}

func upperASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

// names tells an entry of this type in some organisation: uid=…,o=….
func (d distinguished) names(kind string) bool {
	if d[0].kind != kind {
		return false
	}
	for _, p := range d[1:] {
		if p.kind == "o" {
			return true
		}
	}
	return false
}

func (d distinguished) String() string {
	var b strings.Builder
	for i, p := range d {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(p.kind)
		b.WriteByte('=')
		for j, r := range p.value {
			if strings.ContainsRune(dnSpecials, r) || j == 0 && r == '#' {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}
