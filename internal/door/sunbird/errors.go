package sunbird

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// responseCode is a status by its two names.
type responseCode struct {
	http int
	name string
}

// The response codes (contract B.2).
var (
	clientError  = responseCode{http.StatusBadRequest, "CLIENT_ERROR"}
	unauthorized = responseCode{http.StatusUnauthorized, "CLIENT_ERROR"} // sic, as recorded
	forbidden    = responseCode{http.StatusForbidden, "FORBIDDEN"}
	notFound     = responseCode{http.StatusNotFound, "RESOURCE_NOT_FOUND"}
	tooMany      = responseCode{http.StatusTooManyRequests, "TOO_MANY_REQUESTS"}
	serverError  = responseCode{http.StatusInternalServerError, "SERVER_ERROR"}
	unavailable  = responseCode{http.StatusServiceUnavailable, "SERVER_ERROR"}
	tooLong      = responseCode{http.StatusRequestEntityTooLarge, "CLIENT_ERROR"}
)

// failure is what this door says of a request it does not carry out.
type failure struct {
	code       responseCode
	err        string
	status     string // where it differs from err
	msg        string
	result     map[string]any
	retryAfter string // seconds
}

func (f failure) Error() string { return "sunbird: " + f.err }

func fail(err, msg string) failure { return failure{code: clientError, err: err, msg: msg} }

// The failures that are always the same (contract B.2, B.5 to B.7).
var (
	notAuthorised  = failure{code: unauthorized, err: "UNAUTHORIZED_USER", status: "SERVER_ERROR", msg: "You are not authorized."}
	notAllowed     = failure{code: forbidden, err: "FORBIDDEN", msg: "You are forbidden to access specified resource."}
	contentType    = fail("CONTENT_TYPE_ERROR", "Please add Content-Type header with value application/json")
	badData        = fail("INVALID_REQUESTED_DATA", "Requested data for this operation is not valid.")
	tooMuch        = failure{code: tooLong, err: "INVALID_REQUESTED_DATA", msg: "The request is too large."}
	noSuchUser     = failure{code: notFound, err: "USER_NOT_FOUND", msg: "user not found."}
	blocked        = fail("USER_ACCOUNT_BLOCKED", "User account has been blocked .")
	alreadyBlocked = fail("USER_ALREADY_INACTIVE", "User is already inactive.")
	alreadyActive  = fail("USER_ALREADY_ACTIVE", "User is already active.")
	noContact      = fail("EMAIL_OR_PHONE_MISSING", "Please provide either email or phone.")
	badDate        = fail("DATE_FORMAT_ERRROR", "Date format error.") //nolint:misspell // as recorded
	badEmail       = fail("EMAIL_FORMAT_ERROR", "Email is invalid.")
	unprovenEmail  = fail("EMAIL_VERIFY_ERROR", "Please provide a verified email in order to create user.")
	badCountry     = fail("INVALID_COUNTRY_CODE", "Please provide a valid country code.")
	plusInPhone    = fail("INVALID_PHONE_NUMBER", "Please send Phone and country code seprately.")
	badPhone       = fail("INVALID_PHONE_NO_FORMAT", "Please provide a valid phone number.")
	unprovenPhone  = fail("PHONE_VERIFY_ERROR", "Please provide a verified phone number in order to create/update user.")
	badOrg         = fail("INVALID_ORGANIZATION_DATA", "Given Organization Data doesn't exist in our records. Please provide a valid one")
	otherChannel   = fail("PARAMETER_MISMATCH", "Mismatch of given parameters: channel, organisationId.")
	usernameInUse  = fail("USERNAME_IN_USE", "Username already exists.")
	badUsername    = fail("USERNAME_FORMAT_ERROR", "Please provide a valid userName.")
	phoneInUse     = fail("PHONE_ALREADY_IN_USE", "Phone already in use. Please provide different phone number.")
	emailInUse     = fail("EMAIL_IN_USE", "Email already exists.")
	wrongCode      = fail("ERROR_INVALID_OTP", "Invalid OTP.")
	badCredential  = fail("INVALID_CREDENTIAL", "Invalid credential.")
	duplicateIDs   = fail("DUPLICATE_EXTERNAL_IDS", "Duplicate external ids for given idType and provider are not allowed.")
	fault          = failure{code: serverError, err: "INTERNAL_ERROR", msg: "Process failed,please try again later."}
	down           = failure{code: unavailable, err: "SERVICE_UNAVAILABLE", msg: "The service is unavailable. Please try again after some time.", retryAfter: "5"}
)

func missing(name string) failure {
	return fail("MANDATORY_PARAMETER_MISSING", "Mandatory parameter "+name+" is missing.")
}

func notTaken(name string) failure {
	return fail("INVALID_REQUEST_PARAMETER", "Invalid parameter "+name+" in request.")
}

func wrongType(name, of string) failure {
	return fail("DATA_TYPE_ERROR", name+" data type should be of "+of+".")
}

