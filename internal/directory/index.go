package directory

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

const (
	// step is how many events one round of CatchUp reads.
	step = 200
	// catchUpMost is how many rounds a search waits for: what was changed just
	// now is found at once, while after an import of many thousands the index
	// is built over several searches, or by Run.
	catchUpMost = 5
	// lazy is how many events are read again rather than to write that they
	// were read.
	lazy = 50
	// idle is how often Run looks for what changed.
	idle = time.Second
)

// Run keeps the index up to date until ctx ends, so that searches need not.
// Faults are logged and tried again.
func (s *Service) Run(ctx context.Context, log *slog.Logger) {
	for ctx.Err() == nil {
		more, err := s.CatchUp(ctx)
		if err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "bringing the search index up to date failed", "err", err)
		}
		if more && err == nil {
			continue
		}
		t := time.NewTimer(idle)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
}

// CatchUp takes one round of events into the index, and says whether there are
// more. The index follows from the users as they are: an event says only whom
// to look at, so that taking one in twice, late or in another order is no
// harm. Events without a number yet are looked at too, and will be once more
// with it. It writes only where something is different.
func (s *Service) CatchUp(ctx context.Context) (more bool, err error) {
	var late round
	err = s.store.View(ctx, func(r store.Reader) error {
		var err error
		late, err = look(r)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("looking for what changed: %w", err)
	}
	if len(late.users) == 0 && late.to-late.from < lazy {
		return false, nil
	}
	err = s.store.Update(ctx, store.Bulk, func(tx store.Tx) error {
		for _, id := range late.users {
			terms, err := wanted(tx, id)
			if err != nil {
				return err
			}
			if err := tx.IndexTerms(store.SearchedUser, id, terms); err != nil {
				return err
			}
		}
		return tx.IndexedTo(late.to)
	})
	if err != nil {
		return false, fmt.Errorf("writing the search index: %w", err)
	}
	return late.more, nil
}

// round is what one round found: the users whose terms are others now, and
// which events were read.
type round struct {
	users    []user.ID
	from, to int64
	more     bool
}

func look(r store.Reader) (round, error) {
	from, err := r.Indexed()
	if err != nil {
		return round{}, err
	}
	numbered, err := r.Events(from, step)
	if err != nil {
		return round{}, err
	}
	out := round{from: from, to: from, more: len(numbered) == step}
	var fresh []store.Event
	if !out.more { // else they are for a later round
		if fresh, err = r.Unsequenced(step); err != nil {
			return round{}, err
		}
	}
	if len(numbered) > 0 {
		out.to = numbered[len(numbered)-1].Seq
	}
	for some := range slices.Chunk(toLookAt(slices.Concat(numbered, fresh)), store.TakenMost) {
		// An import is about many thousands whom nobody can search for.
		searchable, err := r.Searchable(user.SpaceEDI, some)
		if err != nil {
			return out, err
		}
		for _, id := range searchable {
			have, err := r.SearchTerms(store.SearchedUser, id)
			if err != nil {
				return out, err
			}
			terms, err := wanted(r, id)
			if err != nil {
				return out, err
			}
			if !slices.Equal(have, kept(terms)) {
				out.users = append(out.users, id)
			}
		}
	}
	return out, nil
}

// toLookAt are the users of events, each once.
func toLookAt(events []store.Event) (ids []user.ID) {
	seen := map[user.ID]bool{"": true}
	for _, e := range events {
		if !matters(e) {
			continue
		}
		for _, id := range concerned(e) {
			if !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// matters says whether an event can be about what is searched. Most events of a
// busy day are not: somebody signs in. At the EDI door that can be when they
// are given their number.
func matters(e store.Event) bool {
	subject, act, _ := strings.Cut(e.Kind, ".")
	switch subject {
	case "session":
		return act == "started" && e.Door == user.DoorEDI
	case "signin", "refresh", "password", "group", "key", "policy":
		return false
	default:
		return true
	}
}

// concerned are the users of an event: whom it is about, and the other of a
// merge, an absorption or their undoing.
func concerned(e store.Event) []user.ID {
	var body struct {
		Other user.ID `json:"other"`
	}
	if len(e.Body) == 0 || json.Unmarshal(e.Body, &body) != nil || body.Other == "" {
		return []user.ID{e.User}
	}
	return []user.ID{e.User, body.Other}
}

// wanted are the terms of a user as it is now; none for one that cannot be
// found at the EDI door.
func wanted(r store.Reader, id user.ID) ([]string, error) {
	handles, err := r.Handles(id)
	if err != nil {
		return nil, fmt.Errorf("reading the names of %s: %w", id, err)
	}
	handles = slices.DeleteFunc(handles, func(h user.Handle) bool { return h.Space != user.SpaceEDI || h.Dead })
	if len(handles) == 0 {
		return nil, nil
	}
	u, err := r.User(id)
	if err != nil {
		return nil, fmt.Errorf("reading user %s: %w", id, err)
	}
	if !listed(u) {
		return nil, nil
	}
	var terms []string
	for _, h := range handles {
		terms = append(terms, userTerms(u, h.Value)...)
	}
	slices.Sort(terms)
	return slices.Compact(terms), nil
}
