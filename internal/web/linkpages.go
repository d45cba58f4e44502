package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"

	"github.com/usher-id/usher/internal/server"
)

const (
	// maxToken is far more than any that was mailed.
	maxToken = 4 << 10
	// maxPassword is in bytes; what is longer is not even looked at.
	maxPassword = 1 << 10
	// maxForm holds two passwords with every byte escaped, and little else.
	maxForm = 8 << 10
)

// linkPages serves what mailed links open: a page that says what the link would
// do, and does it when its button is pressed. Programs that follow every link of
// a mail press none. The token is the whole authority: there are no cookies.
type linkPages struct {
	*Pages
	links   Links
	network func(*http.Request) netip.Prefix
}

// linkData is what the templates named link-… see.
type linkData struct {
	Link
	Kind   LinkKind
	Action string // the link's own path
	Just   bool   // it was used a moment ago, by whoever looks
	Wrong  complaints
	Wait   wait
}

func (p *Pages) serveLinks(o Options) {
	l := &linkPages{Pages: p, links: o.Links, network: o.Network}
	if l.network == nil {
		l.network = server.ClientNetwork
	}
	for _, kind := range []LinkKind{Activate, Reset, Set} {
		path := "/" + string(kind)
		use, again := l.serve(kind, l.use), l.serve(kind, l.again)
		// A link that was torn off its token, or that got a slash on its way, is
		// still a link.
		for _, pattern := range []string{path, path + "/{$}", path + "/{token}", path + "/{token}/{$}"} {
			p.mux.Handle(pattern, use)
		}
		p.mux.Handle(path+"/{token}/again", again)
	}
}

// linkHandler answers for one link; d has its kind and path.
type linkHandler func(w http.ResponseWriter, r *http.Request, d linkData, token string)

// serve shows a link's state to GET and HEAD, and leaves POST to press.
func (l *linkPages) serve(kind LinkKind, press linkHandler) http.Handler {
	bind := func(h linkHandler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token := r.PathValue("token")
			d := linkData{Kind: kind, Action: "/" + string(kind) + "/" + url.PathEscape(token)}
			if token == "" || len(token) > maxToken {
				d.State = Dead
				l.tell(w, r, d)
				return
			}
			h(w, r, d, token)
		})
	}
	show, pressed := bind(l.show), l.ownPagesOnly(bind(press))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Robots-Tag", "noindex, nofollow")
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			show.ServeHTTP(w, r)
		case http.MethodPost:
			pressed.ServeHTTP(w, r)
		default:
			w.Header().Set("Allow", "GET, HEAD, POST")
			problem(w, http.StatusMethodNotAllowed, "This page can be read, and its form sent with POST.")
		}
	})
}

// ownPagesOnly refuses a form that another site sends.
func (l *linkPages) ownPagesOnly(h http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.page(w, r, http.StatusForbidden, "link-foreign", linkData{})
	}))
	checked := protection.Handler(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// "Referrer-Policy: no-referrer" makes browsers send "Origin: null" with this
		// very page's form, and those that are old, or that came by plain HTTP, say
		// nothing else. To take it from them gives nothing away: a page that knows a
		// token needs nobody's browser to use it.
		if r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "null" {
			h.ServeHTTP(w, r)
			return
		}
		checked.ServeHTTP(w, r)
	})
}

// What the query of a link's own page says after a press. Anybody can write it,
// so the state decides which page there is, and this no more than its words.
const (
	saysDone = "done" // with a value: how
	saysSent = "sent"

	doneKept   = "kept"   // the account's former password counts
	doneBefore = "before" // it had been done already
)

// show says what a link would do or has done.
func (l *linkPages) show(w http.ResponseWriter, r *http.Request, d linkData, token string) {
	var err error
	if d.Link, err = l.links.Look(r.Context(), d.Kind, token); err != nil {
		l.refuse(w, r, d, err)
		return
	}
	q := r.URL.Query()
	switch {
	case q.Has(saysSent) && (d.State == Expired || d.State == Dead): // Dead: a new one took its place
		l.page(w, r, http.StatusOK, "link-sent", d)
		return
	case q.Has(saysDone): // only the page of a link that is done listens
		d.Just = q.Get(saysDone) != doneBefore
		d.LeftPassword = d.LeftPassword || q.Get(saysDone) == doneKept
	}
	l.tell(w, r, d)
}

