package gqlauth

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// Global ids and cursors are base64 of a name, a colon and a number (contract
// section 3).
const (
	userNode   = "UserNode"
	cursorName = "arrayconnection"
)

func globalID(name string, n int) string {
	return base64.StdEncoding.EncodeToString([]byte(name + ":" + strconv.Itoa(n)))
}

// fromGlobalID reads the number; false for whatever globalID would not write.
func fromGlobalID(name, text string) (int32, bool) {
	if len(text) > 64 {
		return 0, false
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return 0, false
	}
	digits, ok := strings.CutPrefix(string(raw), name+":")
	n, err := strconv.ParseInt(digits, 10, 32)
	if !ok || err != nil || n < 0 || strconv.FormatInt(n, 10) != digits {
		return 0, false
	}
	return int32(n), true
}
