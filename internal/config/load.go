package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
)

// DefaultFile is read where no file is named and it exists.
const DefaultFile = "usher.yaml"

// Sources is where values come from, besides the file that one of them may name.
type Sources struct {
	Flags   map[string]string // key → value, only those that were given
	Environ []string          // as os.Environ
}

// given is a value and where it was set.
type given struct{ value, origin string }

// Load reads all sources, the stronger over the weaker, and validates. The
// error lists everything that is wrong, each as a *KeyError where it concerns a
// key.
func Load(src Sources) (*Config, error) {
	c := &Config{}
	path, mustExist := configFile(src)
	inFile, err := openFile(path, mustExist)
	if err != nil {
		return nil, err
	}
	keys := slices.Concat(slices.Collect(maps.Keys(src.Flags)), slices.Collect(maps.Keys(inFile)))
	errs := c.addProviders(keys, variablesOf(src.Environ))
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	all := settings(c)
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.name
	}

	fromFlags, flagErrs := readFlags(src.Flags, names)
	fromEnv, envErrs := readEnviron(src.Environ, all)
	fromFile, fileErrs := readFile(path, inFile, all)
	errs = append(append(append(errs, flagErrs...), envErrs...), fileErrs...)

	for _, s := range all {
		g := given{s.def, "default"}
		for _, source := range []map[string]given{fromFlags, fromEnv, fromFile} {
			if v, ok := source[s.name]; ok {
				g = v
				break
			}
		}
		if err := s.into.parse(g.value); err != nil {
			errs = append(errs, s.refuse(g, s.into.allowed()))
		}
	}
	c.File = path
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return c, nil
}

func readFlags(flags map[string]string, names []string) (map[string]given, []error) {
	out := make(map[string]given, len(flags))
	var errs []error
	for name, v := range flags {
		if !slices.Contains(names, name) {
			errs = append(errs, unknown("--"+name, "flag", name, names, func(n string) string { return "--" + n }))
			continue
		}
		out[name] = given{v, "--" + name}
	}
	return out, sorted(errs)
}

func readEnviron(environ []string, all []setting) (map[string]given, []error) {
	byVariable := make(map[string]string, len(all))
	variables := make([]string, 0, len(all))
	inFile := map[string]string{} // secrets, by the variable that names a file
	for _, s := range all {
		byVariable[s.env()] = s.name
		variables = append(variables, s.env())
		if s.secret {
			inFile[s.env()+fileSuffix] = s.name
		}
	}
	out := map[string]given{}
	set := func(name string, g given) error {
		if other, twice := out[name]; twice && other.origin != g.origin {
			return fmt.Errorf("%s is set twice, by %s and %s: leave one of them out", name, min(other.origin, g.origin), max(other.origin, g.origin))
		}
		out[name] = g
		return nil
	}
	var errs []error
	for _, entry := range environ {
		variable, v, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(variable, envPrefix) || strings.HasPrefix(variable, testPrefix) {
			continue
		}
		if name, ok := byVariable[variable]; ok {
			errs = appendIf(errs, set(name, given{v, variable}))
			continue
		}
		name, ok := inFile[variable]
		if !ok {
			errs = append(errs, unknown(variable, "environment", variable, variables, func(n string) string { return n }))
			continue
		}
		secret, err := readSecret(v)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s (%s): %w", name, variable, err))
			continue
		}
		errs = appendIf(errs, set(name, given{secret, variable}))
	}
	return out, sorted(errs)
}

// fileSuffix ends the variable of a file that holds a secret. A key of its own
// that ends so, as key_file, comes first.
const fileSuffix = "_FILE"

// secretMost is how large a file with a secret may be.
const secretMost = 64 << 10

// readSecret reads a file with one secret in it, and perhaps the end of a line.
func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, secretMost+1))
	switch {
	case err != nil:
		return "", err
	case len(text) > secretMost:
		return "", fmt.Errorf("%s is too large to hold one secret", path)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), nil
}

func appendIf(errs []error, err error) []error {
	if err == nil {
		return errs
	}
	return append(errs, err)
}

// configFile is the file to read, and whether it was named and so must exist.
func configFile(src Sources) (path string, mustExist bool) {
	if path := src.Flags[configKey]; path != "" {
		return path, true
	}
	for _, entry := range src.Environ {
		if path, ok := strings.CutPrefix(entry, setting{name: configKey}.env()+"="); ok && path != "" {
			return path, true
		}
	}
	if _, err := os.Stat(DefaultFile); errors.Is(err, fs.ErrNotExist) {
		return "", false
	}
	return DefaultFile, true
}

// variablesOf are the names of variables.
func variablesOf(environ []string) (names []string) {
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		names = append(names, name)
	}
	return names
}

// openFile gives what a file sets, by key.
func openFile(path string, mustExist bool) (map[string]any, error) {
	if !mustExist {
		return nil, nil
	}
	k := koanf.New(".")
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		return nil, fmt.Errorf("read configuration file %s: %w", path, err)
	}
	return k.All(), nil
}

func readFile(path string, set map[string]any, all []setting) (map[string]given, []error) {
	byName := make(map[string]setting, len(all))
	var names []string
	for _, s := range all {
		if s.name != configKey {
			byName[s.name] = s
			names = append(names, s.name)
		}
	}
	out := map[string]given{}
	var errs []error
	for name, raw := range set {
		s, ok := byName[name]
		if !ok && raw == nil && slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, name+".") }) {
			continue // a section whose keys are all commented out
		}
		if !ok {
			errs = append(errs, unknown(name, path, name, names, func(n string) string { return n }))
			continue
		}
		v, err := fromYAML(raw, s.into.kind())
		if err != nil {
			errs = append(errs, s.refuse(given{fmt.Sprint(raw), path}, err.Error()))
			continue
		}
		out[name] = given{v, path}
	}
	return out, sorted(errs)
}

// fromYAML is the text of a value of the right YAML type. Types are not bent:
// an unquoted 0123 would otherwise become 83 in a secret.
func fromYAML(raw any, kind Kind) (string, error) {
	switch v := raw.(type) {
	case string:
		if kind == Text || kind == Duration || kind == List {
			return v, nil
		}
	case bool:
		if kind == Bool {
			return strconv.FormatBool(v), nil
		}
	case int:
		if kind == Int {
			return strconv.Itoa(v), nil
		}
	case []any:
		if kind != List {
			break
		}
		items := make([]string, len(v))
		for i, item := range v {
			s, ok := item.(string)
			if !ok || strings.Contains(s, ",") {
				return "", errors.New("a list of texts without commas")
			}
			items[i] = s
		}
		return strings.Join(items, ","), nil
	}
	switch kind {
	case Bool:
		return "", errors.New("true or false, without quotes")
	case Int:
		return "", errors.New("a whole number, without quotes")
	case List:
		return "", errors.New("a list of texts")
	default:
		return "", errors.New("text (put it in quotes)")
	}
}
