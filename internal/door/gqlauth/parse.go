package gqlauth

import "fmt"

// document is what the guard needs to know of a query.
type document struct {
	tokens     []lexeme
	operations []*operation
	fragments  map[string]*fragment
}

// extent is tokens[from:to].
type extent struct{ from, to int }

type operation struct {
	extent
	kind       string // query or mutation
	name       string
	variables  []variable
	selections []selection
}

type fragment struct {
	extent
	selections []selection
}

type variable struct {
	name string
	typ  typeRef
}

// typeRef is a type as a document or the schema writes it.
type typeRef struct {
	name    string
	list    *typeRef // of what, for a list
	nonNull bool
}

type selectionKind uint8

const (
	fieldSelection selectionKind = iota
	spreadSelection
	inlineSelection
)

// selection is a field, a spread (name is the fragment's) or an inline fragment.
type selection struct {
	kind      selectionKind
	alias     string // empty if none was given
	name      string
	line, col int
	inner     []selection
}

// key is the name of a field's value in the answer.
func (s *selection) key() string {
	if s.alias != "" {
		return s.alias
	}
	return s.name
}

// parser reads an executable document (GraphQL, section 2), as deep and with as
// many directives as is allowed.
type parser struct {
	doc        *document
	at         int
	sets       int // nesting of selection sets
	values     int // nesting of values and types
	directives int
}

// parse reads a query.
func parse(src string) (*document, error) {
	tokens, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{doc: &document{tokens: tokens, fragments: map[string]*fragment{}}}
	for p.peek().kind != endOfText {
		if err := p.definition(); err != nil {
			return nil, err
		}
	}
	if len(p.doc.operations) == 0 {
		return nil, p.unexpected()
	}
	return p.doc, nil
}

func (p *parser) peek() lexeme { return p.doc.tokens[p.at] }

func (p *parser) unexpected() error {
	t := p.peek()
	what := fmt.Sprintf("unexpected %.64q", t.text)
	switch t.kind {
	case endOfText:
		what = "unexpected end of the query"
	case stringToken:
		what = "unexpected string"
	}
	return &refused{text: "Syntax Error: " + what, line: t.line, col: t.col}
}

// is says whether the punctuator is next.
func (p *parser) is(punct string) bool {
	t := p.peek()
	return t.kind == punctuator && t.text == punct
}

