package web

import (
	"errors"
	"net/http"
	"time"

	"github.com/usher-id/usher/internal/registrant"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// portalRequest is somebody who waits for a decision, as a page shows it.
type portalRequest struct {
	ID                user.ID
	Name, Email, What string
	Asked             time.Time
}

type portalRequests struct {
	portalBase
	Decided  bool
	Requests []portalRequest
}

// saysDecided, in a query, is that a request was decided a moment ago.
const saysDecided = "decided"

func (s *portalPages) requests(w http.ResponseWriter, r *http.Request, v visitor) {
	all, err := s.People.Requests(r.Context())
	if err != nil {
		s.faulty(w, r, err)
		return
	}
	d := portalRequests{portalBase: s.base(r, v), Decided: r.URL.Query().Has(saysDecided)}
	for _, one := range all {
		d.Requests = append(d.Requests, d.waiting(one))
	}
	s.showIn(w, r, http.StatusOK, v, "portal-requests", d)
}

func (b portalBase) waiting(one registrant.Request) portalRequest {
	return portalRequest{ID: one.Strand, Name: called(one.Account), Email: one.Account.Email, What: b.Title(one.Type), Asked: one.Asked}
}

type portalDecision struct {
	portalBase
	portalRequest
	Rows    []labelled
	Sources []portalSource
	Own     bool // nobody decides on their own
	Wrong   string
	Reason  string
	History []store.Event
}

type portalSource struct {
	Source user.Source
	Since  time.Time
}

func (s *portalPages) request(w http.ResponseWriter, r *http.Request, v visitor) {
	s.showRequest(w, r, http.StatusOK, v, "", "")
}

func (s *portalPages) showRequest(w http.ResponseWriter, r *http.Request, status int, v visitor, wrong, reason string) {
	one, err := s.People.Request(r.Context(), user.ID(r.PathValue("id")))
	if no, ok := errors.AsType[*user.Refusal](err); ok && no.Code == user.NotFound {
		s.message(w, r, http.StatusNotFound, v, "decided-already", "/console/requests")
		return
	}
	if err != nil {
		s.faulty(w, r, err)
		return
	}
	d := portalDecision{portalBase: s.base(r, v), Own: one.User.ID == v.here.User.ID, Wrong: wrong, Reason: reason, History: one.History}
	d.portalRequest, d.Rows = d.waiting(one), d.rows(one.Account)
	for _, st := range one.Strands {
		d.Sources = append(d.Sources, portalSource{st.Source, st.Created})
	}
	s.showIn(w, r, status, v, "portal-request", d)
}

// decide approves or refuses a request.
func (s *portalPages) decide(w http.ResponseWriter, r *http.Request, v visitor) {
	verdict, reason := store.Verdict(r.PostFormValue("verdict")), r.PostFormValue("reason")
	if verdict != store.Approved && verdict != store.Refused {
		s.showRequest(w, r, http.StatusBadRequest, v, "", reason)
		return
	}
	err := s.People.Decide(r.Context(), user.ID(r.PathValue("id")), verdict, reason, string(v.here.User.ID))
	no, refused := errors.AsType[*user.Refusal](err)
	switch {
	case refused && no.Field == "reason":
		s.showRequest(w, r, http.StatusBadRequest, v, "wrong.reason", reason)
	case refused && no.Code == user.NotFound:
		s.message(w, r, http.StatusNotFound, v, "decided-already", "/console/requests")
	case refused:
		s.message(w, r, http.StatusForbidden, v, "operators", "/console/requests")
	case err != nil:
		s.faulty(w, r, err)
	default:
		s.see(w, "/console/requests?"+saysDecided)
	}
}
