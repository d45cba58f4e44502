package normal

import (
	"encoding/base64"
	"regexp"
	"strings"
)

// RefKind is a kind of name, beside a username, by which a user can be meant.
type RefKind string

const (
	RefEmail    RefKind = "e-mail"
	RefPhone    RefKind = "phone"
	RefNumber   RefKind = "number" // a snowflake or a serial number
	RefUUID     RefKind = "UUID"
	RefEDI      RefKind = "EDI number"
	RefGUID     RefKind = "_guid" // the partner door's user_…
	RefRelay    RefKind = "Relay id"
	RefIdentity RefKind = "identity"
)

// Reference is a text read as one of those names. Value is in the form in
// which a name of that kind is kept: an e-mail's key, E.164, digits, a UUID in
// lower case with hyphens, EDI- and lower case, an identity's name; a _guid and
// a Relay id as they stand, since case counts in them. A phone that says no
// country stays as it was written.
type Reference struct {
	Kind  RefKind
	Value string
}

var (
	likeNumber = regexp.MustCompile(`^[-+.()/ ]*([0-9][-+.()/ ]*){6,}$`)
	likeUUID   = regexp.MustCompile(`^(?:urn:uuid:)?\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?$`)
	likeGUID   = regexp.MustCompile(`^user_[0-9A-Za-z]{20,28}$`)
	likeRelay  = regexp.MustCompile(`^[A-Za-z]+:[0-9A-Fa-f-]+$`)
)

// ParseReference reads a text as another kind of name than a username; ok is
// false for a text that can only be a username.
func ParseReference(s string) (ref Reference, ok bool) {
	lower := strings.ToLower(s)
	if strings.HasPrefix(lower, "edi-") {
		return Reference{RefEDI, "EDI-" + lower[len("edi-"):]}, true
	}
	if m := likeUUID.FindStringSubmatch(lower); m != nil {
		return Reference{RefUUID, strings.Join(m[1:], "-")}, true
	}
	if id, err := ParseIdentityName(s); err == nil && id.Issuer != IssuerEDI {
		name, _ := id.Name()
		if id.Issuer == IssuerEmail {
			return Reference{RefEmail, name}, true
		}
		return Reference{RefIdentity, name}, true
	}
	switch {
	case onlyDigits(s):
		return Reference{RefNumber, s}, true
	case strings.Contains(s, "@"):
		return Reference{RefEmail, lower}, true
	case likeNumber.MatchString(s):
		if p, err := ParsePhone(s, ""); err == nil {
			return Reference{RefPhone, p.Key()}, true
		}
		return Reference{RefPhone, s}, true
	case likeGUID.MatchString(s):
		return Reference{RefGUID, s}, true
	}
	if plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "=")); err == nil && likeRelay.Match(plain) {
		return Reference{RefRelay, s}, true
	}
	return Reference{}, false
}
