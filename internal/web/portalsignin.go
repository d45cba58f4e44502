package web

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/usher-id/usher/internal/roundtrip"
	"github.com/usher-id/usher/internal/user"
)

// start sends a browser to the realm, to sign in or to register.
func (s *portalPages) start(register bool) portalPage {
	return func(w http.ResponseWriter, r *http.Request, v visitor) {
		next := own(r.URL.Query().Get(saysNext), v.lang)
		if v.in {
			s.see(w, next)
			return
		}
		to, secret, err := s.People.Start(r.Context(), s.tripOf(r), next, register)
		if err != nil {
			s.refuseSignIn(w, r, v, err)
			return
		}
		s.setCookie(w, s.Trip, secret, roundtrip.Life)
		s.see(w, to)
	}
}

func (s *portalPages) tripOf(r *http.Request) string {
	c, err := r.Cookie(s.Trip)
	if err != nil {
		return ""
	}
	return c.Value
}

// back takes a browser that comes back from the realm.
func (s *portalPages) back(w http.ResponseWriter, r *http.Request, v visitor) {
	q := r.URL.Query()
	in, err := s.People.Back(r.Context(), roundtrip.Answer{
		State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), Issuer: q.Get("iss"), Cookie: s.tripOf(r),
	})
	if err != nil {
		if no, ok := errors.AsType[*user.Refusal](err); ok && no.Field == "state" && v.in {
			s.see(w, "/"+v.lang+"/") // the back button, or a second click
			return
		}
		s.refuseSignIn(w, r, v, err)
		return
	}
	s.setCookie(w, s.Session, in.Token, time.Until(in.Until))
	s.see(w, own(in.Next, v.lang))
}

// refuseSignIn says why nobody is signed in, and what to do.
func (s *portalPages) refuseSignIn(w http.ResponseWriter, r *http.Request, v visitor, err error) {
	no, ok := errors.AsType[*user.Refusal](err)
	if !ok {
		s.faulty(w, r, err)
		return
	}
	again := "/" + v.lang + "/sign-in"
	switch {
	case no.Code == user.Busy:
		w.Header().Set("Retry-After", strconv.Itoa(max(no.RetryAfter, 1)))
		s.message(w, r, http.StatusServiceUnavailable, v, "busy", again)
	case no.Code == user.BadToken && no.Field == "state":
		s.message(w, r, http.StatusBadRequest, v, "over", again)
	case no.Code == user.Forbidden && no.Params["error"] == "access_denied":
		s.message(w, r, http.StatusForbidden, v, "cancelled", again)
	default:
		s.message(w, r, http.StatusForbidden, v, "refused", again)
	}
}

func (s *portalPages) toHome(w http.ResponseWriter, _ *http.Request, v visitor) {
	s.see(w, "/"+v.lang+"/")
}

// signOut ends the session here, and leads to where the realm ends its own: else the
// next click on sign in would let the next person at this computer in.
func (s *portalPages) signOut(w http.ResponseWriter, r *http.Request, v visitor) {
	if v.in {
		if err := s.People.SignOut(r.Context(), v.here); err != nil {
			s.faulty(w, r, err)
			return
		}
	}
	s.setCookie(w, s.Session, "", -time.Second)
	s.see(w, s.SignedOut("/"+v.lang+"/"))
}
