package partner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/jsonx"
	"github.com/usher-id/usher/internal/snowflake"
	"github.com/usher-id/usher/internal/user"
)

const (
	// maxBody is the longest body, and the longest line of a batch.
	maxBody = 64 << 10
	// maxID is longer than any id or _guid.
	maxID = 64
	// resource is what stands before a user's _guid.
	resource = "user"
)

// badRequest is a body that cannot be taken: a text, or a list of what is wrong
// with which member.
type badRequest struct{ message any }

func (b badRequest) Error() string { return fmt.Sprint(b.message) }

// readObject reads the request's body as a JSON object.
func readObject(w http.ResponseWriter, r *http.Request) (map[string]json.RawMessage, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, user.Refuse(user.TooLarge, "")
	}
	if err != nil {
		return nil, badRequest{"The body cannot be read"}
	}
	return parseObject(raw)
}

// parseObject reads a JSON object by its exact member names. A name that
// stands twice, in any case, is refused. The error is a badRequest.
func parseObject(raw []byte) (map[string]json.RawMessage, error) {
	if err := jsonx.Check(raw, jsonx.Options{}); err != nil {
		return nil, badRequest{"Invalid JSON: " + err.Error()}
	}
	if !bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("{")) {
		return nil, badRequest{"The body must be a JSON object"}
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, badRequest{"The body must be a JSON object"}
	}
	return m, nil
}

// reference reads a user's id or _guid and gives the id.
func reference(s string) (string, bool) {
	id, ok := snowflake.Parse(s)
	if !ok {
		id, ok = snowflake.ParseGUID(resource, s)
	}
	return snowflake.Format(id), ok
}

// fields reads an object's members and collects what is wrong with them, each
// sentence beginning with the member's name.
type fields struct {
	members  map[string]json.RawMessage
	prefix   string // of names in sentences: "withPassword."
	problems []string
}

func (f *fields) wrong(name, what string) {
	f.problems = append(f.problems, f.prefix+name+" "+what)
}

// text reads a text of at most limit characters, or null.
func (f *fields) text(name string, limit int) feed.Opt[string] {
	raw, sent := f.members[name]
	if !sent {
		return feed.Opt[string]{}
	}
	if string(raw) == "null" {
		return feed.Null[string]()
	}
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		f.wrong(name, "must be a string")
		return feed.Opt[string]{}
	}
	switch {
	case strings.ContainsRune(s, 0):
		f.wrong(name, "must not contain NUL")
	case utf8.RuneCountInString(s) > limit:
		f.wrong(name, fmt.Sprintf("must be shorter than or equal to %d characters", limit))
	default:
		return feed.Some(s)
	}
	return feed.Opt[string]{}
}

// line is text without line breaks and other control characters.
func (f *fields) line(name string, limit int) feed.Opt[string] {
	t := f.text(name, limit)
	if t.Value != nil && strings.ContainsFunc(*t.Value, unicode.IsControl) {
		f.wrong(name, "must not contain control characters")
		return feed.Opt[string]{}
	}
	return t
}

// required reads a text that must be there and not be empty.
func (f *fields) required(name string, limit int) string {
	before := len(f.problems)
	t := f.text(name, limit)
	switch {
	case len(f.problems) > before:
		return ""
	case t.Value == nil:
		f.wrong(name, "must be a string")
		return ""
	case *t.Value == "":
		f.wrong(name, "should not be empty")
		return ""
	}
	return *t.Value
}

// flag reads true, false or null.
func (f *fields) flag(name string) feed.Opt[bool] {
	raw, sent := f.members[name]
	if !sent {
		return feed.Opt[bool]{}
	}
	switch string(raw) {
	case "null":
		return feed.Null[bool]()
	case "true":
		return feed.Some(true)
	case "false":
		return feed.Some(false)
	default:
		f.wrong(name, "must be a boolean value")
		return feed.Opt[bool]{}
	}
}

// list gives the items of an array, or null; false when there are none to look
// at.
func (f *fields) list(name string, limit int) ([]json.RawMessage, bool) {
	raw, sent := f.members[name]
	if !sent || string(raw) == "null" {
		return nil, false
	}
	var items []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &items) != nil {
		f.wrong(name, "must be an array")
		return nil, false
	}
	if len(items) > limit {
		f.wrong(name, fmt.Sprintf("must contain no more than %d elements", limit))
		return nil, false
	}
	return items, true
}

// object reads a member that must be an object, for its own members. What is
// wrong with those stays with the reader that is given back.
func (f *fields) object(name string) *fields {
	inner := &fields{prefix: f.prefix + name + "."}
	raw, sent := f.members[name]
	if !sent || raw[0] != '{' || json.Unmarshal(raw, &inner.members) != nil {
		inner.problems = []string{f.prefix + name + " must be an object"}
		inner.members = nil
	}
	return inner
}
