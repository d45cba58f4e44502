package portal

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/registrant"
)

// check judges a body by policy and by the contract's table. Faults are by field,
// those of the profile flat beside the rest; with one, nothing is taken.
func (d *Door) check(in sent, has string, t texts) (ch registrant.Change, faults object) {
	c := checking{t: t, in: in, Change: registrant.Change{Fields: map[string]*string{}}}
	c.terms()
	c.text(policy.NicknameField, policy.NicknameLength, false, true)
	c.text(policy.LanguageField, 20, false, true)
	c.text("username", 150, false, false)
	c.email()
	c.text("first_name", 30, true, false)
	c.text("last_name", 150, true, false)
	if v, ok := in["profile_type"]; ok && v != nil {
		if s, ok := v.(string); ok {
			c.Type = &s
		} else {
			s := shown(v)
			c.Type = &s
		}
	}
	rules := d.Policies.Current().Portal
	kind := has
	if kind == "" {
		kind = rules.Default
		if c.Type != nil {
			kind = *c.Type
		}
	}
	switch p := in["profile"].(type) {
	case nil:
	case map[string]any:
		c.Profile = true
		for _, name := range rules.Profiles[kind].Form {
			if v, ok := p[name]; ok {
				c.attribute(name, rules.Attributes[name], v)
			}
		}
	default:
		c.faults = append(c.faults, pair{nonField, []string{t.notDictionary(typeName(p))}})
	}
	return c.Change, c.faults
}

type checking struct {
	registrant.Change
	t      texts
	in     sent
	faults object
}

func (c *checking) fault(field string, said ...string) {
	c.faults = append(c.faults, pair{field, said})
}

var (
	yes = []string{"true", "True", "TRUE", "t", "T", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "1"}
	no  = []string{"false", "False", "FALSE", "f", "F", "n", "N", "no", "No", "NO", "off", "Off", "OFF", "0", "0.0"}
)

func (c *checking) terms() {
	v, sent := c.in[policy.TermsField]
	if !sent {
		return
	}
	if v == nil {
		c.fault(policy.TermsField, c.t.null)
		return
	}
	b, ok := boolean(v)
	if !ok {
		c.fault(policy.TermsField, c.t.notBoolean(shown(v)))
		return
	}
	c.Accepts = &b
}

func boolean(v any) (value, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string, float64:
		s := shown(v)
		return slices.Contains(yes, s), slices.Contains(yes, s) || slices.Contains(no, s)
	}
	return false, false
}

// text judges a text; kept says that it is somebody's own to write here.
func (c *checking) text(field string, most int, mayBeBlank, kept bool) {
	v, sent := c.in[field]
	if !sent {
		return
	}
	s, said := c.read(v, mayBeBlank)
	if said == "" && utf8.RuneCountInString(s) > most {
		said = c.t.tooLong(most)
	}
	if said != "" {
		c.fault(field, said)
		return
	}
	if kept {
		c.Fields[field] = value(s)
	}
}

// read takes what Django takes as text: numbers too.
func (c *checking) read(v any, mayBeBlank bool) (s, said string) {
	switch v := v.(type) {
	case nil:
		return "", c.t.null
	case string:
		s = strings.TrimSpace(v)
	case float64:
		s = shown(v)
	default:
		return "", c.t.notString
	}
	switch {
	case s == "" && !mayBeBlank:
		return "", c.t.blank
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		return "", c.t.notString
	}
	return s, ""
}

func (c *checking) email() {
	v, sent := c.in["email"]
	if !sent {
		return
	}
	s, said := c.read(v, true)
	if said == "" && s != "" {
		if _, err := normal.ParseEmail(s); err != nil {
			said = c.t.email
		}
	}
	if said != "" {
		c.fault("email", said)
	}
}

// attribute judges a value of the profile by what policy says of it.
func (c *checking) attribute(name string, a policy.Attribute, v any) {
	if v == nil {
		c.fault(name, c.t.null)
		return
	}
	var s, said string
	switch b, ok := boolean(v); {
	case a.Type == policy.YesNo && ok:
		s = map[bool]string{true: "yes", false: "no"}[b]
	case a.Type == policy.YesNo, a.Type == policy.Choice:
		s = shown(v)
	default:
		if s, said = c.read(v, true); said != "" {
			c.fault(name, said)
			return
		}
	}
	var all []string
	for _, f := range a.Faults(s) {
		switch f {
		case policy.NotAChoice:
			all = append(all, c.t.notChoice(s))
		case policy.NotAPhone:
			all = append(all, c.t.phone)
		case policy.TooLong:
			all = append(all, c.t.tooLong(a.Length()))
		default:
			all = append(all, c.t.notString)
		}
	}
	if len(all) > 0 {
		c.fault(name, all...)
		return
	}
	c.Fields[name] = value(s)
}

// value keeps a text; an empty one is none.
func value(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// shown writes a JSON value as Python shows it.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case string:
		return v
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		return "[" + strings.Join(quotedAll(v), ", ") + "]"
	default:
		return "{…}"
	}
}

func quotedAll(all []any) []string {
	out := make([]string, len(all))
	for i, v := range all {
		out[i] = shown(v)
		if _, ok := v.(string); ok {
			out[i] = "'" + out[i] + "'"
		}
	}
	return out
}
