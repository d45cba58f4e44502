package edi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/usher-id/usher/internal/group"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// caller is who asks, for acts that look again, within their transaction,
// whether the session is alive.
func caller(live session.Live) group.Caller {
	return group.Caller{
		User: live.User.ID, Strand: live.Session.Strand,
		Still: func(tx store.Tx) error {
			_, err := session.Again(tx, live)
			return err
		},
	}
}

// createGroup makes a group that belongs to whoever asks: 400, then 200
// (contract edi.md, section 6).
func (d *Door) createGroup(ctx context.Context, live session.Live, r *http.Request) answer {
	const method = "createGroup"
	m, bad, err := body(r)
	if err != nil {
		return d.failed(ctx, method, err)
	}
	if m == nil {
		return bad
	}
	for _, name := range []string{"title", "description"} {
		if _, sent := m[name]; !sent {
			return badRequest("Missing field in JSON in request body: '" + name + "'")
		}
	}
	ch, _, problem := readDetails(m)
	if problem != "" {
		return badRequest(problem)
	}
	number, err := d.Groups.Make(ctx, caller(live), group.Details{Title: *ch.Title, Description: ch.Description})
	if err != nil {
		return d.groupFailed(ctx, method, "create group", err, "", "")
	}
	return ok("Group created successfully", field{"group_edi_id", number})
}

// readGroup shows a group to those who may: 404, then 403, then 200.
func (d *Door) readGroup(ctx context.Context, live session.Live, r *http.Request) answer {
	id := r.PathValue("group")
	if !plausible(id) {
		return noGroup(id)
	}
	g, err := d.Groups.Read(ctx, caller(live), id)
	if err != nil {
		a := d.groupFailed(ctx, "readGroup", "", err, id, "")
		if a.status == http.StatusForbidden {
			a.msg = "Access denied: Must have 'read' permission to read group"
		}
		return a
	}
	return ok(
		"Group retrieved successfully",
		field{"group_edi_id", id}, field{"title", g.Title}, field{"description", g.Description},
		field{"members", texts{"member", g.Members}},
	)
}

// updateGroup changes title and description, those that are sent: 400, then
// 404, then 403, then 200 with an echo, as of a profile.
func (d *Door) updateGroup(ctx context.Context, live session.Live, r *http.Request) answer {
	const method = "updateGroup"
	id := r.PathValue("group")
	m, bad, err := body(r)
	if err != nil {
		return d.failed(ctx, method, err)
	}
	if m == nil {
		return bad
	}
	ch, echo, problem := readDetails(m)
	switch {
	case problem != "":
		return badRequest(problem)
	case !plausible(id):
		return noGroup(id)
	}
	if err := d.Groups.Change(ctx, caller(live), id, ch); err != nil {
		return d.groupFailed(ctx, method, "update group", err, id, "")
	}
	return ok("Group updated successfully", field{"group", id}).with(echo...)
}

// deleteGroup removes a group: 404, then 403, then 200.
func (d *Door) deleteGroup(ctx context.Context, live session.Live, r *http.Request) answer {
	id := r.PathValue("group")
	if !plausible(id) {
		return noGroup(id)
	}
	if err := d.Groups.Dissolve(ctx, caller(live), id); err != nil {
		return d.groupFailed(ctx, "deleteGroup", "delete group", err, id, "")
	}
	return ok("Group deleted successfully", field{"group", id})
}

// addMember puts a profile in a group: 404 for the group, 403, 404 for the
// profile, 200 whether or not it was in it.
func (d *Door) addMember(ctx context.Context, live session.Live, r *http.Request) answer {
	id, profile := r.PathValue("group"), r.PathValue("profile")
	if !plausible(id) {
		return noGroup(id)
	}
	added, err := d.Groups.Join(ctx, caller(live), id, lookedUp(profile))
	if err != nil {
		return d.groupFailed(ctx, "addGroupMember", "add members to group", err, id, profile)
	}
	msg := "Group membership added successfully"
	if !added {
		msg = "User profile is already a member of the group"
	}
	return ok(msg, field{"group", id}, field{"profile", profile})
}

// removeMember takes a profile out of a group: as addMember, and 404 for one
// that is not in it.
func (d *Door) removeMember(ctx context.Context, live session.Live, r *http.Request) answer {
	id, profile := r.PathValue("group"), r.PathValue("profile")
	if !plausible(id) {
		return noGroup(id)
	}
	if err := d.Groups.Part(ctx, caller(live), id, lookedUp(profile)); err != nil {
		return d.groupFailed(ctx, "removeGroupMember", "remove members from group", err, id, profile)
	}
	return ok("Group membership removed successfully", field{"group", id}, field{"profile", profile})
}

// readDetails takes what can be said of a group. A description can be null, a
// title has something in it.
func readDetails(m members) (ch group.Change, echo []field, problem string) {
	title, problem := m.text("title", group.MaxTitle)
	if problem != "" {
		return ch, nil, problem
	}
	if title.sent {
		if title.value == nil {
			return ch, nil, "Field in JSON in request body must be a string: 'title'"
		}
		if strings.TrimSpace(*title.value) == "" {
			return ch, nil, "Field in JSON in request body is empty: 'title'"
		}
		ch.Title = title.value
		echo = append(echo, field{"title", *title.value})
	}
	description, problem := m.text("description", group.MaxDescription)
	if problem != "" {
		return ch, nil, problem
	}
	if description.sent {
		ch.Describe, ch.Description = true, description.value
		echo = append(echo, field{"description", description.value})
	}
	return ch, echo, ""
}

// plausible says whether an id can be looked up; any other is nobody's.
func plausible(id string) bool {
	return !strings.ContainsRune(id, 0) && utf8.ValidString(id) && len(id) <= maxID
}

// lookedUp is an id as it is looked up after other checks: one that cannot be
// is the empty one, which nobody has.
func lookedUp(id string) string {
	if !plausible(id) {
		return ""
	}
	return id
}

const groupNotFound = "Not found: Group does not exist"

func noGroup(id string) answer {
	return answer{status: http.StatusNotFound, msg: groupNotFound, fields: []field{{"group", id}}}
}

// groupFailed is failed for acts on groups: it says what was refused, and of
// which group or profile.
func (d *Door) groupFailed(ctx context.Context, method, act string, err error, id, profile string) answer {
	a := d.failed(ctx, method, err)
	no, refused := errors.AsType[*user.Refusal](err)
	if !refused {
		return a
	}
	switch {
	case no.Code == user.NotFound && no.Field == "profile":
		return a.with(field{"profile", profile})
	case no.Code == user.NotFound:
		return noGroup(id)
	case no.Code == user.NotMember:
		return a.with(field{"group", id}, field{"profile", profile})
	case no.Code == user.Forbidden:
		return denied("Must have 'write' permission to " + act).with(field{"group", id})
	case no.Code == user.Invalid && no.Params["why"] != "":
		return badRequest("The " + no.Field + " is not accepted: it " + no.Params["why"])
	}
	return a
}
