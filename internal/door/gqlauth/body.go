package gqlauth

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/jsonx"
)

// asked is what a request wants run.
type asked struct {
	query     string
	variables map[string]any
	operation string
}

// Texts of the original (contract section 2).
const (
	invalidJSON      = "POST body sent invalid JSON."
	notAQuery        = "The received data is not a valid JSON query."
	noQuery          = "Must provide query string."
	invalidVariables = "Variables are invalid JSON."
	bodyTooLarge     = "The request body has more than 65536 bytes."
)

// strictJSON lets the later of two members win, as Python's reader does, and
// keeps names in another case apart: $a and $A are two variables.
var strictJSON = jsonx.Options{Duplicates: jsonx.LastWins}

// members are what a body says, not judged yet.
type members map[string]json.RawMessage

// read finds out what is asked. A member of the query string wins over the
// body's; one that is empty or null counts as not sent. A GET has no body.
func read(r *http.Request) (asked, error) {
	sent := members{}
	if r.Method == http.MethodPost {
		var err error
		if sent, err = readBody(r); err != nil {
			return asked{}, err
		}
	}
	url := r.URL.Query()
	var a asked
	var err error
	if a.query, err = text(url, sent, "query"); err != nil {
		return a, &refused{text: noQuery}
	}
	if a.operation, err = text(url, sent, "operationName"); err != nil {
		return a, &refused{text: "operationName must be a string."}
	}
	if a.operation == "null" { // what a form sends for none
		a.operation = ""
	}
	a.variables, err = variables(url, sent)
	return a, err
}

// text gives a member that must be a string.
func text(url url.Values, sent members, name string) (string, error) {
	if v := last(url, name); v != "" {
		return v, nil
	}
	var v *string
	if raw, ok := sent[name]; ok {
		if err := json.Unmarshal(raw, &v); err != nil {
			return "", err
		}
	}
	if v == nil {
		return "", nil
	}
	return *v, nil
}

// variables gives the variables: an object, or a string that holds one.
func variables(url url.Values, sent members) (map[string]any, error) {
	bad := &refused{text: invalidVariables}
	raw := []byte(last(url, "variables"))
	if len(raw) == 0 {
		raw = sent["variables"]
		var inner *string
		if len(raw) > 0 && json.Unmarshal(raw, &inner) == nil { // a string or null
			raw = nil
			if inner != nil {
				raw = []byte(*inner)
			}
		}
	}
	if len(raw) == 0 {
		return nil, nil
	}
	var out map[string]any
	if err := jsonx.Decode(raw, &out, strictJSON); err != nil {
		return nil, bad
	}
	return out, nil
}

// last is the last of several values, as the original takes it.
func last(v url.Values, name string) string {
	if all := v[name]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// readBody reads a body by its content type; one of another type says nothing.
func readBody(r *http.Request) (members, error) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if _, large := errors.AsType[*http.MaxBytesError](err); large || len(raw) > maxBody {
		return nil, &refused{text: bodyTooLarge}
	}
	if err != nil {
		return nil, &refused{text: "The request body could not be read."}
	}
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "application/json":
		return fromJSON(raw)
	case "application/graphql":
		if !utf8.Valid(raw) {
			return nil, &refused{text: noQuery}
		}
		return fromTexts(url.Values{"query": {string(raw)}}), nil
	case "application/x-www-form-urlencoded":
		v, err := url.ParseQuery(string(raw))
		if err != nil {
			return nil, &refused{text: "POST body sent an invalid form."}
		}
		return fromTexts(v), nil
	case "multipart/form-data":
		return fromMultipart(r.Header.Get("Content-Type"), string(raw))
	}
	return members{}, nil
}

func fromJSON(raw []byte) (members, error) {
	if err := jsonx.Check(raw, strictJSON); err != nil {
		return nil, &refused{text: invalidJSON}
	}
	var m members
	if err := jsonx.Decode(raw, &m, strictJSON); err != nil || m == nil {
		return nil, &refused{text: notAQuery} // a list of requests, most likely
	}
	return m, nil
}

// fromTexts makes members of a form's fields.
func fromTexts(v url.Values) members {
	m := members{}
	for name := range v {
		raw, err := json.Marshal(last(v, name))
		if err == nil {
			m[name] = raw
		}
	}
	return m
}

func fromMultipart(contentType, raw string) (members, error) {
	bad := &refused{text: "POST body sent an invalid form."}
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil || params["boundary"] == "" {
		return nil, bad
	}
	form, err := multipart.NewReader(strings.NewReader(raw), params["boundary"]).ReadForm(maxBody)
	if err != nil {
		return nil, bad
	}
	m := fromTexts(form.Value)
	if err := form.RemoveAll(); err != nil {
		return nil, bad
	}
	return m, nil
}
