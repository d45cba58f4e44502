package gqlauth

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	gqlerrors "github.com/graph-gophers/graphql-go/errors"
)

// answer is the body of every answer: errors first, and no data key where
// nothing was run.
type answer struct {
	Errors []problem       `json:"errors,omitempty"`
	Data   json.RawMessage `json:"data,omitempty"`
}

// problem is one error of GraphQL's own kind.
type problem struct {
	Message   string               `json:"message"`
	Locations []gqlerrors.Location `json:"locations,omitempty"`
	Path      []any                `json:"path,omitempty"`
}

// said is an answer before it is written.
type said struct {
	status     int
	body       answer
	retryAfter int // seconds; 0 for none
	allow      string
}

func failure(status int, text string) said {
	return said{status: status, body: answer{Errors: []problem{{Message: text}}}}
}

// write sends an answer in the original's spelling: compact, unless the query
// string asks for a pretty one, and in ASCII.
func (d *Door) write(w http.ResponseWriter, r *http.Request, s said) {
	body, err := encode(s.body, r.URL.Query().Get("pretty") != "")
	if err != nil {
		d.Log.ErrorContext(r.Context(), "gqlauth door: encoding an answer", "error", err)
		s.status, body = http.StatusInternalServerError, []byte(`{"errors":[{"message":"`+internalError+`"}]}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Cookie")
	h.Set("X-Frame-Options", "DENY")
	if s.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(s.retryAfter))
	}
	if s.allow != "" {
		h.Set("Allow", s.allow)
	}
	w.WriteHeader(s.status)
	_, _ = w.Write(body) // the client is gone if this fails
}

func encode(a answer, pretty bool) ([]byte, error) {
	body, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	body = ascii(body)
	if !pretty {
		return body, nil
	}
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// ascii spells JSON as Python's json.dumps does: \uXXXX for whatever is not
// ASCII, and no escapes for <, > and &.
func ascii(in []byte) []byte {
	out := make([]byte, 0, len(in)+16)
	unit := func(u rune) {
		const hex = "0123456789abcdef"
		out = append(out, '\\', 'u', hex[u>>12&15], hex[u>>8&15], hex[u>>4&15], hex[u&15])
	}
	for i := 0; i < len(in); {
		c := in[i]
		switch {
		case c == '\\' && i+5 < len(in) && in[i+1] == 'u':
			n, err := strconv.ParseUint(string(in[i+2:i+6]), 16, 16)
			if err == nil && (n == '<' || n == '>' || n == '&') {
				out = append(out, byte(n))
			} else {
				out = append(out, in[i:i+6]...)
			}
			i += 6
		case c == '\\' && i+1 < len(in):
			out = append(out, c, in[i+1])
			i += 2
		case c < utf8.RuneSelf && c != 0x7f:
			out = append(out, c)
			i++
		default:
			r, size := utf8.DecodeRune(in[i:])
			if high, low := utf16.EncodeRune(r); r > 0xFFFF {
				unit(high)
				unit(low)
			} else {
				unit(r)
			}
			i += size
		}
	}
	return out
}
