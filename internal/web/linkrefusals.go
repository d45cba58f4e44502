package web

import (
	"errors"
	"net/http"

	"github.com/usher-id/usher/internal/user"
)

// The two fields of the form.
const (
	fieldFirst  = "password1"
	fieldSecond = "password2"
)

// complaints stand beside the fields that they are about.
type complaints struct{ First, Second []complaint }

// Any says whether there is one.
func (c complaints) Any() bool { return len(c.First)+len(c.Second) > 0 }

// complaint is one thing that is wrong; the template has the words.
type complaint struct {
	Why string // missing, mismatch, too_long, or a WeakPassword's
	To  string // too_similar: to what of the person's
	N   string // characters, of too_short and too_long
}

func tooLong(most string) complaint { return complaint{Why: "too_long", N: most} }

// judgement is what a refusal makes of a page.
type judgement struct {
	status     int // of a page that says to wait; 0: the form with complaints
	retryAfter int // seconds
	wrong      complaints
}

// judge reads refusals; false where any of the errors is a fault.
func judge(err error) (j judgement, ok bool) {
	for _, leaf := range leaves(err) {
		no, isRefusal := errors.AsType[*user.Refusal](leaf)
		if !isRefusal {
			return j, false
		}
		switch no.Code {
		case user.Throttled:
			j.status, j.retryAfter = http.StatusTooManyRequests, max(j.retryAfter, no.RetryAfter)
		case user.Busy:
			if j.status == 0 {
				j.status = http.StatusServiceUnavailable
			}
			j.retryAfter = max(j.retryAfter, no.RetryAfter)
		case user.Missing, user.WeakPassword, user.TooLarge, user.Invalid:
			j.wrong.add(no)
		default:
			return j, false
		}
	}
	return j, true
}

// add puts a complaint to its field. What is wrong with a password is wrong with
// the first one typed, whichever field an API would name for it; the second is
// there to be the same.
func (c *complaints) add(no *user.Refusal) {
	one := complaint{Why: no.Params["why"], To: no.Params["to"], N: no.Params["min"]}
	switch no.Code {
	case user.Missing:
		one.Why = "missing"
	case user.TooLarge:
		one = tooLong(no.Params["max"])
	}
	if one.Why == "mismatch" || one.Why == "missing" && no.Field == fieldSecond {
		c.Second = append(c.Second, one)
		return
	}
	c.First = append(c.First, one)
}

// leaves are the errors that an error was joined or wrapped from.
func leaves(err error) []error {
	switch e := err.(type) { //nolint:errorlint // takes the tree apart itself
	case interface{ Unwrap() []error }:
		var all []error
		for _, one := range e.Unwrap() {
			all = append(all, leaves(one)...)
		}
		return all
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return leaves(inner)
		}
	}
	return []error{err}
}

// wait is a time as people say it.
type wait struct {
	N    int
	Unit string // second, minute, hour; empty: a moment
}

func waitFor(seconds int) wait {
	switch {
	case seconds <= 0:
		return wait{}
	case seconds <= 90:
		return wait{seconds, "second"}
	case seconds <= 90*60:
		return wait{(seconds + 59) / 60, "minute"}
	default:
		return wait{(seconds + 3599) / 3600, "hour"}
	}
}
