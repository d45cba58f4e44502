package password

import (
	"fmt"
	"log/slog"

	"golang.org/x/text/unicode/norm"
)

// Plain is a password as somebody typed it. However it is printed, logged or
// marshalled, its text does not come out.
type Plain string

const hidden = "[password]"

// Format implements fmt.Formatter for every verb.
func (Plain) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// String hides the text from code that asks for a fmt.Stringer.
func (Plain) String() string { return hidden }

// LogValue implements slog.LogValuer.
func (Plain) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText keeps the text out of JSON and its like.
func (Plain) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// normal gives the form that usher's own hashes are made of: NFKC
// (SP 800-63B-4, section 3.1.1.2), so that a password typed on another
// keyboard is the same password. Hashes of other systems see the raw bytes.
func (p Plain) normal() []byte { return norm.NFKC.Bytes([]byte(p)) }

func (p Plain) raw() []byte { return []byte(p) }
