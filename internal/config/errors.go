package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/usher-id/usher/internal/nearest"
)

// KeyError is a key that is unknown or whose value is not allowed.
type KeyError struct {
	Key    string // as the operator wrote it
	Origin string // "--listen", "USHER_LISTEN", the file, "default"
	Given  string // the value; hidden for secrets; empty for an unknown key
	Want   string // what is allowed, or the nearest known key

	unknown bool
}

func (e *KeyError) Error() string {
	if e.unknown {
		if e.Want == "" {
			return fmt.Sprintf("unknown key %s (%s): `usher config` lists those that there are", e.Key, e.Origin)
		}
		return fmt.Sprintf("unknown key %s (%s): did you mean %s?", e.Key, e.Origin, e.Want)
	}
	return fmt.Sprintf("%s (%s) is %s: want %s", e.Key, e.Origin, e.Given, e.Want)
}

func (s setting) refuse(g given, want string) *KeyError {
	shown := fmt.Sprintf("%q", g.value)
	if s.secret {
		shown = fmt.Sprintf("a secret of %d characters", len(g.value))
	}
	return &KeyError{Key: s.name, Origin: g.origin, Given: shown, Want: want}
}

// unknown names the known key that name is near to, if any; as shows it in the
// spelling of its source.
func unknown(key, origin, name string, known []string, as func(string) string) *KeyError {
	e := &KeyError{Key: key, Origin: origin, unknown: true}
	if meant, near := nearest.To(name, known); near && alike(name, meant) {
		e.Want = as(meant)
	}
	return e
}

// alike says whether two keys are near word by word: what they share, such as
// the name of a section, says nothing of what was meant by the rest.
func alike(a, b string) bool {
	words := func(s string) []string {
		return strings.FieldsFunc(strings.TrimPrefix(s, envPrefix), func(r rune) bool { return r == '.' || r == '_' })
	}
	as, bs := words(a), words(b)
	if len(as) != len(bs) {
		return true
	}
	for i := range as {
		if _, near := nearest.To(as[i], bs[i:i+1]); !near {
			return false
		}
	}
	return true
}

// sorted makes errors that come from maps tell the same story each time.
func sorted(errs []error) []error {
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errs
}
