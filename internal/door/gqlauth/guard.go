package gqlauth

import (
	"fmt"
	"slices"
)

// What a document may cost (decision 12 of the contract and security Z3).
const (
	maxBody               = 64 << 10
	maxTokens             = 2000
	maxSelections         = 1000 // after fragments are put in their places
	maxDepth              = 12
	maxIntrospectionDepth = 20
	maxInlineNesting      = 8 // inline fragments around fields, which add no depth
	maxValueDepth         = 8
	maxAliases            = 30
	maxDirectives         = 30
	// maxObjects bounds the answer: a set within a set multiplies.
	maxObjects = 10_000
	// maxOverlaps bounds what the engine compares to find fields that disagree.
	maxOverlaps = 20_000
)

// trial is what a root field lets a client try or set off.
type trial uint8

const (
	// signsIn checks a password of anybody's, or a mailed token.
	signsIn trial = iota + 1
	// confirms checks the password of whoever is signed in. The page sends two.
	confirms
	// mails sends mail to a stranger, or makes an account.
	mails
)

var trials = map[string]trial{
	"tokenAuth":            signsIn,
	"verifyAccount":        signsIn,
	"passwordReset":        signsIn,
	"passwordSet":          signsIn,
	"verifySecondaryEmail": signsIn,

	"archiveAccount":               confirms,
	"deleteAccount":                confirms,
	"passwordChange":               confirms,
	"sendSecondaryEmailActivation": confirms,
	"swapEmails":                   confirms,
	"removeSecondaryEmail":         confirms,

	"register":               mails,
	"resendActivationEmail":  mails,
	"sendPasswordResetEmail": mails,
}

// allowance is how many fields of a kind one request may have.
func (t trial) allowance() int {
	if t == signsIn {
		return 1
	}
	return 3
}

func (t trial) refusal() error {
	switch t {
	case signsIn:
		return &refused{text: "A request may have at most one field that signs in or uses a mailed token."}
	case confirms:
		return &refused{text: "A request may have at most three fields that confirm a password."}
	default:
		return &refused{text: "A request may have at most three fields that register or send mail."}
	}
}

func tooDeep() error {
	return &refused{text: fmt.Sprintf("The query is nested deeper than %d levels.", maxDepth)}
}

// pick finds the operation to run; an empty name stands for the only one.
func (d *document) pick(name string) (*operation, error) {
	if name == "" {
		if len(d.operations) > 1 {
			return nil, &refused{text: "Must provide operation name if query contains multiple operations."}
		}
		return d.operations[0], nil
	}
	for _, op := range d.operations {
		if op.name == name {
			return op, nil
		}
	}
	return nil, &refused{text: fmt.Sprintf("Unknown operation named %.64q.", name)}
}

// guard walks an operation as it will be run, fragments in their places, and
// stops at the first limit: it takes no more steps than maxSelections. What
// @skip and @include leave out is counted.
type guard struct {
	doc        *document
	open       []string // fragments around the selection at hand
	selections int
	aliases    int
	tried      map[trial]int
}

// check refuses an operation that costs too much.
func (d *document) check(op *operation) error {
	g := &guard{doc: d, tried: map[trial]int{}}
	return g.walk(op.selections, 1, maxDepth)
}

func (g *guard) walk(all []selection, depth, limit int) error {
	for i := range all {
		s := &all[i]
		if g.selections++; g.selections > maxSelections {
			return &refused{text: fmt.Sprintf("The query selects more than %d fields.", maxSelections)}
		}
		switch s.kind {
		case fieldSelection:
			if err := g.field(s, depth, limit); err != nil {
				return err
			}
		case inlineSelection:
			if err := g.walk(s.inner, depth, limit); err != nil {
				return err
			}
		case spreadSelection:
			f, known := g.doc.fragments[s.name]
			if !known {
				continue // the engine says so
			}
			if slices.Contains(g.open, s.name) {
				return &refused{text: fmt.Sprintf("Cannot spread fragment %.64q within itself.", s.name), line: s.line, col: s.col}
			}
			g.open = append(g.open, s.name)
			if err := g.walk(f.selections, depth, limit); err != nil {
				return err
			}
			g.open = g.open[:len(g.open)-1]
		}
	}
	return nil
}

func (g *guard) field(s *selection, depth, limit int) error {
	if depth == 1 && (s.name == "__schema" || s.name == "__type") {
		limit = maxIntrospectionDepth
	}
	if depth > limit {
		return &refused{text: fmt.Sprintf("The query is nested deeper than %d levels.", limit), line: s.line, col: s.col}
	}
	if s.alias != "" {
		if g.aliases++; g.aliases > maxAliases {
			return &refused{text: fmt.Sprintf("The query has more than %d aliases.", maxAliases)}
		}
	}
	if t, is := trials[s.name]; is {
		if g.tried[t]++; g.tried[t] > t.allowance() {
			return t.refusal()
		}
	}
	return g.walk(s.inner, depth+1, limit)
}

// locate finds the field at a path of an answer, for its place in the query.
func (d *document) locate(all []selection, path []any) *selection {
	for len(path) > 0 {
		if _, index := path[0].(string); index {
			break
		}
		path = path[1:] // an index into a list
	}
	if len(path) == 0 {
		return nil
	}
	for i := range all {
		s := &all[i]
		var found *selection
		switch s.kind {
		case inlineSelection:
			found = d.locate(s.inner, path)
		case spreadSelection:
			if f := d.fragments[s.name]; f != nil {
				found = d.locate(f.selections, path)
			}
		case fieldSelection:
			if s.key() != path[0] {
				continue
			}
			if found = d.locate(s.inner, path[1:]); found == nil {
				found = s
			}
		}
		if found != nil {
			return found
		}
	}
	return nil
}
