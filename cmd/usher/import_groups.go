package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/directory"
	"github.com/usher-id/usher/internal/group"
	"github.com/usher-id/usher/internal/jsonx"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

type importGroupsCmd struct{ importFlags }

// Help is shown after the flags.
func (importGroupsCmd) Help() string {
	return `A line is {"name":…,"kind":…,"parent":…,"externalId":…,"description":…,"members":[REF,…]}; only the name must be there. A parent comes before its children. A file can be one object instead, with what working groups need: {"institutions":[{"name":…,"city":…,"state":…,"country":…}],"research_fields":[{"field":…,"subfield":…}],"working_groups":[…]}.`
}

// Run imports groups.
func (c importGroupsCmd) Run(e *environment) error {
	if isWhole(c.File) {
		return importWhole(e, c.importFlags)
	}
	if _, err := c.results(); err != nil {
		return err
	}
	if strings.HasSuffix(strings.ToLower(c.File), ".csv") {
		return usageError{errors.New("groups are imported from NDJSON, not from CSV")}
	}
	return e.withApp(func(a *app) error {
		g := &groupImport{store: a.db, dry: c.DryRun, made: map[string][]user.Group{}}
		return runImport(e, c.importFlags, kind[groupLine]{
			name: "groups", seed: "usher import groups", read: readGroupLine, weight: groupLine.weight, take: g.take,
		})
	})
}

// Lengths in characters of what a group says beside its name.
const (
	maxGroupKind  = 64
	maxExternalID = 256
	maxRef        = 512
)

const (
	// membersALine is how many members weigh as much as a line.
	membersALine = 8
	// descriptionAttr is where a group keeps what it says of itself.
	descriptionAttr = "description"
)

// groupLine is one group to be there, with members.
type groupLine struct {
	Name        *string  `json:"name"`
	Kind        *string  `json:"kind"`
	Parent      *string  `json:"parent"`
	ExternalID  *string  `json:"externalId"`
	Description *string  `json:"description"`
	Members     []string `json:"members"`

	line int
	err  error // it cannot be read, or is no group
}

func (l groupLine) weight() int { return 1 + len(l.Members)/membersALine }

func readGroupLine(it item) groupLine {
	l := groupLine{}
	switch err := jsonx.Decode(it.text, &l, jsonx.Options{Unknown: jsonx.RefuseUnknown}); {
	case it.long:
		l.err = user.Refuse(user.TooLarge, "", "why", "The line is too long")
	case err != nil:
		l.err = user.Refuse(user.Malformed, "", "why", "Invalid JSON: "+err.Error())
	default:
		l.err = l.check()
	}
	l.line = it.line
	return l
}

func (l groupLine) check() error {
	if l.Name == nil {
		return user.Refuse(user.Missing, "name", "why", "name should not be empty")
	}
	for _, f := range []struct {
		name  string
		value *string
		most  int
	}{
		{"name", l.Name, maxRef}, // its length is the group's to check
		{"kind", l.Kind, maxGroupKind},
		{"parent", l.Parent, maxRef},
		{"externalId", l.ExternalID, maxExternalID},
		{"description", l.Description, group.MaxDescription},
	} {
		if f.value == nil {
			continue
		}
		if n := utf8.RuneCountInString(*f.value); n == 0 || n > f.most || strings.TrimSpace(*f.value) != *f.value || strings.ContainsFunc(*f.value, unicode.IsControl) {
			return user.Refuse(user.Invalid, f.name, "why", fmt.Sprintf("%s must be 1 to %d characters, without spaces around it and control characters", f.name, f.most))
		}
	}
	switch kind := l.kind(); kind {
	case group.Own:
		return user.Refuse(user.Invalid, "kind", "why", "kind "+kind+" is for groups that people make at the EDI door")
	case user.GroupInstitution, user.GroupField, user.GroupWorking:
		return user.Refuse(user.Invalid, "kind", "why", "kind "+kind+" is imported from a file that is one object, which has what the GraphQL door shows of it")
	}
	return nil
}

