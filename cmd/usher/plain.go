package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// plain is text on its way to a terminal or into a line: what others wrote, names
// foremost, must neither steer the terminal nor pass for a line of the command's.
// Characters that are not seen stand as escapes: ESC as \x1b, a line's end as
// \n, the override of the direction of writing as \u202e. JSON needs none of it.
func plain[T ~string](text T) string { return escape(string(text), unseen) }

// plainLines is plain for a text of several lines, whose ends are its own.
func plainLines(text string) string {
	return escape(text, func(r rune) bool { return r != '\n' && unseen(r) })
}

// unseen says whether a character is shown by no sign of its own: controls,
// those that form what is around them, and ends of lines and paragraphs.
func unseen(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

func escape(text string, which func(rune) bool) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, which) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case which(r):
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteString(text[:n])
		}
		text = text[n:]
	}
	return b.String()
}
