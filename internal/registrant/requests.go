package registrant

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/event"
	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// ask keeps that somebody asks for a profile which others decide on, and tells them,
// once.
func (s *Service) ask(tx store.Tx, pol policy.Policy, u user.User, st user.Strand, p *store.ChannelProfile, kind string) error {
	if p.Asked == kind {
		return nil
	}
	p.Asked, p.AskedAt = kind, tx.Now()
	p.Verdict, p.Reason, p.Decided, p.DecidedBy = store.Undecided, "", time.Time{}, ""
	err := event.Append(tx, event.New{
		Kind: event.ProfileAsked, User: u.ID, Actor: string(u.ID), Door: Door, Body: map[string]any{"profile": kind, "strand": st.ID},
	})
	if err != nil {
		return err
	}
	if pol.Portal.DisableUntilApproved {
		if err := s.queue(tx, st, job.RealmChange{Enable: user.Text("false")}, "asked "+stampOf(p.AskedAt)); err != nil {
			return err
		}
	}
	return s.tellOperators(tx, pol, u, st, kind)
}

// Request is somebody who waits for a decision.
type Request struct {
	Strand  user.ID // names the request
	User    user.User
	Type    string
	Asked   time.Time
	Account Account
	// Strands are all that this user has: where they come from.
	Strands []user.Strand
	History []store.Event
}

// maxRequests bounds how many are shown at once.
const maxRequests = 200

// Requests lists who waits for a decision, oldest first, without their history.
func (s *Service) Requests(ctx context.Context) (out []Request, err error) {
	c := s.Policies.Current().Portal
	err = s.Store.View(ctx, func(r store.Reader) error {
		out = nil
		all, err := r.ChannelRequests(Door, maxRequests)
		if err != nil {
			return fmt.Errorf("reading requests: %w", err)
		}
		for _, p := range all {
			one, err := request(r, c, p)
			if err != nil {
				return err
			}
			out = append(out, one)
		}
		return nil
	})
	return out, err
}

// Request gives one with its history; NotFound where nobody waits there.
func (s *Service) Request(ctx context.Context, strand user.ID) (out Request, err error) {
	err = s.Store.View(ctx, func(r store.Reader) error {
		p, err := asked(r, strand)
		if err != nil {
			return err
		}
		if out, err = request(r, s.Policies.Current().Portal, p); err != nil {
			return err
		}
		if out.Strands, err = r.Strands(out.User.ID); err != nil {
			return fmt.Errorf("reading strands: %w", err)
		}
		if out.History, err = r.EventsOf(out.User.ID, maxRequests); err != nil {
			return fmt.Errorf("reading a history: %w", err)
		}
		return nil
	})
	return out, err
}

func asked(r store.Reader, strand user.ID) (store.ChannelProfile, error) {
	p, err := r.ChannelProfileOn(Door, strand)
	if errors.Is(err, store.ErrNotFound) || err == nil && p.Asked == "" {
		return p, user.Refuse(user.NotFound, "request")
	}
	if err != nil {
		return p, fmt.Errorf("reading a request: %w", err)
	}
	return p, nil
}

func request(r store.Reader, c policy.Channel, p store.ChannelProfile) (Request, error) {
	u, err := r.User(p.User)
	if err != nil {
		return Request{}, fmt.Errorf("reading a user: %w", err)
	}
	st, err := r.Strand(p.Strand)
	if err != nil {
		return Request{}, fmt.Errorf("reading a strand: %w", err)
	}
	shown := account(c, store.ChannelState{TokenState: store.TokenState{SessionState: store.SessionState{User: u}}, Strand: st, Profile: p})
	return Request{Strand: p.Strand, User: u, Type: p.Asked, Asked: p.AskedAt, Account: shown}, nil
}

// maxReason is how long a reason may be, in characters.
const maxReason = 1000

// Decide approves a request, or refuses it with a reason; both are mailed to whom it
// is about, and kept in their history. by is who decides: a user's id. Refusals:
// NotFound where nobody waits there any more; Missing or TooLarge of reason;
// Forbidden for somebody's own.
func (s *Service) Decide(ctx context.Context, strand user.ID, verdict store.Verdict, reason, by string) error {
	reason = strings.TrimSpace(reason)
	switch {
	case verdict != store.Approved && verdict != store.Refused:
		return user.Refuse(user.Invalid, "verdict")
	case verdict == store.Refused && reason == "":
		return user.Refuse(user.Missing, "reason")
	case utf8.RuneCountInString(reason) > maxReason:
		return user.Refuse(user.TooLarge, "reason")
	}
	pol := s.Policies.Current()
	return s.Store.Update(ctx, store.Interactive, func(tx store.Tx) error {
		p, err := asked(tx, strand)
		if err != nil {
			return err
		}
		if by == string(p.User) {
			return user.Refuse(user.Forbidden, "request")
		}
		u, err := tx.User(p.User)
		if err != nil {
			return fmt.Errorf("reading a user: %w", err)
		}
		st, err := tx.Strand(strand)
		if err != nil {
			return fmt.Errorf("reading a strand: %w", err)
		}
		kind := p.Asked
		p.Asked, p.AskedAt, p.Updated = "", time.Time{}, tx.Now()
		p.Verdict, p.Reason, p.Decided, p.DecidedBy = verdict, reason, tx.Now(), by
		if verdict == store.Approved {
			p.Type, p.Made = kind, tx.Now()
		}
		if err := store.Put(tx, p); err != nil {
			return fmt.Errorf("keeping a decision: %w", err)
		}
		err = event.Append(tx, event.New{
			Kind: event.ProfileDecided, User: u.ID, Actor: by, Door: Door,
			Body: map[string]any{"profile": kind, "verdict": verdict, "reason": reason, "strand": strand},
		})
		if err != nil {
			return err
		}
		if pol.Portal.DisableUntilApproved {
			if err := s.queue(tx, st, job.RealmChange{Enable: user.Text("true")}, "decided "+stampOf(p.Decided)); err != nil {
				return err
			}
		}
		if err := s.tellApplicant(tx, pol, u, st, kind, p); err != nil {
			return err
		}
		return s.assign(tx, pol, u, st, p)
	})
}