// take passes the punctuator if it is next.
func (p *parser) take(punct string) bool {
	if p.is(punct) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(punct string) error {
	if !p.take(punct) {
		return p.unexpected()
	}
	return nil
}

func (p *parser) name() (string, error) {
	t := p.peek()
	if t.kind != nameToken {
		return "", p.unexpected()
	}
	p.at++
	return t.text, nil
}

func (p *parser) definition() error {
	from := p.at
	t := p.peek()
	if p.is("{") {
		return p.operation(from, "query")
	}
	if t.kind != nameToken {
		return p.unexpected()
	}
	switch t.text {
	case "query", "mutation":
		p.at++
		return p.operation(from, t.text)
	case "fragment":
		p.at++
		return p.fragment(from)
	}
	return p.unexpected()
}

func (p *parser) operation(from int, kind string) (err error) {
	op := &operation{kind: kind}
	if p.peek().kind == nameToken {
		op.name, _ = p.name()
	}
	if p.take("(") {
		for first := true; first || !p.take(")"); first = false {
			v, err := p.variable()
			if err != nil {
				return err
			}
			op.variables = append(op.variables, v)
		}
	}
	if err := p.decorations(); err != nil {
		return err
	}
	if op.selections, err = p.set(); err != nil {
		return err
	}
	op.extent = extent{from, p.at}
	for _, other := range p.doc.operations {
		if other.name == op.name {
			return &refused{text: fmt.Sprintf("There can be only one operation named %.64q.", op.name)}
		}
	}
	p.doc.operations = append(p.doc.operations, op)
	return nil
}

func (p *parser) fragment(from int) error {
	name, err := p.name()
	if err != nil {
		return err
	}
	if _, twice := p.doc.fragments[name]; twice {
		return &refused{text: fmt.Sprintf("There can be only one fragment named %.64q.", name)}
	}
	if on, err := p.name(); err != nil || on != "on" || name == "on" {
		p.at--
		return p.unexpected()
	}
	if _, err := p.name(); err != nil {
		return err
	}
	if err := p.decorations(); err != nil {
		return err
	}
	f := &fragment{}
	if f.selections, err = p.set(); err != nil {
		return err
	}
	f.extent = extent{from, p.at}
	p.doc.fragments[name] = f
	return nil
}

func (p *parser) variable() (v variable, err error) {
	if err := p.expect("$"); err != nil {
		return v, err
	}
	if v.name, err = p.name(); err != nil {
		return v, err
	}
	if err := p.expect(":"); err != nil {
		return v, err
	}
	if v.typ, err = p.typeRef(); err != nil {
		return v, err
	}
	if p.take("=") {
		if err := p.value(); err != nil {
			return v, err
		}
	}
	return v, p.decorations()
}

func (p *parser) typeRef() (t typeRef, err error) {
	if p.take("[") {
		if p.values++; p.values > maxValueDepth {
			return t, tooDeep()
		}
		inner, err := p.typeRef()
		if err != nil {
			return t, err
		}
		p.values--
		t.list = &inner
		if err := p.expect("]"); err != nil {
			return t, err
		}
	} else if t.name, err = p.name(); err != nil {
		return t, err
	}
	t.nonNull = p.take("!")
	return t, nil
}

// set reads a selection set.
func (p *parser) set() ([]selection, error) {
	if p.sets++; p.sets > maxIntrospectionDepth+maxInlineNesting {
		return nil, tooDeep()
	}
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	var all []selection
	for first := true; first || !p.take("}"); first = false {
		s, err := p.selection()
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	p.sets--
	return all, nil
}

func (p *parser) selection() (s selection, err error) {
	t := p.peek()
	s.line, s.col = t.line, t.col
	if p.take("...") {
		return p.spread(s)
	}
	if s.name, err = p.name(); err != nil {
		return s, err
	}
	if p.take(":") {
		s.alias = s.name
		if s.name, err = p.name(); err != nil {
			return s, err
		}
	}
	if err := p.arguments(); err != nil {
		return s, err
	}
	if err := p.decorations(); err != nil {
		return s, err
	}
	if p.is("{") {
		s.inner, err = p.set()
	}
	return s, err
}

func (p *parser) spread(s selection) (_ selection, err error) {
	if t := p.peek(); t.kind == nameToken && t.text != "on" {
		s.kind = spreadSelection
		s.name, _ = p.name()
		return s, p.decorations()
	}
	s.kind = inlineSelection
	if p.peek().kind == nameToken {
		p.at++
		if _, err := p.name(); err != nil {
			return s, err
		}
	}
	if err := p.decorations(); err != nil {
		return s, err
	}
	s.inner, err = p.set()
	return s, err
}

func (p *parser) arguments() error {
	if !p.take("(") {
		return nil
	}
	for first := true; first || !p.take(")"); first = false {
		if err := p.argument(); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) argument() error {
	if _, err := p.name(); err != nil {
		return err
	}
	if err := p.expect(":"); err != nil {
		return err
	}
	return p.value()
}

// decorations reads directives.
func (p *parser) decorations() error {
	for p.take("@") {
		if p.directives++; p.directives > maxDirectives {
			return &refused{text: fmt.Sprintf("The query has more than %d directives.", maxDirectives)}
		}
		if _, err := p.name(); err != nil {
			return err
		}
		if err := p.arguments(); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) value() error {
	if p.values++; p.values > maxValueDepth {
		return tooDeep()
	}
	defer func() { p.values-- }()
	switch t := p.peek(); {
	case t.kind == nameToken, t.kind == numberToken, t.kind == stringToken:
		p.at++
		return nil
	case p.take("$"):
		_, err := p.name()
		return err
	case p.take("["):
		for !p.take("]") {
			if err := p.value(); err != nil {
				return err
			}
		}
		return nil
	case p.take("{"):
		for !p.take("}") {
			if err := p.argument(); err != nil {
				return err
			}
		}
		return nil
	}
	return p.unexpected()
}
