package token

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Claims are what a verified token says. There is no other way to get them.
type Claims struct {
	Issuer, Subject, ID string
	Audience            []string
	Party               string // azp
	Expires             time.Time
	NotBefore, IssuedAt time.Time // zero where absent
	KID                 string
	all                 members
}

// Has tells whether a claim is present, be it null.
func (c Claims) Has(name string) bool {
	_, ok := c.all.get(name)
	return ok
}

// Get decodes a claim into v as encoding/json does, and tells whether it was
// there and fitted. The name matches exactly; a struct would also take
// "Email_Verified" for "email_verified", which is why a claim that is an object
// goes into a map.
func (c Claims) Get(name string, v any) bool {
	raw, ok := c.all.get(name)
	return ok && json.Unmarshal(raw, v) == nil
}

// registeredText reads a claim that says who or what: text without control
// characters, which no store or log would keep as it is.
func (c Claims) registeredText(name string) (string, error) {
	s, err := c.optionalString(name)
	if err == nil && strings.ContainsFunc(s, unicode.IsControl) {
		return "", refuse("%s has control characters", name)
	}
	return s, err
}

// Text gives a claim that is a JSON string, or "".
func (c Claims) Text(name string) string {
	s, err := c.optionalString(name)
	if err != nil {
		return ""
	}
	return s
}

// True tells whether a claim is the JSON literal true, and not "true" or 1
// (security T11).
func (c Claims) True(name string) bool {
	raw, _ := c.all.get(name)
	return string(raw) == "true"
}

func (c Claims) optionalString(name string) (s string, err error) {
	raw, ok := c.all.get(name)
	if !ok {
		return "", nil
	}
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", refuse("%s is not text", name)
	}
	return s, nil
}

// maxNumericDate is the year 36812: beyond it is a mistake or an attack on
// arithmetic.
const maxNumericDate = 1 << 40

// optionalTime reads a NumericDate (RFC 7519, section 2): a JSON number of
// seconds, a fraction allowed.
func (c Claims) optionalTime(name string) (time.Time, error) {
	raw, ok := c.all.get(name)
	if !ok {
		return time.Time{}, nil
	}
	if raw[0] < '0' || raw[0] > '9' {
		return time.Time{}, refuse("%s is not a time", name)
	}
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || n > maxNumericDate {
		return time.Time{}, refuse("%s is not a time", name)
	}
	whole := int64(n)
	return time.Unix(whole, int64((n-float64(whole))*1e9)).UTC(), nil
}
