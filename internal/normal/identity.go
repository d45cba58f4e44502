package normal

import (
	"strings"
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
	googleDigits = 21
)

// Identity is a subject at an issuer, both exact: case and spaces count.
type Identity struct{ Issuer, Subject string }

// ParseIdentityName reads EDI's idp_uid, which tells the issuer by its form
// alone:
//
//	https://orcid.org/X         IssuerORCID, X
//	https://github.com/NAME     IssuerGitHub, NAME
//	uid=…,o=…                   IssuerLDAP, the whole name
//	21 digits                   IssuerGoogle, the whole name
//	an e-mail address           IssuerEmail, the whole name
//	anything else, also ""      IssuerEDI, the whole name
//
// It fails with a *RefusedError on more than 256 characters, NUL and what is
// not UTF-8, and on nothing else.
func ParseIdentityName(name string) (Identity, error) {
	if r := identityText(name); r != "" {
		return Identity{}, &RefusedError{"identity", r}
	}
	for _, issuer := range [...]string{IssuerORCID, IssuerGitHub} {
		if subject, ok := strings.CutPrefix(name, issuer+"/"); ok && subject != "" {
			return Identity{issuer, subject}, nil
		}
	}
	switch {
	case strings.HasPrefix(name, "uid=") && strings.Contains(name, ",o="):
		return Identity{IssuerLDAP, name}, nil
	case len(name) == googleDigits && strings.Trim(name, "0123456789") == "":
		return Identity{IssuerGoogle, name}, nil
	}
	if _, err := ParseEmail(name); err == nil {
		return Identity{IssuerEmail, name}, nil
	}
	return Identity{IssuerEDI, name}, nil
}

// NewIdentity reads an issuer and subject as the partner API sends them. A
// slash at the end of the three known issuers' URLs is dropped, nothing else
// is changed. IssuerEmail and IssuerEDI are refused: no source can speak for
// them. It fails with a *RefusedError.
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
	switch bare := strings.TrimSuffix(issuer, "/"); bare {
	case IssuerORCID, IssuerGitHub, IssuerGoogle:
		issuer = bare
	}
	if issuer == IssuerEmail || issuer == IssuerEDI {
		return refused(Issuer)
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
