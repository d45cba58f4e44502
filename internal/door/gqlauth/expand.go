package gqlauth

import (
	"context"
	"errors"

	graphql "github.com/graph-gophers/graphql-go"
)

// expander loads what a field of the root selects below its users and groups
// before the engine walks there: one call for each field of each level,
// whatever the number of parents (no N+1). A level has one node for each id, so
// that what is loaded does not multiply.
type expander struct {
	ctx  context.Context
	x    *exchange
	c    Caller
	v    viewer
	plan map[string]bool // selected paths, as "edges.node.workingGroup"
	err  error
}

func (x *exchange) expander(ctx context.Context, c Caller, v viewer) *expander {
	e := &expander{ctx: ctx, x: x, c: c, v: v, plan: map[string]bool{}}
	for _, path := range graphql.SelectedFieldNames(ctx) {
		e.plan[path] = true
	}
	return e
}

// needs says whether a path is selected and there is anything to load for.
func (e *expander) needs(path string, parents int) bool {
	return e.err == nil && parents > 0 && e.plan[path]
}

// seesPeople and seesGroups say what the viewer may reach through a set: no
// more than the queries users and workinggroups would show.
func (e *expander) seesPeople() bool { return e.v.mayList(e.x.door.UsersQuery()) }

func (e *expander) seesGroups() bool {
	return e.v.signedIn || e.x.door.UsersQuery() == UsersPublic
}

func (e *expander) people(at string, in []*person) {
	e.groupsOf(at+"workingGroup", in,
		func(u User) string { return u.Group }, func(p *person, g *workingGroup) { p.Member = g })
	e.groupsOf(at+"workinggroup", in,
		func(u User) string { return u.Represents }, func(p *person, g *workingGroup) { p.Represented = g })
}

func (e *expander) groupsOf(path string, in []*person, id func(User) string, set func(*person, *workingGroup)) {
	if !e.needs(path, len(in)) {
		return
	}
	ids := distinct(in, func(p *person) string { return id(p.of) })
	if len(ids) == 0 {
		return
	}
	found, err := e.x.door.Groups.ByRef(e.ctx, e.c, ids)
	if e.failed(err) {
		return
	}
	made := map[string]*workingGroup{}
	var level []*workingGroup
	for _, key := range ids {
		if g, ok := found[key]; ok {
			made[key] = e.x.group(g)
			level = append(level, made[key])
		}
	}
	for _, p := range in {
		set(p, made[id(p.of)])
	}
	e.groups(path+".", level)
}

func (e *expander) groups(at string, in []*workingGroup) {
	e.representatives(at+"representative", in)
	e.members(at+"customuserSet", in)
	if path := at + "institution"; e.needs(path, len(in)) {
		shared := map[string]*institution{}
		var level []*institution
		for _, g := range in {
			i, ok := shared[g.of.Institution.Ref]
			if !ok {
				i = e.x.institution(g.of.Institution)
				shared[g.of.Institution.Ref], level = i, append(level, i)
			}
			g.Institution = i
		}
		e.institutions(path+".", level)
	}
	if path := at + "field"; e.needs(path, len(in)) {
		shared := map[string]*researchField{}
		var level []*researchField
		for _, g := range in {
			f, ok := shared[g.of.Field.Ref]
			if !ok {
				f = e.x.researchField(g.of.Field)
				shared[g.of.Field.Ref], level = f, append(level, f)
			}
			g.Field = f
		}
		e.researchFields(path+".", level)
	}
}

// representatives loads who represents the groups; those whom the viewer may
// not see are left out, the viewer is not.
func (e *expander) representatives(path string, in []*workingGroup) {
	if !e.needs(path, len(in)) {
		return
	}
	pks := distinct(in, func(g *workingGroup) int32 {
		if !e.seesPeople() && g.of.Representative != e.v.pk {
			return 0
		}
		return g.of.Representative
	})
	if len(pks) == 0 {
		return
	}
	found, err := e.x.door.Directory.UsersByPK(e.ctx, e.c, pks)
	if e.failed(err) {
		return
	}
	made := map[int32]*person{}
	var level []*person
	for _, pk := range pks {
		if u, ok := found[pk]; ok {
			made[pk] = show(u, asType, e.v, false)
			level = append(level, made[pk])
		}
	}
	for _, g := range in {
		g.Representative = made[g.of.Representative]
	}
	e.people(path+".", level)
}

