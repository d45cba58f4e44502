package workgroup_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/internal/workgroup"
)

// Given more groups than one question asks about, then each is listed once, by
// age, with what it refers to.
func TestLists(t *testing.T) {
	const n = 20
	onCampus(t, func(c campus) {
		spoke := map[string]user.ID{}
		for i := range n {
			who, in := c.person(), wanted(strconv.Itoa(i))
			if i%2 == 1 {
				in.Institution, in.City, in.Subfield = "Test University", "Mannheim", "Chemistry"
			}
			g, err := c.groups.Create(c.Context(), who, in)
			c.must(err)
			spoke[g.Number] = who.User.ID
		}
		all, err := c.groups.Groups(c.Context())
		c.must(err)
		if len(all) != n {
			c.Fatalf("%d groups", len(all))
		}
		refs := []user.ID{"none"}
		for i, g := range all {
			at, on := "Heidelberg/Mathematics", g.Institution.City+"/"+g.Field.Subfield
			if i%2 == 1 {
				at = "Mannheim/Chemistry"
			}
			if g.Name != strconv.Itoa(i) || g.Number != strconv.Itoa(i+1) || on != at || g.Representative != spoke[g.Number] {
				c.Errorf("%d: %+v", i, g)
			}
			refs = append(refs, g.Ref)
		}
		places, err := c.groups.Institutions(c.Context())
		c.must(err)
		if fmt.Sprint(numbers(places, func(i workgroup.Institution) string { return i.Number + i.City })) != "[1Heidelberg 2Mannheim]" || places[1].State != nil {
			c.Errorf("%+v", places)
		}
		fields, err := c.groups.Fields(c.Context())
		c.must(err)
		if fmt.Sprint(numbers(fields, func(f workgroup.Field) string { return f.Number + f.Subfield })) != "[1Mathematics 2Chemistry]" {
			c.Errorf("%+v", fields)
		}

		found, err := c.groups.ByRef(c.Context(), append(refs, places[0].Ref)) // which is no working group
		c.must(err)
		if len(found) != n || found[all[7].Ref].Name != "7" || found[all[7].Ref].Field.Subfield != "Chemistry" {
			c.Errorf("%d of %d: %+v", len(found), n, found[all[7].Ref])
		}
		for _, limit := range []int{n / 2, n/2 - 1} {
			at, err := c.groups.AtInstitutions(c.Context(), []user.ID{places[1].Ref, "none"}, limit)
			in, inErr := c.groups.InFields(c.Context(), []user.ID{fields[1].Ref}, limit)
			if limit < n/2 {
				refused(c.T, err, user.TooLarge, "")
				refused(c.T, inErr, user.TooLarge, "")
				continue
			}
			c.must(err)
			c.must(inErr)
			for _, set := range [][]workgroup.Group{at[places[1].Ref], in[fields[1].Ref]} {
				if got := fmt.Sprint(numbers(set, func(g workgroup.Group) string { return g.Name })); got != "[1 3 5 7 9 11 13 15 17 19]" {
					c.Errorf("%s", got)
				}
			}
			if len(at) != 1 {
				c.Errorf("%v", at)
			}
		}
	})
}

func numbers[T any](in []T, of func(T) string) (out []string) {
	for _, v := range in {
		out = append(out, of(v))
	}
	return out
}

