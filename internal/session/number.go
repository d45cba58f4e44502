package session

import (
	"errors"
	"fmt"

	"github.com/usher-id/usher/internal/snowflake"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// PartnerNumber gives the number under which the partner door knows a user,
// and the strand that it hangs on. Somebody who is known from elsewhere gets
// one at first need, on the given strand or, where that is empty, on the
// oldest that is live.
func PartnerNumber(tx store.Tx, u, strand user.ID) (number string, on user.ID, err error) {
	handles, err := tx.Handles(u)
	if err != nil {
		return "", "", fmt.Errorf("reading the names of %s: %w", u, err)
	}
	strands, err := tx.Strands(u)
	if err != nil {
		return "", "", fmt.Errorf("reading the strands of %s: %w", u, err)
	}
	live := map[user.ID]bool{}
	for _, s := range strands {
		if s.State != user.Live {
			continue
		}
		live[s.ID] = true
		if strand == "" {
			strand = s.ID
		}
	}
	for _, h := range handles {
		// A withdrawn strand's number is unknown to people.
		if h.Space == user.SpacePartner && !h.Dead && live[h.Strand] {
			return h.Value, h.Strand, nil
		}
	}
	if strand == "" {
		return "", "", errors.New("the user has no live strand")
	}
	h := user.Handle{
		Space: user.SpacePartner, Value: snowflake.Format(tx.NewNumber()), User: u, Strand: strand, Created: tx.Now(),
	}
	if err := store.Insert(tx, h); err != nil {
		return "", "", fmt.Errorf("giving %s a number: %w", u, err)
	}
	return h.Value, h.Strand, nil
}