func wrongValue(value, name string) failure {
	return fail("INVALID_PARAMETER_VALUE", "Invalid value "+value+" for parameter "+name+". Please provide a valid value.")
}

func tooLongText(name string, most int) failure {
	return fail("DATA_SIZE_EXCEEDED", "Maximum upload data size should be "+strconv.Itoa(most)+" characters for "+name+".")
}

func invalidKey(what, value string, valid ...string) failure {
	return fail("INVALID_VALUE", fmt.Sprintf("Invalid %s: %s. Valid values are: %s.", what, value, strings.Join(valid, ", ")))
}

// failed answers with what went wrong: a failure as it is, a refusal by the table,
// anything else as a fault.
func (d *Door) failed(w http.ResponseWriter, r *http.Request, path string, err error) {
	if f, ok := errors.AsType[failure](err); ok {
		d.bad(w, r, path, f)
		return
	}
	if no, ok := errors.AsType[*user.Refusal](err); ok {
		d.bad(w, r, path, told(no, d.Policies.Current()))
		return
	}
	switch {
	case errors.Is(err, store.ErrUnavailable):
		d.bad(w, r, path, down)
	case r.Context().Err() != nil && errors.Is(err, context.Canceled): // the caller hung up
		d.bad(w, r, path, down)
	default:
		d.Log.Error("a request failed", "door", string(user.DoorSunbird), "route", r.Pattern, "err", err) // a path may name a phone
		d.bad(w, r, path, fault)
	}
}

// told is what this door says of a refusal.
func told(no *user.Refusal, pol policy.Policy) failure {
	switch no.Code {
	case user.BadCredential:
		if no.Field == "OTP" {
			return toldCode(no, pol)
		}
		return badCredential
	case user.InUse, user.Challenge:
		return toldInUse(no)
	case user.NotFound:
		return toldNotFound(no)
	case user.Conflict:
		switch no.Field {
		case "organisationId":
			return otherChannel
		case "orgExternalId":
			return fail("PARAMETER_MISMATCH", "Mismatch of given parameters: organisationId, orgExternalId.")
		}
		return alreadyActive
	case user.Forbidden:
		if no.Field == "channel" {
			return fail("ERROR_INACTIVE_ORG", "Organisation corresponding to given channel ("+no.Params["channel"]+") is inactive.")
		}
		return notAllowed
	case user.UserLocked, user.UserDeleted:
		return blocked
	case user.BadToken, user.UntrustedSource:
		return badCredential
	case user.Unauthenticated, user.InvalidClient:
		return notAuthorised
	case user.Throttled:
		return toldLimit(no)
	case user.Busy:
		f := down
		if no.RetryAfter > 0 {
			f.retryAfter = strconv.Itoa(no.RetryAfter)
		}
		return f
	case user.Unsupported:
		return badPhone
	case user.Missing:
		return missing(no.Field)
	case user.TooLarge:
		return tooMuch
	case user.Invalid:
		switch no.Field {
		case "phone":
			return badPhone
		case "email":
			return badEmail
		}
		return badData
	case user.Malformed, user.WeakPassword, user.AlreadyMember, user.NotMember, user.NotUndoable:
		return badData
	}
	return badData
}

// toldCode is a wrong code by policy's name for it. Where none is alive it is
// ERROR_INVALID_OTP in any case (contract B.7).
func toldCode(no *user.Refusal, pol policy.Policy) failure {
	left, err := strconv.Atoi(no.Params["remaining"])
	if pol.Sunbird.OTPMismatch != policy.OTPVerification || err != nil {
		return wrongCode
	}
	allowed, _ := strconv.Atoi(no.Params["allowed"])
	f := fail(policy.OTPVerification, fmt.Sprintf("OTP verification failed. Remaining attempt count is %d.", left))
	f.result = map[string]any{"maxAllowedAttempt": allowed, "remainingAttempt": left}
	return f
}

func toldInUse(no *user.Refusal) failure {
	switch no.Field {
	case "userName":
		return usernameInUse
	case "externalId":
		return fail("USER_ALREADY_EXISTS", fmt.Sprintf("User already exists for given externalId (id: %s, idType: %s, provider: %[2]s).",
			no.Params["id"], strings.TrimPrefix(no.Params["provider"], "state:")))
	case string(user.Phone):
		return phoneInUse
	default:
		return emailInUse
	}
}

func toldNotFound(no *user.Refusal) failure {
	switch no.Field {
	case "organisationId":
		return badOrg
	case "channel", "orgExternalId":
		return wrongValue(no.Params["value"], no.Field)
	default:
		return noSuchUser
	}
}

func toldLimit(no *user.Refusal) failure {
	window := no.Params["window"]
	if window != "day" {
		window = "hour"
	}
	f := failure{code: tooMany, err: "ERROR_RATE_LIMIT_EXCEEDED", msg: "Your per " + window + " rate limit has exceeded. You can retry after some time."}
	if no.RetryAfter > 0 {
		f.retryAfter = strconv.Itoa(no.RetryAfter)
	}
	return f
}
