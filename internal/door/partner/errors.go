package partner

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/usher-id/usher/internal/user"
)

// failure is the body of every error. Message is a text, or a list where a
// request was read and found wanting.
type failure struct {
	StatusCode int    `json:"statusCode"`
	Message    any    `json:"message"`
	Error      string `json:"error"`
}

func problem(status int, message any) failure {
	return failure{StatusCode: status, Message: message, Error: http.StatusText(status)}
}

// purpose says what a refusal answers: the same code means one thing to
// somebody who signs in and another to somebody who administers users.
type purpose int

const (
	administering purpose = iota
	signingIn
)

// said is what this door says for one code. An empty message is made of the
// refusal's field.
type said struct {
	status  int
	message string
}

// administration maps every code where users are administered.
var administration = map[user.Code]said{
	user.Invalid:         {http.StatusBadRequest, ""},
	user.Missing:         {http.StatusBadRequest, ""},
	user.WeakPassword:    {http.StatusBadRequest, ""},
	user.Unsupported:     {http.StatusBadRequest, ""},
	user.Malformed:       {http.StatusBadRequest, "The request cannot be read"},
	user.Unauthenticated: {http.StatusUnauthorized, "Unauthorized"},
	user.BadCredential:   {http.StatusUnauthorized, "Unauthorized"},
	user.InvalidClient:   {http.StatusUnauthorized, "Unauthorized"},
	user.BadToken:        {http.StatusUnauthorized, "Unauthorized"},
	user.Forbidden:       {http.StatusForbidden, "Forbidden"},
	user.NotFound:        {http.StatusNotFound, "User not found"},
	user.Conflict:        {http.StatusConflict, "What was sent belongs to different users"},
	user.InUse:           {http.StatusConflict, "User already exists"},
	user.Challenge:       {http.StatusConflict, "User already exists"},
	user.UntrustedSource: {http.StatusConflict, "User already exists"},
	user.UserLocked:      {http.StatusConflict, "User is locked"},
	user.UserDeleted:     {http.StatusConflict, "User is deleted"},
	user.AlreadyMember:   {http.StatusConflict, "User is already a member"},
	user.NotMember:       {http.StatusConflict, "User is not a member"},
	user.NotUndoable:     {http.StatusConflict, "This can no longer be changed"},
	user.TooLarge:        {http.StatusRequestEntityTooLarge, "The body is too large"},
	user.Throttled:       {http.StatusTooManyRequests, "Too many requests"},
	user.Busy:            {http.StatusServiceUnavailable, unavailable},
}

// loginSays has what is said otherwise at the login. That locked and deleted come
// here at all is decided by signin, for clients that may learn it.
var loginSays = map[user.Code]said{
	user.BadCredential: {http.StatusUnauthorized, "User not found"},
	user.NotFound:      {http.StatusUnauthorized, "User not found"},
	user.UserLocked:    {http.StatusUnauthorized, "User is locked"},
	user.UserDeleted:   {http.StatusUnauthorized, "User is deleted"},
	user.InvalidClient: {http.StatusUnauthorized, "Invalid client"},
	user.BadToken:      {http.StatusUnauthorized, "Invalid token"},
	user.Unsupported:   {http.StatusBadRequest, unsupportedType},
	user.Challenge:     {http.StatusConflict, "Sign in to the existing account first"},
}

const (
	unavailable     = "Service unavailable, try again later"
	unsupportedType = "Unsupported login type"
)

// explain turns an error into an answer and the seconds after which to try
// again, zero for never. A fault becomes a 503.
func explain(p purpose, err error) (failure, int, bool) {
	if bad, ok := errors.AsType[badRequest](err); ok {
		return problem(http.StatusBadRequest, bad.message), 0, true
	}
	no, ok := errors.AsType[*user.Refusal](err)
	if !ok {
		return problem(http.StatusServiceUnavailable, unavailable), 1, false
	}
	s, known := administration[no.Code]
	if p == signingIn {
		if at, differs := loginSays[no.Code]; differs {
			s = at
		}
		if no.Code == user.BadCredential && no.Field == "password" {
			s.message = "Invalid password" // named only to a client that may learn it
		}
	}
	if !known {
		return problem(http.StatusServiceUnavailable, unavailable), 1, false
	}
	var message any = s.message
	if s.message == "" {
		message = []string{sentence(no)}
	}
	after := no.RetryAfter
	if after == 0 && (s.status == http.StatusTooManyRequests || s.status == http.StatusServiceUnavailable) {
		after = 1
	}
	return problem(s.status, message), after, true
}

// sentence says what is wrong with one member.
func sentence(no *user.Refusal) string {
	name := no.Field
	if name == "" {
		name = "the request"
	}
	why := no.Params["why"]
	switch {
	case name == "email" && (no.Code == user.Invalid || no.Code == user.Missing):
		return "email must be an email"
	case no.Code == user.Missing:
		return name + " should not be empty"
	case no.Code == user.WeakPassword && why == "":
		return name + " is too weak"
	case no.Code == user.Unsupported && why == "":
		return name + " is not supported"
	case why == "":
		return name + " is not valid"
	case strings.HasPrefix(why, name+" "):
		return why
	default:
		return name + " " + why
	}
}

// refuse answers an error.
func (d *Door) refuse(w http.ResponseWriter, r *http.Request, p purpose, err error) {
	f, after, expected := explain(p, err)
	if !expected && r.Context().Err() == nil { // else the client has gone, and nobody failed
		d.Log.ErrorContext(r.Context(), "partner door", "path", r.URL.Path, "error", err)
	}
	if after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(after))
	}
	d.write(w, f.StatusCode, f)
}

// write sends an answer as JSON.
func (d *Door) write(w http.ResponseWriter, status int, v any) {
	body, err := encode(v)
	if err != nil {
		// Every answer is made of texts, booleans and times.
		d.Log.Error("partner door: encoding an answer", "error", err)
		status, body = http.StatusInternalServerError, []byte(`{"statusCode":500,"message":"Internal Server Error","error":"Internal Server Error"}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
