package web

import (
	"errors"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/usher-id/usher/internal/server"
	"github.com/usher-id/usher/internal/user"
)

// The paths of the pages of a state sign-in.
const (
	pathContact   = "/sign-in/sso/update/contact"
	pathCode      = "/sign-in/sso/verify/code"
	pathAgain     = "/sign-in/sso/resend/code"
	pathChallenge = "/sign-in/sso/challenge"
	pathError     = "/sso/sign-in/error"
	pathHome      = "/resources"
	pathSignOut   = "/sso/sign-out"
)

// maxTyped is longer than any phone or code.
const maxTyped = 64

// statePages serves the pages of state sign-ins: they work without a script, and
// only POST does anything.
type statePages struct {
	*Pages
	States
	network func(*http.Request) netip.Prefix
}

// stateData is what the templates named state-… see.
type stateData struct {
	StateVisit
	Path    string
	Wrong   string // what is wrong, as a word that the template has a sentence for
	Wait    wait
	Seconds int // until another text may be asked for
	Text    string
	In      bool // somebody is signed in
	Langs   []langLink
}

// langLink leads to the same page in another language.
type langLink struct{ Tag, Name string }

// stateLangs are the languages of these pages.
var stateLangs = []langLink{{"en", "English"}, {"hi", "हिन्दी"}}

func (p *Pages) serveStates(o Options) {
	s := &statePages{Pages: p, States: *o.States, network: o.Network}
	if s.network == nil {
		s.network = server.ClientNetwork
	}
	own := func(h http.HandlerFunc) http.Handler { return (&linkPages{Pages: p}).ownPagesOnly(h) }
	for path, steps := range map[string]struct {
		show  http.HandlerFunc
		press http.HandlerFunc
	}{
		pathContact:   {s.step(StateContact, "state-contact"), s.contact},
		pathCode:      {s.step(StateCode, "state-code"), s.code},
		pathAgain:     {s.step(StateCode, "state-code"), s.again},
		pathChallenge: {s.step(StateChallenge, "state-challenge"), s.challenge},
		pathHome:      {s.home, nil},
		pathSignOut:   {s.home, s.signOut},
		pathError:     {s.errorPage, nil},
	} {
		p.mux.Handle(path, s.inLanguage(s.methods(steps.show, steps.press, own)))
	}
}

// methods gives GET the page and POST the work.
func (s *statePages) methods(show, press http.HandlerFunc, own func(http.HandlerFunc) http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Robots-Tag", "noindex, nofollow")
		switch {
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			show(w, r)
		case r.Method == http.MethodPost && press != nil:
			own(press).ServeHTTP(w, r)
		default:
			w.Header().Set("Allow", "GET, HEAD")
			if press != nil {
				w.Header().Set("Allow", "GET, HEAD, POST")
			}
			problem(w, http.StatusMethodNotAllowed, "This page can be read, and its form sent with POST.")
		}
	}
}

const langCookie = "usher_lang"

// inLanguage keeps the language that somebody chose.
func (s *statePages) inLanguage(h http.HandlerFunc) http.HandlerFunc {
	known := func(tag string) bool {
		return slices.ContainsFunc(stateLangs, func(l langLink) bool { return l.Tag == tag })
	}
	return func(w http.ResponseWriter, r *http.Request) {
		chosen := r.URL.Query().Get("lang")
		if c, err := r.Cookie(langCookie); !known(chosen) && err == nil {
			chosen = c.Value
		} else if known(chosen) {
			http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever usher is reached by https
				Name: langCookie, Value: chosen, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.Secure,
			})
		}
		if known(chosen) {
			r = r.Clone(r.Context())
			r.Header.Set("Accept-Language", chosen)
		}
		h(w, r)
	}
}

func (s *statePages) cookie(r *http.Request) string {
	c, err := r.Cookie(s.Cookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// step shows a page of a visit, or leads to the one where the visit stands: back
// buttons and second tabs end where they can go on.
func (s *statePages) step(at StateStep, name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := s.Visits.Look(r.Context(), s.cookie(r))
		if err != nil {
			s.refuse(w, r, stateData{}, name, err)
			return
		}
		// A phone can be changed as long as nobody is in.
		changing := at == StateContact && v.Step == StateCode && r.URL.Query().Has("change")
		if v.Step != at && !changing || r.URL.Path == pathAgain {
			s.see(w, stepPath(v.Step))
			return
		}
		s.show(w, r, http.StatusOK, name, stateData{StateVisit: v})
	}
}

func stepPath(at StateStep) string {
	switch at {
	case StateCode:
		return pathCode
	case StateChallenge:
		return pathChallenge
	case StateDone:
		return pathHome
	default:
		return pathContact
	}
}

func (s *statePages) show(w http.ResponseWriter, r *http.Request, status int, name string, d stateData) {
	d.Path, d.Langs = r.URL.Path, stateLangs
	if left := d.Resend.Sub(s.Now()); left > 0 {
		d.Seconds = int(math.Ceil(left.Seconds()))
	}
	s.renderAs(w, r, status, name, view{Guest: true, Data: d, Script: name == "state-code", FormAction: d.Origin})
}

// see leads to another page after a form was taken.
func (s *statePages) see(w http.ResponseWriter, to string) {
	secure(w.Header(), dataPolicy)
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// typed reads one field of a form; if that fails it has answered.
func (s *statePages) typed(w http.ResponseWriter, r *http.Request, field string) (string, bool) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		secure(w.Header(), dataPolicy)
		problem(w, http.StatusBadRequest, "The form could not be read.")
		return "", false
	}
	text := strings.TrimSpace(r.PostForm.Get(field))
	if len(text) > maxTyped {
		text = text[:maxTyped]
	}
	return text, true
}

