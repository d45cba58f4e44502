package store

import "github.com/usher-id/usher/internal/user"

// SearchKind is what a term of the search index leads to.
type SearchKind string

const (
	SearchedUser  SearchKind = "user"
	SearchedGroup SearchKind = "group"
)

// TermMost is how many bytes of a term are kept and compared; what lies beyond
// narrows nothing, so whoever searches looks at what was found once more.
const TermMost = 64

// Found is a user that a search term leads to, with one of its live names in
// the space that was asked for.
type Found struct {
	User   user.User
	Number string
}

// Search reads the index of terms, which are already folded. It may be behind
// what it was made of: the rows it leads to are read as they are now.
type Search interface {
	// SearchUsers finds users that have a live name in a space by the beginning
	// of a term, in the order of terms. A user comes once for each term that
	// fits; limit also counts those that lost their name.
	SearchUsers(prefix string, numbers user.Space, limit int) ([]Found, error)
	// SearchGroups is the same for groups.
	SearchGroups(prefix string, limit int) ([]user.Group, error)
	// SearchTerms lists what leads to one user or group, in order.
	SearchTerms(kind SearchKind, id user.ID) ([]string, error)
	// Searchable picks, of up to TakenMost users, those that have a name in a
	// space, dead or alive, or terms that lead to them.
	Searchable(numbers user.Space, ids []user.ID) ([]user.ID, error)
	// Indexed is the number of the last event that the index has taken in, 0
	// before the first.
	Indexed() (int64, error)
}

// Indexing writes the index.
type Indexing interface {
	// IndexTerms puts terms in place of those that led to a user or group.
	IndexTerms(kind SearchKind, id user.ID, terms []string) error
	// IndexedTo records how far the index has come. It never goes back.
	IndexedTo(seq int64) error
}
