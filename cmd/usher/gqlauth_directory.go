package main

import (
	"context"
	"errors"

	"github.com/usher-id/usher/internal/door/gqlauth"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

type gqlauthDirectory struct{ *members }

// gqlauthUser is what the GraphQL door shows of an account.
func gqlauthUser(st store.AccountState) gqlauth.User {
	u := gqlauth.User{
		PK: st.Account.PK, Staff: st.Staff, Active: !st.Locked, Joined: st.Account.Created,
		Email: session.Mailbox(st).Display, Username: st.Account.Username,
		FirstName: st.User.Profile.Text(user.GivenName), LastName: st.User.Profile.Text(user.FamilyName),
		Representative: st.Represents != "", Group: string(st.Group), Represents: string(st.Represents),
		Archived: st.User.Status == user.Archived, Verified: st.Account.Verified,
	}
	if !st.Account.Second.None() {
		u.SecondaryEmail = &st.Account.Second.Display
	}
	return u
}

// view reads; a row that is not there is a refusal.
func (m *members) view(ctx context.Context, fn func(store.Reader) error) error {
	err := m.store.View(ctx, fn)
	if errors.Is(err, store.ErrNotFound) {
		return user.Refuse(user.NotFound, "")
	}
	return err
}

// Me is the caller's own account.
func (m gqlauthDirectory) Me(ctx context.Context, c gqlauth.Caller) (out gqlauth.User, err error) {
	err = m.view(ctx, func(r store.Reader) error {
		st, err := r.AccountBySession(c.Live.Session.ID)
		if err == nil && st.Account.PK == 0 {
			err = store.ErrNotFound
		}
		out = gqlauthUser(st.AccountState)
		return err
	})
	return out, err
}

// User is one by pk.
func (m gqlauthDirectory) User(ctx context.Context, _ gqlauth.Caller, pk int32) (out gqlauth.User, err error) {
	err = m.view(ctx, func(r store.Reader) error {
		found, err := r.AccountsByPK([]int32{pk})
		if err == nil && len(found) == 0 {
			err = store.ErrNotFound
		}
		if err == nil {
			out = gqlauthUser(found[0])
		}
		return err
	})
	return out, err
}

// Users lists those who match, by pk.
func (m gqlauthDirectory) Users(ctx context.Context, _ gqlauth.Caller, f gqlauth.Filter, window func(total int) (from, to int)) (out []gqlauth.User, err error) {
	filter := store.AccountFilter{
		Email: key(f.Email), Username: f.Username, Second: key(f.SecondaryEmail),
		UsernameContains: f.UsernameContains, UsernameStarts: f.UsernameStarts,
		Active: f.IsActive, Archived: f.IsArchived, Verified: f.IsVerified, PK: f.PK,
	}
	err = m.view(ctx, func(r store.Reader) error {
		out = nil
		total, err := r.CountAccounts(filter)
		if err != nil {
			return err
		}
		from, to := window(total)
		if from >= to {
			return nil
		}
		found, err := r.ListAccounts(filter, from, to-from)
		for _, st := range found {
			out = append(out, gqlauthUser(st))
		}
		return err
	})
	return out, err
}

// key is how an address is compared; what is none is nobody's.
func key(email *string) *string {
	if email == nil {
		return nil
	}
	e, err := normal.ParseEmail(*email)
	if err != nil {
		return email
	}
	return new(e.Key())
}

// UsersByPK gives those who exist.
func (m gqlauthDirectory) UsersByPK(ctx context.Context, _ gqlauth.Caller, pks []int32) (map[int32]gqlauth.User, error) {
	out := map[int32]gqlauth.User{}
	err := m.view(ctx, func(r store.Reader) error {
		found, err := r.AccountsByPK(pks)
		for _, st := range found {
			out[st.Account.PK] = gqlauthUser(st)
		}
		return err
	})
	return out, err
}

// Members gives the members of groups, by pk.
func (m gqlauthDirectory) Members(ctx context.Context, _ gqlauth.Caller, groups []string, limit int) (out map[string][]gqlauth.User, err error) {
	ids := make([]user.ID, 0, len(groups))
	for _, g := range groups {
		ids = append(ids, user.ID(g))
	}
	err = m.view(ctx, func(r store.Reader) error {
		out = map[string][]gqlauth.User{}
		found, err := r.AccountsIn(ids, user.MemberRepresentative, limit+1)
		if err == nil && len(found) > limit {
			err = user.Refuse(user.TooLarge, "")
		}
		for _, in := range found {
			out[string(in.Group)] = append(out[string(in.Group)], gqlauthUser(in.AccountState))
		}
		return err
	})
	return out, err
}
