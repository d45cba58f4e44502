package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/usher-id/usher/internal/user"
)

type groupCmd struct {
	Create groupCreateCmd `cmd:"" help:"Create a group."`
	Add    groupAddCmd    `cmd:"" help:"Add a user to a group."`
	Remove groupRemoveCmd `cmd:"" help:"Remove a user from a group."`
	List   groupListCmd   `cmd:"" help:"List groups."`
}

type shownGroup struct {
	ID     user.ID `json:"id"`
	Name   string  `json:"name"`
	Kind   string  `json:"kind"`
	Parent user.ID `json:"parent,omitempty"`
}

func newShownGroup(g user.Group) shownGroup { return shownGroup{g.ID, g.Name, g.Kind, g.Parent} }

// String is KIND:NAME, or the name alone of a plain group: a feed may call a role
// as one of usher's own groups.
func (g shownGroup) String() string {
	if g.Kind == user.GroupPlain && !strings.Contains(g.Name, ":") {
		return plain(g.Name)
	}
	return plain(g.Kind) + ":" + plain(g.Name)
}

func (e *environment) printGroup(asJSON bool, g user.Group) error {
	return e.print(asJSON, newShownGroup(g), func(w io.Writer) { fmt.Fprintf(w, "%s  %s  %s\n", g.ID, plain(g.Kind), plain(g.Name)) })
}

type groupCreateCmd struct {
	Name       string `arg:"" help:"Name, at most 64 characters."`
	Kind       string `help:"Kind of group." default:"group"`
	Parent     string `help:"Parent group: id or name."`
	ExternalID string `name:"external-id" help:"The group's id where it comes from."`
	JSON       bool   `name:"json" help:"Print JSON."`
}

// Run creates a group.
func (c groupCreateCmd) Run(e *environment) error {
	return e.withApp(func(a *app) error {
		g, err := a.groups.Create(e.ctx, user.Group{
			Name: c.Name, Kind: c.Kind, Parent: user.ID(c.Parent), ExternalID: c.ExternalID,
		}, operatorName)
		if err != nil {
			return err
		}
		all, err := a.groups.List(e.ctx)
		if err != nil {
			return err
		}
		if gs := namesakes(all, g.Name); len(gs) > 1 && !c.JSON {
			fmt.Fprintln(e.err, "From now on", several(gs))
			if first := groupsMeant(all, g.Name, ""); len(first) == 1 {
				fmt.Fprintln(e.err, "The name alone means that of kind", plain(first[0].Kind))
			}
		}
		return e.printGroup(c.JSON, g)
	})
}

type groupMember struct {
	Group string    `arg:"" help:"Id or name of the group, or KIND:NAME."`
	Ref   reference `arg:"" help:"The user."`
	Kind  string    `help:"Kind of the group, where several kinds have one of that name."`
	JSON  bool      `name:"json" help:"Print JSON."`
}

// find resolves both, and says what is wrong in words that help.
func (c groupMember) find(e *environment, a *app) (g user.Group, u user.User, err error) {
	if c.Group == "" {
		return g, u, usageError{errors.New("the group is empty; it must be an id or a name")}
	}
	all, err := a.groups.List(e.ctx)
	if err != nil {
		return g, u, err
	}
	gs := groupsMeant(all, c.Group, c.Kind)
	if u, err = a.directory.Resolve(e.ctx, string(c.Ref)); err != nil {
		if len(gs) == 0 && len(groupsMeant(all, string(c.Ref), c.Kind)) > 0 {
			return g, u, usageError{fmt.Errorf("there is no group %q, but there is a group %q: the group comes first, then the user", c.Group, c.Ref)}
		}
		return g, u, err
	}
	switch len(gs) {
	case 0:
		return g, u, user.Refuse(user.NotFound, "group", "group", c.Group, "kind", c.Kind)
	case 1:
		return gs[0], u, nil
	default:
		return g, u, user.Refuse(user.Conflict, "group", "group", c.Group, "why", several(gs))
	}
}

// groupsMeant are the group with that id, else that of the kind and name which
// KIND:NAME says, else the one that goes before all that are called so. Where
// none does it gives them all: nobody who may make groups of other kinds, as
// feeds make roles, takes a name from usher's own.
func groupsMeant(all []user.Group, ref, kind string) []user.Group {
	of, name, _ := strings.Cut(ref, ":")
	var called, exact []user.Group
	for _, g := range all {
		if kind != "" && g.Kind != kind {
			continue
		}
		switch {
		case string(g.ID) == ref:
			return []user.Group{g}
		case g.Kind == of && g.Name == name:
			exact = append(exact, g)
		case g.Name == ref:
			called = append(called, g)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	for _, first := range []func(user.Group) bool{
		func(g user.Group) bool { return g.Kind == user.GroupSystem },
		func(g user.Group) bool { return g.Kind == user.GroupRole && usherRoles[g.Name] },
		func(g user.Group) bool { return g.Kind == user.GroupPlain },
	} {
		if i := slices.IndexFunc(called, first); i >= 0 {
			return called[i : i+1]
		}
	}
	return called
}

// usherRoles are the roles that mean something to usher itself.
var usherRoles = map[string]bool{user.RoleOperator: true, user.RoleStaff: true, user.RoleSysadmin: true}

// several lists groups that are called the same.
func several(gs []user.Group) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d groups are called %q; use an id, KIND:NAME or --kind:", len(gs), gs[0].Name)
	for _, g := range gs {
		fmt.Fprintf(&b, "\n  %s  %s", g.ID, plain(g.Kind))
	}
	return b.String()
}

// namesakes are the groups that are called so.
func namesakes(all []user.Group, name string) (gs []user.Group) {
	for _, g := range all {
		if g.Name == name {
			gs = append(gs, g)
		}
	}
	return gs
}

type groupAddCmd struct{ groupMember }

// Run adds a member.
func (c groupAddCmd) Run(e *environment) error {
	return e.withApp(func(a *app) error {
		g, u, err := c.find(e, a)
		if err != nil {
			return err
		}
		if g, err = a.groups.Add(e.ctx, string(g.ID), u.ID, operatorName); err != nil {
			return err
		}
		return e.printGroup(c.JSON, g)
	})
}

type groupRemoveCmd struct{ groupMember }

// Run removes a member.
func (c groupRemoveCmd) Run(e *environment) error {
	return e.withApp(func(a *app) error {
		g, u, err := c.find(e, a)
		if err != nil {
			return err
		}
		if g, err = a.groups.Remove(e.ctx, string(g.ID), u.ID, operatorName); err != nil {
			return err
		}
		return e.printGroup(c.JSON, g)
	})
}

type groupListCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run lists groups.
func (c groupListCmd) Run(e *environment) error {
	return e.withApp(func(a *app) error {
		gs, err := a.groups.List(e.ctx)
		if err != nil {
			return err
		}
		rows := make([]shownGroup, len(gs))
		for i, g := range gs {
			rows[i] = newShownGroup(g)
		}
		return e.print(c.JSON, rows, func(w io.Writer) {
			for _, g := range rows {
				fmt.Fprintf(w, "%s  %-8s %s\n", g.ID, plain(g.Kind), plain(g.Name))
			}
		})
	})
}
