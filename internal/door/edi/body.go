package edi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/jsonx"
	"github.com/usher-id/usher/internal/user"
)

// maxBody is far beyond what the largest profile needs.
const maxBody = 64 << 10

// members is a JSON object by its exact member names; of two alike the last
// counts.
type members map[string]json.RawMessage

// body reads the request's body as a JSON object whatever its Content-Type
// (contract edi.md, section 1). The answer is what to say where it is none.
func body(r *http.Request) (members, answer, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, answer{}, user.Refuse(user.TooLarge, "")
	}
	if err != nil {
		return nil, badRequest("The request body cannot be read"), nil //nolint:nilerr // the answer says it
	}
	m, why := parseObject(raw)
	if why != "" {
		return nil, badRequest("Invalid JSON in request body: " + why), nil
	}
	return m, answer{}, nil
}

// parseObject takes what Python's json takes: a byte order mark, NaN and
// Infinity, repeated members. The second result says why not.
func parseObject(raw []byte) (members, string) {
	if err := jsonx.Check(raw, jsonx.Tolerant()); err != nil {
		if bad, ok := errors.AsType[*jsonx.Error](err); ok && bad.Kind == jsonx.NotUTF8 {
			return nil, "not UTF-8"
		} else if ok {
			return nil, fmt.Sprintf("Expecting value: line %d column %d (char %d)", bad.Line, bad.Column, bad.Offset)
		}
		return nil, "Expecting value"
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	var m members
	if err := json.Unmarshal(withoutNaN(raw), &m); err != nil || m == nil {
		return nil, "Expecting an object"
	}
	return m, ""
}

// withoutNaN puts zeros where JSON that was checked has NaN, Infinity or
// -Infinity: like them a number, hence no value for any member this door reads,
// whereas a null would clear one.
func withoutNaN(text []byte) []byte {
	if !bytes.Contains(text, []byte("NaN")) && !bytes.Contains(text, []byte("Infinity")) {
		return text
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			end := i + 1
			for ; text[end] != '"'; end++ {
				if text[end] == '\\' {
					end++
				}
			}
			out = append(out, text[i:end+1]...)
			i = end
		case 'N':
			out = append(out, '0')
			i += len("NaN") - 1
		case 'I':
			out = append(out, '0')
			i += len("Infinity") - 1
		default:
			out = append(out, text[i])
		}
	}
	return out
}

// optional is a member that may be absent, null, or a string.
type optional struct {
	sent  bool
	value *string
}

// text reads a member that may be a string of at most limit characters, or
// null. The second result says what is wrong with it, or is empty.
func (m members) text(name string, limit int) (optional, string) {
	raw, sent := m[name]
	if !sent {
		return optional{}, ""
	}
	if string(raw) == "null" {
		return optional{sent: true}, ""
	}
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return optional{}, fmt.Sprintf("Field in JSON in request body must be a string: '%s'", name)
	}
	if strings.ContainsRune(s, 0) {
		return optional{}, fmt.Sprintf("Field in JSON in request body has a character that cannot be stored: '%s'", name)
	}
	if utf8.RuneCountInString(s) > limit {
		return optional{}, fmt.Sprintf("Field in JSON in request body is longer than %d characters: '%s'", limit, name)
	}
	return optional{sent: true, value: &s}, ""
}