func (e *expander) members(path string, in []*workingGroup) {
	if !e.needs(path, len(in)) || !e.seesPeople() {
		return
	}
	ids := distinct(in, func(g *workingGroup) string { return g.of.Ref })
	found, err := e.x.door.Directory.Members(e.ctx, e.c, ids, maxObjects)
	if e.failed(err) {
		return
	}
	var level []*person
	for _, g := range in {
		var set []*person
		for _, u := range found[g.of.Ref] {
			set = append(set, show(u, asType, e.v, false))
		}
		level = append(level, set...)
		g.CustomuserSet = func() []*person { return count(e.x, set) }
	}
	e.people(path+".", level)
}

func (e *expander) institutions(at string, in []*institution) {
	path := at + "workinggroupSet"
	if !e.needs(path, len(in)) || !e.seesGroups() {
		return
	}
	ids := distinct(in, func(i *institution) string { return i.ref })
	found, err := e.x.door.Groups.AtInstitutions(e.ctx, e.c, ids, maxObjects)
	if e.failed(err) {
		return
	}
	var level []*workingGroup
	for _, i := range in {
		set := e.x.groupsFrom(found[i.ref])
		level = append(level, set...)
		i.WorkinggroupSet = func() []*workingGroup { return count(e.x, set) }
	}
	e.groups(path+".", level)
}

func (e *expander) researchFields(at string, in []*researchField) {
	path := at + "workinggroupSet"
	if !e.needs(path, len(in)) || !e.seesGroups() {
		return
	}
	ids := distinct(in, func(f *researchField) string { return f.ref })
	found, err := e.x.door.Groups.InFields(e.ctx, e.c, ids, maxObjects)
	if e.failed(err) {
		return
	}
	var level []*workingGroup
	for _, f := range in {
		set := e.x.groupsFrom(found[f.ref])
		level = append(level, set...)
		f.WorkinggroupSet = func() []*workingGroup { return count(e.x, set) }
	}
	e.groups(path+".", level)
}

// failed keeps the first error, judged once.
func (e *expander) failed(err error) bool {
	if err != nil {
		e.err = errors.Join(e.err, e.x.raw(err, nil))
	}
	return err != nil
}

// group, institution and researchField make nodes whose sets are empty until
// they are loaded.
func (x *exchange) group(g WorkingGroup) *workingGroup {
	return &workingGroup{
		ID: graphql.ID(g.ID), Name: g.Name, NEmployees: g.Employees, of: g,
		CustomuserSet: func() []*person { return []*person{} },
	}
}

func (x *exchange) groupsFrom(in []WorkingGroup) []*workingGroup {
	out := make([]*workingGroup, 0, len(in))
	for _, g := range in {
		out = append(out, x.group(g))
	}
	return out
}

func (x *exchange) institution(i Institution) *institution {
	return &institution{
		ref: i.Ref, ID: graphql.ID(i.ID), Name: i.Name, City: i.City, State: i.State, Country: i.Country,
		WorkinggroupSet: func() []*workingGroup { return []*workingGroup{} },
	}
}

func (x *exchange) researchField(f ResearchField) *researchField {
	return &researchField{
		ref: f.Ref, ID: graphql.ID(f.ID), Field: f.Field, Subfield: f.Subfield,
		WorkinggroupSet: func() []*workingGroup { return []*workingGroup{} },
	}
}

// distinct gives the keys that are not zero, once each, in order.
func distinct[T any, K comparable](in []T, key func(T) K) []K {
	var zero K
	seen := map[K]bool{zero: true}
	var out []K
	for _, t := range in {
		if k := key(t); !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out
}
