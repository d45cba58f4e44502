package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/usher-id/usher/internal/jsonx"
	"github.com/usher-id/usher/internal/nearest"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/internal/workgroup"
)

// maxWhole bounds a file that is read whole, in bytes.
const maxWhole = 16 << 20

// shownProblems is how many items are named of those that cannot go in.
const shownProblems = 20

// section is one list of a file that is one object: institutions, research
// fields, working groups. Those of a later section refer to those before.
type section struct {
	name, one string
	keys      []string // of an item
	// read takes an item's text and gives what adds it.
	read func(json.RawMessage) (addItem, error)
}

// addItem says whether it made something.
type addItem func(store.Tx) (bool, error)

func sections() []section {
	return []section{
		{"institutions", "institution", []string{"name", "city", "state", "country"}, readInstitution},
		{"research_fields", "research field", []string{"field", "subfield"}, readField},
		{"working_groups", "working group", []string{"name", "institution", "city", "country", "field", "subfield", "nEmployees"}, readWorkingGroup},
	}
}

func readInstitution(text json.RawMessage) (addItem, error) {
	var v struct {
		Name    string  `json:"name"`
		City    string  `json:"city"`
		State   *string `json:"state"`
		Country string  `json:"country"`
	}
	err := jsonx.Decode(text, &v, jsonx.Options{})
	return func(tx store.Tx) (bool, error) {
		return workgroup.AddInstitution(tx, workgroup.Institution{Name: v.Name, City: v.City, State: v.State, Country: v.Country}, operatorName)
	}, err
}

func readField(text json.RawMessage) (addItem, error) {
	var v struct {
		Field    string `json:"field"`
		Subfield string `json:"subfield"`
	}
	err := jsonx.Decode(text, &v, jsonx.Options{})
	return func(tx store.Tx) (bool, error) {
		return workgroup.AddField(tx, workgroup.Field{Field: v.Field, Subfield: v.Subfield}, operatorName)
	}, err
}

func readWorkingGroup(text json.RawMessage) (addItem, error) {
	var v struct {
		Name        string `json:"name"`
		Institution string `json:"institution"`
		City        string `json:"city"`
		Country     string `json:"country"`
		Field       string `json:"field"`
		Subfield    string `json:"subfield"`
		NEmployees  *int32 `json:"nEmployees"`
	}
	err := jsonx.Decode(text, &v, jsonx.Options{})
	return func(tx store.Tx) (bool, error) {
		return workgroup.AddGroup(tx, workgroup.Group{
			Name: v.Name, Institution: workgroup.Institution{Name: v.Institution, City: v.City, Country: v.Country},
			Field: workgroup.Field{Field: v.Field, Subfield: v.Subfield}, Employees: v.NEmployees,
		}, operatorName)
	}, err
}

func sectionNames() (names []string) {
	for _, s := range sections() {
		names = append(names, s.name)
	}
	return names
}

// isWhole says whether a file is one object of sections rather than lines, each
// a group: what its first member is called tells, as far as it can be guessed.
// Only what can be read again is looked into.
func isWhole(path string) bool {
	if path == standard {
		return false
	}
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false // the import says what is wrong with it
	}
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	name, ok := firstMember(file)
	if !ok {
		return false
	}
	lines := []string{"name", "kind", "parent", "externalId", "description", "members"}
	likely := nearest.Of(name, append(lines, sectionNames()...))
	object := strings.EqualFold(filepath.Ext(path), ".json") && !slices.Contains(lines, name)
	return object || slices.Contains(sectionNames(), likely)
}

// firstMember is what the first member of an object is called; false where a
// text begins with none.
func firstMember(r io.Reader) (string, bool) {
	text := bufio.NewReader(io.LimitReader(r, maxWhole))
	if mark, err := text.Peek(len(byteOrderMark)); err == nil && string(mark) == byteOrderMark {
		if _, err := text.Discard(len(mark)); err != nil {
			return "", false
		}
	}
	words := json.NewDecoder(text)
	if first, err := words.Token(); err != nil || first != json.Delim('{') {
		return "", false
	}
	first, err := words.Token()
	if err != nil {
		return "", false
	}
	name, ok := first.(string)
	return name, ok
}

// wholeItem is an item of a file, and what it is called there.
type wholeItem struct {
	section, name string
	add           addItem
}

// problems are what is wrong with items of a file.
type problems []string

func (p *problems) add(item string, err error) { *p = append(*p, item+": "+err.Error()) }

func (p problems) err(file string) error {
	if len(p) == 0 {
		return nil
	}
	shown := p[:min(len(p), shownProblems)]
	more := ""
	if n := len(p) - len(shown); n > 0 {
		more = fmt.Sprintf("\nand %d more", n)
	}
	return fmt.Errorf("%s: nothing was written\n%s%s", file, strings.Join(shown, "\n"), more)
}

