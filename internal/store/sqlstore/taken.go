package sqlstore

import (
	"fmt"
	"slices"
	"strings"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Statements that ask about many values at once, always as many, so that each
// is prepared once. A count for each value is looked up in the index whatever a
// database without statistics believes: PostgreSQL would rather read all
// addresses of a kind than look for a list of them.
var (
	qTakenClaims = taken("claims c WHERE c.realm = $1 AND c.kind = $2 AND c.address = v.column1")
	qTakenOwners = taken("owners o WHERE o.realm = $1 AND o.kind = $2 AND o.address = v.column1")
	qTakenNames  = taken("handles h WHERE h.realm = $1 AND h.space = $2 AND h.value = v.column1")
	qNamedUsers  = taken("handles h WHERE h.realm = $1 AND h.space = $2 AND h.user_id = v.column1")
	qTermedUsers = taken("search_terms t WHERE t.realm = $1 AND t.kind = $2 AND t.id = v.column1")
)

func taken(rows string) string {
	values := make([]string, store.TakenMost)
	for i := range values {
		values[i] = "(" + marks(3+i, 1) + ")"
	}
	return "SELECT v.column1 FROM (VALUES " + strings.Join(values, ", ") + ") AS v WHERE (SELECT COUNT(*) FROM " + rows + ") > 0"
}

// marks writes n marks, counted from first.
func marks(first, n int) string {
	ms := make([]string, n)
	for i := range ms {
		ms[i] = fmt.Sprintf("$%d", first+i)
	}
	return strings.Join(ms, ", ")
}

// TakenAddresses implements store.People.
func (r *reader) TakenAddresses(kind user.AddressKind, addresses []string) ([]string, error) {
	claimed, err := r.taken(qTakenClaims, kind, addresses)
	if err != nil {
		return nil, err
	}
	owned, err := r.taken(qTakenOwners, kind, addresses)
	return append(claimed, owned...), err
}

// TakenNames implements store.People.
func (r *reader) TakenNames(space user.Space, values []string) ([]string, error) {
	return r.taken(qTakenNames, space, values)
}

// Searchable implements store.Search.
func (r *reader) Searchable(numbers user.Space, ids []user.ID) ([]user.ID, error) {
	values := make([]string, len(ids))
	for i, id := range ids {
		values[i] = string(id)
	}
	named, err := r.taken(qNamedUsers, numbers, values)
	if err != nil {
		return nil, err
	}
	termed, err := r.taken(qTermedUsers, string(store.SearchedUser), values)
	if err != nil {
		return nil, err
	}
	found := slices.Concat(named, termed)
	slices.Sort(found)
	var out []user.ID
	for _, id := range slices.Compact(found) {
		out = append(out, user.ID(id))
	}
	return out, nil
}

func (r *reader) taken(q string, within any, values []string) ([]string, error) {
	if len(values) > store.TakenMost {
		return nil, fmt.Errorf("store: asked about %d values, more than %d", len(values), store.TakenMost)
	}
	args := []any{within}
	for _, v := range values {
		if !unwritable(v) {
			args = append(args, v)
		}
	}
	if len(args) == 1 {
		return nil, nil
	}
	last := args[len(args)-1]
	args = append(args, slices.Repeat([]any{last}, 1+store.TakenMost-len(args))...)
	found, err := many(r, q, func(f *fields, s *string) { f.add(s) }, args...)
	slices.Sort(found)
	return slices.Compact(found), err
}
