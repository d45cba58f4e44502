package normal

import "fmt"

// Reason is why a name is refused.
type Reason string

const (
	Empty         Reason = "empty"
	TooLong       Reason = "too long"
	NotText       Reason = "not UTF-8"
	NotNormalised Reason = "letters that Unicode NFKC would change"
	Space         Reason = "spaces or control characters"
	Quote         Reason = "a quote or bracket"
	NoAt          Reason = "no @"
	ManyAt        Reason = "more than one @"
	LocalPart     Reason = "the part before the @ is malformed"
	EncodedWord   Reason = "an encoded word"
	Domain        Reason = "the domain is malformed"
	NotANumber    Reason = "not a telephone number"
	NoCountry     Reason = "a national number without a country"
	NotPossible   Reason = "no number of that country has this length"
	Extension     Reason = "an extension"
	NotASCII      Reason = "letters outside of ASCII"
	Characters    Reason = "characters that a username cannot have"
	LooksLike     Reason = "it looks like an address, a number or an id"
	Reserved      Reason = "the name is reserved"
	Issuer        Reason = "an issuer that is usher's own"
)

// RefusedError says what was refused and why. It does not repeat the text.
type RefusedError struct {
	What   string // "e-mail", "phone", "username", "identity"
	Reason Reason
}

func (e *RefusedError) Error() string { return fmt.Sprintf("%s refused: %s", e.What, e.Reason) }
