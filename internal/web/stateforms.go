package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/usher-id/usher/internal/user"
)

// The fields of the forms.
const (
	fieldPhone = "phone"
	fieldCode  = "code"
	fieldMine  = "mine"
)

// maxTyped is longer than any phone or code.
const maxTyped = 64

// codeDigits is how long every code is (contract sunbird.md, B.7).
const codeDigits = 6

// typed reads one field of a form; if that fails it has answered.
func (s *statePages) typed(w http.ResponseWriter, r *http.Request, field string) (string, bool) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		status := http.StatusBadRequest
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			status = http.StatusRequestEntityTooLarge
		}
		// What could not be read may be a phone: it goes into no log.
		problem(w, status, "The form could not be read.")
		return "", false
	}
	text := strings.TrimSpace(r.PostForm.Get(field))
	if len(text) > maxTyped {
		text = text[:maxTyped]
	}
	return text, true
}

func (s *statePages) asking(r *http.Request) StateAsking {
	return StateAsking{Network: s.network(r), Lang: s.lang(r)}
}

// contact sends a code to the phone that was typed.
func (s *statePages) contact(w http.ResponseWriter, r *http.Request) {
	phone, ok := s.typed(w, r, fieldPhone)
	if !ok {
		return
	}
	if err := s.Visits.Text(r.Context(), s.cookie(r), plainDigits(phone), s.asking(r)); err != nil {
		s.refuseVisit(w, r, StateContact, err, func(v *StateVisit) { v.Typed = phone })
		return
	}
	s.see(w, pathCode)
}

// code lets in who types the right one. What cannot be a code costs no try.
func (s *statePages) code(w http.ResponseWriter, r *http.Request) {
	typed, ok := s.typed(w, r, fieldCode)
	if !ok {
		return
	}
	code, ok := plainCode(typed)
	if !ok {
		s.refuseVisit(w, r, StateCode, user.Refuse(user.Invalid, fieldCode), nil)
		return
	}
	next, err := s.Visits.Enter(r.Context(), s.cookie(r), code)
	if err != nil {
		s.refuseVisit(w, r, StateCode, err, nil)
		return
	}
	s.see(w, next)
}

// plainCode is a code as it was made: people type what they read, with the space
// between, and in the digits of their script. False for what cannot be one.
func plainCode(typed string) (code string, ok bool) {
	code = strings.Map(func(c rune) rune {
		if c == ' ' || c == '-' || c == '\u00a0' {
			return -1
		}
		return c
	}, plainDigits(typed))
	return code, len(code) == codeDigits && strings.Trim(code, "0123456789") == ""
}

// plainDigits writes the digits of people's script as 0 to 9.
func plainDigits(typed string) string {
	return strings.Map(func(c rune) rune {
		if c >= '०' && c <= '९' {
			return c - '०' + '0'
		}
		return c
	}, typed)
}

// again sends another text, when the last one has had its time.
func (s *statePages) again(w http.ResponseWriter, r *http.Request) {
	v, err := s.Visits.Look(r.Context(), s.cookie(r))
	if err == nil && v.Step != StateCode {
		s.lead(w, r, v.Step)
		return
	}
	if err == nil && v.Resend.After(s.Now()) {
		s.early(w, r, v)
		return
	}
	if err == nil {
		err = s.Visits.Again(r.Context(), s.cookie(r), s.asking(r))
	}
	if err != nil {
		s.refuseVisit(w, r, StateCode, err, nil)
		return
	}
	s.see(w, pathCode+"?"+saysSent)
}

// challenge answers whether the account that has the phone is the person's own.
func (s *statePages) challenge(w http.ResponseWriter, r *http.Request) {
	answer, ok := s.typed(w, r, fieldMine)
	if !ok {
		return
	}
	if answer != "yes" && answer != "no" {
		s.step("")(w, r) // no button of the page sends that: it is asked again
		return
	}
	next, err := s.Visits.Link(r.Context(), s.cookie(r), answer == "yes")
	if err != nil {
		s.refuseVisit(w, r, StateChallenge, err, nil)
		return
	}
	s.see(w, next)
}
