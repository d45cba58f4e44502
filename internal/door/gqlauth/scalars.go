package gqlauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
)

var errOutputOnly = errors.New("gqlauth: this scalar is never an input")

// dateTime is the scalar DateTime: UTC, with microseconds.
type dateTime struct{ time.Time }

// ImplementsGraphQLType binds it to its scalar.
func (dateTime) ImplementsGraphQLType(name string) bool { return name == "DateTime" }

// UnmarshalGraphQL is asked for by the engine; no argument has this type.
func (*dateTime) UnmarshalGraphQL(any) error { return errOutputOnly }

// MarshalJSON writes it as the original does.
func (t dateTime) MarshalJSON() ([]byte, error) {
	return []byte(t.UTC().Format(`"2006-01-02T15:04:05.000000-07:00"`)), nil
}

// genericScalar is the scalar GenericScalar: JSON as it stands.
type genericScalar struct{ json.RawMessage }

// ImplementsGraphQLType binds it to its scalar.
func (genericScalar) ImplementsGraphQLType(name string) bool { return name == "GenericScalar" }

// UnmarshalGraphQL is asked for by the engine; no argument has this type.
func (*genericScalar) UnmarshalGraphQL(any) error { return errOutputOnly }

func payload(raw json.RawMessage) *genericScalar {
	if len(raw) == 0 {
		return nil
	}
	return &genericScalar{raw}
}

// fieldError is one entry of ExpectedErrorType.
type fieldError struct {
	Message string `json:"message"`
	Code    string `json:"code"`
}

// fieldErrors is the scalar ExpectedErrorType: errors by field, in the order in
// which the fields first came.
type fieldErrors struct {
	fields []string
	of     map[string][]fieldError
}

// ImplementsGraphQLType binds it to its scalar.
func (fieldErrors) ImplementsGraphQLType(name string) bool { return name == "ExpectedErrorType" }

// UnmarshalGraphQL is asked for by the engine; no argument has this type.
func (*fieldErrors) UnmarshalGraphQL(any) error { return errOutputOnly }

func (e *fieldErrors) add(field string, err fieldError) {
	if e.of == nil {
		e.of = map[string][]fieldError{}
	}
	if _, known := e.of[field]; !known {
		e.fields = append(e.fields, field)
	}
	e.of[field] = append(e.of[field], err)
}

// MarshalJSON writes an object with its fields in order.
func (e fieldErrors) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, field := range e.fields {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(field)
		if err != nil {
			return nil, err
		}
		list, err := json.Marshal(e.of[field])
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(list)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
