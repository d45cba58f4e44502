package web

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"

	"github.com/usher-id/usher/internal/user"
)

// wrong is what a page says is wrong; the template state-wrong has a sentence for
// each.
type wrong string

const (
	wrongPhone   wrong = "phone"   // no number that can be reached
	wrongCountry wrong = "country" // no texts go there
	wrongBlocked wrong = "blocked" // the phone's account is
	wrongTaken   wrong = "taken"   // the phone is somebody's whom the state calls otherwise
	wrongSchool  wrong = "school"  // it is not known any more
	wrongShape   wrong = "shape"   // six digits were not typed
	wrongCode    wrong = "code"    // another code; Remaining are left
	wrongDead    wrong = "dead"    // a code that was typed wrong too often, or never was
	wrongGone    wrong = "gone"    // no code is alive: used elsewhere, or older than this visit
	wrongExpired wrong = "expired" // a code whose time is over
	wrongEarly   wrong = "early"   // another text was asked for too soon
	wrongMany    wrong = "many"    // too many texts were asked for
	wrongBusy    wrong = "busy"
)

// OfPhone and OfCode say whether it is about what was typed in that field.
func (w wrong) OfPhone() bool {
	return w == wrongPhone || w == wrongCountry || w == wrongBlocked || w == wrongTaken
}

// OfCode is OfPhone for the code.
func (w wrong) OfCode() bool { return w == wrongShape || w == wrongCode }

// early answers who asks for another text too soon.
func (s *statePages) early(w http.ResponseWriter, r *http.Request, v StateVisit) {
	left := int(math.Ceil(v.Resend.Sub(s.Now()).Seconds()))
	w.Header().Set("Retry-After", strconv.Itoa(max(1, left)))
	s.show(w, r, http.StatusTooManyRequests, stateSteps[StateCode].page, stateData{StateVisit: v, Wrong: wrongEarly})
}

// refuseVisit says on the page of a step why it was not done: of the visit as it
// stands now, with what as changes of it. Where that is another step its own page is
// led to; only a phone can be typed at any.
func (s *statePages) refuseVisit(w http.ResponseWriter, r *http.Request, at StateStep, err error, as func(*StateVisit)) {
	v, gone := s.Visits.Look(r.Context(), s.cookie(r))
	if gone != nil {
		s.refuse(w, r, stateData{}, gone)
		return
	}
	if at != StateContact && v.Step != at { // another tab was faster
		s.lead(w, r, v.Step)
		return
	}
	if as != nil {
		as(&v)
	}
	s.refuseAt(w, r, stateSteps[at].page, stateData{StateVisit: v}, err)
}

// refuse says why there is no page of a visit.
func (s *statePages) refuse(w http.ResponseWriter, r *http.Request, d stateData, err error) {
	s.refuseAt(w, r, "", d, err)
}

// refuseAt says on a page why something was not done; page is empty where there is
// no visit to show.
func (s *statePages) refuseAt(w http.ResponseWriter, r *http.Request, page string, d stateData, err error) {
	no, ok := errors.AsType[*user.Refusal](err)
	if ok && no.Code == user.BadToken {
		s.show(w, r, http.StatusGone, "state-over", stateData{})
		return
	}
	if !ok || page == "" {
		s.faulty(w, r, err)
		return
	}
	status := http.StatusUnprocessableEntity
	switch no.Code {
	case user.Throttled:
		status, d.Wrong = http.StatusTooManyRequests, wrongMany
	case user.Busy:
		status, d.Wrong = http.StatusServiceUnavailable, wrongBusy
	case user.UserLocked, user.UserDeleted:
		d.Wrong = wrongBlocked
	case user.InUse:
		d.Wrong, page = wrongTaken, stateSteps[StateContact].page
	case user.Unsupported:
		d.Wrong = wrongCountry
	case user.BadCredential:
		d.Wrong, d.Remaining = s.badCode(no, d.StateVisit)
	case user.NotFound:
		d.Wrong = wrongSchool
	case user.Invalid, user.Missing, user.TooLarge:
		d.Wrong = wrongPhone
		if no.Field == fieldCode {
			d.Wrong = wrongShape
		}
	case user.Forbidden: // the visit went on elsewhere in this very moment
		s.lead(w, r, d.Step)
		return
	default:
		s.faulty(w, r, fmt.Errorf("a refusal that the pages of a state sign-in have no words for: %w", no))
		return
	}
	if status != http.StatusUnprocessableEntity {
		d.Wait = waitFor(no.RetryAfter)
		w.Header().Set("Retry-After", strconv.Itoa(max(1, no.RetryAfter)))
	}
	s.show(w, r, status, page, d)
}

// badCode says what is wrong with a code that was typed, and how many tries are
// left.
func (s *statePages) badCode(no *user.Refusal, v StateVisit) (why wrong, remaining int) {
	left, err := strconv.Atoi(no.Params["remaining"])
	switch {
	case err == nil && left > 0:
		return wrongCode, left
	case err != nil && s.codeOver(v) == wrongExpired:
		return wrongExpired, 0
	case err != nil:
		return wrongGone, 0
	default:
		return wrongDead, 0
	}
}
