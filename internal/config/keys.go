package config

import (
	"fmt"
	"io"
	"strings"
)

// Kind is the type of a key's value.
type Kind string

// The kinds.
const (
	Text     Kind = "text"
	Bool     Kind = "true|false"
	Int      Kind = "number"
	Duration Kind = "duration"
	List     Kind = "list"
)

// KeyDoc describes a key to an operator.
type KeyDoc struct {
	Key     string
	Env     string // USHER_…
	Flag    string // --…
	Kind    Kind
	Default string
	Allowed string
	Secret  bool // not to be shown or logged
	Doc     string
}

// Keys describes every key, in the order in which a person reads them. Those of
// providers have NAME where a provider's name stands; Generic says of a key which of
// them it is.
func Keys() []KeyDoc {
	all := settings(&Config{})
	docs := make([]KeyDoc, len(all))
	for i, s := range all {
		docs[i] = KeyDoc{
			Key: s.name, Env: s.env(), Flag: "--" + s.name, Kind: s.into.kind(),
			Default: s.def, Allowed: s.into.allowed(), Secret: s.secret, Doc: s.doc,
		}
	}
	return docs
}

// WriteTable writes all keys as a Markdown table, for docs/.
func WriteTable(w io.Writer) error {
	var b strings.Builder
	b.WriteString("| key | variable | default | value | meaning |\n|---|---|---|---|---|\n")
	for _, k := range Keys() {
		def := "empty"
		if k.Default != "" {
			def = "`" + k.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", k.Key, k.Env, def, k.Allowed, k.Doc)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
