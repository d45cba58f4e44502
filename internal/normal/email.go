package normal

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Lengths of RFC 5321, sections 4.5.3.1.1 to 4.5.3.1.3 (254 is what the
// 256 of a path leave to the address).
const (
	maxEmail = 254
	maxLocal = 64
	maxLabel = 63
)

// Email is an e-mail address. The zero Email is none.
type Email struct {
	given string
	key   string
}

// String gives the address exactly as it was written.
func (e Email) String() string { return e.given }

// Key gives the canonical form: lower-case local part, ASCII domain. It is for
// identity; dots and plus signs are left alone, since only the domain's owner
// knows what they mean.
func (e Email) Key() string { return e.key }

// Local gives the part before the @, in lower case.
func (e Email) Local() string { return e.key[:strings.IndexByte(e.key+"@", '@')] }

// Domain gives the ASCII domain in lower case.
func (e Email) Domain() string { return e.key[strings.IndexByte(e.key, '@')+1:] }

// IsZero tells no address.
func (e Email) IsZero() bool { return e.key == "" }

// ParseEmail reads one bare address by a grammar of its own (security 1.4): an
// ASCII dot-atom, one @, a domain name of two labels or more that IDNA2008
// allows to look up. net/mail would also take display names, comments, quoted
// parts and encoded words, each of which has delivered somebody's mail to
// somebody else. It never trims and fails with a *RefusedError.
func ParseEmail(s string) (Email, error) {
	key, reason := emailKey(s)
	if reason != "" {
		return Email{}, &RefusedError{"e-mail", reason}
	}
	return Email{given: s, key: key}, nil
}

func emailKey(s string) (string, Reason) {
	switch {
	case s == "":
		return "", Empty
	case len(s) > maxEmail:
		return "", TooLong
	case !utf8.ValidString(s):
		return "", NotText
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }):
		return "", Space
	case !norm.NFKC.IsNormalString(s):
		return "", NotNormalised
	case strings.ContainsAny(s, `"<>()[],;:\`):
		return "", Quote
	}
	local, domain, found := strings.Cut(s, "@")
	switch {
	case !found:
		return "", NoAt
	case strings.Contains(domain, "@"):
		return "", ManyAt
	case strings.Contains(s, "=?"):
		return "", EncodedWord
	case !isDotAtom(local):
		return "", LocalPart
	case strings.ContainsAny(domain, "'`\u2018\u2019\u201c\u201d"):
		return "", Quote // most often a stray quote of the text it was copied from
	}
	ascii, ok := asciiDomain(domain)
	if !ok {
		return "", Domain
	}
	key := strings.ToLower(local) + "@" + ascii
	if len(key) > maxEmail {
		return "", TooLong
	}
	return key, ""
}

// isDotAtom is the dot-atom of RFC 5322, section 3.2.3, in ASCII.
func isDotAtom(s string) bool {
	if s == "" || len(s) > maxLocal {
		return false
	}
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" {
			return false
		}
		for i := range len(atom) {
			c := atom[i]
			letter := c|0x20 >= 'a' && c|0x20 <= 'z'
			if !letter && (c < '0' || c > '9') && strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) < 0 {
				return false
			}
		}
	}
	return true
}

// asciiDomain gives the A-label form in lower case. IDNA also maps other dots
// than the ASCII one; those are refused, for not every mail server does.
func asciiDomain(domain string) (string, bool) {
	if strings.ContainsAny(domain, "\u3002\uff0e\uff61") {
		return "", false
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return "", false
	}
	labels := strings.Split(ascii, ".")
	if len(labels) < 2 || len(labels) != strings.Count(domain, ".")+1 {
		return "", false
	}
	for _, l := range labels {
		if l == "" || len(l) > maxLabel || strings.HasPrefix(l, "-") || strings.HasSuffix(l, "-") {
			return "", false
		}
		for i := range len(l) {
			if c := l[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return "", false
			}
		}
	}
	// A last label of digits makes it an address of a machine; the root zone has
	// names of letters and A-labels alone (RFC 1123, section 2.1, RFC 3696).
	last := labels[len(labels)-1]
	if strings.Trim(last, "abcdefghijklmnopqrstuvwxyz") != "" && !strings.HasPrefix(last, "xn--") {
		return "", false
	}
	return ascii, registrable(ascii)
}

// registrable looks for what the lookup profile lets pass and IDNA2008 does
// not, such as snowmen (RFC 5892, sections 2.1 and 2.6), in the name as a
// reader sees it.
func registrable(ascii string) bool {
	if !strings.Contains(ascii, "xn--") {
		return true
	}
	shown, err := idna.Lookup.ToUnicode(ascii)
	return err == nil && !strings.ContainsFunc(shown, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.Mn, unicode.Mc, unicode.Nd) &&
			!strings.ContainsRune("-.\u00b7\u0375\u05f3\u05f4\u06fd\u06fe\u0f0b\u3007\u30fb\u200c\u200d", r)
	})
}
