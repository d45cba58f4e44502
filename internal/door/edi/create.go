package edi

import (
	"context"
	"net/http"

	"github.com/usher-id/usher/internal/admission"
	"github.com/usher-id/usher/internal/normal"
	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/user"
)

// maxIdpUID is the length of the original's column, in characters.
const maxIdpUID = 256

// create reserves a profile for an idp_uid, or finds the one that has it
// (contract edi.md, createProfile): 403 not vetted, then 400, then 200.
func (d *Door) create(ctx context.Context, live session.Live, r *http.Request) answer {
	const method = "createProfile"
	if a, ok := d.vetted(ctx, live); !ok {
		return a
	}
	m, bad, err := body(r)
	if err != nil {
		return d.failed(ctx, method, err)
	}
	if m == nil {
		return bad
	}
	uid, problem := m.text("idp_uid", maxIdpUID)
	switch {
	case problem != "":
		return badRequest(problem)
	case !uid.sent:
		return badRequest("Missing field in JSON in request body: 'idp_uid'")
	case uid.value == nil:
		return badRequest("Field in JSON in request body must be a string: 'idp_uid'")
	}
	name, err := normal.ParseIdentityName(*uid.value)
	if err != nil {
		return badRequest("Field in JSON in request body is not accepted: 'idp_uid'")
	}
	res, err := d.Admission.Reserve(ctx, admission.Reservation{
		Door: user.DoorEDI, By: live.Session.Subject, Name: *uid.value, Identity: user.IdentityKey{Issuer: name.Issuer, Subject: name.Subject},
	})
	if err != nil {
		return d.failed(ctx, method, err)
	}
	if res.Created {
		return ok("A new profile was created", field{"edi_id", res.Handle})
	}
	return ok("An existing profile was used", field{"edi_id", res.Handle})
}

// vetted says whether somebody may create profiles: members of Vetted, and
// operators. Membership is read as it is now.
func (d *Door) vetted(ctx context.Context, live session.Live) (answer, bool) {
	for _, g := range []struct{ kind, name string }{
		{user.GroupSystem, user.Vetted},
		{user.GroupRole, user.RoleOperator},
	} {
		in, err := d.Groups.Member(ctx, live.User.ID, g.kind, g.name)
		if err != nil {
			return d.failed(ctx, "createProfile", err), false
		}
		if in {
			return answer{}, true
		}
	}
	return denied("Must be in the Vetted system group to create a profile"), false
}
