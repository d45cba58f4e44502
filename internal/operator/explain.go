package operator

import (
	"context"
	"fmt"

	"github.com/usher-id/usher/internal/directory"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Story is everything usher knows about how a user came to be what it is.
type Story struct {
	User       user.User
	Strands    []user.Strand
	Identities []user.Identity
	Handles    []user.Handle
	Claims     []user.Claim
	Owned      []user.Owner
	Locks      []user.Lock
	Groups     []user.Group
	Ledger     []store.Entry // newest first
	Events     []store.Event // oldest first; decisions are among them
}

// maxEvents bounds a story.
const maxEvents = 500

// Explain tells a user's story.
func (s *Service) Explain(ctx context.Context, ref string) (st Story, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		u, err := directory.Resolve(r, ref)
		if err != nil {
			return err
		}
		st, err = Tell(r, u)
		return err
	})
	return st, err
}

// Tell reads a user's story.
func Tell(r store.Reader, u user.User) (st Story, err error) {
	st.User = u
	for _, read := range []func() error{
		func() (err error) { st.Strands, err = r.Strands(u.ID); return },
		func() (err error) { st.Identities, err = r.Identities(u.ID); return },
		func() (err error) { st.Handles, err = r.Handles(u.ID); return },
		func() (err error) { st.Claims, err = r.ClaimsOf(u.ID); return },
		func() (err error) { st.Owned, err = r.Owned(u.ID); return },
		func() (err error) { st.Locks, err = r.Locks(u.ID); return },
		func() (err error) { st.Groups, err = r.GroupsOf(u.ID); return },
		func() (err error) { st.Ledger, err = r.Entries(u.ID); return },
		func() (err error) { st.Events, err = r.EventsOf(u.ID, maxEvents); return },
	} {
		if err := read(); err != nil {
			return st, fmt.Errorf("reading the story of %s: %w", u.ID, err)
		}
	}
	return st, nil
}
