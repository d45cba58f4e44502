package sqlstore

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// micros is a time as it is kept.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// blob keeps bytes; a column is never NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// doc keeps a map as JSON; an empty one as nothing.
func doc[M ~map[K]V, K comparable, V any](m M) string {
	if len(m) == 0 {
		return ""
	}
	b, err := json.Marshal(m)
	if err != nil { // a year beyond 9999 in a fact; the transaction's caller gets it as an error
		panic(fmt.Sprintf("store: writing a document: %v", err))
	}
	return string(b)
}

// The types below are where columns are scanned to that no plain pointer fits.

type toTime struct{ t *time.Time }

func (c toTime) Scan(src any) error {
	us, err := number(src)
	*c.t = time.Time{}
	if us != 0 {
		*c.t = time.UnixMicro(us).UTC()
	}
	return err
}

type toBool struct{ b *bool }

func (c toBool) Scan(src any) error {
	if b, ok := src.(bool); ok { // what EXISTS gives, on one of the databases
		*c.b = b
		return nil
	}
	n, err := number(src)
	*c.b = n != 0
	return err
}

type toBytes struct{ b *[]byte }

func (c toBytes) Scan(src any) error {
	*c.b = nil
	switch v := src.(type) {
	case []byte:
		if len(v) > 0 {
			*c.b = append([]byte(nil), v...)
		}
		return nil
	case string:
		if v != "" {
			*c.b = []byte(v)
		}
		return nil
	default:
		return fmt.Errorf("store: %T where bytes are kept", src)
	}
}

type toDoc[M ~map[K]V, K comparable, V any] struct{ m *M }

func (c toDoc[M, K, V]) Scan(src any) error {
	*c.m = M{}
	var b []byte
	if err := (toBytes{&b}).Scan(src); err != nil || len(b) == 0 {
		return err
	}
	if err := json.Unmarshal(b, c.m); err != nil {
		return fmt.Errorf("store: reading a document: %w", err)
	}
	return nil
}

func intoDoc[M ~map[K]V, K comparable, V any](m *M) toDoc[M, K, V] { return toDoc[M, K, V]{m} }

// toWords is a list of words without spaces.
type toWords struct{ w *[]string }

func (c toWords) Scan(src any) error {
	s, ok := src.(string)
	if !ok {
		return fmt.Errorf("store: %T where words are kept", src)
	}
	*c.w = strings.Fields(s)
	return nil
}

// skip is for a column that nobody asks for.
type skip struct{}

func (skip) Scan(any) error { return nil }

func number(src any) (int64, error) {
	n, ok := src.(int64)
	if !ok {
		return 0, fmt.Errorf("store: %T where a number is kept", src)
	}
	return n, nil
}
