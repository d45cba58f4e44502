package group

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/directory"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

func (d Details) check() error {
	if n := utf8.RuneCountInString(d.Title); n > MaxTitle || strings.TrimSpace(d.Title) == "" {
		return user.Refuse(user.Invalid, "title", "why", fmt.Sprintf("must be 1 to %d characters", MaxTitle))
	}
	if d.Description != nil && utf8.RuneCountInString(*d.Description) > MaxDescription {
		return user.Refuse(user.Invalid, "description", "why", fmt.Sprintf("must be at most %d characters", MaxDescription))
	}
	return nil
}

func (d Details) into(attributes map[string]string) {
	attributes[attrTitle] = d.Title
	delete(attributes, attrDescription)
	if d.Description != nil {
		attributes[attrDescription] = *d.Description
	}
}

func shown(g user.Group) Shown {
	if g.System {
		return Shown{Number: Vetted, Details: Details{Title: g.Name}}
	}
	out := Shown{Number: g.Name, Details: Details{Title: g.Attributes[attrTitle]}}
	if d, has := g.Attributes[attrDescription]; has {
		out.Description = &d
	}
	return out
}

func terms(g user.Group) []string {
	s := shown(g)
	description := ""
	if s.Description != nil {
		description = *s.Description
	}
	return directory.Terms(s.Number, s.Title, description)
}

// list lets a group be found.
func list(tx store.Tx, g user.Group) error {
	return tx.IndexTerms(store.SearchedGroup, g.ID, terms(g))
}

// listVetted is list for the system group that the EDI door shows.
func listVetted(tx store.Tx) error {
	g, err := tx.GroupByName(user.GroupSystem, user.Vetted)
	if err != nil {
		return fmt.Errorf("looking for group %s: %w", user.Vetted, err)
	}
	have, err := tx.SearchTerms(store.SearchedGroup, g.ID)
	if err != nil || len(have) > 0 {
		return err
	}
	return list(tx, g)
}