func (s *statePages) asking(r *http.Request) StateAsking {
	return StateAsking{Network: s.network(r), Lang: r.Header.Get("Accept-Language")}
}

func (s *statePages) contact(w http.ResponseWriter, r *http.Request) {
	phone, ok := s.typed(w, r, "phone")
	if !ok {
		return
	}
	if err := s.Visits.Text(r.Context(), s.cookie(r), phone, s.asking(r)); err != nil {
		s.refuse(w, r, stateData{StateVisit: StateVisit{Step: StateContact, Typed: phone}}, "state-contact", err)
		return
	}
	s.see(w, pathCode)
}

func (s *statePages) code(w http.ResponseWriter, r *http.Request) {
	code, ok := s.typed(w, r, "code")
	if !ok {
		return
	}
	// People type what they read, with the space between.
	code = strings.Map(func(c rune) rune {
		if c == ' ' || c == '-' {
			return -1
		}
		return c
	}, code)
	next, err := s.Visits.Enter(r.Context(), s.cookie(r), code)
	if err != nil {
		s.refuseVisit(w, r, "state-code", err)
		return
	}
	s.see(w, next)
}

func (s *statePages) again(w http.ResponseWriter, r *http.Request) {
	v, err := s.Visits.Look(r.Context(), s.cookie(r))
	if err == nil && v.Resend.After(s.Now()) {
		s.show(w, r, http.StatusTooManyRequests, "state-code", stateData{StateVisit: v, Wrong: "early"})
		return
	}
	if err == nil {
		err = s.Visits.Again(r.Context(), s.cookie(r), s.asking(r))
	}
	if err != nil {
		s.refuseVisit(w, r, "state-code", err)
		return
	}
	s.see(w, pathCode+"?sent")
}

func (s *statePages) challenge(w http.ResponseWriter, r *http.Request) {
	answer, ok := s.typed(w, r, "mine")
	if !ok {
		return
	}
	next, err := s.Visits.Link(r.Context(), s.cookie(r), answer == "yes")
	if err != nil {
		s.refuseVisit(w, r, "state-challenge", err)
		return
	}
	s.see(w, next)
}

// refuseVisit is refuse on the page of the visit as it stands now.
func (s *statePages) refuseVisit(w http.ResponseWriter, r *http.Request, name string, err error) {
	v, gone := s.Visits.Look(r.Context(), s.cookie(r))
	if gone != nil {
		s.refuse(w, r, stateData{}, name, gone)
		return
	}
	s.refuse(w, r, stateData{StateVisit: v}, name, err)
}

// refuse says on a page what is wrong.
func (s *statePages) refuse(w http.ResponseWriter, r *http.Request, d stateData, name string, err error) {
	no, ok := errors.AsType[*user.Refusal](err)
	if !ok {
		(&linkPages{Pages: s.Pages}).faulty(w, r, err)
		return
	}
	status := http.StatusUnprocessableEntity
	switch no.Code {
	case user.BadToken:
		s.show(w, r, http.StatusGone, "state-over", d)
		return
	case user.Throttled, user.Busy:
		d.Wrong, d.Wait, status = "wait", waitFor(no.RetryAfter), http.StatusTooManyRequests
		if no.Code == user.Busy {
			status = http.StatusServiceUnavailable
		}
		w.Header().Set("Retry-After", strconv.Itoa(max(1, no.RetryAfter)))
	case user.UserLocked, user.UserDeleted:
		d.Wrong = "blocked"
	case user.Unsupported:
		d.Wrong = "country"
	case user.BadCredential:
		d.Wrong = "code"
		left, err := strconv.Atoi(no.Params["remaining"])
		d.Remaining = left
		if err != nil || left == 0 {
			d.Wrong = "dead"
		}
	case user.NotFound:
		d.Wrong = "school"
	default:
		d.Wrong = "phone"
		if name == "state-code" || name == "state-challenge" {
			s.see(w, stepPath(d.Step)) // the visit stands elsewhere
			return
		}
	}
	s.show(w, r, status, name, d)
}

// home is where a sign-in ends that names no front end: it says who is in.
func (s *statePages) home(w http.ResponseWriter, r *http.Request) {
	name, in, err := s.Visits.Who(r.Context(), r)
	if err != nil {
		(&linkPages{Pages: s.Pages}).faulty(w, r, err)
		return
	}
	status := http.StatusOK
	if !in {
		status = http.StatusUnauthorized
	}
	s.show(w, r, status, "state-home", stateData{StateVisit: StateVisit{Name: name}, In: in})
}

func (s *statePages) signOut(w http.ResponseWriter, r *http.Request) {
	if err := s.Visits.SignOut(r.Context(), r); err != nil {
		(&linkPages{Pages: s.Pages}).faulty(w, r, err)
		return
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever usher is reached by https
		Name: s.Session, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.Secure,
	})
	s.see(w, pathHome)
}

// errorPage says why a sign-in failed: one of the texts there are, whatever the
// address says.
func (s *statePages) errorPage(w http.ResponseWriter, r *http.Request) {
	said := r.URL.Query().Get("error_message")
	kind := "trouble"
	for i, text := range s.Texts {
		before, after, named := strings.Cut(text, "{site}")
		if said == text || named && strings.HasPrefix(said, before) && strings.HasSuffix(said, after) && len(said) < len(text)+maxTyped {
			kind = stateTexts[i]
		}
	}
	s.show(w, r, http.StatusOK, "state-error", stateData{Text: kind})
}

// stateTexts are what the template calls States.Texts, in their order.
var stateTexts = []string{"invalid", "school", "blocked", "trouble", "google"}
