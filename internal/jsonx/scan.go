package jsonx

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"
)

var (
	bom      = []byte("\xef\xbb\xbf")
	nonJSON  = [][]byte{[]byte("NaN"), []byte("Infinity"), []byte("-Infinity")}
	literals = [][]byte{[]byte("true"), []byte("false"), []byte("null")}
)

// span is data[from:to].
type span struct{ from, to int }

// scanner reads the grammar of RFC 8259 once, left to right.
type scanner struct {
	data  []byte
	at    int
	depth int
	o     Options
	edits []edit
}

// edit says what encoding/json is to read in place of a span.
type edit struct {
	span
	with string
}

// scan reads data. What it gives knows what plain needs if the data is to be
// decoded.
func scan(data []byte, o Options) (*scanner, error) {
	if o.MaxDepth <= 0 {
		o.MaxDepth = DefaultDepth
	}
	s := &scanner{data: data, o: o}
	if bytes.HasPrefix(data, bom) {
		if !o.AllowBOM {
			return nil, s.fail(Malformed, "a byte order mark is not allowed")
		}
		s.at = len(bom)
	}
	s.space()
	if s.at == len(data) {
		return nil, s.fail(Empty, "the message is empty")
	}
	if err := s.value(); err != nil {
		return nil, err
	}
	s.space()
	if s.at < len(data) {
		return nil, s.fail(Trailing, "more text after the value")
	}
	return s, nil
}

// plain is the message as encoding/json can read it.
func (s *scanner) plain() []byte {
	data := bytes.TrimPrefix(s.data, bom)
	if len(s.edits) == 0 {
		return data
	}
	slices.SortFunc(s.edits, func(a, b edit) int { return cmp.Compare(a.from, b.from) })
	var out []byte
	at := len(s.data) - len(data)
	for _, e := range s.edits {
		if e.from < at {
			continue // inside of what was left out
		}
		out = append(append(out, s.data[at:e.from]...), e.with...)
		at = e.to
	}
	return append(out, s.data[at:]...)
}

func (s *scanner) fail(kind Kind, detail string) error {
	return newError(kind, s.data, s.at, detail)
}

// unexpected names what stands where want should.
func (s *scanner) unexpected(want string) error {
	if s.at >= len(s.data) {
		return s.fail(Malformed, "the message ends where "+want+" should stand")
	}
	r, size := utf8.DecodeRune(s.data[s.at:])
	if r == utf8.RuneError && size <= 1 {
		return s.fail(NotUTF8, "not UTF-8")
	}
	return s.fail(Malformed, fmt.Sprintf("%q where %s should stand", r, want))
}

func (s *scanner) space() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// peek is the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.at < len(s.data) {
		return s.data[s.at]
	}
	return 0
}

func (s *scanner) value() error {
	switch s.peek() {
	case '{':
		return s.nested(s.object)
	case '[':
		return s.nested(s.array)
	case '"':
		return s.text()
	}
	for _, word := range literals {
		if bytes.HasPrefix(s.data[s.at:], word) {
			s.at += len(word)
			return nil
		}
	}
	if s.o.AllowNaN {
		for _, word := range nonJSON {
			if bytes.HasPrefix(s.data[s.at:], word) {
				s.edits = append(s.edits, edit{span{s.at, s.at + len(word)}, "null"})
				s.at += len(word)
				return nil
			}
		}
	}
	if c := s.peek(); c == '-' || isDigit(c) {
		return s.number()
	}
	return s.unexpected("a value")
}

// nested reads the inside of the bracket at hand one level deeper.
func (s *scanner) nested(inside func() error) error {
	if s.depth++; s.depth > s.o.MaxDepth {
		return s.fail(TooDeep, fmt.Sprintf("nested deeper than %d levels", s.o.MaxDepth))
	}
	s.at++
	err := inside()
	s.depth--
	return err
}

func (s *scanner) array() error {
	if s.space(); s.peek() == ']' {
		s.at++
		return nil
	}
	for {
		s.space()
		if err := s.value(); err != nil {
			return err
		}
		if more, err := s.separator(']'); !more {
			return err
		}
	}
}

func (s *scanner) object() error {
	if s.space(); s.peek() == '}' {
		s.at++
		return nil
	}
	var names nameSet
	var earlier lastMembers
	for {
		s.space()
		if s.peek() != '"' {
			return s.unexpected("a name in double quotes")
		}
		start := s.at
		if err := s.text(); err != nil {
			return err
		}
		name := unquote(s.data[start:s.at])
		if s.o.Duplicates == LastWins {
			if old, twice := earlier.add(name, start); twice {
				s.edits = append(s.edits, edit{span: old})
			}
		} else if !names.add(fold(name)) {
			s.at = start
			return s.fail(Duplicate, fmt.Sprintf("duplicate name %.64q", name))
		}
		s.space()
		if s.peek() != ':' {
			return s.unexpected("a colon")
		}
		s.at++
		s.space()
		if err := s.value(); err != nil {
			return err
		}
		if more, err := s.separator('}'); !more {
			return err
		}
	}
}

// separator reads a comma (more follows) or the closing bracket.
func (s *scanner) separator(closing byte) (more bool, err error) {
	s.space()
	switch s.peek() {
	case ',':
		s.at++
		return true, nil
	case closing:
		s.at++
		return false, nil
	}
	return false, s.unexpected("a comma or " + string(rune(closing)))
}

func (s *scanner) number() error {
	if s.peek() == '-' {
		s.at++
	}
	if s.peek() == '0' {
		s.at++
		if isDigit(s.peek()) {
			return s.fail(Malformed, "a number with a leading zero")
		}
	} else if err := s.digits(); err != nil {
		return err
	}
	if s.peek() == '.' {
		s.at++
		if err := s.digits(); err != nil {
			return err
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.at++
		if c := s.peek(); c == '+' || c == '-' {
			s.at++
		}
		return s.digits()
	}
	return nil
}

func (s *scanner) digits() error {
	if !isDigit(s.peek()) {
		return s.unexpected("a digit")
	}
	for isDigit(s.peek()) {
		s.at++
	}
	return nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// unquote is the text of a JSON string that text() has accepted.
func unquote(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	var out string
	if err := json.Unmarshal(quoted, &out); err != nil {
		return string(inner)
	}
	return out
}
