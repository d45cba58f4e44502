package replay

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// answer is a value that came back, or none.
type answer struct {
	value any
	there bool
}

func given(v any) answer { return answer{v, true} }

// show writes an answer for a person, not at full length.
func (a answer) show() string {
	if !a.there {
		return "nothing"
	}
	const most = 300
	text := spell(a.value)
	if s, ok := a.value.(string); ok {
		text = fmt.Sprintf("%q", s)
	}
	if len(text) > most {
		text = text[:most] + "…"
	}
	return text
}

// shapes are the matchers that are patterns of strings.
var shapes = map[string]*regexp.Regexp{
	"datetime": regexp.MustCompile(`^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?$`),
	"jwt":      regexp.MustCompile(`^[\w-]+\.[\w-]+\.[\w-]*$`),
	"uuid":     regexp.MustCompile(`(?i)^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$`),
	"hex32":    regexp.MustCompile(`^[0-9a-f]{32}$`),
}

// compare lists where an answer differs from a template; at is the path so far.
func (v Vars) compare(want any, got answer, at string) []string {
	if s, ok := want.(string); ok && len(s) >= 4 && strings.HasPrefix(s, "<<") && strings.HasSuffix(s, ">>") {
		return v.match(s, got, at)
	}
	if !got.there {
		return []string{fmt.Sprintf("%s: missing, wanted %s", at, given(want).show())}
	}
	switch want := want.(type) {
	case map[string]any:
		if each, ok := want["<<contains>>"]; ok {
			return v.contains(each, got, at)
		}
		return v.object(want, got, at)
	case []any:
		return v.list(want, got, at)
	}
	if !equal(want, got.value) {
		return []string{fmt.Sprintf("%s: %s, wanted %s", at, got.show(), given(want).show())}
	}
	return nil
}

func (v Vars) object(want map[string]any, got answer, at string) []string {
	have, ok := got.value.(map[string]any)
	if !ok {
		return []string{fmt.Sprintf("%s: %s is not an object", at, got.show())}
	}
	var diffs []string
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if k == "<<exact>>" {
			continue
		}
		member, there := have[k]
		diffs = append(diffs, v.compare(want[k], answer{member, there}, at+"."+k)...)
	}
	if exact, ok := want["<<exact>>"].(bool); ok && exact {
		for _, k := range slices.Sorted(maps.Keys(have)) {
			if _, expected := want[k]; !expected {
				diffs = append(diffs, fmt.Sprintf("%s.%s: not expected", at, k))
			}
		}
	}
	return diffs
}

func (v Vars) list(want []any, got answer, at string) []string {
	have, ok := got.value.([]any)
	if !ok {
		return []string{fmt.Sprintf("%s: %s is not a list", at, got.show())}
	}
	if len(have) != len(want) {
		return []string{fmt.Sprintf("%s: %d elements, wanted %d: %s", at, len(have), len(want), got.show())}
	}
	var diffs []string
	for i := range want {
		diffs = append(diffs, v.compare(want[i], given(have[i]), fmt.Sprintf("%s[%d]", at, i))...)
	}
	return diffs
}

func (v Vars) contains(each any, got answer, at string) []string {
	have, ok := got.value.([]any)
	if !ok {
		return []string{fmt.Sprintf("%s: %s is not a list", at, got.show())}
	}
	wanted, ok := each.([]any)
	if !ok {
		return []string{at + ": <<contains>> needs a list"}
	}
	var diffs []string
	for _, w := range wanted {
		if !slices.ContainsFunc(have, func(h any) bool { return len(v.compare(w, given(h), at)) == 0 }) {
			diffs = append(diffs, fmt.Sprintf("%s: nothing matches %s in %s", at, given(w).show(), got.show()))
		}
	}
	return diffs
}

// match holds an answer against a matcher.
func (v Vars) match(matcher string, got answer, at string) []string {
	kind, arg, _ := strings.Cut(matcher[2:len(matcher)-2], ":")
	if kind == "absent" {
		if got.there {
			return []string{at + ": there, but should be absent"}
		}
		return nil
	}
	holds, known, err := v.holds(kind, arg, got.value)
	switch {
	case err != nil:
		return []string{fmt.Sprintf("%s: %s: %v", at, matcher, err)}
	case !known:
		return []string{fmt.Sprintf("%s: unknown matcher %s", at, matcher)}
	case !got.there:
		return []string{fmt.Sprintf("%s: missing, wanted %s", at, matcher)}
	case !holds:
		return []string{fmt.Sprintf("%s: %s is not %s", at, got.show(), matcher)}
	}
	return nil
}

func (v Vars) holds(kind, arg string, value any) (holds, known bool, err error) {
	text, isText := value.(string)
	switch kind {
	case "any":
		return true, true, nil
	case "string":
		return isText, true, nil
	case "nonempty":
		return !empty(value), true, nil
	case "number":
		_, ok := value.(json.Number)
		return ok, true, nil
	case "bool":
		_, ok := value.(bool)
		return ok, true, nil
	case "regex":
		re, err := regexp.Compile(arg)
		if err != nil {
			return false, true, err
		}
		return isText && re.MatchString(text), true, nil
	case "ref", "not":
		captured, ok := v[arg]
		if !ok {
			return false, true, fmt.Errorf("nothing was captured as %q", arg)
		}
		return (spell(value) == captured) == (kind == "ref"), true, nil
	}
	re, ok := shapes[kind]
	return ok && isText && re.MatchString(text), ok, nil
}

// empty says whether a value says nothing: null, false, zero, "", [] or {}.
func empty(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case bool:
		return !value
	case string:
		return value == ""
	case json.Number:
		f, err := value.Float64()
		return err == nil && f == 0
	case []any:
		return len(value) == 0
	case map[string]any:
		return len(value) == 0
	}
	return false
}

// equal compares scalars; numbers by value, however they are written.
func equal(want, got any) bool {
	w, ok := want.(json.Number)
	if !ok {
		return want == got
	}
	g, ok := got.(json.Number)
	if !ok {
		return false
	}
	a, okA := new(big.Rat).SetString(w.String())
	b, okB := new(big.Rat).SetString(g.String())
	return okA && okB && a.Cmp(b) == 0
}
