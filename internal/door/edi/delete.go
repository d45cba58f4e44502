package edi

import (
	"context"
	"net/http"

	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/user"
)

// remove deletes a person's own profile: 404, then 403, then 200. The token
// that asked for it is dead afterwards (contract edi.md, deleteProfile).
func (d *Door) remove(ctx context.Context, live session.Live, r *http.Request) answer {
	const method = "deleteProfile"
	id := r.PathValue("id")
	u, a, found := d.find(ctx, live, method, id)
	if !found {
		return a
	}
	if u.ID != live.User.ID {
		return denied("Only the owner can delete this profile").about(id)
	}
	if err := d.Accounts.DeleteAtDoor(ctx, live, user.DoorEDI); err != nil {
		return d.failed(ctx, method, err)
	}
	done := ok("Profile deleted successfully. Please sign in and create a new token if you wish to continue using the API").about(id)
	done.endsSession = true
	return done
}
