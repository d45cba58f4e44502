package jsonx

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// Kind is what is wrong with a message.
type Kind int

// The kinds of Error.
const (
	Malformed    Kind = iota + 1 // not JSON
	Empty                        // nothing but white space
	NotUTF8                      // bytes or escapes that are no Unicode text
	TooDeep                      // nested beyond Options.MaxDepth
	Duplicate                    // two members of one name
	Trailing                     // more after the value
	WrongType                    // JSON, but not of the expected type
	UnknownField                 // a member that the target lacks
)

// Error says what is wrong and where. It never holds a value of the message.
type Error struct {
	Kind   Kind
	Offset int    // byte, from 0; meaningless for WrongType and UnknownField
	Line   int    // from 1; 0: not known
	Column int    // in characters, from 1
	Field  string // dotted path, for WrongType
	Detail string
}

func (e *Error) Error() string {
	switch {
	case e.Line > 0:
		return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Detail)
	case e.Field != "":
		return e.Field + ": " + e.Detail
	default:
		return e.Detail
	}
}

func newError(kind Kind, data []byte, at int, detail string) *Error {
	before := data[:at]
	lineStart := bytes.LastIndexByte(before, '\n') + 1
	return &Error{
		Kind: kind, Offset: at, Detail: detail,
		Line:   bytes.Count(before, []byte("\n")) + 1,
		Column: utf8.RuneCount(before[lineStart:]) + 1,
	}
}
