package password

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// What follows reads in one way only, so that a hash has one text: no signs,
// no leading zeros, no line breaks, no unused bits.

// decimal reads a whole number of up to 32 bits.
func decimal(text string) (uint32, bool) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || strconv.FormatUint(n, 10) != text {
		return 0, false
	}
	return uint32(n), true
}

// costs reads "a=1,b=2,c=3": these three names, in this order.
func costs(text string, names [3]string) (n [3]uint32, ok bool) {
	parts := strings.Split(text, ",")
	if len(parts) != len(names) {
		return n, false
	}
	for i, name := range names {
		digits, found := strings.CutPrefix(parts[i], name+"=")
		if n[i], ok = decimal(digits); !found || !ok {
			return n, false
		}
	}
	return n, true
}

// decode reads base64 that holds least to most bytes.
func decode(enc *base64.Encoding, text string, least, most int) ([]byte, bool) {
	b, err := enc.Strict().DecodeString(text)
	// The decoder passes over line breaks; writing it again shows them.
	if err != nil || len(b) < least || len(b) > most || enc.EncodeToString(b) != text {
		return nil, false
	}
	return b, true
}
