package workgroup

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/user"
)

// Institution is where working groups are. Name, city and country together are
// unique.
type Institution struct {
	Ref                 user.ID
	Number              string // decimal, counted from 1
	Name, City, Country string
	State               *string // nil for none
}

// Field is what working groups work on. Field and subfield together are unique.
type Field struct {
	Ref             user.ID
	Number          string
	Field, Subfield string
}

// Group is a working group. Its name is unique at its institution.
type Group struct {
	Ref            user.ID
	Number         string
	Name           string
	Institution    Institution
	Field          Field
	Representative user.ID // empty for none
	Employees      *int32  // nil where nobody said
}

// Place names a working group as people do; Name may be left out.
type Place struct {
	Name                       *string
	Institution, City, Country string
}

// New is a working group to be made.
type New struct {
	Place
	Field, Subfield string
	Employees       int32
}

// Attributes of the groups. That of a state or of employees is missing where
// nobody said.
const (
	attrName      = "name"
	attrCity      = "city"
	attrState     = "state"
	attrCountry   = "country"
	attrField     = "field"
	attrSubfield  = "subfield"
	attrFieldID   = "research_field" // of a working group
	attrEmployees = "employees"
)

// Institutions and fields are unique by several texts and groups by one name:
// it joins them so that no two lists of texts read alike.
var (
	escapeComma = strings.NewReplacer(`\`, `\\`, `,`, `\,`)
	escapeColon = strings.NewReplacer(`\`, `\\`, `:`, `\:`)
)

func (i Institution) key() string {
	return escapeComma.Replace(i.Name) + ", " + escapeComma.Replace(i.City) + ", " + escapeComma.Replace(i.Country)
}

func (f Field) key() string {
	return escapeColon.Replace(f.Field) + ": " + escapeColon.Replace(f.Subfield)
}

func (p Place) institution() Institution {
	return Institution{Name: p.Institution, City: p.City, Country: p.Country}
}

func (i Institution) row() user.Group {
	g := user.Group{
		Kind: user.GroupInstitution, Name: i.key(),
		Attributes: map[string]string{attrName: i.Name, attrCity: i.City, attrCountry: i.Country},
	}
	if i.State != nil {
		g.Attributes[attrState] = *i.State
	}
	return g
}

func (f Field) row() user.Group {
	return user.Group{
		Kind: user.GroupField, Name: f.key(), Attributes: map[string]string{attrField: f.Field, attrSubfield: f.Subfield},
	}
}

func workingRow(name string, institution, field user.ID, employees *int32) user.Group {
	g := user.Group{
		Kind: user.GroupWorking, Name: name, Parent: institution, Attributes: map[string]string{attrFieldID: string(field)},
	}
	if employees != nil {
		g.Attributes[attrEmployees] = strconv.FormatInt(int64(*employees), 10)
	}
	return g
}

func institution(g user.Group) Institution {
	i := Institution{
		Ref: g.ID, Number: g.ExternalID, Name: g.Attributes[attrName], City: g.Attributes[attrCity], Country: g.Attributes[attrCountry],
	}
	if s, ok := g.Attributes[attrState]; ok {
		i.State = &s
	}
	return i
}

func field(g user.Group) Field {
	return Field{Ref: g.ID, Number: g.ExternalID, Field: g.Attributes[attrField], Subfield: g.Attributes[attrSubfield]}
}

// group lacks all of its institution and field but their ids.
func group(g user.Group) Group {
	out := Group{
		Ref: g.ID, Number: g.ExternalID, Name: g.Name,
		Institution: Institution{Ref: g.Parent}, Field: Field{Ref: user.ID(g.Attributes[attrFieldID])},
	}
	if n, err := strconv.ParseInt(g.Attributes[attrEmployees], 10, 32); err == nil {
		out.Employees = new(int32(n))
	}
	return out
}

// MaxName is the longest name of anything here, in characters.
const MaxName = 255

// tidy trims a name that must be there. Refusals of it: Missing, Invalid,
// TooLarge.
func tidy(said string, s *string) error {
	*s = strings.TrimSpace(*s)
	switch n := utf8.RuneCountInString(*s); {
	case n == 0:
		return user.Refuse(user.Missing, said)
	case n > MaxName:
		return user.Refuse(user.TooLarge, said, "max", strconv.Itoa(MaxName), "length", strconv.Itoa(n))
	case !utf8.ValidString(*s), strings.ContainsFunc(*s, unicode.IsControl):
		return user.Refuse(user.Invalid, said)
	}
	return nil
}

func (i Institution) tidy() (Institution, error) {
	for _, t := range []struct {
		said string
		text *string
	}{{attrName, &i.Name}, {attrCity, &i.City}, {attrCountry, &i.Country}} {
		if err := tidy(t.said, t.text); err != nil {
			return i, err
		}
	}
	if i.State != nil {
		state := *i.State
		if err := tidy(attrState, &state); err != nil {
			return i, err
		}
		i.State = &state
	}
	return i, nil
}

func (f Field) tidy() (Field, error) {
	if err := tidy(attrField, &f.Field); err != nil {
		return f, err
	}
	return f, tidy(attrSubfield, &f.Subfield)
}

// employees are not fewer than none.
func checkEmployees(n *int32) error {
	if n != nil && *n < 0 {
		return user.Refuse(user.Invalid, "nEmployees")
	}
	return nil
}