// What an operator adds is added once, and nothing that is there is changed.
func TestAdd(t *testing.T) {
	onCampus(t, func(c campus) {
		type made = func(tx store.Tx) (bool, error)
		institution := func(i workgroup.Institution) made {
			return func(tx store.Tx) (bool, error) { return workgroup.AddInstitution(tx, i, "root") }
		}
		field := func(f workgroup.Field) made {
			return func(tx store.Tx) (bool, error) { return workgroup.AddField(tx, f, "root") }
		}
		group := func(name, city, subfield string, employees *int32) made {
			return func(tx store.Tx) (bool, error) {
				return workgroup.AddGroup(tx, workgroup.Group{
					Name: name, Institution: workgroup.Institution{Name: "Test University", City: city, Country: "Germany"},
					Field: workgroup.Field{Field: "Natural Sciences", Subfield: subfield}, Employees: employees,
				}, "root")
			}
		}
		for _, one := range []struct {
			name  string
			add   made
			want  bool
			code  user.Code
			field string
		}{
			{"there already", institution(workgroup.Institution{Name: " Test University", City: "Mannheim ", Country: "Germany"}), false, "", ""},
			{"in another state", institution(workgroup.Institution{Name: "Test University", City: "Mannheim", State: new("Hesse"), Country: "Germany"}), false, user.Conflict, "state"},
			{"with a comma", institution(workgroup.Institution{Name: "A, B", City: "C", Country: "D"}), true, "", ""},
			{"that would read alike", institution(workgroup.Institution{Name: "A", City: "B, C", Country: "D"}), true, "", ""},
			{"with a backslash", institution(workgroup.Institution{Name: `A\`, City: "B, C", Country: "D"}), true, "", ""},
			{"no city", institution(workgroup.Institution{Name: "A", Country: "D"}), false, user.Missing, "city"},
			{"a blank state", institution(workgroup.Institution{Name: "A", City: "B", State: new(" "), Country: "D"}), false, user.Missing, "state"},
			{"a field there already", field(workgroup.Field{Field: "Natural Sciences", Subfield: "Chemistry"}), false, "", ""},
			{"a new field", field(workgroup.Field{Field: "Law", Subfield: "x: y"}), true, "", ""},
			{"one that would read alike", field(workgroup.Field{Field: "Law: x", Subfield: "y"}), true, "", ""},
			{"no subfield", field(workgroup.Field{Field: "Law"}), false, user.Missing, "subfield"},
			{"a group", group("Maps", "Mannheim", "Chemistry", new(int32(0))), true, "", ""},
			{"again", group("Maps ", "Mannheim", "Chemistry", new(int32(0))), false, "", ""},
			{"of others", group("Maps", "Mannheim", "Chemistry", nil), false, user.Conflict, "nEmployees"},
			{"in another field", group("Maps", "Mannheim", "Mathematics", new(int32(0))), false, user.Conflict, "field"},
			{"nowhere", group("Maps", "Berlin", "Chemistry", nil), false, user.NotFound, "institution"},
			{"on nothing", group("Maps", "Mannheim", "Alchemy", nil), false, user.NotFound, "field"},
			{"of fewer than none", group("Fish", "Mannheim", "Chemistry", new(int32(-1))), false, user.Invalid, "nEmployees"},
			{"of nobody knows how many", group("Fish", "Mannheim", "Chemistry", nil), true, "", ""},
		} {
			var got bool
			err := c.store.Update(c.Context(), store.Bulk, func(tx store.Tx) (err error) {
				got, err = one.add(tx)
				return err
			})
			if one.code != "" {
				c.Run(one.name, func(t *testing.T) { refused(t, err, one.code, one.field) })
				continue
			}
			if err != nil || got != one.want {
				c.Errorf("%s: %t, %v", one.name, got, err)
			}
		}
		all, err := c.groups.Groups(c.Context())
		c.must(err)
		if len(all) != 2 || *all[0].Employees != 0 || all[1].Employees != nil || all[0].Representative != "" || all[1].Number != "2" {
			c.Errorf("%+v", all)
		}
		fields, err := c.groups.Fields(c.Context())
		c.must(err)
		if last := fields[len(fields)-1]; last.Number != "4" || last.Field != "Law: x" {
			c.Errorf("%+v", last)
		}
		c.must(c.groups.Join(c.Context(), c.person(), workgroup.Place{Name: new("Fish"), Institution: "Test University", City: "Mannheim", Country: "Germany"}))
	})
}
