package gqlauth

import (
	"context"
	"errors"
	"fmt"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/usher-id/usher/internal/user"
)

// root has the two resolvers. They keep nothing: what belongs to a request is
// in its exchange.
type root struct{}

// Query gives the resolver of queries.
func (*root) Query() *query { return &query{} }

// Mutation gives the resolver of mutations.
func (*root) Mutation() *mutation { return &mutation{} }

type query struct{}

// see finds out who asks and what they may see.
func (x *exchange) see(ctx context.Context) (Caller, viewer, error) {
	c, err := x.caller()
	if err != nil || !c.SignedIn() {
		return c, viewer{}, err
	}
	x.mu.Lock()
	known := x.viewer
	x.mu.Unlock()
	if known != nil {
		return c, *known, nil
	}
	me, err := x.self(ctx, c)
	if _, refused := refusals(err); refused {
		return x.stranger(), viewer{}, nil
	}
	if err != nil {
		return c, viewer{}, x.fault(err)
	}
	v := viewer{signedIn: true, pk: me.PK, staff: me.Staff}
	x.mu.Lock()
	x.viewer = &v
	x.mu.Unlock()
	return c, v, nil
}

// Me is the caller, or null.
func (*query) Me(ctx context.Context) (*person, error) {
	x := exchangeOf(ctx)
	c, err := x.caller()
	if err != nil || !c.SignedIn() {
		return nil, err
	}
	me, err := x.self(ctx, c)
	if _, refused := refusals(err); refused {
		return nil, nil
	}
	if err != nil {
		return nil, x.fault(err)
	}
	v := viewer{signedIn: true, pk: me.PK, staff: me.Staff}
	p := show(me, asNode, v, false)
	e := x.expander(ctx, c, v)
	e.people("", []*person{p})
	return p, e.err
}

// User is one user by global id, or null.
func (*query) User(ctx context.Context, in struct{ ID graphql.ID }) (*person, error) {
	x := exchangeOf(ctx)
	c, v, err := x.see(ctx)
	if err != nil {
		return nil, err
	}
	policy := x.door.UsersQuery()
	if !v.mayList(policy) {
		return nil, rawError(noPermission)
	}
	pk, ok := fromGlobalID(userNode, string(in.ID))
	if !ok {
		return nil, nil
	}
	u, err := x.door.Directory.User(ctx, c, pk)
	if no, refused := errors.AsType[*user.Refusal](err); refused && no.Code == user.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, x.raw(err, nil)
	}
	p := show(u, asNode, v, policy == UsersPublic)
	e := x.expander(ctx, c, v)
	e.people("", []*person{p})
	return p, e.err
}

// usersArgs are the arguments of users.
type usersArgs struct {
	Offset, First, Last                    *int32
	Before, After                          *string
	Email, Username                        *string
	UsernameIcontains, UsernameIstartswith *string
	IsActive                               *bool
	StatusArchived, StatusVerified         *bool
	StatusSecondaryEmail                   *string
}

// Users lists users by pk.
func (*query) Users(ctx context.Context, in usersArgs) (*connection, error) {
	x := exchangeOf(ctx)
	c, v, err := x.see(ctx)
	if err != nil {
		return nil, err
	}
	policy := x.door.UsersQuery()
	if !v.mayList(policy) {
		return nil, rawError(noPermission)
	}
	asked := paging{offset: in.Offset, first: in.First, last: in.Last, before: in.Before, after: in.After}
	if err := asked.check(); err != nil {
		return nil, err
	}
	f := Filter{
		Email: in.Email, Username: in.Username,
		UsernameContains: in.UsernameIcontains, UsernameStarts: in.UsernameIstartswith,
		IsActive: in.IsActive, IsArchived: in.StatusArchived, IsVerified: in.StatusVerified,
		SecondaryEmail: in.StatusSecondaryEmail,
	}
	for _, text := range []*string{f.Email, f.Username, f.UsernameContains, f.UsernameStarts, f.SecondaryEmail} {
		if text != nil && len(*text) > maxFilter {
			return nil, rawError(fmt.Sprintf("A filter has %d bytes, and can have %d.", len(*text), maxFilter))
		}
	}
	if f.Email != nil && policy != UsersPublic && !v.staff || f.SecondaryEmail != nil && !v.staff {
		f.PK = &v.pk // or the filter would tell whose an address is
	}
	var cut page
	found, err := x.door.Directory.Users(ctx, c, f, func(total int) (int, int) {
		cut = asked.window(total)
		return cut.from, cut.to
	})
	if err != nil {
		return nil, x.raw(err, nil)
	}
	edges := make([]*edge, 0, len(found))
	people := make([]*person, 0, len(found))
	for i, u := range found {
		p := show(u, asNode, v, policy == UsersPublic)
		people = append(people, p)
		edges = append(edges, &edge{Node: p, Cursor: globalID(cursorName, cut.from+i)})
	}
	e := x.expander(ctx, c, v)
	e.people("edges.node.", people)
	out := &connection{
		PageInfo: pageInfo{HasNextPage: cut.next, HasPreviousPage: cut.earlier},
		Edges:    func() []*edge { return count(x, edges) },
	}
	if len(edges) > 0 {
		out.PageInfo.StartCursor, out.PageInfo.EndCursor = &edges[0].Cursor, &edges[len(edges)-1].Cursor
	}
	return out, e.err
}

// Workinggroups lists all groups to whoever is signed in.
func (*query) Workinggroups(ctx context.Context) (*[]*workingGroup, error) {
	x := exchangeOf(ctx)
	c, v, err := x.see(ctx)
	if err != nil {
		return nil, err
	}
	if !v.signedIn {
		return nil, rawError(noPermission)
	}
	found, err := x.door.Groups.WorkingGroups(ctx, c)
	if err != nil {
		return nil, x.raw(err, nil)
	}
	out := count(x, x.groupsFrom(found))
	e := x.expander(ctx, c, v)
	e.groups("", out)
	return &out, e.err
}

// Researchfields lists the fields to anybody.
func (*query) Researchfields(ctx context.Context) (*[]*researchField, error) {
	x := exchangeOf(ctx)
	c, v, err := x.see(ctx)
	if err != nil {
		return nil, err
	}
	found, err := x.door.Groups.ResearchFields(ctx, c)
	if err != nil {
		return nil, x.raw(err, nil)
	}
	out := make([]*researchField, 0, len(found))
	for _, f := range found {
		out = append(out, x.researchField(f))
	}
	out = count(x, out)
	e := x.expander(ctx, c, v)
	e.researchFields("", out)
	return &out, e.err
}

// Institutions lists the institutions to anybody.
func (*query) Institutions(ctx context.Context) (*[]*institution, error) {
	x := exchangeOf(ctx)
	c, v, err := x.see(ctx)
	if err != nil {
		return nil, err
	}
	found, err := x.door.Groups.Institutions(ctx, c)
	if err != nil {
		return nil, x.raw(err, nil)
	}
	out := make([]*institution, 0, len(found))
	for _, i := range found {
		out = append(out, x.institution(i))
	}
	out = count(x, out)
	e := x.expander(ctx, c, v)
	e.institutions("", out)
	return &out, e.err
}
