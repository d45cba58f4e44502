package normal

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Issuers that an identity's name can mean by its form (design, section 3).
const (
	IssuerORCID  = "https://orcid.org"
	IssuerGitHub = "https://github.com"
	IssuerGoogle = "https://accounts.google.com"
	IssuerLDAP   = "ldap"
	// IssuerEmail is nobody's: only a proof of the address claims the name.
	IssuerEmail = "email"
	// IssuerEDI holds names that mean nothing by their form; only an operator
	// gives them to somebody.
	IssuerEDI = "edi"
)

const (
	maxIdentity  = 256 // characters of a name, an issuer or a subject
	maxSub       = 255 // OpenID Connect Core 1.0, section 2
	maxLogin     = 39  // of a GitHub account
	googleDigits = 21
)

// issuers are the hosts and words by which the known issuers are named.
var issuers = map[string]string{
	"orcid.org": IssuerORCID, "github.com": IssuerGitHub, "accounts.google.com": IssuerGoogle,
	"orcid": IssuerORCID, "github": IssuerGitHub, "google": IssuerGoogle,
	IssuerLDAP: IssuerLDAP, IssuerEmail: IssuerEmail, IssuerEDI: IssuerEDI,
}

// Identity is a subject at an issuer, in the form that both constructors give:
// one identity, one Identity.
type Identity struct{ Issuer, Subject string }

// ParseIdentityName reads EDI's idp_uid, which tells the issuer by its form
// alone:
//
//	https://orcid.org/X         IssuerORCID, X, where X is an ORCID iD
//	https://github.com/NAME     IssuerGitHub, name in lower case
//	uid=…,o=…                   IssuerLDAP, where it is written in its one form (see directory.go)
//	21 digits                   IssuerGoogle, the digits
//	an e-mail address           IssuerEmail, its key
//	anything else, also ""      IssuerEDI, the whole name as it stands
//
// The two URLs may be written with http, www., capitals in scheme and host, and
// a slash at the end. It fails with a *RefusedError on more than 256
// characters, NUL and what is not UTF-8, and on nothing else: a false ORCID iD
// is a name that nobody's proof can claim, and so is a directory name in another
// spelling, which the original takes for another (contract edi.md, section 3).
func ParseIdentityName(name string) (Identity, error) {
	if r := identityText(name); r != "" {
		return Identity{}, &RefusedError{"identity", r}
	}
	if issuer, _, ok := cutSite(name); ok && issuer != IssuerGoogle {
		if subject, r := subjectAt(issuer, name); r == "" {
			return Identity{issuer, subject}, nil
		}
	}
	if dn, ok := parseDN(name); ok && dn.names("uid") && dn.String() == name {
		return Identity{IssuerLDAP, dn.String()}, nil
	}
	if len(name) == googleDigits && onlyDigits(name) {
		return Identity{IssuerGoogle, name}, nil
	}
	if e, err := ParseEmail(name); err == nil {
		return Identity{IssuerEmail, e.Key()}, nil
	}
	return Identity{IssuerEDI, name}, nil
}

// NewIdentity reads an issuer and subject as a source sends them. The three
// known issuers may be given by their URL in any of its spellings, by their
// host or by the words orcid, github and google; their subjects, and those of
// ldap, take the form that ParseIdentityName gives them, and are refused where
// that issuer cannot have given them. ORCID and GitHub subjects may be the
// whole URL. Any other issuer is exact, slash and all (OpenID Connect Core 1.0,
// section 3.1.3.7), and so are its subjects. IssuerEmail and IssuerEDI are
// refused: no source can speak for them. It fails with a *RefusedError.
func NewIdentity(issuer, subject string) (Identity, error) {
	refused := func(r Reason) (Identity, error) { return Identity{}, &RefusedError{"identity", r} }
	for _, text := range [...]string{issuer, subject} {
		if text == "" {
			return refused(Empty)
		}
		if r := identityText(text); r != "" {
			return refused(r)
		}
	}
	if strings.ContainsFunc(issuer, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return refused(Space)
	}
	if known, path, ok := cutSite(issuer); ok {
		if strings.Trim(path, "/") != "" {
			return refused(Issuer)
		}
		issuer = known
	} else if known, ok := issuers[strings.ToLower(strings.TrimRight(issuer, "/"))]; ok {
		issuer = known
	}
	if issuer == IssuerEmail || issuer == IssuerEDI {
		return refused(Issuer)
	}
	subject, r := subjectAt(issuer, subject)
	if r != "" {
		return refused(r)
	}
	return Identity{issuer, subject}, nil
}

// Name gives the idp_uid that means this identity; ok is false where no name
// does, as for a Keycloak subject or a Google one that is not 21 digits.
func (i Identity) Name() (name string, ok bool) {
	name = i.Subject
	switch i.Issuer {
	case IssuerORCID, IssuerGitHub:
		name = i.Issuer + "/" + i.Subject
	case IssuerLDAP, IssuerGoogle, IssuerEmail, IssuerEDI:
	default:
		return "", false
	}
	back, err := ParseIdentityName(name)
	if err != nil || back != i {
		return "", false
	}
	return name, true
}

// subjectAt gives the one form of a subject at an issuer.
func subjectAt(issuer, subject string) (string, Reason) {
	switch issuer {
	case IssuerORCID, IssuerGitHub:
		if site, path, ok := cutSite(subject); ok && site == issuer {
			subject = strings.TrimSuffix(path, "/")
		}
		if issuer == IssuerORCID {
			return parseORCID(subject)
		}
		if !isLogin(subject) {
			return "", Subject
		}
		return strings.ToLower(subject), ""
	case IssuerGoogle:
		if len(subject) > maxSub || strings.ContainsFunc(subject, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			return "", Subject
		}
		return subject, ""
	case IssuerLDAP:
		dn, ok := parseDN(subject)
		if !ok {
			return "", Subject
		}
		return dn.String(), ""
	default:
		return subject, ""
	}
}

// cutSite cuts an http or https URL of a known issuer behind its host.
func cutSite(url string) (issuer, path string, ok bool) {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok || !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") {
		return "", "", false
	}
	host, path, _ := strings.Cut(rest, "/")
	host = strings.TrimPrefix(strings.ToLower(host), "www.")
	issuer, ok = issuers[host]
	return issuer, path, ok && strings.Contains(host, ".")
}

// isLogin is the form of GitHub's account names. Hyphens at the end and in a
// row are of its early days, the underscore is of accounts that a company runs.
func isLogin(s string) bool {
	if s == "" || len(s) > maxLogin || s[0] == '-' || s[0] == '_' {
		return false
	}
	for i := range len(s) {
		if !isAlnum(s[i]) && s[i] != '-' && s[i] != '_' {
			return false
		}
	}
	return true
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

func onlyDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func identityText(s string) Reason {
	switch {
	case !utf8.ValidString(s):
		return NotText
	case strings.Contains(s, "\x00"):
		return Space
	case utf8.RuneCountInString(s) > maxIdentity:
		return TooLong
	}
	return ""
}
