package partner

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/server"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// system is the partner every caller of this door speaks as, and the id by
// which its own words are signed.
const system = "__system"

// source is the partner's name among the sources.
var source = user.SourceOf(user.DoorPartner, system)

// caller is who may administer users, and how they came.
type caller struct {
	feed.Caller
	// system is true for x-user-ctx naming the system, which only the internal
	// listener believes.
	system bool
}

// action administers users on somebody's word.
type action func(w http.ResponseWriter, r *http.Request, c caller)

// authorised admits those who may administer: the system on the internal
// listener, and on both whoever has the role (contract partner.md, "Who may
// call").
func (d *Door) authorised(l listener, act action) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := d.caller(r, l)
		if err != nil {
			d.refuse(w, r, administering, err)
			return
		}
		act(w, r, c)
	}
}

// caller says who speaks. The refusals are Unauthenticated and Forbidden.
func (d *Door) caller(r *http.Request, l listener) (caller, error) {
	var id user.ID
	var number string
	contexts := r.Header.Values("X-User-Ctx")
	switch {
	case l == internal && len(contexts) > 0:
		if len(contexts) > 1 || !d.hasSecret(r) {
			return caller{}, user.Refuse(user.Unauthenticated, "x-user-ctx")
		}
		ctx, ok := parseContext(contexts[0])
		if !ok {
			return caller{}, user.Refuse(user.Unauthenticated, "x-user-ctx")
		}
		if ctx.system() {
			return caller{Caller: feed.Caller{Source: source, By: system}, system: true}, nil
		}
		var err error
		if id, number, err = d.named(r.Context(), ctx); err != nil {
			return caller{}, err
		}
	default:
		token, ok := bearer(r.Header.Values("Authorization"))
		if !ok {
			return caller{}, user.Refuse(user.Unauthenticated, "")
		}
		var err error
		if id, number, err = d.holder(r.Context(), token); err != nil {
			return caller{}, err
		}
	}
	admin, err := d.Groups.Member(r.Context(), id, user.GroupRole, user.RoleSysadmin)
	if err != nil {
		return caller{}, err
	}
	if !admin {
		return caller{}, user.Refuse(user.Forbidden, "")
	}
	return caller{Caller: feed.Caller{Source: source, By: number}}, nil
}

// holder resolves an access token of this door.
func (d *Door) holder(ctx context.Context, token string) (user.ID, string, error) {
	live, err := d.Sessions.Access(ctx, token)
	if err != nil {
		return "", "", unauthenticated(err)
	}
	if live.Session.Door != user.DoorPartner {
		return "", "", user.Refuse(user.Unauthenticated, "")
	}
	return live.User.ID, live.Session.Subject, nil
}

// named resolves a context that names a user: by the access token it carries,
// else by the id, which whoever may call this listener may use.
func (d *Door) named(ctx context.Context, c userCtx) (user.ID, string, error) {
	if c.accessToken != "" {
		id, number, err := d.holder(ctx, c.accessToken)
		if err == nil && number != c.id {
			err = user.Refuse(user.Unauthenticated, "x-user-ctx")
		}
		return id, number, err
	}
	rec, err := d.Feed.Read(ctx, source, c.id)
	if err != nil {
		return "", "", unauthenticated(err)
	}
	if !usable(rec) {
		return "", "", user.Refuse(user.Unauthenticated, "x-user-ctx")
	}
	return rec.User.ID, c.id, nil
}

// usable says whether a record's user could sign in now.
func usable(rec store.Record) bool {
	return rec.LockedAt.IsZero() && rec.Strand.State == user.Live &&
		(rec.User.Status == user.Active || rec.User.Status == user.Archived || rec.User.Status == user.Reserved)
}

// unauthenticated makes every refusal the same one; faults stay what they are.
func unauthenticated(err error) error {
	if _, refused := errors.AsType[*user.Refusal](err); refused {
		return user.Refuse(user.Unauthenticated, "")
	}
	return err
}

// maxBearer is far more than any token of this door has.
const maxBearer = 512

// bearer takes the token out of the one Authorization header.
func bearer(headers []string) (string, bool) {
	if len(headers) != 1 {
		return "", false
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != "" && len(token) <= maxBearer
}

// hasSecret checks the internal credential where one is configured.
func (d *Door) hasSecret(r *http.Request) bool { return server.HasInternalSecret(r, d.InternalSecret) }