// readWhole reads every item; the error names all that cannot be read.
func readWhole(path string) (items []wholeItem, err error) {
	data, err := readBounded(path)
	if err != nil {
		return nil, err
	}
	var lists map[string]json.RawMessage
	if err := jsonx.Decode(data, &lists, jsonx.Options{AllowBOM: true}); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var bad problems
	for _, name := range sortedNames(lists) {
		if !slices.Contains(sectionNames(), name) {
			bad.add("the file", unknownMember(name, sectionNames()))
		}
	}
	for _, s := range sections() {
		if lists[s.name] == nil {
			continue
		}
		var list []json.RawMessage
		if err := jsonx.Decode(lists[s.name], &list, jsonx.Options{}); err != nil {
			bad.add(s.name, err)
		}
		for n, text := range list {
			called := fmt.Sprintf("%s %d", s.one, n+1)
			add, err := s.item(text)
			if err != nil {
				bad.add(called, err)
			}
			items = append(items, wholeItem{s.name, called, add})
		}
	}
	return items, bad.err(path)
}

func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxWhole+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", path, err)
	case len(data) > maxWhole:
		return nil, fmt.Errorf("%s is larger than %d MiB", path, maxWhole>>20)
	case utf16(data):
		return nil, errUTF16
	}
	return data, nil
}

func sortedNames(of map[string]json.RawMessage) (names []string) {
	for name := range of {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// item reads one. Names are compared here, letter by letter, since encoding/json
// takes them in any case.
func (s section) item(text json.RawMessage) (addItem, error) {
	var members map[string]json.RawMessage
	if err := jsonx.Decode(text, &members, jsonx.Options{}); err != nil {
		return nil, err
	}
	if bytes.Equal(bytes.TrimSpace(text), []byte("null")) {
		return nil, errors.New("null is no object")
	}
	for _, name := range sortedNames(members) {
		if !slices.Contains(s.keys, name) {
			return nil, unknownMember(name, s.keys)
		}
	}
	return s.read(text)
}

func unknownMember(name string, known []string) error {
	hint := ""
	if best, near := nearest.To(name, known); near {
		hint = fmt.Sprintf(" Did you mean %s?", best)
	}
	return fmt.Errorf("unknown member %.64q.%s Members are %s", name, hint, strings.Join(known, ", "))
}

// wholeSummary is what became of a file's items.
type wholeSummary struct {
	DryRun    bool                    `json:"dry_run"`
	Created   int                     `json:"created"`
	Unchanged int                     `json:"unchanged"`
	Of        map[string]wholeCounted `json:"of"` // by section, those the file has
}

type wholeCounted struct {
	Created   int `json:"created"`
	Unchanged int `json:"unchanged"`
}

// importWhole takes a whole file, or nothing of it.
func importWhole(e *environment, f importFlags) error {
	if f.Resume || f.Results != "" {
		return usageError{errors.New("a file that is one object is taken whole: it has neither --results nor --resume")}
	}
	items, err := readWhole(f.File)
	if err != nil {
		return usageError{err}
	}
	return e.withApp(func(a *app) error {
		var sum wholeSummary
		err := a.db.Update(e.ctx, store.Bulk, func(tx store.Tx) (err error) {
			if sum, err = addWhole(tx, items, f); err == nil && f.DryRun {
				return errDryRun
			}
			return err
		})
		if err != nil && !errors.Is(err, errDryRun) {
			return err
		}
		if f.JSON {
			return writeJSON(e.out, sum)
		}
		return sum.print(e.out)
	})
}

func addWhole(tx store.Tx, items []wholeItem, f importFlags) (wholeSummary, error) {
	sum := wholeSummary{DryRun: f.DryRun, Of: map[string]wholeCounted{}}
	var bad problems
	for _, i := range items {
		made, err := i.add(tx)
		if no, ok := errors.AsType[*user.Refusal](err); ok {
			bad.add(i.name, itemReason(no))
			continue
		}
		if err != nil {
			return sum, fmt.Errorf("%s: %w", i.name, err)
		}
		n := sum.Of[i.section]
		if made {
			sum.Created++
			n.Created++
		} else {
			sum.Unchanged++
			n.Unchanged++
		}
		sum.Of[i.section] = n
	}
	return sum, bad.err(f.File)
}

// itemReason words a refusal for whoever wrote the file.
func itemReason(no *user.Refusal) error {
	switch no.Code {
	case user.Missing:
		return fmt.Errorf("%s is missing", no.Field)
	case user.NotFound:
		return fmt.Errorf("there is no such %s", no.Field)
	case user.TooLarge:
		return fmt.Errorf("%s has %s characters, at most %s", no.Field, no.Params["length"], no.Params["max"])
	case user.Conflict:
		return fmt.Errorf("it is there with another %s; an import changes nothing that is there", no.Field)
	case user.Invalid:
		if no.Field == "nEmployees" {
			return errors.New("nEmployees is less than 0")
		}
		return fmt.Errorf("%s has control characters", no.Field)
	default:
		return errors.New(sentence(no))
	}
}

func (s wholeSummary) print(w io.Writer) error {
	var text strings.Builder
	if s.DryRun {
		text.WriteString("a dry run: nothing was written\n")
	}
	if s.Created == 0 {
		text.WriteString("nothing to do: all of it is there\n")
	}
	for _, name := range sectionNames() {
		if n, ok := s.Of[name]; ok {
			fmt.Fprintf(&text, "  %-15s  %s created, %s unchanged\n", name, grouped(n.Created), grouped(n.Unchanged))
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}
