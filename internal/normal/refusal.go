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
	NoLetter      Reason = "no letter"
	Edge          Reason = "punctuation at the beginning or end"
	Scripts       Reason = "letters of several scripts"
	Issuer        Reason = "an issuer that no source can speak for"
	Subject       Reason = "no subject of that issuer"
	Checksum      Reason = "the check character is wrong"
	NotAssigned   Reason = "a number that its country has not given out"
	NotTexted     Reason = "a kind of number that is not texted"
	Country       Reason = "a country that is not texted"
)

// RefusedError says what was refused and why. It does not repeat the text.
type RefusedError struct {
	What   string // "e-mail", "phone", "username", "identity"
	Reason Reason
}

func (e *RefusedError) Error() string { return fmt.Sprintf("%s refused: %s", e.What, e.Reason) }
