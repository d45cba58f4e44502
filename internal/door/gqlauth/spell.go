package gqlauth

import (
	"fmt"
	"slices"
	"strings"
)

// spell writes the operation, and the fragments it uses, from the tokens that
// were judged. The engine has a lexer of its own: given the client's text, it
// might read another document than the guard did. Tokens keep their lines and,
// unless a string before them grew, their columns, which errors name.
//
// The only operation of a document is written with every fragment, so that the
// engine validates all of it; of several, the others are left out.
func (d *document) spell(op *operation) string {
	parts := []extent{op.extent}
	if len(d.operations) == 1 {
		for _, f := range d.fragments {
			parts = append(parts, f.extent)
		}
	} else {
		used := map[string]bool{}
		d.uses(op.selections, used)
		for name := range used {
			parts = append(parts, d.fragments[name].extent)
		}
	}
	slices.SortFunc(parts, func(a, b extent) int { return a.from - b.from })
	w := speller{line: 1, col: 1}
	for _, part := range parts {
		for _, t := range d.tokens[part.from:part.to] {
			w.token(t)
		}
	}
	return w.out.String()
}

// uses collects the fragments that selections lead to.
func (d *document) uses(all []selection, used map[string]bool) {
	for i := range all {
		s := &all[i]
		if s.kind == spreadSelection && !used[s.name] && d.fragments[s.name] != nil {
			used[s.name] = true
			d.uses(d.fragments[s.name].selections, used)
		}
		d.uses(s.inner, used)
	}
}

type speller struct {
	out       strings.Builder
	line, col int
	last      tokenKind
}

func (w *speller) token(t lexeme) {
	for w.line < t.line {
		w.out.WriteByte('\n')
		w.line, w.col, w.last = w.line+1, 1, punctuator
	}
	for w.col < t.col || w.last != punctuator && t.kind != punctuator && w.out.Len() > 0 {
		w.out.WriteByte(' ')
		w.col, w.last = w.col+1, punctuator
	}
	text := t.text
	if t.kind == stringToken {
		text = quote(t.text)
	}
	w.out.WriteString(text)
	w.col += len([]rune(text))
	w.last = t.kind
}

// quote writes a string so that nothing in it can be taken for an escape, a
// quote or the end of a line by whatever lexer reads it.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		if r < 0x20 || r == '"' || r == '\\' || r == 0x7f {
			fmt.Fprintf(&b, `\x%02x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
