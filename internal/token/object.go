package token

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a token's JSON.
const maxDepth = 32

var (
	errJSON      = errors.New("not a JSON object in UTF-8")
	errDepth     = errors.New("JSON nested too deep")
	errDuplicate = errors.New("JSON object with a member twice")
	errSurrogate = errors.New("JSON text with half a surrogate pair")
)

// members are a JSON object's, in order, values as they stand in the text.
// Names match exactly, where encoding/json would take "EXP" for "exp".
type members []member

type member struct {
	name  string
	value []byte
}

func (m members) get(name string) ([]byte, bool) {
	for i := range m {
		if m[i].name == name {
			return m[i].value, true
		}
	}
	return nil, false
}

// parseObject reads a JSON object and refuses a member name that occurs twice
// in any object, at any depth, also where the two are escaped differently:
// parsers disagree about which of the two counts. Half a surrogate pair is
// refused too: encoding/json reads every one of them as U+FFFD, and two
// subjects would be one.
func parseObject(text []byte) (members, error) {
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil, errJSON
	}
	w := walker{text: text}
	w.space()
	if w.text[w.at] != '{' {
		return nil, errJSON
	}
	return w.object(1)
}

// walker goes through JSON that is known to be valid.
type walker struct {
	text []byte
	at   int
}

func (w *walker) space() {
	for w.at < len(w.text) {
		switch w.text[w.at] {
		case ' ', '\t', '\n', '\r':
			w.at++
		default:
			return
		}
	}
}

// few is up to how many members a scan beats a map.
const few = 16

func (w *walker) object(depth int) (members, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	var found members
	var seen map[string]struct{}
	w.at++ // {
	for w.space(); w.text[w.at] != '}'; w.space() {
		if w.text[w.at] == ',' {
			w.at++
			w.space()
		}
		name, err := w.name()
		if err != nil {
			return nil, err
		}
		if seen == nil && len(found) == few {
			seen = make(map[string]struct{}, 2*few)
			for _, m := range found {
				seen[m.name] = struct{}{}
			}
		}
		var twice bool
		if seen != nil {
			_, twice = seen[name]
			seen[name] = struct{}{}
		} else {
			_, twice = found.get(name)
		}
		if twice {
			return nil, errDuplicate
		}
		w.space()
		w.at++ // :
		w.space()
		from := w.at
		if err := w.value(depth); err != nil {
			return nil, err
		}
		found = append(found, member{name, w.text[from:w.at]})
	}
	w.at++ // }
	return found, nil
}

func (w *walker) value(depth int) error {
	switch w.text[w.at] {
	case '{':
		_, err := w.object(depth + 1)
		return err
	case '[':
		if depth+1 > maxDepth {
			return errDepth
		}
		w.at++
		for w.space(); w.text[w.at] != ']'; w.space() {
			if w.text[w.at] == ',' {
				w.at++
				w.space()
			}
			if err := w.value(depth + 1); err != nil {
				return err
			}
		}
		w.at++
		return nil
	case '"':
		_, err := w.quoted()
		return err
	default: // a number, true, false or null runs to the next mark
		for w.at < len(w.text) {
			switch w.text[w.at] {
			case ',', ']', '}', ' ', '\t', '\n', '\r':
				return nil
			}
			w.at++
		}
		return nil
	}
}

// quoted passes a string and tells whether it holds an escape.
func (w *walker) quoted() (escaped bool, err error) {
	for w.at++; w.text[w.at] != '"'; w.at++ {
		if w.text[w.at] != '\\' {
			continue
		}
		escaped = true
		w.at++
		if w.text[w.at] != 'u' {
			continue
		}
		r := w.hex()
		if !utf16.IsSurrogate(r) {
			continue
		}
		if w.text[w.at+1] != '\\' || w.text[w.at+2] != 'u' {
			return true, errSurrogate
		}
		w.at += 2
		if utf16.DecodeRune(r, w.hex()) == utf8.RuneError {
			return true, errSurrogate
		}
	}
	w.at++
	return escaped, nil
}

// hex passes the four digits of the u at hand and stops at the last.
func (w *walker) hex() rune {
	var code [2]byte
	_, _ = hex.Decode(code[:], w.text[w.at+1:w.at+5])
	w.at += 4
	return rune(binary.BigEndian.Uint16(code[:]))
}

func (w *walker) name() (string, error) {
	from := w.at
	escaped, err := w.quoted()
	if err != nil {
		return "", err
	}
	if !escaped {
		return string(w.text[from+1 : w.at-1]), nil
	}
	var name string
	if err := json.Unmarshal(w.text[from:w.at], &name); err != nil {
		return "", errJSON
	}
	return name, nil
}
