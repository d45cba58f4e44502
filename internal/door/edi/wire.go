package edi

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// answer is one JSON or XML answer of the API: a status, a sentence, and what
// stands between the sentence and the method's name.
type answer struct {
	status int
	msg    string
	fields []field
	// retryAfter is in seconds, zero for none.
	retryAfter int
	// endsSession is true when what was done leaves no session to renew.
	endsSession bool
}

// field is one member of an answer. Value is a string, a *string, a bool, a
// date, texts or rows.
type field struct {
	name  string
	value any
}

// date is a moment in the original's spelling, without a zone; XML shows it
// with a space.
type date string

// texts is a list of strings, rows one of records. In XML each stands in an
// element called item: the original's lists cannot be read there.
type (
	texts struct {
		item string
		each []string
	}
	rows struct {
		item string
		each [][]field
	}
)

func ok(msg string, fields ...field) answer {
	return answer{status: http.StatusOK, msg: msg, fields: fields}
}

func badRequest(what string) answer {
	return answer{status: http.StatusBadRequest, msg: "Bad request: " + what}
}

func denied(what string) answer {
	return answer{status: http.StatusForbidden, msg: "Access denied: " + what}
}

// with adds what an answer is about.
func (a answer) with(fields ...field) answer {
	a.fields = append(a.fields, fields...)
	return a
}

// about says which profile an answer is about, by the id as it was sent.
func (a answer) about(id string) answer {
	a.fields = append([]field{{"edi_id", id}}, a.fields...)
	return a
}

// format is how an answer is written.
type format int

const (
	asJSON format = iota
	asXML
)

// negotiate reads Accept. XML is chosen where it stands first, as the original
// does, or where nothing else that is served stands there; JSON is everybody
// else's. False is for a list that has neither, nor a wildcard (contract
// edi.md, section 9, 6).
func negotiate(accept []string) (format, bool) {
	list := strings.Join(accept, ",")
	if strings.TrimSpace(list) == "" {
		return asJSON, true
	}
	xmlSeen, jsonSeen := false, false
	first := true
	for entry := range strings.SplitSeq(list, ",") {
		parts := strings.Split(entry, ";")
		mime := strings.ToLower(strings.TrimSpace(parts[0]))
		if mime == "" || excluded(parts[1:]) {
			continue
		}
		switch mime {
		case "application/xml", "text/xml":
			if first {
				return asXML, true
			}
			xmlSeen = true
		case "application/json", "text/json", "application/*", "*/*", "*":
			jsonSeen = true
		}
		first = false
	}
	switch {
	case jsonSeen:
		return asJSON, true
	case xmlSeen:
		return asXML, true
	default:
		return asJSON, false
	}
}

// excluded says whether the parameters of a media range have q=0.
func excluded(params []string) bool {
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		return err == nil && q == 0
	}
	return false
}

// write sends an answer.
func (d *Door) write(w http.ResponseWriter, r *http.Request, method string, f format, a answer) {
	fields := make([]field, 0, len(a.fields)+2)
	fields = append(fields, field{"msg", a.msg})
	fields = append(fields, a.fields...)
	fields = append(fields, field{"method", method})
	var body []byte
	var err error
	contentType := "application/json"
	if f == asXML {
		contentType = "application/xml"
		body, err = encodeXML(fields)
	} else {
		body, err = encodeJSON(fields)
	}
	if err != nil {
		// Only a value of a kind that this door has no spelling for.
		d.Log.ErrorContext(r.Context(), "encoding an answer", "method", method, "error", err)
		d.framework(w, r, http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	if a.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(a.retryAfter))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(body)
}

func encodeJSON(fields []field) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	encode := func(v any) error {
		if err := enc.Encode(v); err != nil {
			return err
		}
		b.Truncate(b.Len() - 1) // Encode ends with a newline
		return nil
	}
	b.WriteByte('{')
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := encode(f.name); err != nil {
			return nil, fmt.Errorf("encoding a name: %w", err)
		}
		b.WriteByte(':')
		if err := encode(f.value); err != nil {
			return nil, fmt.Errorf("encoding %s: %w", f.name, err)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// MarshalJSON writes a list, empty rather than null.
func (t texts) MarshalJSON() ([]byte, error) {
	if len(t.each) == 0 {
		return []byte("[]"), nil
	}
	return json.Marshal(t.each)
}

// MarshalJSON writes a list of objects.
func (rs rows) MarshalJSON() ([]byte, error) {
	b := []byte{'['}
	for i, fields := range rs.each {
		if i > 0 {
			b = append(b, ',')
		}
		one, err := encodeJSON(fields)
		if err != nil {
			return nil, err
		}
		b = append(b, one...)
	}
	return append(b, ']'), nil
}

func encodeXML(fields []field) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<result>\n")
	if err := xmlFields(&b, "  ", fields); err != nil {
		return nil, err
	}
	b.WriteString("</result>\n")
	return b.Bytes(), nil
}

func xmlFields(b *bytes.Buffer, indent string, fields []field) error {
	for _, f := range fields {
		if err := xmlField(b, indent, f); err != nil {
			return fmt.Errorf("encoding %s: %w", f.name, err)
		}
	}
	return nil
}

func xmlField(b *bytes.Buffer, indent string, f field) error {
	var items []field
	switch v := f.value.(type) {
	case texts:
		for _, s := range v.each {
			items = append(items, field{v.item, s})
		}
	case rows:
		for _, r := range v.each {
			items = append(items, field{v.item, r})
		}
	case []field:
		items = v
	default:
		text, err := xmlText(f.value)
		if err != nil {
			return err
		}
		b.WriteString(indent + "<" + f.name + ">")
		if err := xml.EscapeText(b, []byte(text)); err != nil {
			return err
		}
		b.WriteString("</" + f.name + ">\n")
		return nil
	}
	b.WriteString(indent + "<" + f.name + ">\n")
	if err := xmlFields(b, indent+"  ", items); err != nil {
		return err
	}
	b.WriteString(indent + "</" + f.name + ">\n")
	return nil
}

// xmlText spells a value as the original does: None, True, False.
func xmlText(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "None", nil
	case string:
		return v, nil
	case *string:
		if v == nil {
			return "None", nil
		}
		return *v, nil
	case bool:
		if v {
			return "True", nil
		}
		return "False", nil
	case date:
		return strings.Replace(string(v), "T", " ", 1), nil
	default:
		return "", fmt.Errorf("no spelling for %T", v)
	}
}

// framework answers what no operation does: unknown paths and wrong verbs.
func (d *Door) framework(w http.ResponseWriter, r *http.Request, status int) {
	d.renewIfPresented(w, r)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"detail":%q}`, http.StatusText(status))
}