func (l groupLine) kind() string {
	if l.Kind == nil {
		return user.GroupPlain
	}
	return *l.Kind
}

// groupAnswer is the answer to one line, in the form of the partner door's.
type groupAnswer struct {
	Line       int            `json:"line"`
	Sum        string         `json:"sum"`
	StatusCode int            `json:"statusCode"` // 207 where a member is missing
	Created    *bool          `json:"created,omitempty"`
	Changed    *bool          `json:"changed,omitempty"`
	Group      *importedGroup `json:"group,omitempty"`
	Message    []string       `json:"message,omitempty"`
	Error      string         `json:"error,omitempty"`
}

type importedGroup struct {
	ID     user.ID `json:"id,omitempty"` // not in a dry run, whose groups are not there
	Name   string  `json:"name"`
	Kind   string  `json:"kind"`
	Parent string  `json:"parent,omitempty"` // its name
	Added  int     `json:"added"`            // members
}

// groupImport makes groups and adds members.
type groupImport struct {
	store store.Store
	dry   bool
	// made are the groups, by name, that a dry run would have made. It makes
	// them again in each transaction that asks for them.
	made map[string][]user.Group
}

// errDryRun rolls a dry run back.
var errDryRun = errors.New("dry run")

func (g *groupImport) take(ctx context.Context, lines []groupLine, items []item) ([]answered, error) {
	var out []groupAnswer
	var made []user.Group
	err := g.store.Update(ctx, store.Bulk, func(tx store.Tx) error {
		out, made = nil, nil
		for i, l := range lines {
			a, fresh, err := g.one(ctx, tx, l)
			if err != nil {
				return err
			}
			a.Line, a.Sum = l.line, items[i].sum
			out, made = append(out, a), append(made, fresh...)
		}
		if g.dry {
			return errDryRun
		}
		return nil
	})
	if err != nil && !errors.Is(err, errDryRun) {
		return nil, err
	}
	for _, m := range made {
		g.made[m.Name] = append(g.made[m.Name], m)
	}
	return written(out)
}

func written(answers []groupAnswer) ([]answered, error) {
	out := make([]answered, len(answers))
	for i, a := range answers {
		text, err := json.Marshal(a)
		if err != nil {
			return nil, fmt.Errorf("writing the answer to line %d: %w", a.Line, err)
		}
		out[i] = answered{
			line: a.Line, status: a.StatusCode, created: a.Created != nil && *a.Created, changed: a.Changed != nil && *a.Changed,
			reason: strings.Join(a.Message, "; "), text: append(text, '\n'),
		}
	}
	return out, nil
}

// one takes a line within a transaction. Whatever it refuses it refuses before
// it writes; fresh is what a dry run would have made.
func (g *groupImport) one(ctx context.Context, tx store.Tx, l groupLine) (a groupAnswer, fresh []user.Group, err error) {
	if l.err != nil {
		return refusedGroup(l.err)
	}
	shown := &importedGroup{Name: *l.Name, Kind: l.kind()}
	row, found, err := g.find(tx, l, shown)
	if err != nil {
		return refusedGroup(err)
	}
	if !found {
		if row, err = group.New(within{tx}).Create(ctx, row, operatorName); err != nil {
			return refusedGroup(err)
		}
		if g.dry {
			fresh = []user.Group{row}
		}
	}
	if !g.dry {
		shown.ID = row.ID
	}
	var missing []string
	for _, ref := range l.Members {
		added, err := addMember(ctx, tx, row, ref)
		if no, ok := errors.AsType[*user.Refusal](err); ok {
			missing = append(missing, fmt.Sprintf("member %q: %s", ref, memberReason(no)))
		} else if err != nil {
			return a, nil, err
		}
		if added {
			shown.Added++
		}
	}
	created, changed := !found, !found || shown.Added > 0
	a = groupAnswer{StatusCode: http.StatusOK, Created: &created, Changed: &changed, Group: shown, Message: missing}
	if len(missing) > 0 {
		a.StatusCode, a.Error = http.StatusMultiStatus, http.StatusText(http.StatusMultiStatus)
	}
	return a, fresh, nil
}

