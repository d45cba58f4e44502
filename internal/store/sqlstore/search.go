package sqlstore

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Terms are kept in hexadecimal: whatever a database thinks of the order of
// letters, a range of digits is the terms that begin alike. CROSS JOIN keeps
// SQLite to the written order, from the term outwards; || ” keeps both from an
// index in which they would walk the realm, for the sake of its order.
var (
	qSearchUsers = "SELECT " + users.list("u") + `, COALESCE((SELECT MIN(h.value || '') FROM handles h
		WHERE h.user_id = t.id AND h.realm = t.realm AND h.space = $4 AND h.dead = 0), '')
	FROM search_terms t CROSS JOIN users u
	WHERE t.realm = $1 AND t.kind = 'user' AND t.term >= $2 AND t.term < $3
	AND u.realm = t.realm AND u.id = t.id ORDER BY t.term, t.id LIMIT $5`
	qSearchGroups = "SELECT " + groups.list("g") + ` FROM search_terms t CROSS JOIN groups g
	WHERE t.realm = $1 AND t.kind = 'group' AND t.term >= $2 AND t.term < $3
	AND g.realm = t.realm AND g.id = t.id ORDER BY t.term, t.id LIMIT $4`
	qSearchTerms = "SELECT t.term FROM search_terms t WHERE t.realm = $1 AND t.kind = $2 AND t.id = $3"
	qIndexed     = "SELECT p.seq FROM search_progress p WHERE p.realm = $1"

	qDropTerms = "DELETE FROM search_terms WHERE realm = $1 AND kind = $2 AND id = $3"
	qAddTerm   = "INSERT INTO search_terms (realm, kind, id, term) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
	qIndexedTo = `INSERT INTO search_progress (realm, seq) VALUES ($1, $2)
	ON CONFLICT (realm) DO UPDATE SET seq = excluded.seq WHERE search_progress.seq < excluded.seq`
)

// term is a term as it is kept.
func term(s string) string { return hex.EncodeToString([]byte(s[:min(len(s), store.TermMost)])) }

// beginning is the range of terms that begin with a prefix: 'g' comes after
// every digit.
func beginning(prefix string) (from, before string) {
	t := term(prefix)
	return t, t + "g"
}

// SearchUsers implements store.Search.
func (r *reader) SearchUsers(prefix string, numbers user.Space, limit int) ([]store.Found, error) {
	from, before := beginning(prefix)
	all, err := many(r, qSearchUsers, func(f *fields, v *store.Found) {
		f.user(&v.User)
		f.add(&v.Number)
	}, from, before, numbers, limit)
	return slices.DeleteFunc(all, func(v store.Found) bool { return v.Number == "" }), err
}

// SearchGroups implements store.Search.
func (r *reader) SearchGroups(prefix string, limit int) ([]user.Group, error) {
	from, before := beginning(prefix)
	return many(r, qSearchGroups, (*fields).group, from, before, limit)
}

// SearchTerms implements store.Search.
func (r *reader) SearchTerms(kind store.SearchKind, id user.ID) ([]string, error) {
	terms, err := many(r, qSearchTerms, func(f *fields, s *string) {
		f.add(s)
		f.finish(func() error {
			text, err := hex.DecodeString(*s)
			*s = string(text)
			return err
		})
	}, string(kind), id)
	slices.Sort(terms)
	return terms, err
}

// Indexed implements store.Search.
func (r *reader) Indexed() (int64, error) {
	seq, err := one(r, qIndexed, func(f *fields, n *int64) { f.add(n) })
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	return seq, err
}

// IndexTerms implements store.Indexing.
func (t *tx) IndexTerms(kind store.SearchKind, id user.ID, terms []string) error {
	if _, err := t.exec(qDropTerms, string(kind), id); err != nil {
		return fmt.Errorf("removing terms of %s: %w", id, err)
	}
	kept := make([]string, len(terms))
	for i, s := range terms {
		kept[i] = term(s)
	}
	slices.SortFunc(kept, cmp.Compare)
	for _, s := range slices.Compact(kept) {
		if _, err := t.exec(qAddTerm, string(kind), id, s); err != nil {
			return fmt.Errorf("adding a term of %s: %w", id, err)
		}
	}
	return nil
}

// IndexedTo implements store.Indexing.
func (t *tx) IndexedTo(seq int64) error {
	if _, err := t.exec(qIndexedTo, seq); err != nil {
		return fmt.Errorf("recording the progress of the search index: %w", err)
	}
	return nil
}
