package registrant

import (
	"context"
	"errors"
	"fmt"

	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Look gives what the portal shows of somebody who is here.
func (s *Service) Look(h Here) Account {
	return account(s.Policies.Current().Portal, h.State)
}

// account is a pure function of what is kept and of policy.
func account(c policy.Channel, st store.ChannelState) Account {
	u, doc, p := st.User, st.Strand.Document, st.Profile
	a := Account{
		User: u, Subject: st.Session.Subject,
		Username: doc.Text(user.PreferredName), Email: doc.Text(user.EmailAttr),
		First: doc.Text(user.GivenName), Last: doc.Text(user.FamilyName),
		Joined: u.Created, Nickname: u.Profile.Text(user.Attr(policy.NicknameField)),
		Language: u.Profile.Text(user.Locale), Picture: u.Profile.Text(user.Picture),
		Type: p.Type, Updated: p.Updated, Accepted: c.Accepted(Door, u.Profile),
		Missing: c.Missing(Door, wanted(p), u.Profile), Asked: p.Asked, LinkPending: p.LinkPending,
		Verdict: p.Verdict, Reason: p.Reason,
	}
	if a.Language == "" {
		a.Language = c.Language
	}
	a.Values = map[string]string{}
	for _, name := range c.Profiles[p.Type].Form {
		if v := u.Profile.Text(policy.AttrOf(Door, name)); v != "" {
			a.Values[name] = v
		}
	}
	return a
}

// wanted is the profile by which it is judged what is missing.
func wanted(p store.ChannelProfile) string {
	if p.Type == "" {
		return p.Asked
	}
	return p.Type
}

// Complete says whether a profile of theirs holds all it must; a request opens
// nothing.
func (a Account) Complete() bool { return a.Type != "" && len(a.Missing) == 0 }

// Completeness is what other services are told of somebody (contract portal.md,
// Portal pages).
type Completeness struct {
	Complete bool
	Missing  []string
	Pending  string // the profile that waits for approval; empty: none
}

// Completeness tells of the user a handle leads to; NotFound where it leads to
// nobody.
func (s *Service) Completeness(ctx context.Context, u user.ID) (out Completeness, err error) {
	c := s.Policies.Current().Portal
	err = s.Store.View(ctx, func(r store.Reader) error {
		who, err := r.User(u)
		if errors.Is(err, store.ErrNotFound) {
			return user.Refuse(user.NotFound, "user")
		}
		if err != nil {
			return fmt.Errorf("reading a user: %w", err)
		}
		p, err := r.ChannelProfile(Door, u)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("reading a profile: %w", err)
		}
		out = Completeness{Missing: c.Missing(Door, wanted(p), who.Profile), Pending: p.Asked}
		out.Complete = p.Type != "" && len(out.Missing) == 0
		return nil
	})
	return out, err
}
