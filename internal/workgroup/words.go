package workgroup

import (
	"strconv"
	"time"

	"github.com/usher-id/usher/internal/user"
)

// Institution is where working groups are. Name, city and country together are
// unique.
type Institution struct {
	Ref                 user.ID
	Number              string
	Name, City, Country string
	State               *string
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
	Employees      *int32
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

// Attributes of the groups.
const (
	attrName      = "name"
	attrCity      = "city"
	attrState     = "state"
	attrCountry   = "country"
	attrField     = "field"
	attrSubfield  = "subfield"
	attrFieldID   = "research_field"
	attrEmployees = "employees"
)

// key is the name under which a group of several names is unique.
func (i Institution) key() string { return i.Name + ", " + i.City + ", " + i.Country }
func (f Field) key() string       { return f.Field + ": " + f.Subfield }

func (i Institution) row(id user.ID, number int32, now time.Time) user.Group {
	g := user.Group{
		ID: id, Kind: user.GroupInstitution, Name: i.key(), ExternalID: text(number), Created: now,
		Attributes: map[string]string{attrName: i.Name, attrCity: i.City, attrCountry: i.Country},
	}
	if i.State != nil {
		g.Attributes[attrState] = *i.State
	}
	return g
}

func (f Field) row(id user.ID, number int32, now time.Time) user.Group {
	return user.Group{
		ID: id, Kind: user.GroupField, Name: f.key(), ExternalID: text(number), Created: now,
		Attributes: map[string]string{attrField: f.Field, attrSubfield: f.Subfield},
	}
}

func text(number int32) string { return strconv.FormatInt(int64(number), 10) }

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
