package gqlauth_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

type gqlType struct {
	Kind, Name string
	OfType     *gqlType
}

func (t gqlType) String() string {
	switch t.Kind {
	case "NON_NULL":
		return t.OfType.String() + "!"
	case "LIST":
		return "[" + t.OfType.String() + "]"
	}
	return t.Name
}

// TestIntrospection compares what introspection says with section 3 of the
// contract, one line a field.
func TestIntrospection(t *testing.T) {
	want, err := os.ReadFile("testdata/schema.txt")
	if err != nil {
		t.Fatal(err)
	}
	got := newWorld().post(t, "", introspectionQuery, nil)
	var answer struct {
		Data struct {
			Schema struct {
				Types []struct {
					Kind, Name string
					Interfaces []gqlType
					Fields     []struct {
						Name string
						Type gqlType
						Args []struct {
							Name string
							Type gqlType
						}
					}
					InputFields []struct {
						Name string
						Type gqlType
					}
				}
			} `json:"__schema"`
		}
		Errors []any
	}
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil || len(answer.Errors) > 0 {
		t.Fatalf("%d %s: %v", got.status, got.body, err)
	}
	var lines []string
	for _, typ := range answer.Data.Schema.Types {
		if strings.HasPrefix(typ.Name, "__") || typ.Name == "Float" {
			continue // the engine's own
		}
		for _, i := range typ.Interfaces {
			lines = append(lines, typ.Name+" implements "+i.Name)
		}
		for _, f := range typ.Fields {
			var args []string
			for _, a := range f.Args {
				args = append(args, a.Name+": "+a.Type.String())
			}
			line := typ.Name + "." + f.Name
			if args != nil {
				line += "(" + strings.Join(args, ", ") + ")"
			}
			lines = append(lines, line+": "+f.Type.String())
		}
		for _, f := range typ.InputFields {
			lines = append(lines, typ.Name+"."+f.Name+": "+f.Type.String())
		}
		if typ.Kind == "SCALAR" {
			lines = append(lines, "scalar "+typ.Name)
		}
	}
	slices.Sort(lines)
	wanted := strings.Split(strings.TrimSpace(string(want)), "\n")
	for _, line := range lines {
		if !slices.Contains(wanted, line) {
			t.Errorf("not in the contract: %s", line)
		}
	}
	for _, line := range wanted {
		if !slices.Contains(lines, line) {
			t.Errorf("missing: %s", line)
		}
	}
}
