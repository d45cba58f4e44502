package edi

import (
	"context"
	"net/http"

	"github.com/usher-id/usher/internal/account"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/user"
)

// Lengths are in characters, as the original's columns (contract edi.md,
// updateProfile).
const (
	maxName  = 64
	maxEmail = 128
)

// update changes a person's own common_name and preferred e-mail: 400, then
// 404, then 403, then 200 with an echo of what was sent.
func (d *Door) update(ctx context.Context, live session.Live, r *http.Request) answer {
	const method = "updateProfile"
	id := r.PathValue("id")
	m, bad, err := body(r)
	if err != nil {
		return d.failed(ctx, method, err)
	}
	if m == nil {
		return bad
	}
	edit, echo, problem := readEdit(m)
	if problem != "" {
		return badRequest(problem)
	}
	if len(edit) == 0 && d.StrictReference() {
		return badRequest("Must provide common_name and/or email to update profile")
	}
	u, a, found := d.find(ctx, live, method, id)
	if !found {
		return a
	}
	if u.ID != live.User.ID {
		return denied("You do not have permission to update this profile").about(id)
	}
	if len(edit) > 0 {
		if _, err := d.Accounts.Edit(ctx, live, edit); err != nil {
			return d.failed(ctx, method, err)
		}
	}
	return ok("Profile updated successfully", echo...).about(id)
}

// readEdit takes the two members that can be changed, with null to clear and
// "" to be kept as it is. Others are not looked at.
func readEdit(m members) (account.Edit, []field, string) {
	edit, echo := account.Edit{}, []field{}
	for _, f := range []struct {
		name  string
		attr  user.Attr
		limit int
	}{
		{"common_name", user.Name, maxName},
		{"email", user.ContactEmail, maxEmail},
	} {
		v, problem := m.text(f.name, f.limit)
		if problem != "" {
			return nil, nil, problem
		}
		if !v.sent {
			continue
		}
		if f.attr == user.ContactEmail && v.value != nil && *v.value != "" {
			if _, err := normal.ParseEmail(*v.value); err != nil {
				return nil, nil, "Field in JSON in request body is not an e-mail address: 'email'"
			}
		}
		edit[f.attr] = v.value
		echo = append(echo, field{f.name, v.value})
	}
	return edit, echo, ""
}
