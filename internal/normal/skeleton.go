package normal

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

//go:generate go run gen/confusables.go

// skeleton is equal for keys that look alike (Unicode Technical Standard 39,
// section 4). Since a name is shown in the case in which it was given, it also
// takes I for l and O for 0.
func skeleton(key string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(key) {
		if as, ok := confusables[r]; ok {
			b.WriteString(as)
		} else {
			b.WriteRune(r)
		}
	}
	return norm.NFD.String(b.String())
}
