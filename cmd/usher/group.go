package main

import (
	"fmt"
	"io"

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

func (e *environment) printGroup(asJSON bool, g user.Group) error {
	return e.print(asJSON, newShownGroup(g), func(w io.Writer) { fmt.Fprintf(w, "%s  %s  %s\n", g.ID, g.Kind, g.Name) })
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
		return e.printGroup(c.JSON, g)
	})
}

type groupMember struct {
	Group string `arg:"" help:"Id or name of the group."`
	Ref   string `arg:"" help:"The user."`
	JSON  bool   `name:"json" help:"Print JSON."`
}

type groupAddCmd struct{ groupMember }

// Run adds a member.
func (c groupAddCmd) Run(e *environment) error {
	return e.withApp(func(a *app) error {
		u, err := a.directory.Resolve(e.ctx, c.Ref)
		if err != nil {
			return err
		}
		g, err := a.groups.Add(e.ctx, c.Group, u.ID, operatorName)
		if err != nil {
			return err
		}
		return e.printGroup(c.JSON, g)
	})
}

type groupRemoveCmd struct{ groupMember }

// Run removes a member.
func (c groupRemoveCmd) Run(e *environment) error {
	return e.withApp(func(a *app) error {
		u, err := a.directory.Resolve(e.ctx, c.Ref)
		if err != nil {
			return err
		}
		g, err := a.groups.Remove(e.ctx, c.Group, u.ID, operatorName)
		if err != nil {
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
				fmt.Fprintf(w, "%s  %-8s %s\n", g.ID, g.Kind, g.Name)
			}
		})
	})
}
