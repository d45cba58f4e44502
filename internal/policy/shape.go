package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/usher-id/usher/internal/nearest"
)

// namedByHand are the sections whose keys an organisation chooses: sources,
// attributes, doors, languages. Written once, as a pattern of whole keys.
var namedByHand = regexp.MustCompile(`^(sources|authority|passwords|portal\.(attributes|profiles|roles)|` +
	`portal\.attributes\.[^.]+\.(labels|help|value_labels(\..+)?)|portal\.profiles\.[^.]+\.title)$`)

// checkShape holds a file against the default policy, which has every key: its
// errors can say what was meant, which the decoder's cannot, for it speaks of
// Go's types.
func checkShape(doc []byte) error {
	var file, known yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(doc)).Decode(&file); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return plain(err)
	}
	if err := known.Encode(Default()); err != nil {
		return fmt.Errorf("the default: %w", err)
	}
	if errs := compare("", file.Content[0], &known); len(errs) > 0 {
		return errors.Join(errs...)
	}
	return nil
}

// compare lists what is wrong with a node of the file, path being the keys
// that lead to it.
func compare(path string, n, known *yaml.Node) []error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Tag == "!!null" {
		return nil // keeps its default
	}
	if !fits(n, known) {
		what := path
		if path == "" {
			what = "the file"
		}
		return []error{fmt.Errorf("line %d: %s is %s; it must be %s", n.Line, what, words(n), words(known))}
	}
	switch known.Kind {
	case yaml.SequenceNode:
		var errs []error
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode && item.Kind != yaml.AliasNode {
				errs = append(errs, fmt.Errorf("line %d: %s has %s in it; it must be a list of names", item.Line, path, words(item)))
			}
		}
		return errs
	case yaml.MappingNode:
		return compareKeys(path, n, known)
	default:
		return nil
	}
}

func compareKeys(path string, n, known *yaml.Node) []error {
	byKey, keys := map[string]*yaml.Node{}, []string{}
	for i := 0; i+1 < len(known.Content); i += 2 {
		key := known.Content[i].Value
		byKey[key], keys = known.Content[i+1], append(keys, key)
	}
	var errs []error
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Tag == "!!merge" {
			continue // the decoder looks into what it brings
		}
		full := strings.TrimPrefix(path+"."+k.Value, ".")
		want, ok := byKey[k.Value]
		if !ok && namedByHand.MatchString(path) {
			if len(known.Content) == 0 {
				continue // the decoder knows what belongs there
			}
			want, ok = known.Content[1], true // they are all alike
		}
		if !ok {
			errs = append(errs, unknownKey(k.Line, full, path, k.Value, keys))
			continue
		}
		errs = append(errs, compare(full, n.Content[i+1], want)...)
	}
	return errs
}

func unknownKey(line int, full, section, key string, known []string) error {
	if meant, ok := nearest.To(key, known); ok {
		return fmt.Errorf("line %d: unknown key %s: did you mean %s?", line, full, meant)
	}
	where := "a policy has"
	if section != "" {
		where = section + " has"
	}
	return fmt.Errorf("line %d: unknown key %s: %s %s", line, full, where, strings.Join(known, ", "))
}

// fits says whether a value is of the kind that is known. Text may look like
// anything; what it says is looked at later.
func fits(n, known *yaml.Node) bool {
	switch {
	case n.Kind != known.Kind:
		return false
	case n.Kind != yaml.ScalarNode || known.Tag == "!!str":
		return true
	default:
		return n.Tag == known.Tag
	}
}

// words says what a value is to somebody who writes YAML.
func words(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a section with keys of its own"
	case yaml.SequenceNode:
		return "a list"
	}
	if n.Value != "" && n.Line > 0 { // what the file says
		return fmt.Sprintf("%q", n.Value)
	}
	switch n.Tag {
	case "!!int":
		return "a whole number"
	case "!!bool":
		return "true or false"
	default:
		return "text"
	}
}

var (
	fieldNotFound = regexp.MustCompile(`field (\S+) not found in type \S+`)
	wrongType     = regexp.MustCompile("cannot unmarshal !!\\S+ (?:`([^`]*)` )?into \\S+")
)

// plain says a parser's error without its own name and the names of Go types.
func plain(err error) error {
	if t, ok := errors.AsType[*yaml.TypeError](err); ok {
		text := fieldNotFound.ReplaceAllString(strings.Join(t.Errors, "; "), "unknown key $1")
		return errors.New(wrongType.ReplaceAllString(text, `"$1" is of the wrong kind`))
	}
	return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
}
