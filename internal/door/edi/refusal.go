package edi

import (
	"context"
	"errors"
	"net/http"

	"github.com/usher-id/usher/internal/user"
)

// said is what this door says for one code.
type said struct {
	status int
	msg    string
}

// unauthorized is the one sentence for everything that can be wrong with a
// token (contract edi.md, section 1).
const unauthorized = "Unauthorized: Authentication token is missing or invalid"

const notFound = "Not found: Profile does not exist"

// sayings maps every code. The document knows 200, 400, 401, 403 and 404; the
// rest is what HTTP has for it.
var sayings = map[user.Code]said{
	user.Invalid:         {http.StatusBadRequest, "Bad request: A value in the request body is not accepted"},
	user.Missing:         {http.StatusBadRequest, "Bad request: Missing field in JSON in request body"},
	user.Malformed:       {http.StatusBadRequest, "Bad request: The request cannot be read"},
	user.WeakPassword:    {http.StatusBadRequest, "Bad request: The password is not accepted"},
	user.Unsupported:     {http.StatusBadRequest, "Bad request: This is not supported"},
	user.TooLarge:        {http.StatusRequestEntityTooLarge, "Bad request: The request body is too large"},
	user.Unauthenticated: {http.StatusUnauthorized, unauthorized},
	user.BadToken:        {http.StatusUnauthorized, unauthorized},
	user.BadCredential:   {http.StatusUnauthorized, unauthorized},
	user.InvalidClient:   {http.StatusUnauthorized, unauthorized},
	user.Forbidden:       {http.StatusForbidden, "Access denied: You do not have permission to do this"},
	user.UserLocked:      {http.StatusForbidden, "Access denied: The profile cannot be used"},
	user.UserDeleted:     {http.StatusForbidden, "Access denied: The profile cannot be used"},
	user.UntrustedSource: {http.StatusForbidden, "Access denied: You do not have permission to do this"},
	user.NotFound:        {http.StatusNotFound, notFound},
	user.NotMember:       {http.StatusNotFound, "Not found: User profile is not a member of the group"},
	user.Conflict:        {http.StatusConflict, "Conflict: The request names more than one profile"},
	user.InUse:           {http.StatusConflict, "Conflict: The value is used by another profile"},
	user.Challenge:       {http.StatusConflict, "Conflict: The value is used by another profile"},
	user.AlreadyMember:   {http.StatusConflict, "Conflict: User profile is already a member of the group"},
	user.NotUndoable:     {http.StatusConflict, "Conflict: This can no longer be changed"},
	user.Throttled:       {http.StatusTooManyRequests, "Too many requests: Try again later"},
	user.Busy:            {http.StatusServiceUnavailable, unavailable},
}

const unavailable = "Service unavailable: Try again later"

// failed turns an error into an answer: a refusal into what this door says for
// its code, a fault into a 503 that can be tried again.
func (d *Door) failed(ctx context.Context, method string, err error) answer {
	if no, ok := errors.AsType[*user.Refusal](err); ok {
		if s, ok := sayings[no.Code]; ok {
			a := answer{status: s.status, msg: s.msg}
			switch {
			case no.RetryAfter > 0:
				a.retryAfter = no.RetryAfter
			case s.status == http.StatusTooManyRequests || s.status == http.StatusServiceUnavailable:
				a.retryAfter = 1
			}
			return a
		}
	}
	if ctx.Err() == nil { // else the client has gone, and nobody failed
		d.Log.ErrorContext(ctx, "edi door", "method", method, "error", err)
	}
	return answer{status: http.StatusServiceUnavailable, msg: unavailable, retryAfter: 1}
}
