package directory

import (
	"context"
	"fmt"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// SearchMost is how many users a search gives at most.
const SearchMost = 20

// overlook is how many index entries are looked at for each result that is
// wanted: a user has several terms, and the index may be behind.
const overlook = 8

// SearchEDI finds users with an EDI number, by the beginning of what is typed,
// without regard to case: of their name, their name from its second word on,
// the e-mail that their profile shows, or the number with or without "EDI-".
// Text that is nothing but spaces finds nobody. The results are at most limit
// and SearchMost, in the order of what was found.
func (s *Service) SearchEDI(ctx context.Context, typed string, limit int) (out []store.Found, err error) {
	want := Fold(typed)
	if limit = min(limit, SearchMost); want == "" || limit <= 0 {
		return nil, nil
	}
	for range catchUpMost {
		more, err := s.CatchUp(ctx)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	err = s.store.View(ctx, func(r store.Reader) error {
		out = nil
		found, err := r.SearchUsers(want, user.SpaceEDI, limit*overlook)
		if err != nil {
			return fmt.Errorf("searching users: %w", err)
		}
		seen := map[user.ID]bool{}
		for _, f := range found {
			if seen[f.User.ID] || len(out) == limit {
				continue
			}
			seen[f.User.ID] = true
			// What the index says was true once; this is true now.
			terms, err := wanted(r, f.User.ID)
			if err != nil {
				return err
			}
			if Begins(terms, want) {
				out = append(out, f)
			}
		}
		return nil
	})
	return out, err
}
