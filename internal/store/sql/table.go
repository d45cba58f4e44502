package sqlstore

import (
	"fmt"
	"strings"
)

// table maps rows of one type to a table: its columns after realm, those of
// the key first, and the statements that follow from them.
type table[T any] struct {
	name    string
	keys    int // how many of columns are the key
	columns []string
	// alsoUnique: another unique index than the key's may refuse a put.
	alsoUnique bool

	insert, put, del string

	values func(T) []any  // in the order of columns
	into   func(*T) []any // where the columns are scanned to, in that order
}

// newTable takes the columns of the key and the others, separated by spaces.
func newTable[T any](name, key, others string, values func(T) []any, into func(*T) []any) *table[T] {
	keys := strings.Fields(key)
	t := &table[T]{
		name: name, keys: len(keys), columns: append(keys, strings.Fields(others)...), values: values, into: into,
	}
	marks, sets, wheres := []string{"$1"}, []string{}, []string{"realm = $1"}
	for i, c := range t.columns {
		mark := fmt.Sprintf("$%d", i+2)
		marks = append(marks, mark)
		if i < t.keys {
			wheres = append(wheres, c+" = "+mark)
		} else {
			sets = append(sets, c+" = excluded."+c)
		}
	}
	insert := fmt.Sprintf("INSERT INTO %s (realm, %s) VALUES (%s)", name, strings.Join(t.columns, ", "), strings.Join(marks, ", "))
	t.insert = insert + " ON CONFLICT DO NOTHING"
	t.put = fmt.Sprintf("%s ON CONFLICT (realm, %s) DO UPDATE SET %s",
		insert, strings.Join(t.columns[:t.keys], ", "), strings.Join(sets, ", "))
	t.del = fmt.Sprintf("DELETE FROM %s WHERE %s", name, strings.Join(wheres, " AND "))
	return t
}

// unique marks a table that has a unique index besides its key.
func (t *table[T]) unique() *table[T] {
	t.alsoUnique = true
	return t
}

// of gives the columns for a SELECT, under an alias.
func (t *table[T]) of(alias string) string {
	return alias + "." + strings.Join(t.columns, ", "+alias+".")
}

// from is the beginning of a SELECT of whole rows of one realm.
func (t *table[T]) from(alias string) string {
	return fmt.Sprintf("SELECT %s FROM %s %s WHERE %s.realm = $1", t.of(alias), t.name, alias, alias)
}
