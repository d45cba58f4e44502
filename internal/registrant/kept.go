package registrant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/usher-id/usher/internal/ledger"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Erase is a person's wish to be forgotten: all that usher keeps of them goes; the
// realm keeps its account (design, section 3).
func (s *Service) Erase(ctx context.Context, h Here) error {
	pol := s.Policies.Current()
	return s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		u, err := session.Again(tx, h.Live)
		if err != nil {
			return err
		}
		return ledger.Open(tx, pol, string(u.ID)).Erase(u, user.ClosedByPerson)
	})
}

// Kept is all that usher keeps of somebody, as it is given to them.
type Kept struct {
	User       user.User
	Profile    store.ChannelProfile
	Strands    []user.Strand
	Identities []user.Identity
	Claims     []user.Claim
	Groups     []user.Group
	Sessions   []user.Session
	Events     []store.Event
}

// maxEvents bounds how much of a history is given at once.
const maxEvents = 10_000

// Keeps reads all that is kept of somebody who is here.
func (s *Service) Keeps(ctx context.Context, h Here) (k Kept, err error) {
	id := h.User.ID
	err = s.Store.View(ctx, func(r store.Reader) error {
		k = Kept{Profile: h.State.Profile}
		var errs [7]error
		k.User, errs[0] = r.User(id)
		k.Strands, errs[1] = r.Strands(id)
		k.Identities, errs[2] = r.Identities(id)
		k.Claims, errs[3] = r.ClaimsOf(id)
		k.Groups, errs[4] = r.GroupsOf(id)
		k.Sessions, errs[5] = r.Sessions(id)
		k.Events, errs[6] = r.EventsOf(id, maxEvents)
		return errors.Join(errs[:]...)
	})
	return k, err
}

// Fact is something that the profile shows, and who vouches for it.
type Fact struct {
	Attribute user.Attr
	Value     string
	// Source says it; the person themselves where Own.
	Source    user.Source
	Own       bool
	Assurance user.Assurance
	Since     time.Time
}

// Facts says who vouches for what is shown of somebody who is here.
func (s *Service) Facts(ctx context.Context, h Here) (out []Fact, err error) {
	var u user.User
	var strands []user.Strand
	err = s.Store.View(ctx, func(r store.Reader) (err error) {
		if u, err = r.User(h.User.ID); err != nil {
			return fmt.Errorf("reading a user: %w", err)
		}
		if strands, err = r.Strands(u.ID); err != nil {
			return fmt.Errorf("reading strands: %w", err)
		}
		return nil
	})
	return facts(u, strands), err
}

func facts(u user.User, strands []user.Strand) []Fact {
	by := map[user.ID]user.Strand{}
	for _, st := range strands {
		by[st.ID] = st
	}
	var out []Fact
	for a, shown := range u.Profile {
		if shown.Value == nil || *shown.Value == "" {
			continue
		}
		st := by[shown.Strand]
		f := Fact{Attribute: a, Value: *shown.Value, Source: st.Source, Assurance: shown.Assurance}
		if e, own := st.Edits[a]; own && e.Value != nil && *e.Value == f.Value {
			f.Own, f.Since = true, e.At
		} else {
			f.Since = st.Document[a].At
		}
		out = append(out, f)
	}
	return out
}
