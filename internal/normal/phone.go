package normal

import (
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

const (
	maxDigits = 15 // ITU-T E.164, section 6.2.1; some national plans go further
	maxPhone  = 40 // those, and generous punctuation
)

// Phone is a telephone number of the world's plan. The zero Phone is none.
type Phone struct{ e164 string }

// String gives E.164, as "+447911123456".
func (p Phone) String() string { return p.e164 }

// Key gives E.164; it is the canonical form.
func (p Phone) Key() string { return p.e164 }

// IsZero tells no number.
func (p Phone) IsZero() bool { return p.e164 == "" }

// ParsePhone reads a number in international form ("+…"), or, where region
// names a country (ISO 3166-1 alpha-2, as "IN"), in that country's own form.
// Digits, spaces and - . ( ) / are allowed; letters, extensions and URIs are
// not. The number must be possible, by country and length, and have at most 15
// digits; whether it is
// assigned nobody knows but the operator. It fails with a *RefusedError.
//
// The metadata of all countries is read when the process starts, not here:
// the library offers no other way. It takes 8 ms and 6 MB of resident memory.
func ParsePhone(s, region string) (Phone, error) {
	e164, reason := phoneKey(s, region)
	if reason != "" {
		return Phone{}, &RefusedError{"phone", reason}
	}
	return Phone{e164}, nil
}

func phoneKey(s, region string) (string, Reason) {
	switch {
	case s == "":
		return "", Empty
	case len(s) > maxPhone:
		return "", TooLong
	case strings.LastIndexByte(s, '+') > 0:
		return "", NotANumber
	}
	for i := range len(s) {
		if strings.IndexByte("+0123456789 -.()/", s[i]) < 0 {
			return "", NotANumber
		}
	}
	if s[0] != '+' && region == "" {
		return "", NoCountry
	}
	first, reason := possible(s, region)
	if reason != "" {
		return "", reason
	}
	if len(first) > len("+")+maxDigits {
		return "", NotPossible
	}
	// The form to keep must read back as itself; where a country's trunk
	// prefix is also a beginning of its numbers, it might not.
	again, reason := possible(first, "")
	if reason != "" || again != first {
		return "", NotPossible
	}
	return first, ""
}

func possible(s, region string) (string, Reason) {
	n, err := phonenumbers.Parse(s, region)
	switch {
	case err != nil:
		return "", NotANumber
	case n.GetExtension() != "":
		return "", Extension
	case phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE: // nor local only
		return "", NotPossible
	}
	return phonenumbers.Format(n, phonenumbers.E164), ""
}

// IsValid tells whether the number lies in a range that its country has given
// out, which is what Sunbird asks of a phone.
func (p Phone) IsValid() bool {
	n, err := phonenumbers.Parse(p.e164, "")
	return err == nil && phonenumbers.IsValidNumber(n)
}

// TakesText tells whether the number's plan has it among those that can take a
// text message without a charge to the reader: mobile, or mobile and fixed
// alike. Premium, shared-cost and unassigned ranges are out.
func (p Phone) TakesText() bool {
	n, err := phonenumbers.Parse(p.e164, "")
	if err != nil {
		return false
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
		return true
	default:
		return false
	}
}

// Textable says why no code may be texted to the number, or nil. The number
// must be valid, of a kind that takes texts and of one of these countries (ISO
// 3166-1 alpha-2), which keeps codes from ranges that pay their owner for each
// text (security 1.5, O4). No countries, no texts. It fails with a
// *RefusedError.
func (p Phone) Textable(countries []string) error {
	switch {
	case !p.IsValid():
		return &RefusedError{"phone", NotAssigned}
	case !p.TakesText():
		return &RefusedError{"phone", NotTexted}
	case !slices.Contains(countries, p.Region()):
		return &RefusedError{"phone", Country}
	}
	return nil
}

// Region gives the country (ISO 3166-1 alpha-2) of the number, or "" where the
// number is valid in none; for the allowlist of countries that are texted.
func (p Phone) Region() string {
	n, err := phonenumbers.Parse(p.e164, "")
	if err != nil {
		return ""
	}
	region := phonenumbers.GetRegionCodeForNumber(n)
	if region == "ZZ" {
		return ""
	}
	return region
}
