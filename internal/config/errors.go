package config

import (
	"cmp"
	"fmt"
	"slices"

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

// unknown names the known key nearest to name; as shows it in the spelling of
// its source.
func unknown(key, origin, name string, known []string, as func(string) string) *KeyError {
	return &KeyError{Key: key, Origin: origin, Want: as(nearest.Of(name, known)), unknown: true}
}

// sorted makes errors that come from maps tell the same story each time.
func sorted(errs []error) []error {
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errs
}
