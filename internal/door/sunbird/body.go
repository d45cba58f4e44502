package sunbird

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/jsonx"
	"github.com/usher-id/usher/internal/user"
)

const (
	maxBody = 64 << 10
	maxText = 256 // characters of a name, an id, an address
)

func refused(err error, c user.Code) bool {
	no, ok := errors.AsType[*user.Refusal](err)
	return ok && no.Code == c
}

// fields are the members of a body's "request", read one by one. A text that is
// blank counts as not there (contract, decisions).
type fields map[string]json.RawMessage

// readBody reads {"request":{…}}. A body without it has no fields.
func readBody(w http.ResponseWriter, r *http.Request) (fields, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, contentType
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return nil, tooMuch
	}
	if err != nil {
		return nil, badData
	}
	if jsonx.Check(raw, jsonx.Options{}) != nil {
		return nil, badData
	}
	var whole map[string]json.RawMessage
	if json.Unmarshal(raw, &whole) != nil {
		return nil, badData
	}
	inner, sent := whole["request"]
	if !sent || bytes.Equal(inner, []byte("null")) {
		return fields{}, nil
	}
	var f fields
	if inner[0] != '{' || json.Unmarshal(inner, &f) != nil {
		return nil, badData
	}
	return f, nil
}

// sent says whether a member is there: blank texts count as absent (contract,
// decisions).
func (f fields) sent(name string) bool {
	raw, ok := f[name]
	var s string
	blank := ok && raw[0] == '"' && json.Unmarshal(raw, &s) == nil && strings.TrimSpace(s) == ""
	return ok && !blank && !bytes.Equal(raw, []byte("null"))
}

// text reads a text without space around it; a number is taken as its digits, as
// the original did with phones and codes.
func (f fields) text(name string) (string, error) {
	raw, ok := f[name]
	if !ok || bytes.Equal(raw, []byte("null")) {
		return "", nil
	}
	var s string
	switch {
	case raw[0] == '"':
		if json.Unmarshal(raw, &s) != nil {
			return "", badData
		}
	case raw[0] >= '0' && raw[0] <= '9' && digits(string(raw)):
		s = string(raw)
	default:
		return "", wrongType(name, "String")
	}
	s = strings.TrimSpace(s)
	switch {
	case utf8.RuneCountInString(s) > maxText:
		return "", tooLongText(name, maxText)
	case strings.ContainsFunc(s, unicode.IsControl):
		return "", wrongValue("", name)
	}
	return s, nil
}

func digits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// first reads the first of several spellings that is there.
func (f fields) first(names ...string) (string, error) {
	for _, n := range names {
		if f.sent(n) {
			return f.text(n)
		}
	}
	return "", nil
}

// isTrue says whether a member is JSON true: nothing else proves anything.
func (f fields) isTrue(name string) bool { return bytes.Equal(f[name], []byte("true")) }

func (f fields) isList(name string) bool { return !f.sent(name) || f[name][0] == '[' }
