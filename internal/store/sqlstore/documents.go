package sqlstore

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/user"
)

// Documents and profiles are read with every row of a user or strand, so those
// that this program wrote without an escape are read by hand, in a tenth of
// encoding/json's time. Whatever looks different is encoding/json's to read, or
// to refuse.

// document reads what doc wrote of a user.Document.
func document(s string) (user.Document, error) {
	d := user.Document{}
	c := cursor{rest: s}
	for c.members() {
		name := user.Attr(c.text())
		f := user.Fact{}
		c.skip(`:{"v":`)
		f.Value = c.value()
		if c.try(`,"a":`) {
			f.Assurance = user.Assurance(c.text())
		}
		c.skip(`,"t":`)
		if f.At.UnmarshalText([]byte(c.text())) != nil {
			c.odd = true
		}
		c.skip(`}`)
		d[name] = f
	}
	if !c.odd {
		return d, nil
	}
	return undoc[user.Document](s)
}

// profile reads what doc wrote of a user.Profile.
func profile(s string) (user.Profile, error) {
	p := user.Profile{}
	c := cursor{rest: s}
	for c.members() {
		name := user.Attr(c.text())
		v := user.Shown{}
		c.skip(`:{"v":`)
		v.Value = c.value()
		if c.try(`,"s":`) {
			v.Strand = user.ID(c.text())
		}
		if c.try(`,"a":`) {
			v.Assurance = user.Assurance(c.text())
		}
		c.skip(`}`)
		p[name] = v
	}
	if !c.odd {
		return p, nil
	}
	return undoc[user.Profile](s)
}

// undoc reads a map as encoding/json does; nothing is an empty one.
func undoc[M ~map[K]V, K comparable, V any](s string) (M, error) {
	m := M{}
	if s == "" {
		return m, nil
	}
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		return nil, fmt.Errorf("reading a document: %w", err)
	}
	return m, nil
}

// cursor walks a text of known shape. Once it met anything else it is odd, and
// stays so.
type cursor struct {
	rest  string
	begun bool
	odd   bool
}

// members says whether another member follows, and moves to its name.
func (c *cursor) members() bool {
	switch {
	case c.odd:
		return false
	case !c.begun:
		c.begun = true
		if c.rest == "" {
			return false
		}
		c.skip("{")
		return !c.odd
	case c.rest == "}":
		return false
	default:
		c.skip(",")
		return !c.odd
	}
}

func (c *cursor) try(text string) (ok bool) {
	c.rest, ok = strings.CutPrefix(c.rest, text)
	return ok
}

func (c *cursor) skip(text string) { c.odd = !c.try(text) || c.odd }

// text reads a string that has no escape in it, and needs none.
func (c *cursor) text() string {
	c.skip(`"`)
	for i := 0; i < len(c.rest) && !c.odd; i++ {
		switch b := c.rest[i]; {
		case b == '"':
			s := c.rest[:i]
			c.rest = c.rest[i+1:]
			c.odd = !utf8.ValidString(s)
			return s
		case b < ' ' || b == '\\':
			c.odd = true
		}
	}
	c.odd = true
	return ""
}

// value reads a string or null.
func (c *cursor) value() *string {
	if c.try("null") {
		return nil
	}
	s := c.text()
	return &s
}
