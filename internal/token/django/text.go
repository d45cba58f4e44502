package django

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// maxText is what is read and made at most (security T6).
	maxText = 8 << 10 // bytes
	// maxSecond is the year 36812: beyond it is a mistake or an attack on
	// arithmetic.
	maxSecond = 1 << 40
)

// b64 is base64url without padding. That what it decodes was canonical shows in
// encoding it anew.
var b64 = base64.RawURLEncoding

// storable tells whether a text can be kept and logged as it is.
func storable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// object is a JSON object as Python's json.dumps writes it with the separators
// "," and ":": members in the order they are added, everything but ASCII
// escaped. Texts have to be storable.
type object []byte

func (o object) name(name string) object {
	if len(o) == 0 {
		o = append(o, '{')
	} else {
		o = append(o, ',')
	}
	return append(o.quoted(name), ':')
}

func (o object) text(name, value string) object { return o.name(name).quoted(value) }

func (o object) number(name string, value int64) object {
	return strconv.AppendInt(o.name(name), value, 10)
}

func (o object) end() []byte { return append(o, '}') }

func (o object) quoted(s string) object {
	o = append(o, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			o = append(o, '\\', byte(r))
		case r >= ' ' && r <= '~':
			o = append(o, byte(r))
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			o = fmt.Appendf(o, `\u%04x\u%04x`, high, low)
		default:
			o = fmt.Appendf(o, `\u%04x`, r)
		}
	}
	return append(o, '"')
}

// base62 is the alphabet of a signature's second.
const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func appendBase62(to []byte, n int64) []byte {
	if n >= int64(len(base62)) {
		to = appendBase62(to, n/int64(len(base62)))
	}
	return append(to, base62[n%int64(len(base62))])
}

// parseBase62 reads a second from 0 to maxSecond: digits alone, and no zero in
// front.
func parseBase62(text string) (n int64, ok bool) {
	for i := range len(text) {
		digit := strings.IndexByte(base62, text[i])
		if digit < 0 || i > 0 && n == 0 {
			return 0, false
		}
		if n = n*int64(len(base62)) + int64(digit); n > maxSecond {
			return 0, false
		}
	}
	return n, text != ""
}
