package gqlauth

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// tokenKind is what a token is.
type tokenKind uint8

const (
	endOfText tokenKind = iota
	punctuator
	nameToken
	numberToken
	stringToken
)

// lexeme is one token of a document. text is as it was written, a string's
// what it stands for.
type lexeme struct {
	kind      tokenKind
	text      string
	line, col int // from 1; col in characters
}

// refused says why a document is not run. Its text goes to the client.
type refused struct {
	text      string
	line, col int // zero: of the whole document
}

func (e *refused) Error() string { return e.text }

// lexer reads the tokens of a document (GraphQL, section 2.1), and of the
// grammar what graphql-core 2 reads: no block strings.
type lexer struct {
	src       string
	at        int
	line, col int
}

// lex reads all tokens, and stops where there are more than maxTokens.
func lex(src string) ([]lexeme, error) {
	if !utf8.ValidString(src) {
		return nil, &refused{text: "Syntax Error: the query is not UTF-8."}
	}
	l := &lexer{src: strings.TrimPrefix(src, "\ufeff"), line: 1, col: 1}
	var all []lexeme
	for {
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		if t.kind == endOfText {
			return append(all, t), nil
		}
		if len(all) == maxTokens {
			return nil, &refused{text: fmt.Sprintf("The query has more than %d tokens.", maxTokens)}
		}
		all = append(all, t)
	}
}

func (l *lexer) fail(format string, a ...any) error {
	return &refused{text: "Syntax Error: " + fmt.Sprintf(format, a...), line: l.line, col: l.col}
}

// advance passes n bytes without a line break.
func (l *lexer) advance(n int) {
	l.col += utf8.RuneCountInString(l.src[l.at : l.at+n])
	l.at += n
}

// ignore passes white space, commas and comments.
func (l *lexer) ignore() {
	for l.at < len(l.src) {
		switch l.src[l.at] {
		case ' ', '\t', ',':
			l.advance(1)
		case '\r', '\n':
			if strings.HasPrefix(l.src[l.at:], "\r\n") {
				l.at++
			}
			l.at++
			l.line, l.col = l.line+1, 1
		case '#':
			n := strings.IndexAny(l.src[l.at:], "\r\n")
			if n < 0 {
				n = len(l.src) - l.at
			}
			l.advance(n)
		default:
			return
		}
	}
}

func (l *lexer) next() (lexeme, error) {
	l.ignore()
	t := lexeme{line: l.line, col: l.col}
	if l.at == len(l.src) {
		return t, nil
	}
	rest := l.src[l.at:]
	switch c := rest[0]; {
	case isNameStart(c):
		n := 1
		for n < len(rest) && (isNameStart(rest[n]) || isDigit(rest[n])) {
			n++
		}
		t.kind, t.text = nameToken, rest[:n]
	case strings.HasPrefix(rest, "..."):
		t.kind, t.text = punctuator, "..."
	case strings.IndexByte("!$&()|:=@[]{}", c) >= 0:
		t.kind, t.text = punctuator, rest[:1]
	case c == '-' || isDigit(c):
		return l.number(t, rest)
	case c == '"':
		return l.string(t, rest)
	default:
		r, _ := utf8.DecodeRuneInString(rest)
		return t, l.fail("unexpected character %q", r)
	}
	l.advance(len(t.text))
	return t, nil
}

// number reads an Int or a Float. No Int of GraphQL is longer than 32 bits.
func (l *lexer) number(t lexeme, rest string) (lexeme, error) {
	n := 0
	digits := func() bool {
		from := n
		for n < len(rest) && isDigit(rest[n]) {
			n++
		}
		return n > from
	}
	if rest[0] == '-' {
		n++
	}
	first, whole := n, true
	ok := digits() && (rest[first] != '0' || n == first+1)
	if ok && n < len(rest) && rest[n] == '.' {
		n++
		whole, ok = false, digits()
	}
	if ok && n < len(rest) && (rest[n] == 'e' || rest[n] == 'E') {
		n++
		if n < len(rest) && (rest[n] == '+' || rest[n] == '-') {
			n++
		}
		whole, ok = false, digits()
	}
	if !ok || n < len(rest) && (isNameStart(rest[n]) || rest[n] == '.') {
		return t, l.fail("a malformed number")
	}
	if _, err := strconv.ParseInt(rest[:n], 10, 32); whole && err != nil {
		return t, l.fail("Int cannot represent a value of more than 32 bits")
	}
	if _, err := strconv.ParseFloat(rest[:n], 64); err != nil {
		return t, l.fail("a number out of range")
	}
	t.kind, t.text = numberToken, rest[:n]
	l.advance(n)
	return t, nil
}

var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (l *lexer) string(t lexeme, rest string) (lexeme, error) {
	if strings.HasPrefix(rest, `"""`) {
		return t, l.fail("block strings are not supported")
	}
	var b strings.Builder
	for n := 1; n < len(rest); {
		switch c := rest[n]; {
		case c == '"':
			t.kind, t.text = stringToken, b.String()
			l.advance(n + 1)
			return t, nil
		case c == '\\':
			r, size := escape(rest[n:])
			if size == 0 {
				return t, l.fail("a malformed escape in a string")
			}
			b.WriteRune(r)
			n += size
		case c < 0x20 && c != '\t':
			return t, l.fail("an unterminated string")
		default:
			b.WriteByte(c)
			n++
		}
	}
	return t, l.fail("an unterminated string")
}

// escape reads what begins with a backslash; a size of 0 if it is none.
func escape(s string) (r rune, size int) {
	if len(s) < 2 {
		return 0, 0
	}
	if s[1] != 'u' {
		if c, ok := escapes[s[1]]; ok {
			return rune(c), 2
		}
		return 0, 0
	}
	r, ok := hex4(s)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	low, ok := hex4(s[6:])
	if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
		return 0, 0
	}
	return r, 12
}

// hex4 reads \uXXXX.
func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[:2] != `\u` {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(n), err == nil
}

func isNameStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