// find gives the group that a line is about, or the one to be made.
func (g *groupImport) find(tx store.Tx, l groupLine, shown *importedGroup) (row user.Group, found bool, err error) {
	if err := g.remake(tx, *l.Name); err != nil {
		return row, false, err
	}
	row = user.Group{Kind: l.kind(), Name: *l.Name}
	if l.Parent != nil {
		if err := g.remake(tx, *l.Parent); err != nil {
			return row, false, err
		}
		parent, err := group.Find(tx, *l.Parent)
		if err != nil {
			return row, false, err
		}
		row.Parent, shown.Parent = parent.ID, parent.Name
	}
	if l.ExternalID != nil {
		row.ExternalID = *l.ExternalID
	}
	if l.Description != nil {
		row.Attributes = map[string]string{descriptionAttr: *l.Description}
	}
	known, err := tx.GroupByName(row.Kind, row.Name)
	if errors.Is(err, store.ErrNotFound) {
		return row, false, nil
	}
	if err != nil {
		return row, false, fmt.Errorf("looking for group %q: %w", row.Name, err)
	}
	var differs string
	switch {
	case l.Parent != nil && known.Parent != row.Parent:
		differs = "parent"
	case l.ExternalID != nil && known.ExternalID != row.ExternalID:
		differs = "externalId"
	case l.Description != nil && known.Attributes[descriptionAttr] != *l.Description:
		differs = "description"
	default:
		return known, true, nil
	}
	return known, true, user.Refuse(user.Conflict, differs, "why",
		"the group is there with another "+differs+"; an import adds groups and members, it neither changes nor moves a group")
}

// remake makes again what a dry run made and rolled back, under a name.
func (g *groupImport) remake(tx store.Tx, name string) error {
	for _, m := range g.made[name] {
		if err := store.Insert(tx, m); err != nil && !errors.Is(err, store.ErrExists) {
			return fmt.Errorf("making group %q again: %w", name, err)
		}
	}
	return nil
}

// addMember says whether somebody was not in the group before, by any strand.
func addMember(ctx context.Context, tx store.Tx, g user.Group, ref string) (bool, error) {
	u, err := directory.Resolve(tx, ref)
	if err != nil {
		return false, err
	}
	ms, err := tx.Memberships(u.ID)
	if err != nil {
		return false, fmt.Errorf("reading memberships: %w", err)
	}
	if slices.ContainsFunc(ms, func(m user.Membership) bool { return m.Group == g.ID }) {
		return false, nil
	}
	_, err = group.New(within{tx}).Add(ctx, string(g.ID), u.ID, operatorName)
	return err == nil, err
}

func memberReason(no *user.Refusal) string {
	if no.Code == user.NotFound {
		return "no such user"
	}
	if why := no.Params["why"]; why != "" {
		return why
	}
	return sentence(no)
}

// refusedGroup answers a line that is refused; a fault stays one.
func refusedGroup(err error) (groupAnswer, []user.Group, error) {
	no, ok := errors.AsType[*user.Refusal](err)
	if !ok {
		return groupAnswer{}, nil, err
	}
	status := http.StatusBadRequest
	switch no.Code {
	case user.NotFound:
		status = http.StatusNotFound
	case user.Conflict, user.InUse:
		status = http.StatusConflict
	case user.TooLarge:
		status = http.StatusRequestEntityTooLarge
	}
	why := no.Params["why"]
	if why == "" {
		why = sentence(no)
	}
	return groupAnswer{StatusCode: status, Message: []string{why}, Error: http.StatusText(status)}, nil, nil
}

// within is a store whose transactions are parts of one that is open.
type within struct{ tx store.Tx }

// View implements store.Store.
func (w within) View(_ context.Context, fn func(store.Reader) error) error { return fn(w.tx) }

// Update implements store.Store.
func (w within) Update(_ context.Context, _ store.Lane, fn func(store.Tx) error) error {
	return fn(w.tx)
}
