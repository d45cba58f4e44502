package gqlauth

import (
	"context"
	"strings"

	"github.com/usher-id/usher/internal/user"
)

type groupInput struct {
	Name                       *string
	Institution, City, Country string
}

func (g groupInput) in() GroupName {
	return GroupName{
		Name: trimmed(g.Name), Institution: strings.TrimSpace(g.Institution),
		City: strings.TrimSpace(g.City), Country: strings.TrimSpace(g.Country),
	}
}

type newGroupInput struct {
	groupInput
	Field, Subfield string
	NEmployees      int32
}

// Texts of the original (contract section 10).
const (
	noInstitution     = "Institution not found."
	noResearchField   = "Field not found."
	noWorkingGroup    = "Working group not found."
	groupExists       = "This working group cannot be created, because it already exists."
	representsAnother = "This user cannot create a new working group, since they are already the representative of another working group."
	noInput           = "Input is required."
)

func groupRefusal(no *user.Refusal) string {
	switch {
	case no.Code == user.NotFound && no.Field == "institution":
		return noInstitution
	case no.Code == user.NotFound && no.Field == "field":
		return noResearchField
	case no.Code == user.NotFound:
		return noWorkingGroup
	case no.Field == "representative":
		return representsAnother
	case no.Code == user.InUse || no.Code == user.Conflict:
		return groupExists
	}
	return ""
}

type setWorkingGroupPayload struct {
	OK   *bool
	User *person
}

// SetWorkingGroup makes the caller a member of a group.
func (*mutation) SetWorkingGroup(ctx context.Context, in struct{ Input *groupInput }) (*setWorkingGroupPayload, error) {
	x := exchangeOf(ctx)
	c, v, err := x.member(ctx)
	if err != nil {
		return nil, err
	}
	if in.Input == nil {
		return nil, rawError(noInput)
	}
	u, err := x.door.Groups.Join(ctx, c, in.Input.in())
	if err != nil {
		return nil, x.raw(err, groupRefusal)
	}
	out := &setWorkingGroupPayload{OK: new(true), User: show(u, asType, v, false)}
	e := x.expander(ctx, c, v)
	e.people("user.", []*person{out.User})
	return orNil(out, e.err)
}

type createWorkingGroupPayload struct {
	OK           *bool
	Workinggroup *workingGroup
}

// CreateWorkingGroup makes a group that the caller represents.
func (*mutation) CreateWorkingGroup(ctx context.Context, in struct{ Input *newGroupInput }) (*createWorkingGroupPayload, error) {
	x := exchangeOf(ctx)
	c, v, err := x.member(ctx)
	if err != nil {
		return nil, err
	}
	if in.Input == nil {
		return nil, rawError(noInput)
	}
	g, err := x.door.Groups.Create(ctx, c, NewGroup{
		GroupName: in.Input.in(), Field: strings.TrimSpace(in.Input.Field),
		Subfield: strings.TrimSpace(in.Input.Subfield), Employees: in.Input.NEmployees,
	})
	if err != nil {
		return nil, x.raw(err, groupRefusal)
	}
	out := &createWorkingGroupPayload{OK: new(true), Workinggroup: x.group(g)}
	e := x.expander(ctx, c, v)
	e.groups("workinggroup.", []*workingGroup{out.Workinggroup})
	return orNil(out, e.err)
}

// member is see for whoever must be signed in.
func (x *exchange) member(ctx context.Context) (Caller, viewer, error) {
	c, v, err := x.see(ctx)
	if err == nil && !v.signedIn {
		err = rawError(noPermission)
	}
	return c, v, err
}
