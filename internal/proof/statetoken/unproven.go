package statetoken

import (
	"strings"

	"github.com/usher-id/usher/internal/token"
)

// Why is what is wrong with a token, for the record alone: whoever sent it is told
// the same of all of them (contract B.8, flow 4).
type Why string

// The first four are the original's.
const (
	InvalidSignature Why = "INVALID_SIGNATURE" // its form, issuer, key or signature
	DataMissing      Why = "PAYLOAD_DATA_MISSING"
	IssuedAhead      Why = "TOKEN_IAT_FUTURE"
	Expired          Why = "TOKEN_EXPIRED"

	DataInvalid  Why = "PAYLOAD_DATA_INVALID"
	NotYet       Why = "TOKEN_NBF_FUTURE"
	LivesTooLong Why = "TOKEN_LIFE_TOO_LONG"
	ForeignState Why = "STATE_ID_MISMATCH" // not a channel of the issuer
)

// Unproven says that a token proves nothing. It holds nothing of the token.
type Unproven struct {
	Why    Why
	Detail string // in words of ours
}

func (u *Unproven) Error() string {
	return "the state's token proves nothing: " + string(u.Why) + ": " + u.Detail
}

func no(why Why, detail string) error { return &Unproven{why, detail} }

// refused says why package token took a token for none. Everything that is not
// about a claim is about whether it is the issuer's at all.
func refused(err error) error {
	detail := token.Reason(err)
	switch {
	case detail == "expired":
		return no(Expired, detail)
	case detail == "iat is in the future":
		return no(IssuedAhead, detail)
	case detail == "nbf is in the future":
		return no(NotYet, detail)
	case detail == "exp is missing":
		return no(DataMissing, detail)
	case strings.HasPrefix(detail, "header: member "):
		return no(InvalidSignature, "header: a member that is not allowed") // without its name
	case strings.HasPrefix(detail, "header: "):
	case strings.HasSuffix(detail, " is not text"), strings.HasSuffix(detail, " is not a time"),
		strings.HasSuffix(detail, " has control characters"):
		return no(DataInvalid, detail)
	}
	return no(InvalidSignature, detail)
}
