package portal

import (
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/usher-id/usher/internal/jsonx"
)

// sent is a body as it was read: values are what encoding/json makes of JSON, and
// text out of forms.
type sent map[string]any

// Bounds of a body.
const (
	maxDepth = 8
	maxPart  = 64 << 10 // bytes of one value of a multipart form
	maxParts = 200
)

// readBody reads JSON, a form or a multipart form. A failure is ready to be answered.
func readBody(r *http.Request, t texts) (sent, error) {
	kind := r.Header.Get("Content-Type")
	media, params, err := mime.ParseMediaType(kind)
	if kind == "" {
		media, err = "application/json", nil
	}
	if err != nil {
		media = kind
	}
	if media == "multipart/form-data" {
		return readParts(r, params["boundary"], t)
	}
	if media != "application/json" && media != "application/x-www-form-urlencoded" {
		return nil, &failure{http.StatusUnsupportedMediaType, object{{"detail", t.unsupported(media)}}}
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, unreadable(err, t)
	}
	if media == "application/json" {
		return readJSON(raw, t)
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, malformed(t)
	}
	out := sent{}
	for _, name := range slices.Sorted(maps.Keys(form)) { // profile before profile.age
		out.put(name, form[name][len(form[name])-1])
	}
	return out, nil
}

func readJSON(raw []byte, t texts) (sent, error) {
	if len(raw) == 0 {
		return sent{}, nil // as nothing was sent
	}
	var v any
	if err := jsonx.Decode(raw, &v, jsonx.Options{MaxDepth: maxDepth}); err != nil {
		return nil, &failure{http.StatusBadRequest, object{{"detail", "JSON parse error - " + err.Error()}}}
	}
	switch v := v.(type) {
	case map[string]any:
		return v, nil
	case nil:
		return nil, &failure{http.StatusBadRequest, object{{nonField, []string{t.noData}}}}
	default:
		return nil, notObject(v, t)
	}
}

// nonField is where faults stand that are no field's.
const nonField = "non_field_errors"

func notObject(v any, t texts) error {
	return &failure{http.StatusBadRequest, object{{nonField, []string{t.notDictionary(typeName(v))}}}}
}

func readParts(r *http.Request, boundary string, t texts) (sent, error) {
	if boundary == "" {
		return nil, malformed(t)
	}
	out := sent{}
	parts := multipart.NewReader(r.Body, boundary)
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, unreadable(err, t)
		}
		if part.FileName() != "" || part.FormName() == "" {
			continue // no field takes a file
		}
		text, err := io.ReadAll(io.LimitReader(part, maxPart+1))
		if err != nil {
			return nil, unreadable(err, t)
		}
		if len(text) > maxPart || n > maxParts {
			return nil, &failure{http.StatusRequestEntityTooLarge, object{{"detail", t.tooLarge}}}
		}
		out.put(part.FormName(), string(text))
	}
}

// put keeps a value of a form; profile.age is a member of profile.
func (s sent) put(name, value string) {
	inner, ok := strings.CutPrefix(name, "profile.")
	if !ok {
		s[name] = value
		return
	}
	profile, ok := s["profile"].(map[string]any)
	if !ok {
		profile = map[string]any{}
		s["profile"] = profile
	}
	profile[inner] = value
}

func malformed(t texts) error {
	return &failure{http.StatusBadRequest, object{{"detail", t.malformed}}}
}

// unreadable says why a body broke off.
func unreadable(err error, t texts) error {
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return &failure{http.StatusRequestEntityTooLarge, object{{"detail", t.tooLarge}}}
	}
	return malformed(t)
}