// tell writes the page of a link's state.
func (l *linkPages) tell(w http.ResponseWriter, r *http.Request, d linkData) {
	switch d.State {
	case Fresh:
		l.page(w, r, http.StatusOK, "link-ask", d)
	case Done, Used:
		l.page(w, r, http.StatusOK, "link-done", d)
	case Expired:
		l.page(w, r, http.StatusGone, "link-expired", d)
	case Dead:
		l.page(w, r, http.StatusNotFound, "link-dead", d)
	case Taken:
		l.page(w, r, http.StatusConflict, "link-taken", d)
	default:
		l.faulty(w, r, fmt.Errorf("no page for a link that is %q", d.State))
	}
}

// use does what the link is for.
func (l *linkPages) use(w http.ResponseWriter, r *http.Request, d linkData, token string) {
	var err error
	if d.Link, err = l.links.Look(r.Context(), d.Kind, token); err != nil {
		l.refuse(w, r, d, err)
		return
	}
	if d.State == Fresh {
		var first, second string
		if d.AsksPassword {
			var ok bool
			if first, second, ok = l.passwords(w, r, d); !ok {
				return
			}
		}
		done, err := l.links.Use(r.Context(), d.Kind, token, l.network(r), first, second)
		if err != nil {
			l.refuse(w, r, d, err)
			return
		}
		if d.Link = done; d.State == Done {
			said := ""
			if d.LeftPassword {
				said = doneKept
			}
			seeOther(w, saysDone, said)
			return
		}
	}
	if d.State == Done || d.State == Used { // a second press, or another tab's
		seeOther(w, saysDone, doneBefore)
		return
	}
	l.tell(w, r, d)
}

// passwords reads the form; if that fails, it has answered.
func (l *linkPages) passwords(w http.ResponseWriter, r *http.Request, d linkData) (first, second string, ok bool) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			l.complain(w, r, http.StatusRequestEntityTooLarge, d, complaints{First: []complaint{tooLong("")}})
			return "", "", false
		}
		// What could not be read may be a password: it goes into no log.
		secure(w.Header(), dataPolicy)
		problem(w, http.StatusBadRequest, "The form could not be read.")
		return "", "", false
	}
	first, second = r.PostForm.Get(fieldFirst), r.PostForm.Get(fieldSecond)
	if len(first) > maxPassword || len(second) > maxPassword {
		l.complain(w, r, http.StatusUnprocessableEntity, d, complaints{First: []complaint{tooLong("")}})
		return "", "", false
	}
	return first, second, true
}

// again asks for a new link in place of one that expired.
func (l *linkPages) again(w http.ResponseWriter, r *http.Request, d linkData, token string) {
	if err := l.links.Again(r.Context(), d.Kind, token, l.network(r)); err != nil {
		l.refuse(w, r, d, err)
		return
	}
	seeOther(w, saysSent, "")
}

// refuse says why something was not done: at the fields where they are wrong.
func (l *linkPages) refuse(w http.ResponseWriter, r *http.Request, d linkData, err error) {
	no, ok := judge(err)
	switch {
	case !ok:
		l.faulty(w, r, err)
	case no.status != 0:
		d.Wait = waitFor(no.retryAfter)
		w.Header().Set("Retry-After", strconv.Itoa(max(1, no.retryAfter)))
		l.page(w, r, no.status, "link-wait", d)
	default:
		l.complain(w, r, http.StatusUnprocessableEntity, d, no.wrong)
	}
}

// complain shows the form again, with what is wrong and without what was typed.
func (l *linkPages) complain(w http.ResponseWriter, r *http.Request, status int, d linkData, wrong complaints) {
	if d.State != Fresh || !d.AsksPassword {
		l.faulty(w, r, errors.New("a password was refused where none is asked for"))
		return
	}
	d.Wrong = wrong
	l.page(w, r, status, "link-ask", d)
}

// faulty is fault for pages that only people open.
func (p *Pages) faulty(w http.ResponseWriter, r *http.Request, err error) {
	r = r.Clone(r.Context())
	r.Header.Set("Accept", "text/html")
	p.fault(w, r, err)
}

func (l *linkPages) page(w http.ResponseWriter, r *http.Request, status int, name string, d linkData) {
	l.renderAs(w, r, status, name, view{Guest: true, Data: d})
}

// seeOther leads to the link's own page, so that loading it again repeats
// nothing. The address is relative: a token stands in no header.
func seeOther(w http.ResponseWriter, key, value string) {
	secure(w.Header(), dataPolicy)
	query := "?" + key
	if value != "" {
		query += "=" + value
	}
	w.Header().Set("Location", query)
	w.WriteHeader(http.StatusSeeOther)
}
