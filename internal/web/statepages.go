package web

import (
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/server"
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
	Wrong   wrong
	Wait    wait // until what was refused may be tried again
	Seconds int  // until another text may be asked for
	Again   wait // Seconds, as people say it
	Sent    bool // another text was sent a moment ago
	Text    string
	In      bool // somebody is signed in
	Langs   []langLink
}

// Over says that no code of this visit is alive: there is none to type.
func (d stateData) Over() bool {
	return d.Wrong == wrongDead || d.Wrong == wrongExpired || d.Wrong == wrongGone
}

func (p *Pages) serveStates(o Options) {
	s := &statePages{Pages: p, States: *o.States, network: o.Network}
	if s.network == nil {
		s.network = server.ClientNetwork
	}
	for path, h := range map[string]struct{ show, press http.HandlerFunc }{
		pathContact:   {s.step(StateContact), s.contact},
		pathCode:      {s.step(StateCode), s.code},
		pathAgain:     {s.step(""), s.again},
		pathChallenge: {s.step(StateChallenge), s.challenge},
		pathHome:      {s.home, nil},
		pathSignOut:   {s.toHome, s.signOut},
		pathError:     {s.errorPage, nil},
	} {
		p.mux.Handle(path, s.inLanguage(s.methods(h.show, h.press)))
	}
}

// methods gives GET the page and POST the work, if there is any.
func (s *statePages) methods(show, press http.HandlerFunc) http.HandlerFunc {
	allow, pressed := "GET, HEAD", http.Handler(nil)
	if press != nil {
		allow, pressed = "GET, HEAD, POST", s.ownPagesOnly(press)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Robots-Tag", "noindex, nofollow")
		switch {
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			show(w, r)
		case r.Method == http.MethodPost && pressed != nil:
			pressed.ServeHTTP(w, r)
		default:
			w.Header().Set("Allow", allow)
			problem(w, http.StatusMethodNotAllowed, "This page takes these methods: "+allow+".")
		}
	}
}

// ownPagesOnly refuses a form that another site sends. A browser's cookie is the
// authority here, so that a form without an origin, such as a page of another site
// can send, is refused too: these pages let browsers say where they come from.
func (s *statePages) ownPagesOnly(h http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.show(w, r, http.StatusForbidden, "state-foreign", stateData{})
	}))
	return protection.Handler(h)
}

func (s *statePages) cookie(r *http.Request) string {
	c, err := r.Cookie(s.Cookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// stateSteps are the page and the path of each step.
var stateSteps = map[StateStep]struct{ page, path string }{
	StateContact:   {"state-contact", pathContact},
	StateCode:      {"state-code", pathCode},
	StateChallenge: {"state-challenge", pathChallenge},
	StateDone:      {"", pathHome},
}

// step shows a page of a visit, or leads to the one where the visit stands: back
// buttons and second tabs end where they can go on. With no step of its own it
// always leads there.
func (s *statePages) step(at StateStep) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := s.Visits.Look(r.Context(), s.cookie(r))
		if err != nil {
			s.refuse(w, r, stateData{}, err)
			return
		}
		// A phone can be changed as long as nobody is in.
		changing := at == StateContact && v.Step == StateCode && r.URL.Query().Has(saysChange)
		if v.Step != at && !changing {
			s.lead(w, r, v.Step)
			return
		}
		d := stateData{StateVisit: v}
		if at == StateCode {
			d.Wrong = s.codeOver(v)
			d.Sent = r.URL.Query().Has(saysSent) && d.Wrong == ""
		}
		s.show(w, r, http.StatusOK, stateSteps[at].page, d)
	}
}

// saysChange, in the query of the contact page, asks for it though a code was sent.
const saysChange = "change"

// lead goes to the page of a step.
func (s *statePages) lead(w http.ResponseWriter, r *http.Request, at StateStep) {
	to, known := stateSteps[at]
	if !known {
		s.faulty(w, r, fmt.Errorf("no page for a visit at %q", at))
		return
	}
	s.see(w, to.path)
}

// codeOver says whether a visit's code can be typed no more, and why.
func (s *statePages) codeOver(v StateVisit) wrong {
	switch {
	case v.Remaining == 0:
		return wrongDead
	case !v.Until.IsZero() && !v.Until.After(s.Now()):
		return wrongExpired
	default:
		return ""
	}
}

// show writes a page.
func (s *statePages) show(w http.ResponseWriter, r *http.Request, status int, name string, d stateData) {
	d.Langs = s.langs(r, d)
	if left := d.Resend.Sub(s.Now()); left > 0 {
		d.Seconds = int(math.Ceil(left.Seconds()))
		d.Again = waitFor(d.Seconds)
	}
	v := view{Guest: true, OwnForms: true, Script: name == "state-code", Data: d}
	if isOrigin(d.Origin) {
		v.FormAction = d.Origin
	}
	s.renderAs(w, r, status, name, v)
}

// isOrigin says whether a text is one, and fit for a policy's list of them.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && text == u.Scheme+"://"+u.Host && !strings.ContainsAny(text, " ;,'\"*")
}

// see leads to another page after a form was taken.
func (s *statePages) see(w http.ResponseWriter, to string) {
	secure(w.Header(), dataPolicy)
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// home is where a sign-in ends that names no front end: it says who is in.
func (s *statePages) home(w http.ResponseWriter, r *http.Request) {
	name, in, err := s.Visits.Who(r.Context(), r)
	if err != nil {
		s.faulty(w, r, err)
		return
	}
	status := http.StatusOK
	if !in {
		status = http.StatusUnauthorized
	}
	s.show(w, r, status, "state-home", stateData{StateVisit: StateVisit{Name: name}, In: in})
}

func (s *statePages) toHome(w http.ResponseWriter, _ *http.Request) { s.see(w, pathHome) }

// signOut ends the session, and has the browser forget the visit that led to it:
// who comes to a shared computer next must not go on in it.
func (s *statePages) signOut(w http.ResponseWriter, r *http.Request) {
	if err := s.Visits.SignOut(r.Context(), r); err != nil {
		s.faulty(w, r, err)
		return
	}
	for _, name := range []string{s.Session, s.Cookie} {
		s.setCookie(w, name, "", -time.Second)
	}
	s.see(w, pathHome)
}

func (s *statePages) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever usher is reached by https
		Name: name, Value: value, Path: "/", MaxAge: int(life.Seconds()), HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.Secure,
	})
}

// saysError, in the query of the error page, is what went wrong.
const saysError = "error_message"

// stateTexts are what the template calls States.Texts, in their order.
var stateTexts = []string{"invalid", "school", "blocked", "trouble", "google"}

// errorPage says why a sign-in failed: one of the texts there are, whatever the
// address says.
func (s *statePages) errorPage(w http.ResponseWriter, r *http.Request) {
	_, kind := s.said(r)
	s.show(w, r, http.StatusOK, "state-error", stateData{Text: kind})
}

// said finds which of States.Texts the address of the error page has. Where a text
// names the site, the address has any name there.
func (s *statePages) said(r *http.Request) (text, kind string) {
	said := r.URL.Query().Get(saysError)
	for i, text := range s.Texts[:min(len(s.Texts), len(stateTexts))] {
		before, after, named := strings.Cut(text, "{site}")
		if said == text || named && strings.HasPrefix(said, before) && strings.HasSuffix(said, after) {
			return text, stateTexts[i]
		}
	}
	return "", "trouble"
}
