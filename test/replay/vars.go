package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
)

// Vars holds what was captured, by name.
type Vars map[string]string

var slot = regexp.MustCompile(`\{\{(\w+)\}\}`)

// text puts captured values in the place of {{name}}.
func (v Vars) text(s string) (string, error) {
	var missing error
	filled := slot.ReplaceAllStringFunc(s, func(m string) string {
		name := m[2 : len(m)-2]
		value, ok := v[name]
		if !ok && missing == nil {
			missing = fmt.Errorf("nothing was captured as %q", name)
		}
		return value
	})
	return filled, missing
}

// fill does the same in every string of a value as encoding/json makes it,
// the names of members included.
func (v Vars) fill(value any) (any, error) {
	switch value := value.(type) {
	case string:
		return v.text(value)
	case []any:
		filled := make([]any, len(value))
		for i, e := range value {
			var err error
			if filled[i], err = v.fill(e); err != nil {
				return nil, err
			}
		}
		return filled, nil
	case map[string]any:
		return v.members(value)
	default:
		return value, nil
	}
}

func (v Vars) members(m map[string]any) (map[string]any, error) {
	filled := make(map[string]any, len(m))
	for k, e := range m {
		name, err := v.text(k)
		if err != nil {
			return nil, err
		}
		if filled[name], err = v.fill(e); err != nil {
			return nil, err
		}
	}
	return filled, nil
}

func (v Vars) strings(m map[string]string) (map[string]string, error) {
	filled := make(map[string]string, len(m))
	for k, e := range m {
		name, err := v.text(k)
		if err != nil {
			return nil, err
		}
		if filled[name], err = v.text(e); err != nil {
			return nil, err
		}
	}
	return filled, nil
}

// json fills a JSON text without ever breaking it: values are escaped.
func (v Vars) json(text json.RawMessage) ([]byte, error) {
	var value any
	if err := decode(text, &value); err != nil {
		return nil, err
	}
	value, err := v.fill(value)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// expect fills the templates.
func (v Vars) expect(e Expect) (Expect, error) {
	var err error
	if e.Headers, err = v.members(e.Headers); err != nil {
		return e, err
	}
	if e.JSON, err = v.fill(e.JSON); err != nil {
		return e, err
	}
	if e.Text, err = v.fill(e.Text); err != nil {
		return e, err
	}
	return e, nil
}

var pathPart = regexp.MustCompile(`\.([\w$-]+)|\[(-?\d+)\]`)

// dig follows "$.a.b[0]" or "[-1]" into a value; false where it leads nowhere.
func dig(value any, path string) (any, bool) {
	for _, part := range pathPart.FindAllStringSubmatch(path, -1) {
		if part[1] != "" {
			m, ok := value.(map[string]any)
			if !ok {
				return nil, false
			}
			if value, ok = m[part[1]]; !ok {
				return nil, false
			}
			continue
		}
		list, ok := value.([]any)
		i, err := strconv.Atoi(part[2])
		if i < 0 {
			i += len(list)
		}
		if !ok || err != nil || i < 0 || i >= len(list) {
			return nil, false
		}
		value = list[i]
	}
	return value, true
}

// spell writes a captured value as it goes into other strings.
func spell(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	default:
		text, err := json.Marshal(value)
		if err != nil {
			return fmt.Sprint(value)
		}
		return string(text)
	}
}
