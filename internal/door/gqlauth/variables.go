package gqlauth

import (
	"fmt"
	"math"
	"strconv"

	"github.com/graph-gophers/graphql-go/ast"
)

// coerce makes the engine's variables of the client's: those that the operation
// declares, of exactly the declared types (security H10), without nulls, which
// the original drops. The engine itself would turn up a wrong type only while
// it runs, and repeat the value. Messages here name variables and types only.
func coerce(types map[string]ast.NamedType, op *operation, sent map[string]any) (map[string]any, error) {
	vars := make(map[string]any, len(op.variables))
	for _, v := range op.variables {
		value, err := coerceTo(types, v.typ, sent[v.name])
		if err != nil {
			return nil, &refused{text: fmt.Sprintf("Variable \"$%.64s\" %s", v.name, err.Error())}
		}
		if value != nil {
			vars[v.name] = value
		}
	}
	return vars, nil
}

func coerceTo(types map[string]ast.NamedType, t typeRef, value any) (any, error) {
	if value == nil {
		if t.nonNull {
			return nil, &refused{text: fmt.Sprintf("of required type %.64q was not provided.", t.String())}
		}
		return nil, nil
	}
	wrong := &refused{text: fmt.Sprintf("got an invalid value; expected type %.64q.", t.String())}
	if t.list != nil {
		list, ok := value.([]any)
		if !ok {
			list = []any{value}
		}
		out := make([]any, len(list))
		for i := range list {
			var err error
			if out[i], err = coerceTo(types, *t.list, list[i]); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	number, isNumber := value.(float64)
	whole := isNumber && math.Trunc(number) == number
	switch t.name {
	case "String":
		if _, ok := value.(string); !ok {
			return nil, wrong
		}
	case "Boolean":
		if _, ok := value.(bool); !ok {
			return nil, wrong
		}
	case "Float":
		if !isNumber {
			return nil, wrong
		}
	case "Int":
		if !whole || number < math.MinInt32 || number > math.MaxInt32 {
			return nil, wrong
		}
		return int32(number), nil
	case "ID":
		if whole && math.Abs(number) < 1<<53 {
			return strconv.FormatInt(int64(number), 10), nil
		}
		if _, ok := value.(string); !ok {
			return nil, wrong
		}
	default:
		input, ok := types[t.name].(*ast.InputObject)
		if !ok {
			return nil, &refused{text: fmt.Sprintf("has a type that is no input type: %.64q.", t.String())}
		}
		return coerceObject(types, input, value, wrong)
	}
	return value, nil
}

func coerceObject(types map[string]ast.NamedType, input *ast.InputObject, value any, wrong error) (any, error) {
	object, ok := value.(map[string]any)
	if !ok {
		return nil, wrong
	}
	out := make(map[string]any, len(object))
	for _, member := range input.Values {
		v, err := coerceTo(types, refOf(member.Type), object[member.Name.Name])
		if err != nil {
			return nil, &refused{text: fmt.Sprintf("in field %q %s", member.Name.Name, err.Error())}
		}
		if v != nil {
			out[member.Name.Name] = v
		}
	}
	for name := range object {
		if input.Values.Get(name) == nil {
			return nil, &refused{text: fmt.Sprintf("got an unknown field %.64q; expected type %q.", name, input.Name)}
		}
	}
	return out, nil
}

// refOf is a type of the schema.
func refOf(t ast.Type) typeRef {
	switch t := t.(type) {
	case *ast.NonNull:
		inner := refOf(t.OfType)
		inner.nonNull = true
		return inner
	case *ast.List:
		inner := refOf(t.OfType)
		return typeRef{list: &inner}
	default:
		return typeRef{name: t.String()}
	}
}

func (t typeRef) String() string {
	s := t.name
	if t.list != nil {
		s = "[" + t.list.String() + "]"
	}
	if t.nonNull {
		s += "!"
	}
	return s
}
