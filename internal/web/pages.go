package web

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/usher-id/usher/internal/server"
	"github.com/usher-id/usher/internal/store"
)

//go:embed templates
var templateFiles embed.FS

// Options is what the pages are made of.
type Options struct {
	Store store.Store // messages for the development inbox, jobs for the operator
	Start Start
	Log   *slog.Logger
	// Links is what mailed links do; nil: their pages do not exist.
	Links Links
	// States is how the pages of state sign-ins are served; nil: they do not exist.
	States *States
	// Portal is how the portal's pages are served; nil: they do not exist.
	Portal *Portal
	// Network is what a caller is counted by; nil: server.ClientNetwork.
	Network func(*http.Request) netip.Prefix
}

// Pages serves the pages.
type Pages struct {
	store store.Store
	info  Start
	log   *slog.Logger

	mux    *http.ServeMux
	whole  http.Handler     // mux, for paths as written
	assets map[string]asset // by path
	pages  map[string]page  // by name
}

// page is one page in every language that has it.
type page struct {
	langs []string // the base first
	in    []*template.Template
	match language.Matcher
}

// New makes the pages. The development inbox exists in development mode only.
func New(o Options) (*Pages, error) {
	p := &Pages{store: o.Store, info: o.Start, log: o.Log, mux: http.NewServeMux()}
	var err error
	if p.assets, err = loadAssets(); err != nil {
		return nil, fmt.Errorf("reading the assets: %w", err)
	}
	if err = p.load(); err != nil {
		return nil, fmt.Errorf("reading the page templates: %w", err)
	}
	p.get("/{$}", p.start)
	for path, a := range p.assets {
		p.get(path, a.serve)
	}
	if o.Start.Dev {
		p.get("/dev/inbox", p.inbox)
		p.get("/dev/inbox/{id}", p.message)
		p.get("/dev/inbox/{id}/html", p.messageHTML)
		p.get("/dev/inbox.json", p.inboxJSON)
	}
	if o.Links != nil {
		p.serveLinks(o)
	}
	if o.States != nil {
		p.serveStates(o)
	}
	if o.Portal != nil {
		p.servePortal(o)
	}
	p.mux.HandleFunc("/", p.NotFound)
	p.whole = p.asWritten(p.mux)
	return p, nil
}

// ServeHTTP answers every path; what is no page is NotFound.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.whole.ServeHTTP(w, r)
}

// asWritten takes a page's path in another spelling, to which the router would
// redirect, for none.
func (p *Pages) asWritten(mux http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !server.CleanPath(r.URL) {
			p.NotFound(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// get serves a page to GET and HEAD, and refuses everything else.
func (p *Pages) get(path string, h http.HandlerFunc) {
	p.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			problem(w, http.StatusMethodNotAllowed, "This page can only be read.")
			return
		}
		h(w, r)
	})
}

// base is the language that has every page: shown to whoever asks for none of
// the others, and where those lack a page.
const base = "en"

// names of pages; each is a file in a language's folder, shown within
// layout.html of the same folder.
var names = []string{
	"start", "closed", "inbox", "message", "missing", "fault", "jobs",
	"link-ask", "link-done", "link-expired", "link-sent", "link-dead", "link-taken", "link-wait", "link-foreign",
	"state-contact", "state-code", "state-challenge", "state-over", "state-error", "state-home", "state-foreign",
	"edi-signin",
	"portal-home", "portal-form", "portal-profile", "portal-delete", "portal-message", "portal-requests", "portal-request",
}

// portalFolder has the pages of the portal, which say everything by portalText: one
// file serves all its languages, with the layout of each.
const portalFolder = "portal"

func (p *Pages) load() error {
	folders, err := fs.ReadDir(templateFiles, "templates")
	if err != nil {
		return err
	}
	langs := []string{base}
	for _, f := range folders {
		if f.Name() != base && f.Name() != portalFolder {
			langs = append(langs, f.Name())
		}
	}
	p.pages = map[string]page{}
	for _, name := range names {
		if p.pages[name], err = p.loadPage(name, langs); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pages) loadPage(name string, langs []string) (page, error) {
	funcs := template.FuncMap{
		"asset":    func(path string) string { return p.assets[path].link(path) },
		"day":      func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05") },
		"iso":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"provider": providerTitle,
	}
	var pg page
	var tags []language.Tag
	for _, lang := range langs {
		dir := "templates/" + lang + "/"
		files := []string{dir + "layout.html", dir + "words.html", dir + name + ".html"}
		if strings.HasPrefix(name, portalFolder+"-") {
			if !slices.ContainsFunc(portalLangs, func(l langLink) bool { return l.Tag == lang }) {
				continue
			}
			files[2] = "templates/portal/" + name + ".html"
			files = append(files, "templates/portal/portal-parts.html")
		} else if _, err := fs.Stat(templateFiles, files[2]); lang != base && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		tag, err := language.Parse(lang)
		if err != nil {
			return pg, fmt.Errorf("folder %q: %w", lang, err)
		}
		t, err := template.New("layout.html").Funcs(funcs).
			ParseFS(templateFiles, files...)
		if err != nil {
			return pg, err
		}
		tags, pg.langs, pg.in = append(tags, tag), append(pg.langs, lang), append(pg.in, t)
	}
	pg.match = language.NewMatcher(tags)
	return pg, nil
}

// view is what a template sees.
type view struct {
	Lang    string
	Dev     bool
	Page    string
	Refresh int // seconds until the page loads itself again; 0: never
	// Operator: the page is one of the internal listener.
	Operator bool
	// Guest: the page is for people who know nothing of usher and came from a mail.
	Guest bool
	// OwnForms: the page's forms act by a cookie, so it matters where they come from.
	OwnForms bool
	// Script: the page has a script of this server's. FormAction is another site
	// that sending its form may end at; empty: none.
	Script     bool
	FormAction string
	Data       any
}

// refresher is data of a page that may load itself again.
type refresher interface{ refresh() int }

// render writes a page. It is made before anything is sent, so that a fault
// in it is an answer of its own.
func (p *Pages) render(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	p.renderAs(w, r, status, name, view{Data: data})
}

// renderAs is render with what else is known of the page.
func (p *Pages) renderAs(w http.ResponseWriter, r *http.Request, status int, name string, v view) {
	tags, _, _ := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	pg := p.pages[name]
	_, i, _ := pg.match.Match(tags...)
	v.Lang, v.Page, v.Dev = pg.langs[i], name, p.info.Dev && !v.Operator
	if d, ok := v.Data.(refresher); ok {
		v.Refresh = d.refresh()
	}
	var b bytes.Buffer
	if err := pg.in[i].Execute(&b, v); err != nil {
		p.log.ErrorContext(r.Context(), "rendering a page failed", "page", name, "err", err)
		problem(w, http.StatusInternalServerError, "The page could not be made.")
		return
	}
	policy := pagePolicy
	if v.Script {
		policy += "; script-src 'self'"
	}
	if v.FormAction != "" {
		// Browsers hold a form's redirects to it too.
		policy = strings.Replace(policy, "form-action 'self'", "form-action 'self' "+v.FormAction, 1)
	}
	secure(w.Header(), policy)
	if v.Operator || v.OwnForms { // without a referrer its forms would have no origin either, and be refused
		w.Header().Set("Referrer-Policy", "same-origin")
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", v.Lang)
	w.Header().Set("Vary", "Accept, Accept-Language")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}
