package jsonx

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// text reads a JSON string, and refuses what is no Unicode text: broken UTF-8
// and surrogates without their other half.
func (s *scanner) text() error {
	s.at++
	for s.at < len(s.data) {
		switch c := s.data[s.at]; {
		case c == '"':
			s.at++
			return nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		case c < 0x20:
			return s.fail(Malformed, "a control character inside a text")
		case c < utf8.RuneSelf:
			s.at++
		default:
			r, size := utf8.DecodeRune(s.data[s.at:])
			if r == utf8.RuneError && size == 1 {
				return s.fail(NotUTF8, "not UTF-8")
			}
			s.at += size
		}
	}
	return s.unexpected("the closing quote")
}

func (s *scanner) escape() error {
	start := s.at
	s.at++
	c := s.peek()
	if c != 'u' {
		if c == 0 || strings.IndexByte(`"\/bfnrt`, c) < 0 {
			return s.unexpected("an escape")
		}
		s.at++
		return nil
	}
	first, err := s.hex()
	if err != nil {
		return err
	}
	if first < 0xD800 || first > 0xDFFF {
		return nil
	}
	if first < 0xDC00 && s.peek() == '\\' && s.at+1 < len(s.data) && s.data[s.at+1] == 'u' {
		s.at++
		second, err := s.hex()
		if err != nil {
			return err
		}
		if second >= 0xDC00 && second <= 0xDFFF {
			return nil
		}
	}
	s.at = start
	return s.fail(NotUTF8, "half a surrogate pair")
}

// hex reads the u at hand and the four digits after it.
func (s *scanner) hex() (rune, error) {
	s.at++
	var r rune
	for range 4 {
		c := s.peek()
		switch {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, s.unexpected("a hexadecimal digit")
		}
		s.at++
	}
	return r, nil
}

// nameSet holds the names of one object: most have few.
type nameSet struct {
	few  []string
	many map[string]struct{}
}

const fewNames = 16

// add says whether name was new.
func (n *nameSet) add(name string) bool {
	for _, seen := range n.few {
		if seen == name {
			return false
		}
	}
	if len(n.few) < fewNames {
		n.few = append(n.few, name)
		return true
	}
	if _, seen := n.many[name]; seen {
		return false
	}
	if n.many == nil {
		n.many = map[string]struct{}{}
	}
	n.many[name] = struct{}{}
	return true
}

// lastMembers knows where the members of one object stand, from a member's name
// to the next one's.
type lastMembers struct {
	latest string
	of     map[string]span
}

// add notes a member that begins at start, and gives the earlier one of that
// name.
func (l *lastMembers) add(name string, start int) (old span, twice bool) {
	if l.of == nil {
		l.of = map[string]span{}
	} else {
		l.of[l.latest] = span{l.of[l.latest].from, start}
	}
	old, twice = l.of[name]
	l.latest, l.of[name] = name, span{from: start}
	return old, twice
}

// fold makes names equal that encoding/json takes for the same field.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf {
			if 'A' <= r && r <= 'Z' {
				return r + ('a' - 'A')
			}
			return r
		}
		// The whole orbit of simple case folding meets in one member; an ASCII
		// letter's (the Kelvin sign, the long s) in its small letter.
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		if 'A' <= least && least <= 'Z' {
			return least + ('a' - 'A')
		}
		return least
	}, name)
}
