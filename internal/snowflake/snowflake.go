package snowflake

import (
	"math/big"
	"strconv"
	"strings"
	"time"
)

// Epoch is the moment that ids count from, in milliseconds of Unix time. With
// it the published example's id decodes to the example's createdAt.
const Epoch int64 = 1503099970996

// Below the milliseconds an id has a node number and a sequence number.
const (
	NodeBits     = 10
	SequenceBits = 12
)

// Parse reads an id as the wire has it: the digits of a non-negative int64,
// without sign, space or leading zero, so that an id has one spelling.
func Parse(s string) (int64, bool) {
	if s == "" || s[0] == '0' && s != "0" {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	id, err := strconv.ParseInt(s, 10, 64)
	return id, err == nil
}

// Format writes an id as the wire has it.
func Format(id int64) string { return strconv.FormatInt(id, 10) }

// Time gives the moment an id was made, to the millisecond, in UTC.
func Time(id int64) time.Time {
	return time.UnixMilli(id>>(NodeBits+SequenceBits) + Epoch).UTC()
}

// alphabet is digits, lower, upper: the order in which math/big writes base 62.
const alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// mark stands before the decimal id when it is read as one number, which keeps
// the length of the text from being lost.
const mark = "i"

// longest is what base 62 makes of the mark and 19 digits.
const longest = 27

// GUID gives the _guid of an id, as "user_3DqfWw6ZJoZf5waKSckJLMOtVu".
func GUID(resource string, id int64) string {
	n := new(big.Int).SetBytes([]byte(mark + Format(id)))
	return resource + "_" + n.Text(len(alphabet))
}

// ParseGUID gives the id of a _guid of this resource; false for anything that
// GUID would not have written.
func ParseGUID(resource, s string) (int64, bool) {
	digits, ok := strings.CutPrefix(s, resource+"_")
	if !ok || digits == "" || len(digits) > longest {
		return 0, false
	}
	for i := range len(digits) {
		if strings.IndexByte(alphabet, digits[i]) < 0 {
			return 0, false
		}
	}
	n, ok := new(big.Int).SetString(digits, len(alphabet))
	if !ok {
		return 0, false
	}
	decimal, ok := strings.CutPrefix(string(n.Bytes()), mark)
	if !ok {
		return 0, false
	}
	id, ok := Parse(decimal)
	return id, ok && GUID(resource, id) == s
}
