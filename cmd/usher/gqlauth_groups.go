package main

import (
	"context"

	"github.com/usher-id/usher/internal/door/gqlauth"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/internal/workgroup"
)

type gqlauthGroups struct{ *members }

func wireInstitution(i workgroup.Institution) gqlauth.Institution {
	return gqlauth.Institution{Ref: string(i.Ref), ID: i.Number, Name: i.Name, City: i.City, State: i.State, Country: i.Country}
}

func wireField(f workgroup.Field) gqlauth.ResearchField {
	return gqlauth.ResearchField{Ref: string(f.Ref), ID: f.Number, Field: f.Field, Subfield: f.Subfield}
}

func wireGroup(g workgroup.Group, pks map[user.ID]int32) gqlauth.WorkingGroup {
	return gqlauth.WorkingGroup{
		Ref: string(g.Ref), ID: g.Number, Name: g.Name, Institution: wireInstitution(g.Institution),
		Representative: pks[g.Representative], Employees: g.Employees, Field: wireField(g.Field),
	}
}

// numbers gives the pks of those who represent groups, in one query.
func (m gqlauthGroups) numbers(ctx context.Context, groups ...workgroup.Group) (pks map[user.ID]int32, err error) {
	var who []user.ID
	for _, g := range groups {
		if g.Representative != "" {
			who = append(who, g.Representative)
		}
	}
	if len(who) == 0 {
		return nil, nil
	}
	err = m.view(ctx, func(r store.Reader) error {
		pks, err = r.AccountNumbers(who)
		return err
	})
	return pks, err
}

// WorkingGroups lists them by age.
func (m gqlauthGroups) WorkingGroups(ctx context.Context, _ gqlauth.Caller) ([]gqlauth.WorkingGroup, error) {
	found, err := m.groups.Groups(ctx)
	if err != nil {
		return nil, err
	}
	pks, err := m.numbers(ctx, found...)
	out := make([]gqlauth.WorkingGroup, 0, len(found))
	for _, g := range found {
		out = append(out, wireGroup(g, pks))
	}
	return out, err
}

// Institutions lists them by age.
func (m gqlauthGroups) Institutions(ctx context.Context, _ gqlauth.Caller) (out []gqlauth.Institution, err error) {
	found, err := m.groups.Institutions(ctx)
	for _, i := range found {
		out = append(out, wireInstitution(i))
	}
	return out, err
}

// ResearchFields lists them by age.
func (m gqlauthGroups) ResearchFields(ctx context.Context, _ gqlauth.Caller) (out []gqlauth.ResearchField, err error) {
	found, err := m.groups.Fields(ctx)
	for _, f := range found {
		out = append(out, wireField(f))
	}
	return out, err
}

// ByRef gives the groups that exist.
func (m gqlauthGroups) ByRef(ctx context.Context, _ gqlauth.Caller, refs []string) (map[string]gqlauth.WorkingGroup, error) {
	found, err := m.groups.ByRef(ctx, ids(refs))
	if err != nil {
		return nil, err
	}
	var all []workgroup.Group
	for _, g := range found {
		all = append(all, g)
	}
	pks, err := m.numbers(ctx, all...)
	out := map[string]gqlauth.WorkingGroup{}
	for ref, g := range found {
		out[string(ref)] = wireGroup(g, pks)
	}
	return out, err
}

func ids(refs []string) []user.ID {
	out := make([]user.ID, 0, len(refs))
	for _, r := range refs {
		out = append(out, user.ID(r))
	}
	return out
}

// AtInstitutions gives the groups of institutions.
func (m gqlauthGroups) AtInstitutions(ctx context.Context, _ gqlauth.Caller, refs []string, limit int) (map[string][]gqlauth.WorkingGroup, error) {
	found, err := m.groups.AtInstitutions(ctx, ids(refs), limit)
	if err != nil {
		return nil, err
	}
	return m.sets(ctx, found)
}

// InFields gives the groups in research fields.
func (m gqlauthGroups) InFields(ctx context.Context, _ gqlauth.Caller, refs []string, limit int) (map[string][]gqlauth.WorkingGroup, error) {
	found, err := m.groups.InFields(ctx, ids(refs), limit)
	if err != nil {
		return nil, err
	}
	return m.sets(ctx, found)
}

func (m gqlauthGroups) sets(ctx context.Context, found map[user.ID][]workgroup.Group) (map[string][]gqlauth.WorkingGroup, error) {
	var all []workgroup.Group
	for _, set := range found {
		all = append(all, set...)
	}
	pks, err := m.numbers(ctx, all...)
	out := map[string][]gqlauth.WorkingGroup{}
	for ref, set := range found {
		for _, g := range set {
			out[string(ref)] = append(out[string(ref)], wireGroup(g, pks))
		}
	}
	return out, err
}

func wirePlace(n gqlauth.GroupName) workgroup.Place {
	return workgroup.Place{Name: n.Name, Institution: n.Institution, City: n.City, Country: n.Country}
}

// Create makes a group that the caller represents.
func (m gqlauthGroups) Create(ctx context.Context, c gqlauth.Caller, in gqlauth.NewGroup) (gqlauth.WorkingGroup, error) {
	g, err := m.groups.Create(ctx, *c.Live, workgroup.New{
		Place: wirePlace(in.GroupName), Field: in.Field, Subfield: in.Subfield, Employees: in.Employees,
	})
	if err != nil {
		return gqlauth.WorkingGroup{}, err
	}
	pks, err := m.numbers(ctx, g)
	return wireGroup(g, pks), err
}

// Join makes the caller a member of a group.
func (m gqlauthGroups) Join(ctx context.Context, c gqlauth.Caller, in gqlauth.GroupName) (gqlauth.User, error) {
	if err := m.groups.Join(ctx, *c.Live, wirePlace(in)); err != nil {
		return gqlauth.User{}, err
	}
	return gqlauthDirectory(m).Me(ctx, c)
}
