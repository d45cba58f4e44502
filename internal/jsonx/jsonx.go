package jsonx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// unknownField begins the error of encoding/json, which has no type for it.
const unknownField = "json: unknown field "

// DefaultDepth is how deep arrays and objects may nest where Options say nothing.
const DefaultDepth = 32

// Duplicates says what becomes of an object's second member of the same name.
type Duplicates int

// The policies for duplicate names.
const (
	// Refuse an object with two names equal in any case: encoding/json would
	// write both into the same field.
	Refuse Duplicates = iota
	// LastWins takes the later one and nothing of the earlier, with which
	// encoding/json would merge it: two objects, or a null after a text. Names
	// that differ in case are two names, so that a struct may be the wrong
	// target.
	LastWins
)

// UnknownFields says what Decode does with a member that the target lacks.
type UnknownFields int

// The policies for unknown members.
const (
	IgnoreUnknown UnknownFields = iota
	RefuseUnknown
)

// Options choose how strict to be. The zero value is the strictest for syntax.
type Options struct {
	MaxDepth   int // 0: DefaultDepth
	Duplicates Duplicates
	Unknown    UnknownFields
	// AllowBOM accepts a byte order mark before the value.
	AllowBOM bool
	// AllowNaN accepts NaN, Infinity and -Infinity for a number; Decode reads
	// them as null.
	AllowNaN bool
}

// Tolerant is what Python's json module accepts: a byte order mark, NaN, and
// the last of several equal names.
func Tolerant() Options {
	return Options{Duplicates: LastWins, AllowBOM: true, AllowNaN: true}
}

// Check says whether data is exactly one JSON value that o allows. The error is
// an *Error.
func Check(data []byte, o Options) error {
	_, err := scan(data, o)
	return err
}

// Decode checks data and unmarshals it into dst. The error is an *Error if the
// data is to blame.
func Decode(data []byte, dst any, o Options) error {
	s, err := scan(data, o)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(s.plain()))
	if o.Unknown == RefuseUnknown {
		d.DisallowUnknownFields()
	}
	err = d.Decode(dst)
	var wrongType *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrongType):
		return &Error{Kind: WrongType, Field: wrongType.Field, Detail: "wrong type: a JSON " + word(wrongType.Value) + " does not fit here"}
	case o.Unknown == RefuseUnknown && strings.HasPrefix(err.Error(), unknownField):
		return &Error{Kind: UnknownField, Detail: "unknown field " + short(strings.TrimPrefix(err.Error(), unknownField))}
	default:
		return fmt.Errorf("decode JSON: %w", err)
	}
}

// Read reads all of body, checks and decodes it. A body over its limit is an
// error of the reader's own (*http.MaxBytesError), wrapped.
func Read(body io.Reader, dst any, o Options) error {
	data, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	return Decode(data, dst, o)
}

// short bounds a name in quotes: who sends it chooses its length.
func short(quoted string) string {
	if name, err := strconv.Unquote(quoted); err == nil {
		return fmt.Sprintf("%.64q", name)
	}
	return fmt.Sprintf("%.64q", quoted)
}

// word keeps the type out of "number 12.5": values are not echoed.
func word(value string) string {
	kind, _, _ := strings.Cut(value, " ")
	return kind
}
